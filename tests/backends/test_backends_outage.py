"""A back end goes away, the collector ends: what the collector accepted is not lost and does not come twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from backend_stores import Stack, wait_until
from conftest import running, service, tell
from support.children import without_engine

pytestmark = [pytest.mark.backends, pytest.mark.timeout(240)]

RECORDS = 400
OUTAGE_S = 30.0

SERVICE = """
    import sys
    import otel_trading as ot

    endpoint, name, records = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with ot.init(name, otlp_endpoint=endpoint, metrics_exporter=["none"], stdout="off") as telemetry:
        log, tracer = ot.get_logger(), ot.tracer()
        for number in range(records):
            with tracer.start_as_current_span("order.submit binance"):
                log.info("order submitted", client_order_id=f"{name}-{number}")
        assert telemetry.flush(20)
"""


@pytest.fixture(scope="module")
def frail() -> Iterator[Stack]:
    """A stack of these tests alone: servers of it are stopped, and Jaeger forgets when it is."""
    with running() as made:
        yield made


def work(stack: Stack, name: str) -> None:
    """A service that sends its records and ends; the collector accepted all of them."""
    with service(SERVICE, stack.otlp, name, str(RECORDS)) as sender:
        _, complaints = sender.communicate(timeout=60)
    assert (sender.returncode, without_engine(complaints)) == (0, "")


def ids(stack: Stack, name: str) -> list[str]:
    """The orders whose line is stored, as often as it is stored."""
    found = stack.logs(f"service.name:{name}")
    return sorted([line["attributes"]["trading.order.client_id"] for line in found])


def everything_once(name: str) -> list[str]:
    return sorted([f"{name}-{number}" for number in range(RECORDS)])


@pytest.mark.parametrize("collector", ["stays", "ends", "dies"])
def test_logs_outlive_an_outage_of_elasticsearch(frail: Stack, collector: str) -> None:
    """Also if the collector gets a SIGTERM or a SIGKILL meanwhile."""
    tell(frail, "stop", "elasticsearch")
    began = time.monotonic()
    work(frail, collector)
    if collector != "stays":
        tell(frail, "stop", "collector", *(["--kill"] if collector == "dies" else []))
        tell(frail, "start", "collector")
    else:
        # longer than any timeout of the exporters
        wait_until(lambda: time.monotonic() > began + OUTAGE_S, OUTAGE_S + 5)
    tell(frail, "start", "elasticsearch")

    wait_until(lambda: len(ids(frail, collector)) >= RECORDS, 60)
    work(frail, f"after-{collector}")
    wait_until(lambda: len(ids(frail, f'"after-{collector}"')) >= RECORDS, 60)
    assert ids(frail, collector) == everything_once(collector)


@pytest.mark.parametrize("how", [(), ("--kill",)], ids=["ends", "dies"])
def test_spans_outlive_an_outage_of_jaeger(frail: Stack, how: tuple[str, ...]) -> None:
    """They wait in the queue on disk, also over a SIGTERM or SIGKILL of the collector."""
    name = f"patient-{len(how)}"
    tell(frail, "stop", "jaeger")
    work(frail, name)
    tell(frail, "stop", "collector", *how)
    tell(frail, "start", "collector")
    tell(frail, "start", "jaeger")
    wait_until(lambda: frail.spans_of(name) >= RECORDS, 60)
    assert frail.spans_of(name) == RECORDS


def test_a_graceful_stop_says_dropping_and_drops_nothing(frail: Stack) -> None:
    """The words of the exporter that retries; its items are in the queue on disk all the same."""
    log = Path(frail.servers["collector"]["log"]).read_text()
    assert "Dropping data" in log or "interrupted due to shutdown" in log
