"""The stack: started as a whole, known by one file, and gone as a whole."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from . import influxdb, processes
from .places import CONFIG, BackendError, say
from .ports import Block
from .servers import plan
from .shape import Server, Shape

STATE = "stack.json"
READY_S = 120.0
ENDING_S = 20.0
TEMPLATES = (
    ("_component_template/otel-trading-names", "otel-trading-names.json"),
    ("_component_template/otel-trading-orders", "otel-trading-orders.json"),
    ("_component_template/otel-trading-py_rt", "otel-trading-py_rt.json"),
    ("_index_template/logs-otel-trading", "logs-otel-trading.json"),
    ("_index_template/logs-otel-trading-stdout", "logs-otel-trading-stdout.json"),
)


def up(directory: Path, shape: Shape = Shape()) -> dict[str, Any]:  # noqa: B008  (frozen)
    """Starts every server on loopback ports, waits until each is ready and returns what `stack.json` says.

    Raises:
        BackendError: a stack is there already, or a server did not come up; then all of them are ended again.
    """
    if (directory / STATE).exists():
        raise BackendError(f"a stack is in {directory} already. End it with `down --dir {directory}`.")
    # logs of a stack that did not come up may lie there
    shutil.rmtree(directory / "logs", ignore_errors=True)
    if directory.exists() and any(directory.iterdir()):
        raise BackendError(f"{directory} is not empty. Name a folder that is empty or not there.")
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    (directory / "logs").mkdir()
    (directory / "run").mkdir()
    state: dict[str, Any] = {"directory": str(directory), "servers": {}}
    try:
        if shape.usual_ports:
            _start_all(plan(directory / "run", shape, None), directory, state)
        else:
            with Block() as block:
                _start_all(plan(directory / "run", shape, block.ports), directory, state, block.lock)
    except BaseException:
        down(directory, keep_logs=True)
        raise
    return state


def _start_all(groups: list[list[Server]], directory: Path, state: dict[str, Any], lock: int | None = None) -> None:
    """Starts all servers of a group together, and the next group once they are ready."""
    began = time.monotonic()
    for group in groups:
        for server in group:
            _start(server, directory, state, lock)
        for server in group:
            _await(server, directory, state, began)
            if server.name == "elasticsearch":
                # before any collector: a log record that finds no template is dropped
                load_templates(server.addresses["url"])
            if server.name == "influxdb":
                influxdb.create_database(server.addresses["url"])


def down(directory: Path, *, keep_logs: bool = False) -> None:
    """Ends what `stack.json` names, the collector first, and removes everything `up` made."""
    for name, server in reversed(_servers(directory).items()):
        if not processes.end(server["pid"], server["born"], ENDING_S):
            say(f"{name}: did not end within {ENDING_S:.0f} s and was killed")
    shutil.rmtree(directory / "run", ignore_errors=True)
    (directory / STATE).unlink(missing_ok=True)
    if not keep_logs:
        shutil.rmtree(directory / "logs", ignore_errors=True)
        if directory.exists() and not any(directory.iterdir()):
            directory.rmdir()


def status(directory: Path) -> dict[str, str]:
    """Returns for every server of the stack `ready`, `not ready` or `ended`."""
    found = {}
    for name, server in _servers(directory).items():
        alive = processes.born(server["pid"]) == server["born"] != ""
        found[name] = ("ready" if _answers(server["probe"]) else "not ready") if alive else "ended"
    return found


def stop_one(directory: Path, name: str, *, patience_s: float = ENDING_S) -> None:
    """Ends one server and keeps its data; `start_one` starts it again where it was."""
    server = _named(directory, name)
    processes.end(server["pid"], server["born"], patience_s)


def start_one(directory: Path, name: str) -> None:
    """Starts a server that `stop_one` ended, at its former addresses, and waits until it is ready."""
    state: dict[str, Any] = {"directory": str(directory), "servers": _known(directory)}
    kept = _named(directory, name)
    if processes.born(kept["pid"]) == kept["born"] != "":
        raise BackendError(f"{name} is running.")
    again = Server(name, kept["command"], kept["probe"], Path(kept["directory"]), kept["environment"])
    _start(again, directory, state)
    _await(again, directory, state, time.monotonic())


def load_templates(url: str) -> None:
    """Gives Elasticsearch the index templates; those that are used by another one come first."""
    for path, name in TEMPLATES:
        request = urllib.request.Request(
            f"{url}/{path}",
            (CONFIG / "elasticsearch" / name).read_bytes(),
            {"content-type": "application/json"},
            method="PUT",
        )
        try:
            urllib.request.urlopen(request, timeout=30).close()
        except urllib.error.HTTPError as error:
            raise BackendError(f"Elasticsearch refuses {name}: {error.read().decode()}") from error


def environment(directory: Path) -> dict[str, str]:
    """Returns the variables by which services, `otel-trading demo --stack` and `doctor` find the stack."""
    servers = _known(directory)
    files = " ".join(servers["collector"]["command"])
    return {
        # one way for each signal
        "OTEL_METRICS_EXPORTER": "otlp" if "metrics-by-otlp" in files else "prometheus",
        "OTEL_LOGS_EXPORTER": "none" if "logs-from-files" in files else "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": servers["collector"]["otlp_http"],
        "OTEL_TRADING_JAEGER_URL": servers["jaeger"]["url"],
        "OTEL_TRADING_ELASTICSEARCH_URL": servers["elasticsearch"]["url"],
        "OTEL_TRADING_PROMETHEUS_URL": servers["prometheus"]["url"],
        "OTEL_TRADING_COLLECTOR_HEALTH_URL": servers["collector"]["health"],
        "OTEL_TRADING_COLLECTOR_METRICS_URL": servers["collector"]["metrics"],
    }


def _named(directory: Path, name: str) -> dict[str, Any]:
    servers = _known(directory)
    if name not in servers:
        raise BackendError(f"no {name} in {directory}, but {', '.join(servers)}.")
    server: dict[str, Any] = servers[name]
    return server


def _known(directory: Path) -> dict[str, Any]:
    """Returns the servers of a stack that must be there."""
    servers = _servers(directory)
    if not servers:
        raise BackendError(f"no stack in {directory}. Start one with `up --dir {directory}`.")
    return servers


def _servers(directory: Path) -> dict[str, Any]:
    path = directory / STATE
    servers: dict[str, Any] = json.loads(path.read_text())["servers"] if path.exists() else {}
    return servers


def _start(server: Server, directory: Path, state: dict[str, Any], lock: int | None = None) -> None:
    log = directory / "logs" / f"{server.name}.log"
    pid = processes.start(server.command, server.directory, server.environment, log, lock)
    state["servers"][server.name] = {
        **state["servers"].get(server.name, {}),
        **server.addresses,
        "pid": pid,
        "born": processes.born(pid),
        "probe": server.probe,
        "log": str(log),
        "command": server.command,
        "directory": str(server.directory),
        "environment": server.environment,
    }
    unfinished = directory / f"{STATE}.tmp"
    unfinished.write_text(json.dumps(state, indent=2))
    unfinished.rename(directory / STATE)


def _await(server: Server, directory: Path, state: dict[str, Any], began: float) -> None:
    known = state["servers"][server.name]

    def settled() -> bool:
        return _answers(server.probe) or processes.born(known["pid"]) != known["born"]

    in_time = processes.wait(settled, READY_S)
    if not in_time or not _answers(server.probe):
        log = Path(known["log"])
        end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        why = f"was not ready within {READY_S:.0f} s" if not in_time else "ended"
        raise BackendError(f"{server.name} {why}. {log} ends:\n{end}")
    say(
        f"{server.name}: ready after {time.monotonic() - began:.1f} s, {known.get('url') or known.get('otlp_http', '')}"
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
