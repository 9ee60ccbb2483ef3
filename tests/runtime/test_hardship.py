"""Faults that testers found once: each has the test that found it."""

from __future__ import annotations

import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider
from support import children
from support.servers import Receiver, hang, raw_server, wait_until

import otel_trading as ot
from otel_trading.delivery.otlp_http import RETRY_AFTER_LIMIT_S, retry_after_s
from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline
from otel_trading.testing import capture

SERVED = {"traces_exporter": "none", "metrics_exporter": "prometheus", "logs_exporter": "none", "stdout": "off"}


def test_health_answers_while_a_callback_hangs() -> None:
    """Scrapes that wait for it would use up all places; a probe would restart the trader."""
    gate = threading.Event()
    ot.meter("hanging").create_observable_gauge("hangs", [lambda _: [metrics.Observation(int(gate.wait(60)))]])
    telemetry = ot.init("x", prometheus_port=0, **SERVED)
    assert telemetry.metrics_url is not None
    url = telemetry.metrics_url
    scrapes = [threading.Thread(target=lambda: _status(url), daemon=True) for _ in range(20)]
    try:
        for scrape in scrapes:
            scrape.start()
        wait_until(lambda: sum(not scrape.is_alive() for scrape in scrapes) >= 19, timeout_s=40)
        with urllib.request.urlopen(url.replace("/metrics", "/health"), timeout=5) as reply:
            assert reply.status == 200
        assert _status(url) == 503
    finally:
        gate.set()
        for scrape in scrapes:
            scrape.join(10)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=30) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def test_a_client_that_sends_a_byte_a_second_loses_its_place() -> None:
    """The limit is one for the whole request."""
    telemetry = ot.init("x", prometheus_host="127.0.0.1", prometheus_port=0, **SERVED)
    assert telemetry._server is not None
    with socket.create_connection(("127.0.0.1", telemetry._server.server_port), timeout=20) as slow:
        began = time.monotonic()
        slow.settimeout(0.5)
        closed = False
        while not closed and time.monotonic() - began < 15:
            try:
                slow.sendall(b"G")
                closed = slow.recv(10) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
        assert closed
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("text", ["1e300", "99999999999"])
def test_an_endless_retry_after_is_limited(text: str) -> None:
    """It once ended the worker's thread."""
    assert retry_after_s(text) == RETRY_AFTER_LIMIT_S


@pytest.mark.parametrize("seconds", [1e300, float("inf"), float("nan"), -5.0])
def test_any_number_makes_a_deadline(seconds: float) -> None:
    """A year at most, over if it is no number."""
    assert 0 <= Deadline(seconds).remaining_s() <= 365 * 86_400


@pytest.mark.parametrize("value", ["\udcff", "x" * 10_000_000])
def test_a_label_that_cannot_be_served_is_changed_and_the_scrape_goes_on(value: str) -> None:
    """A lone surrogate once made /metrics answer 500 from then on."""
    with ot.init("x", prometheus_port=0, **SERVED) as telemetry:
        ot.meter("odd", version="\udcff").create_counter("odd.labels").add(1, {"k": value})
        assert telemetry.metrics_url is not None
        with urllib.request.urlopen(telemetry.metrics_url) as reply:
            body = reply.read()
    assert b"odd_labels_total" in body
    assert len(body) < 100_000


def test_arguments_of_meters_and_tracers_never_raise() -> None:
    """Whatever a library passes."""
    with capture() as captured:
        ot.meter(5, version=[1]).create_counter("c").add(1)  # type: ignore[arg-type]
        metrics.get_meter("m", attributes=5).create_observable_gauge("g", callbacks=lambda _: [])  # type: ignore[arg-type]
        ot.tracer(None, version=b"1").start_span("x").end()  # type: ignore[arg-type]
        assert captured.metric("c").value == 1


def test_a_good_observation_beside_a_bad_one_is_kept() -> None:
    """One bad item costs that item."""
    made = [metrics.Observation(1, {"a": 1}), None, metrics.Observation(2, {"a": 2})]
    ot.meter("mixed").create_observable_gauge("mixed", [lambda _: made])  # type: ignore[arg-type, list-item, return-value]
    with capture() as captured:
        assert [p.value for p in captured.metrics if p.name == "mixed"] == [1, 2]


def test_a_recording_inside_a_recording_is_dropped_and_counted_and_never_hangs() -> None:
    """The SDK's histogram holds a plain lock when a signal's handler comes and records too."""
    code = """
    import signal, time
    import otel_trading as ot
    from otel_trading.ground import diagnostics
    ot.init("x", traces_exporter="none", metrics_exporter="prometheus", prometheus_port=0, logs_exporter="none", stdout="off")
    histogram = ot.meter().create_histogram("h", unit="s").bind()
    counter = ot.meter().create_counter("c").bind()
    def handler(*_):
        histogram.record(1); counter.add("x")
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        histogram.record(1); counter.add("x")
    signal.setitimer(signal.ITIMER_REAL, 0)
    print("alive")
    """
    # unmeasured: coverage's own lock is not re-entrant
    assert children.run(code, timeout_s=20, measured=False).out == "alive\n"


