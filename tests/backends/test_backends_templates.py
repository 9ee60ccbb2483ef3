"""`elasticsearch/load.sh` and `kibana/import.sh`: into the real minimal build, and against a stand-in for a full distribution."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from backend_stores import Stack, ask
from backend_tools import CONFIG
from support.children import environment

from otel_trading.catalogue.reading import ours
from otel_trading.ground.order_ids import TABLE

pytestmark = pytest.mark.backends

FOLDER = CONFIG / "elasticsearch"
SHARED = {
    "/_component_template/otel-trading-names": "otel-trading-names.json",
    "/_component_template/otel-trading-orders": "otel-trading-orders.json",
    "/_index_template/logs-otel-trading": "logs-otel-trading.json",
    "/_index_template/logs-otel-trading-stdout": "logs-otel-trading-stdout.json",
}
PY_RT = {"/_component_template/otel-trading-py_rt": "otel-trading-py_rt.json"}
LASTING = {
    "/_component_template/otel-trading-lifecycle": "otel-trading-lifecycle.json",
    "/_ilm/policy/otel-trading-logs": "otel-trading-logs-policy.json",
}


def load(url: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """By the shell that is strictest."""
    told = environment(measured=False, ELASTICSEARCH_URL=url, **variables)
    command = ["/bin/sh", str(FOLDER / "load.sh"), *options]
    return subprocess.run(command, env=told, capture_output=True, text=True, timeout=60)


class FullDistribution(ThreadingHTTPServer):
    """Answers what load.sh asks as Elasticsearch 8.19 does, and keeps what it was given."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.kept: dict[str, Any] = {}
        self.logins: set[str] = set()
        self.wanted_login = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: FullDistribution

    def do_GET(self) -> None:
        known = self.path == "/_ilm/status" or self.path in self.server.kept
        self.answer(200 if known else 404, self.server.kept.get(self.path, {}))

    def do_PUT(self) -> None:
        self.server.kept[self.path] = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.answer(200, {"acknowledged": True})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        whole = "json" in self.headers["content-type"]
        self.server.kept[self.path] = json.loads(body) if whole else body.decode()
        self.answer(200, {"success": True})

    def answer(self, status: int, body: object) -> None:
        login = base64.b64decode(self.headers.get("authorization", "").removeprefix("Basic ")).decode()
        self.server.logins.add(login)
        self.send_response(status if login == self.server.wanted_login else 401)
        self.end_headers()
        self.wfile.write(json.dumps(body, separators=(",", ":")).encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def full() -> Iterator[FullDistribution]:
    with FullDistribution() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_loading_twice_into_a_minimal_build_gives_the_names_of_orders(stack: Stack) -> None:
    """Which build it is is found out; what a new stream would get is asked of Elasticsearch itself."""
    url = stack.servers["elasticsearch"]["url"]
    for _ in range(2):
        told = load(url)
        assert (told.returncode, told.stderr) == (0, "")
        assert told.stdout.splitlines()[0] == f"{url}: minimal"
    properties = ask(f"{url}/_index_template/_simulate_index/logs-x.otel-y", method="POST")["template"]["mappings"][
        "properties"
    ]
    aliases = {name: field["path"] for name, field in properties["trading"]["properties"].items()}
    assert aliases == {
        "order_id": "attributes.trading.order.id",
        "client_order_id": "attributes.trading.order.client_id",
        "root_client_order_id": "attributes.trading.order.root_client_id",
        "exec_id": "attributes.trading.execution.id",
        "sequence": "attributes.md.sequence",
    }
    assert properties["log"]["properties"]["level"] == {"type": "alias", "path": "severity_text"}
    assert properties["message"] == {"type": "alias", "path": "body.text"}


def test_the_full_variant_is_refused_where_there_are_no_lifecycles(stack: Stack) -> None:
    """By Elasticsearch itself, with the name of what it does not take."""
    told = load(stack.servers["elasticsearch"]["url"], "--full")
    assert (told.returncode, "refuses _ilm/policy/otel-trading-logs" in told.stderr) == (1, True)


def test_a_full_distribution_gets_the_same_names_and_thirty_days(full: FullDistribution) -> None:
    """The very files of the minimal build, checked there by Elasticsearch, and two more; twice gives the same."""
    for _ in range(2):
        told = load(full.url)
        assert (told.returncode, told.stderr, told.stdout.splitlines()[0]) == (0, "", f"{full.url}: full")
    assert full.kept == {path: json.loads((FOLDER / name).read_text()) for path, name in {**SHARED, **LASTING}.items()}


def test_the_lifecycle_is_found_by_its_name() -> None:
    """The template asks for the component where it is there, the component for the policy: a day an index, 30 days."""
    template, lifecycle, policy = [
        json.loads((FOLDER / name).read_text())
        for name in ("logs-otel-trading.json", "otel-trading-lifecycle.json", "otel-trading-logs-policy.json")
    ]
    assert "otel-trading-lifecycle" in template["composed_of"]
    # neither has to be there, both are used where they are
    assert ["otel-trading-lifecycle", "otel-trading-py_rt"] == template["ignore_missing_component_templates"]
    assert set(template["ignore_missing_component_templates"]) < set(template["composed_of"])
    assert lifecycle["template"]["settings"] == {"index.lifecycle.name": "otel-trading-logs"}
    phases = policy["policy"]["phases"]
    assert set(phases) == {"hot", "delete"}
    assert (phases["hot"]["actions"]["rollover"]["max_age"], phases["delete"]["min_age"]) == ("1d", "30d")


def test_the_password_comes_from_the_environment(full: FullDistribution) -> None:
    """Whatever it consists of; a wrong one is told apart from a missing server."""
    full.wanted_login = 'elastic:a"b\\c d$e'
    told = load(full.url, ELASTICSEARCH_PASSWORD='a"b\\c d$e')
    assert (told.returncode, {full.wanted_login}) == (0, full.logins), told.stderr

    told = load(full.url, ELASTICSEARCH_PASSWORD="wrong")
    assert (told.returncode, "refuses (401)" in told.stderr) == (1, True)
    told = load("http://127.0.0.1:1")
    assert (told.returncode, "cannot be reached" in told.stderr) == (1, True)


def test_an_option_that_is_not_known_is_refused() -> None:
    """Before anything is asked."""
    told = load("http://127.0.0.1:1", "--fully")
    assert (told.returncode, "what is --fully?" in told.stderr) == (1, True)
    for wrong in (["--profile", "perf"], ["--profile"]):
        told = load("http://127.0.0.1:1", *wrong)
        assert (told.returncode, "--profile must be py_rt" in told.stderr) == (1, True)


def test_the_names_of_another_system_are_loaded_when_asked_for(full: FullDistribution) -> None:
    """Beside everything else."""
    told = load(full.url, "--profile", "py_rt", "--minimal")
    assert (told.returncode, told.stderr) == (0, "")
    assert full.kept == {path: json.loads((FOLDER / name).read_text()) for path, name in {**SHARED, **PY_RT}.items()}


def test_each_attribute_of_the_registry_has_its_type_in_elasticsearch(stack: Stack) -> None:
    """Texts as words, numbers as numbers, in records by OTLP and in JSON lines; asked of Elasticsearch itself."""
    url = stack.servers["elasticsearch"]["url"]

    def indexed(stream: str) -> dict[str, Any]:
        answer = ask(f"{url}/_index_template/_simulate_index/{stream}", method="POST")
        found: dict[str, Any] = answer["template"]["mappings"]["properties"]
        return found

    by_otlp, lines = indexed("logs-x.otel-y")["attributes"]["properties"], indexed("logs-otel_trading.stdout-y")
    types = {"int": "long", "double": "double"}
    names = {row.attribute: row.json_field for row in TABLE}
    assert {"type": "alias", "path": "service"} == lines["service.name"]
    assert sum(not attribute.resource for attribute in ours().attributes) > 60
    for attribute in ours().attributes:
        if attribute.resource:  # it stands elsewhere in a record, where Elasticsearch's own template has it
            assert attribute.key not in by_otlp
            continue
        node = by_otlp[attribute.key]
        assert node["type"] == types.get(attribute.type, "keyword"), attribute.key
        assert lines[names.get(attribute.key, attribute.key)]["type"] == node["type"], attribute.key
    assert {row.alias: row.json_field for row in TABLE} == {row.alias: lines[row.alias]["path"] for row in TABLE}


def test_kibana_gets_its_password_and_its_objects(full: FullDistribution) -> None:
    """Both scripts log in alike; the file goes as it is."""
    full.wanted_login = "elastic:secret"
    told = load(full.url, ELASTICSEARCH_PASSWORD="secret", KIBANA_PASSWORD='k"1\\')
    assert told.returncode == 0, told.stderr
    assert {"password": 'k"1\\'} == full.kept["/_security/user/kibana_system/_password"]

    variables = environment(measured=False, KIBANA_URL=full.url, ELASTICSEARCH_PASSWORD="secret")
    command = ["/bin/sh", str(CONFIG / "kibana/import.sh")]
    for systems in ([], ["bog"], ["bog", "py_rt"]):
        told = subprocess.run([*command, *systems], env=variables, capture_output=True, text=True, timeout=60)
        assert (told.returncode, told.stderr) == (0, "")
        files = [f"{name}.ndjson" for name in ("otel-trading", *[f"otel-trading-{system}" for system in systems])]
        assert told.stdout.splitlines() == [f"{full.url}: {name}" for name in files]
        last = full.kept["/api/saved_objects/_import?overwrite=true"]
        assert (CONFIG / "kibana" / files[-1]).read_text() in last
    told = subprocess.run([*command, "perf"], env=variables, capture_output=True, text=True, timeout=60)
    assert (told.returncode, "py_rt and bog have log queries" in told.stderr) == (1, True)

    full.wanted_login = "elastic:another"
    told = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
    assert (told.returncode, "refuses" in told.stderr) == (1, True)
