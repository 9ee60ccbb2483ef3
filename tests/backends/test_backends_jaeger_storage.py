"""Jaeger on Elasticsearch: traces outlive it, and the cleaner of its project removes old days."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from backend_stores import Stack, ask, wait_until
from backend_tools import CONFIG, free_addresses, program, running_program

pytestmark = pytest.mark.backends

TRACE = "5b8efff798038103d269b633813fc60c"
SPAN = "eee19b7ec3c1b174"
PREFIX = "deployed"


class Jaeger:
    """A Jaeger of these tests, with the file that is deployed, at the same addresses each time it is started."""

    def __init__(self, binary: str, elasticsearch: str, folder: Path) -> None:
        names = ("HEALTH", "QUERY_GRPC", "QUERY_HTTP", "OTLP_GRPC", "OTLP_HTTP", "METRICS")
        addresses = dict(zip(names, free_addresses(len(names)), strict=True))
        self.query, self.otlp = f"http://{addresses['QUERY_HTTP']}", f"http://{addresses['OTLP_HTTP']}"
        self.health = f"http://{addresses['HEALTH']}/status"
        self.metrics = f"http://{addresses['METRICS']}/metrics"
        self._binary = binary
        self._folder = folder
        self._environment = {
            **{f"JAEGER_{name}_ADDRESS": address for name, address in addresses.items() if name != "METRICS"},
            "JAEGER_METRICS_PORT": addresses["METRICS"].split(":")[1],
            "JAEGER_ELASTICSEARCH_URLS": json.dumps([elasticsearch]),
            "JAEGER_INDEX_PREFIX": PREFIX,
            # the build of the tests does not answer at its root
            "JAEGER_ELASTICSEARCH_UNCHECKED": "true",
            "JAEGER_ELASTICSEARCH_VERSION": "8",
            "JAEGER_UI_CONFIG": str(CONFIG / "jaeger/ui.json"),
            "OTEL_TRACES_SAMPLER": "always_off",
        }

    def running(self, file: str = "elasticsearch.yaml", **changed: str) -> AbstractContextManager[Path]:
        command = [self._binary, "--config", str(CONFIG / "jaeger" / file)]
        return running_program(command, self._folder, self.health, **{**self._environment, **changed})

    def names(self) -> list[str]:
        """Names of the trace's spans; none if it is not known."""
        found = ask(f"{self.query}/api/v3/traces/{TRACE}")
        resources = found["result"]["resourceSpans"] if found else []
        return [span["name"] for one in resources for scope in one["scopeSpans"] for span in scope["spans"]]


@pytest.fixture(scope="module")
def jaeger(stack: Stack, programs: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jaeger]:
    elasticsearch = stack.servers["elasticsearch"]["url"]
    yield Jaeger(programs["jaeger"], elasticsearch, tmp_path_factory.mktemp("jaeger"))
    for index in ask(f"{elasticsearch}/{PREFIX}-*"):
        ask(f"{elasticsearch}/{index}", method="DELETE")


def spans_of_an_order() -> dict[str, object]:
    now = time.time_ns()
    span = {
        "traceId": TRACE,
        "spanId": SPAN,
        "name": "order.submit binance",
        "kind": 4,
        "startTimeUnixNano": str(now - 2_000_000),
        "endTimeUnixNano": str(now),
        "attributes": [{"key": "trading.order.client_id", "value": {"stringValue": "desk7-1"}}],
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "strategy"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "s"}, "spans": [span]}]}]}


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def test_a_trace_is_found_in_elasticsearch_and_outlives_jaeger(jaeger: Jaeger) -> None:
    """By its id and by an order's id, before and after a restart."""
    with jaeger.running():
        ask(f"{jaeger.otlp}/v1/traces", spans_of_an_order())
        wait_until(jaeger.names)
    with jaeger.running():
        assert ["order.submit binance"] == jaeger.names()
        tags = json.dumps({"trading.order.client_id": "desk7-1"})
        [found] = ask(f"{jaeger.query}/api/traces", service="strategy", tags=tags, limit="5")["data"]
        assert found["traceID"] == TRACE
        assert ["strategy"] == ask(f"{jaeger.query}/api/services")["data"]


def test_jaeger_tells_prometheus_how_it_writes(jaeger: Jaeger) -> None:
    """The series by which an alert sees that Elasticsearch refuses spans."""
    with jaeger.running():
        ask(f"{jaeger.otlp}/v1/traces", spans_of_an_order())
        wait_until(jaeger.names)
        wait_until(lambda: "jaeger_storage_bulk_index_errors_total{" in page(jaeger.metrics))


@pytest.mark.parametrize("file", ["elasticsearch.yaml", "memory.yaml"])
def test_the_page_is_told_the_links_to_kibana(jaeger: Jaeger, file: str) -> None:
    """They stand in the page that Jaeger serves; that they lead somewhere is shown in test_backends_kibana.py."""
    with jaeger.running(file):
        told = re.search(r"JAEGER_CONFIG = (\{.*\});", page(f"{jaeger.query}/search"))
    assert told
    assert json.loads((CONFIG / "jaeger/ui.json").read_text()) == json.loads(told[1])


def test_a_page_configuration_that_is_missing_ends_jaeger(jaeger: Jaeger, tmp_path: Path) -> None:
    """So a wrong path is noticed, and not by links that are not there."""
    with pytest.raises(AssertionError, match="cannot read UI config file"):
        with jaeger.running(JAEGER_UI_CONFIG=str(tmp_path / "ui.json")):
            pass


@pytest.mark.parametrize(("days", "stays"), [("30", True), ("0", False)])
def test_only_indices_made_longer_ago_are_removed(stack: Stack, days: str, stays: bool) -> None:
    """By jaeger-es-index-cleaner, which goes by the day on which an index was made, and leaves other indices alone."""
    cleaner = program("es-index-cleaner")
    url = stack.servers["elasticsearch"]["url"]
    made, other = "aged-jaeger-span-2026-01-02", "aged-logs-2026-01-02"
    for index in (made, other):
        ask(f"{url}/{index}", {}, method="PUT")
    command = [cleaner, days, url, "--index-prefix=aged"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    found = [ask(f"{url}/{index}") is not None for index in (made, other)]
    for index in (made, other):
        ask(f"{url}/{index}", method="DELETE")
    assert (done.returncode, [stays, True]) == (0, found), done.stderr