def test_sigterm_during_shutdown_is_obeyed_as_soon_as_it_is_done() -> None:
    """The flush on another thread once waited for the interrupted one."""
    code = """
    import sys
    import otel_trading as ot
    telemetry = ot.init("x", otlp_endpoint=sys.argv[1], metrics_exporter="none", stdout="off")
    with ot.tracer().start_as_current_span("order"): pass
    print("ready", flush=True)
    telemetry.shutdown(2)
    """
    with raw_server(hang) as url, children.start(code, url) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.5)
        child.send_signal(signal.SIGTERM)
        began = time.monotonic()
        child.communicate(timeout=20)
        assert time.monotonic() - began < 4
        assert child.returncode == -signal.SIGTERM


def test_a_shutdown_of_a_daemon_thread_does_not_hold_up_the_exit() -> None:
    """Leaving has its own deadline."""
    code = """
    import sys, threading, time
    import otel_trading as ot
    telemetry = ot.init("x", otlp_endpoint=sys.argv[1], metrics_exporter="none", stdout="off", shutdown_timeout_s=1)
    with ot.tracer().start_as_current_span("order"): pass
    threading.Thread(target=telemetry.shutdown, args=(60,), daemon=True).start()
    time.sleep(0.3)
    print(time.monotonic(), flush=True)
    """
    with raw_server(hang) as url:
        ended = children.run(code, url, timeout_s=30)
    assert ended.at - float(ended.out) < 4


def test_a_program_without_the_metadata_of_its_packages_starts(tmp_path: Path) -> None:
    """Packed as a zip, for example."""
    code = """
    import importlib.metadata as m
    real = m.version
    def version(name):
        if name.startswith(("otel", "opentelemetry-sdk")): raise m.PackageNotFoundError(name)
        return real(name)
    m.version = version
    import otel_trading as ot
    with ot.init("x", prometheus_port=0, stdout="off", traces_exporter="otlp") as telemetry:
        print(telemetry.resource.attributes["telemetry.distro.version"])
    """
    assert children.run(code).out == "unknown\n"


def test_nothing_is_sent_while_pytest_collects(tmp_path: Path, otlp: Receiver) -> None:
    """A module that calls init() at its top is imported then."""
    import subprocess
    import sys

    (tmp_path / "test_theirs.py").write_text(
        "import otel_trading as ot\n"
        "telemetry = ot.init('x', stdout='off')\n"
        "def test_x():\n    assert telemetry.metrics_url is None\n    ot.shutdown()\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path, env=children.environment(), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_a_second_init_with_another_file_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """As any other difference."""
    ot.init("x", stdout="off")
    ot.init(config_file="/nowhere.yaml")
    assert "different config_file" in caplog.text


def test_odd_timeouts_of_flush_and_a_disabled_telemetry_do_not_raise() -> None:
    """None, infinity; attributes are there."""
    with ot.init("x", disabled=True) as telemetry:
        assert telemetry.flush(None) is True  # type: ignore[arg-type]
        assert telemetry.flush(float("nan")) is True
        assert telemetry.redactor.text("x") == "x"
        assert dict(telemetry.resource.attributes) == {}


@pytest.mark.parametrize(
    "provider",
    [trace.get_tracer_provider, metrics.get_meter_provider, get_logger_provider],
    ids=["traces", "metrics", "logs"],
)
def test_a_provider_without_telemetry_has_nothing_to_flush_or_end(provider: Callable[[], Any]) -> None:
    """Third-party code may come late, and gives its limits by position or name."""
    ot.init("x", **{**SERVED, "metrics_exporter": "none"}).shutdown()
    assert (provider().force_flush(), provider().force_flush(1000), provider().force_flush(timeout_millis=1)) == (
        True,
    ) * 3
    assert provider().shutdown() is None
    with pytest.raises(AttributeError, match="no_such_thing"):
        provider().no_such_thing()


@pytest.mark.parametrize("wrong", [None, 5, "handle"])
def test_timed_rejects_what_is_no_handle_when_decorating(wrong: object) -> None:
    """Not at each call of the trader's function."""
    with pytest.raises(TypeError, match="takes a bound histogram"):
        ot.timed(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="decorates functions"):
        ot.timed(ot.meter().create_histogram("h", unit="s").bind())(property(lambda self: 1))  # type: ignore[arg-type]


def test_trouble_inside_trouble_does_not_hang() -> None:
    """The lock is re-entrant."""
    with diagnostics._lock:
        diagnostics.trouble("test.inside", "inside")
    assert diagnostics.troubles()["test.inside"] == 1
