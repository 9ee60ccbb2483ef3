"""The whole command: stores that misbehave in every way, within the time that was given, without a traceback."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.servers import Receiver, drip, flood, free_port, hang, raw_server, receiver

from otel_trading.cli.main import main
from otel_trading.doctor import sending, waiting

Behaviour = Callable[[socket.socket, threading.Event], None]
ADDRESSES = ("jaeger", "elasticsearch", "prometheus", "collector_health", "collector_metrics")
KEYS = {"name", "state", "detail", "cause", "remedy", "fault", "seconds"}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine, as few exporters as can be, and little patience with stores that do not answer."""
    monkeypatch.setattr(waiting, "SILENCE_S", 0.2)
    for name in ("OTEL_CONFIG_FILE", "OTEL_SDK_DISABLED", "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "prometheus")
    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", "0")


class Examined:
    """What one run said."""

    def __init__(self, code: int, out: str, seconds: float) -> None:
        self.code = code
        self.document: dict[str, Any] = json.loads(out)
        self.seconds = seconds

    def __getitem__(self, name: str) -> tuple[str, str]:
        """State and fault of a finding."""
        (found,) = [one for one in self.document["findings"] if one["name"] == name]
        return found["state"], found["fault"]

    def faults(self) -> set[str]:
        return {one["fault"] for one in self.document["findings"]} - {""}


def examine(capsys: pytest.CaptureFixture[str], *arguments: str, timeout_s: float = 12.0) -> Examined:
    """Runs `otel-trading doctor --json`."""
    began = time.monotonic()
    code = main(["doctor", "--json", "--timeout", str(timeout_s), *arguments])
    seconds = time.monotonic() - began
    captured = capsys.readouterr()
    assert "" == captured.err
    return Examined(code, captured.out, seconds)


def saying(answer: bytes) -> Behaviour:
    """Answers these bytes and closes."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    return behave


def http(status: str, body: bytes, *headers: str) -> Behaviour:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close", *headers, "", ""]
    return saying("\r\n".join(lines).encode() + body)


HOSTILE = {
    "500": http("500 Internal Server Error", b"boom \x1b[31m"),
    "garbage": saying(bytes(range(256))),
    "html": http("200 OK", b"<html>log in</html>", "content-type: text/html"),
    "json of something else": http("200 OK", b'{"data": [1], "hits": 3, "result": {"resourceSpans": 1}}'),
    "null": http("200 OK", b"null"),
    "redirect": http("302 Found", b"", "location: http://127.0.0.1:1/"),
    "cut": saying(b""),
    "hang": hang,
    "drip": drip,
    "flood": flood,
}


@pytest.mark.parametrize("how", HOSTILE)
def test_stores_that_misbehave_are_findings(
    how: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of them at once; the service's own hop is fine, and told to be."""
    with receiver() as collector, ExitStack() as servers:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        for name in ADDRESSES:
            url = servers.enter_context(raw_server(HOSTILE[how]))
            monkeypatch.setenv(f"OTEL_TRADING_{name.upper()}_URL", url)
        found = examine(capsys)
    assert 1 == found.code
    assert found.seconds < 14
    assert ("ok", "") == found["spans: service to collector"]
    assert "failed" == found["spans: collector to Jaeger"][0]
    assert "failed" == found["log records: collector to Elasticsearch"][0]
    assert "failed" == found["metrics: Prometheus scrapes service"][0]
    assert "\x1b" not in json.dumps(found.document)


@pytest.mark.parametrize(
    ("alive", "fault"), [(False, "collector_down"), (True, "canary_failed")], ids=["dead", "alive"]
)
def test_a_canary_that_is_late_does_not_hide_a_collector_that_is_down(
    alive: bool, fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a busy machine its process takes longer to start than it may; what was seen before it says enough."""
    monkeypatch.setattr(sending, "_START_S", -60.0)
    with receiver() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url if alive else f"http://127.0.0.1:{free_port()}")
        found = examine(capsys)
    assert 1 == found.code
    assert ("failed", fault) == found["spans: service to collector"] == found["log records: service to collector"]


@pytest.mark.parametrize(
    ("how", "protocol", "fault"),
    [
        ("garbage", "http/protobuf", "no_receiver"),
        ("cut", "http/protobuf", "no_receiver"),
        ("flood", "http/protobuf", "not_taken"),
        ("redirect", "http/protobuf", "wrong_port"),
        ("hang", "http/protobuf", "no_receiver"),
        ("garbage", "grpc", "no_receiver"),
        ("hang", "grpc", "no_receiver"),
    ],
)
def test_a_collector_that_misbehaves_is_a_finding(
    how: str, protocol: str, fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By either protocol, in time."""
    with raw_server(HOSTILE[how]) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        found = examine(capsys)
    assert 1 == found.code
    assert found.seconds < 14
    assert ("failed", fault) == found["spans: service to collector"]


def sent(collector: Receiver) -> list[Any]:
    """The canaries that arrived."""
    return [span for span in collector.spans if span.name == "doctor.canary"]  # type: ignore[attr-defined]


def test_without_addresses_the_first_hop_is_examined_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Skipped stores do not fail; the canary is one span with one record in it, by the doctor's own name."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setenv("OTEL_TRADING_LOG_LEVEL", "error")
    with receiver() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        found = examine(capsys)
        (span,) = sent(collector)
        (record,) = collector.logs
    assert 0 == found.code
    assert set() == found.faults()
    assert span.trace_id.hex() == found.document["trace_id"]
    assert span.span_id == record.span_id  # type: ignore[attr-defined]
    attributes = {one.key: one.value.string_value for one in span.attributes}
    assert found.document["canary"] == attributes["otel_trading.doctor.canary"]
    assert "skipped" == found["spans: collector to Jaeger"][0]
    assert "skipped" == found["log records: collector to Elasticsearch"][0]


def test_the_document_has_a_fixed_shape(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """For programs that watch."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    found = examine(capsys)
    assert {"ok", "canary", "trace_id", "seconds", "findings", "pages"} == set(found.document)
    assert (1, False) == (found.code, found.document["ok"])
    assert all(KEYS == set(one) for one in found.document["findings"])
    names = [one["name"] for one in found.document["findings"]]
    assert len(names) == len(set(names))
    assert ("failed", "collector_down") == found["spans: service to collector"]


def test_people_get_a_table_with_causes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """State, name, detail; cause and remedy below; what repeats is not repeated."""
    port = free_port()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    assert 1 == main(["doctor", "--timeout", "12"])
    lines = capsys.readouterr().out.splitlines()
    (at,) = [number for number, line in enumerate(lines) if "spans: service to collector" in line]
    assert lines[at].startswith("failed ")
    assert f"127.0.0.1:{port}: nobody listens there" in lines[at]
    assert "cause: The collector does not run" in lines[at + 1]
    assert "what to do: Start the collector" in lines[at + 2]
    (after,) = [number for number, line in enumerate(lines) if "log records: service to collector" in line]
    assert "as above" in lines[after + 1]
    assert "failed" in lines[-1]


def test_a_wrong_configuration_is_said_as_everywhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Exit code 2, the knob's name, nothing on standard output."""
    monkeypatch.setenv("OTEL_TRADING_TICK_RATIO", "7")
    assert 2 == main(["doctor"])
    captured = capsys.readouterr()
    assert "" == captured.out
    assert "'tick_ratio' (from OTEL_TRADING_TICK_RATIO) must be" in captured.err
    monkeypatch.delenv("OTEL_TRADING_TICK_RATIO")
    assert 2 == main(["doctor", "--jaeger-url", "localhost:16686"])
    assert "'jaeger_url' (from argument) must be an http:// or https:// address" in capsys.readouterr().err
    authority = tmp_path / "authority.pem"
    authority.write_text("none")
    monkeypatch.setenv("OTEL_TRADING_STORES_CERTIFICATE", str(authority))
    assert 2 == main(["doctor", "--jaeger-url", "https://localhost:16686"])
    assert "stores_certificate" in capsys.readouterr().err
    path = tmp_path / "otel.yaml"
    path.write_text("file_format: 2\n")
    assert 2 == main(["doctor", "--file", str(path)])
    assert "'file_format' (from otel.yaml:1)" in capsys.readouterr().err


def test_what_init_refuses_later_is_said_in_its_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A certificate file that is there and cannot be used is found out by the canary's process."""
    authority = tmp_path / "authority.pem"
    authority.write_text("none")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(authority))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"https://127.0.0.1:{free_port()}")
    assert 2 == main(["doctor", "--timeout", "12"])
    captured = capsys.readouterr()
    assert "" == captured.out
    assert captured.err.startswith("'otlp_certificate' (from configuration) must be readable PEM files")


def test_a_terminal_sees_what_is_being_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on standard error, taken back at the end."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    main(["doctor", "--timeout", "12"])
    said = capsys.readouterr().err
    assert "sending a canary ..." in said
    assert said.endswith("\r\x1b[K")
    assert "\n" not in said


def test_an_option_is_stronger_than_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As knobs resolve."""
    monkeypatch.setenv("OTEL_TRADING_JAEGER_URL", "http://nobody.invalid")
    with receiver() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        found = examine(capsys, "--jaeger-url", f"http://127.0.0.1:{free_port()}")
    assert ("failed", "jaeger_down") == found["spans: collector to Jaeger"]


def test_what_is_turned_off_is_told_and_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """OTEL_SDK_DISABLED."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    found = examine(capsys)
    assert (1, "", ("failed", "disabled")) == (found.code, found.document["canary"], found["telemetry"])


def test_a_file_decides_where_the_canary_goes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Its sampler does not drop it, and a signal that it leaves out is skipped."""
    path = tmp_path / "otel.yaml"
    with receiver() as collector:
        path.write_text(
            'file_format: "1.1"\ntracer_provider:\n  processors:\n    - batch:\n        exporter:\n          otlp_http:\n'
            f"            endpoint: {collector.url}/v1/traces\n  sampler:\n    always_off:\n"
        )
        found = examine(capsys, "--file", str(path))
        assert 1 == len(sent(collector))
    assert ("ok", "") == found["spans: service to collector"]
    assert ("skipped", "") == found["log records: service to collector"]


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "inf", "4"])
def test_a_limit_that_is_too_short_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A process has to be started within it."""
    with pytest.raises(SystemExit) as raised:
        main(["doctor", f"--timeout={text}"])
    assert 2 == raised.value.code
    assert "must be a number of at least 5" in capsys.readouterr().err
