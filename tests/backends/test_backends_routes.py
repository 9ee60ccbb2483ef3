"""Who is told what: routes by Alertmanager's own tool, and alerts through a real Alertmanager to each receiver."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from backend_stores import ask, wait_until
from backend_tools import CONFIG, free_addresses, running_program

from otel_trading.catalogue.rules.model import SEVERITIES, TEAMS

pytestmark = pytest.mark.backends

QUIET, NOTIFY = CONFIG / "alertmanager/alertmanager.yml", CONFIG / "alertmanager/notify.yml"


def routed(amtool: str, file: Path, **labels: str) -> set[str]:
    """Receivers of an alert with these labels."""
    pairs = [f"{name}={value}" for name, value in labels.items()]
    command = [amtool, "config", "routes", "test", f"--config.file={file}", *pairs]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return set(told.stdout.strip().split(","))


@pytest.mark.parametrize("file", [QUIET, NOTIFY], ids=lambda file: file.name)
def test_a_configuration_of_alertmanager_is_valid(programs: dict[str, str], file: Path) -> None:
    """Without a file of secrets."""
    told = subprocess.run([programs["amtool"], "check-config", str(file)], capture_output=True, text=True, timeout=30)
    assert told.returncode == 0, told.stdout + told.stderr


def test_both_configurations_have_the_same_routes() -> None:
    """They differ in where receivers lead to."""
    quiet, notify = (yaml.safe_load(file.read_text()) for file in (QUIET, NOTIFY))
    assert quiet["route"] == notify["route"]
    assert quiet["inhibit_rules"] == notify["inhibit_rules"]
    assert [one["name"] for one in quiet["receivers"]] == [one["name"] for one in notify["receivers"]]
    assert all(list(one) == ["name"] for one in quiet["receivers"])
    assert all(len(one) == 2 for one in notify["receivers"])


@pytest.mark.parametrize("team", TEAMS)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_an_alert_is_routed_by_severity_and_team(programs: dict[str, str], severity: str, team: str) -> None:
    """Critical ones call somebody; all but mere notes are told to their team; everything is logged."""
    wanted = {"log"}
    wanted |= {"page"} if severity == "critical" else set()
    wanted |= {f"chat-{team}"} if severity != "info" else set()
    assert wanted == routed(programs["amtool"], QUIET, severity=severity, team=team, profile="bog")


def test_what_halts_trading_is_told_to_programs_too(programs: dict[str, str]) -> None:
    """Such as a kill switch."""
    told = routed(programs["amtool"], QUIET, severity="critical", team="trading", role="cause")
    assert told == {"log", "page", "automation", "chat-trading"}


def test_no_secret_stands_in_a_configuration() -> None:
    """Keys and addresses that are secret come from files."""
    text = NOTIFY.read_text()
    assert text.count("_file: /etc/alertmanager/secrets/") == 2 + len(TEAMS)
    assert not any(word in text for word in ("routing_key:", "service_key:", "api_url:", "hooks."))


@contextmanager
def listening() -> Iterator[tuple[str, dict[str, list[Any]]]]:
    """A server that keeps what is posted to it, by path."""
    taken: dict[str, list[Any]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.setdefault(self.path, []).append(json.loads(body))
            self.send_response(202 if self.path == "/page" else 200)
            self.end_headers()
            self.wfile.write(b'{"status": "success"}' if self.path == "/page" else b"ok")

        def log_message(self, format: str, *arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", taken
        finally:
            server.shutdown()
            thread.join()


def alert(name: str, severity: str, **labels: str) -> dict[str, Any]:
    annotations = {"summary": f"{name} happened.", "description": "", "runbook_url": f"http://books/{name.lower()}"}
    return {"labels": {"alertname": name, "severity": severity, **labels}, "annotations": annotations}


SENT = [
    alert("KillSwitch", "critical", team="trading", profile="trading", role="cause"),
    alert("NothingFilled", "warning", team="trading", profile="trading", role="consequence"),
    alert("NothingFilledElsewhere", "warning", team="trading", profile="bog", role="consequence"),
    alert("QueueFull", "critical", team="data", profile="bog", family="queue"),
    alert("QueueFills", "warning", team="data", profile="bog", family="queue"),
    alert("OtherQueueFills", "warning", team="data", profile="bog", family="other"),
    alert("TargetDown", "high", team="infrastructure", job="services", instance="a:1"),
    alert("Silent", "warning", team="data", job="services", instance="a:1"),
    alert("SilentElsewhere", "warning", team="data", job="services", instance="b:1"),
    alert("HotSymbol", "info", team="data", profile="bog"),
]
SILENCED = {"NothingFilled", "QueueFills", "Silent"}


def test_alerts_reach_their_receivers_and_what_is_explained_reaches_nobody(
    programs: dict[str, str], tmp_path: Path
) -> None:
    """PagerDuty, Slack, a program and the log, with secrets from files; only the waits are shortened."""
    with listening() as (url, taken):
        [log, address] = free_addresses(2)
        for name, path in {"pagerduty_key": "key", "slack_url": f"{url}/chat", "automation_url": f"{url}/auto"}.items():
            (tmp_path / name).write_text(path)
        settings = yaml.safe_load(NOTIFY.read_text().replace("/etc/alertmanager/secrets", str(tmp_path)))
        settings["global"] = {"pagerduty_url": f"{url}/page"}
        settings["receivers"][0]["webhook_configs"][0]["url"] = f"http://{log}/"
        for route in [settings["route"], *settings["route"]["routes"]]:
            route["group_wait"] = "1s"
        (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(settings))
        with logging(log, tmp_path) as lines, alertmanager(programs["alertmanager"], address, tmp_path) as api:
            ask(f"{api}/alerts", SENT, method="POST")
            wait_until(lambda: silenced(api) == SILENCED, 10)
            heard = {one["labels"]["alertname"] for one in SENT} - SILENCED
            wait_until(lambda: {line["alert.alertname"] for line in lines()} == heard, 30)
            wait_until(lambda: len(taken.get("/page", [])) == 2 and len(taken.get("/auto", [])) == 1, 30)
            wait_until(lambda: {title(one) for one in taken.get("/chat", [])} == heard - {"HotSymbol"}, 30)
    assert {one["routing_key"] for one in taken["/page"]} == {"key"}
    assert {"KillSwitch"} == {one["labels"]["alertname"] for one in taken["/auto"][0]["alerts"]}
    levels = {line["alert.alertname"]: line["level"] for line in lines()}
    assert (levels["QueueFull"], levels["TargetDown"], levels["OtherQueueFills"], levels["HotSymbol"]) == (
        "critical",
        "error",
        "warning",
        "info",
    )


def silenced(api: str) -> set[str]:
    """Alerts that another one explains."""
    return {one["labels"]["alertname"] for one in ask(f"{api}/alerts") if one["status"]["inhibitedBy"]}


def title(message: dict[str, Any]) -> str:
    """The alert that a message of the chat is about."""
    found: str = message["attachments"][0]["title"].split()[1]
    return found


@contextmanager
def alertmanager(program: str, address: str, folder: Path) -> Iterator[str]:
    command = [
        program,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with running_program(command, folder, f"http://{address}/-/ready"):
        yield f"http://{address}/api/v2"


@contextmanager
def logging(address: str, folder: Path) -> Iterator[Any]:
    """The program that writes alerts as lines; yields what reads them."""
    output = folder / "alerts.jsonl"
    with output.open("w") as file:
        command = [sys.executable, str(CONFIG / "alertmanager/log_alerts.py"), address]
        process = subprocess.Popen(command, stdout=file)
        try:
            yield lambda: [json.loads(line) for line in output.read_text().splitlines()]
        finally:
            process.terminate()
            assert process.wait(10) == -15
