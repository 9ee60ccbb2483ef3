"""init() and its end: idempotent, repeatable, and everything obtained at any time comes to life."""

from __future__ import annotations

import json
import logging
import socket
import threading
import urllib.error
import urllib.request

import pytest
from opentelemetry import metrics, trace
from support import children
from support.servers import Receiver, wait_until

import otel_trading as ot
from otel_trading.ground import diagnostics
from otel_trading.testing import capture

QUIET = {"traces_exporter": "none", "metrics_exporter": "none", "logs_exporter": "none", "stdout": "off"}


def test_a_second_call_returns_the_same_object_and_says_what_differs(caplog: pytest.LogCaptureFixture) -> None:
    """Different arguments are reported, not obeyed."""
    first = ot.init("risk", **QUIET)
    with caplog.at_level(logging.WARNING, "otel_trading"):
        second = ot.init("execution", environment="prod", **QUIET)
    assert second is first
    assert first.config["service_name"] == "risk"
    assert "different environment, service_name" in caplog.text


def test_only_the_outermost_block_shuts_down() -> None:
    """A library that opens a block of its own does not stop the application's telemetry."""
    with ot.init("risk", **QUIET) as outer:
        with ot.init("risk") as inner:
            assert inner is outer
        assert ot.init() is outer
    with ot.init("risk", **QUIET) as again:
        assert again is not outer


def test_handles_from_before_init_come_to_life_and_outlive_a_shutdown() -> None:
    """Tracers, instruments, bound handles, loggers: before the first init(), between two, after the second."""
    counter = ot.meter().create_counter("orders", unit="{order}")
    handle = counter.bind(venue="binance")
    histogram = metrics.get_meter("third-party").create_histogram("latency", unit="ms")
    tracer = ot.tracer()
    log = ot.get_logger("early")
    handle.add(100)

    @tracer.start_as_current_span("decorated")
    def decorated() -> None:
        log.info("inside")

    for _ in range(2):
        decorated()
        with capture() as captured:
            handle.add(2)
            histogram.record(5)
            decorated()
        assert captured.metric("orders", venue="binance").value == 2
        assert captured.metric("latency").sum == 5
        assert captured.span("decorated").name == "decorated"
        assert captured.log("inside").trace_id == captured.span("decorated").context.trace_id


def test_globals_obtained_before_the_import_come_to_life() -> None:
    """OpenTelemetry's own proxies, made before anything of ours exists, resolve to ours."""
    code = """
    from opentelemetry import metrics, trace
    tracer = trace.get_tracer("before")
    counter = metrics.get_meter("before").create_counter("before.counter")
    from otel_trading.testing import capture
    for _ in range(2):
        with capture() as captured:
            counter.add(3)
            with tracer.start_as_current_span("early"): pass
        print(captured.metric("before.counter").value, captured.span("early").name)
    """
    assert children.run(code).out == "3 early\n" * 2


def test_an_observable_gauge_lives_through_two_rounds() -> None:
    """Its callback is registered again with each provider; nobody keeps the instrument."""
    ot.meter("observed").create_observable_gauge("position", [lambda _: [metrics.Observation(7, {"book": "a"})]])
    for _ in range(2):
        with capture() as captured:
            assert captured.metric("position", book="a").value == 7


def test_a_callback_that_raises_system_exit_costs_only_itself() -> None:
    """The stock reader's thread would be gone for good."""

    def fatal(_: object) -> object:
        raise SystemExit(1)

    ot.meter("fatal").create_observable_gauge("fatal.gauge", [fatal])
    ot.meter("fatal").create_observable_gauge("good.gauge", [lambda _: [metrics.Observation(1)]])
    with capture() as captured:
        assert captured.metric("good.gauge").value == 1
        assert diagnostics.troubles()["metrics.callback_failed"] == 1


def test_a_thousand_rounds_leak_no_thread_descriptor_or_memory() -> None:
    """The whole of it, with endpoint and exporters to a port where nobody listens."""
    code = """
    import gc, os, resource, threading
    import otel_trading as ot
    counter = ot.meter().create_counter("c").bind()
    def round():
        with ot.init("x", otlp_endpoint="http://127.0.0.1:9", prometheus_port=0, stdout="off", diagnostics_level="error"):
            counter.add(1)
            with ot.tracer().start_as_current_span("order"): ot.get_logger().info("x")
    def state():
        gc.collect()
        with open("/proc/self/statm") as f: resident = int(f.read().split()[1]) * 4096
        return threading.active_count(), len(os.listdir("/proc/self/fd")), resident
    for _ in range(100): round()
    before = state()
    for _ in range(900): round()
    after = state()
    print(before[0], after[0], before[1], after[1], (after[2] - before[2]) // 900)
    """
    ended = children.run(code, timeout_s=110, measured=False)
    threads_before, threads_after, files_before, files_after, bytes_a_round = map(int, ended.out.split())
    assert (threads_after, files_after) == (threads_before, files_before)
    # the SDK registers fork hooks that cannot be taken back: about 2 KB a round
    assert bytes_a_round < 8_000, bytes_a_round


def test_providers_set_beforehand_are_kept_and_joined(otlp: Receiver) -> None:
    """Spans and metrics of an application's own providers without exporters reach us; with exporters they stay."""
    code = f"""
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider
    mine, meters = TracerProvider(shutdown_on_exit=False), MeterProvider(shutdown_on_exit=False)
    trace.set_tracer_provider(mine); metrics.set_meter_provider(meters)
    import urllib.request
    import otel_trading as ot
    for _ in range(2):
        with ot.init("x", otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off") as telemetry:
            assert trace.get_tracer_provider() is mine and metrics.get_meter_provider() is meters
            with trace.get_tracer("theirs").start_as_current_span("theirs"): pass
            with ot.tracer().start_as_current_span("ours"): pass
            ot.meter().create_counter("joined.count").bind(a="b").add(1)
            assert 'a="b"}} 1' in urllib.request.urlopen(telemetry.metrics_url).read().decode()
    """
    ended = children.run(code)
    assert ended.code == 0, ended.err
    assert sorted(span.name for span in otlp.spans) == ["ours", "ours", "theirs", "theirs"]
    assert "they are kept" in ended.err


def test_a_logger_provider_set_beforehand_is_joined_if_nobody_else_exports(otlp: Receiver) -> None:
    """Twice, because an application's provider keeps its processors for ever."""
    code = f"""
    from opentelemetry._logs import get_logger, set_logger_provider
    from opentelemetry.sdk._logs import LoggerProvider
    set_logger_provider(LoggerProvider(shutdown_on_exit=False))
    import otel_trading as ot
    for _ in range(2):
        with ot.init("x", otlp_endpoint={otlp.url!r}, metrics_exporter="none", stdout="off"):
            get_logger("theirs").emit(body="theirs")
            ot.get_logger("ours").info("ours")
        get_logger("theirs").emit(body="in between")
    """
    ended = children.run(code)
    assert ended.code == 0, ended.err
    assert sorted(record.body.string_value for record in otlp.logs) == ["ours", "ours", "theirs", "theirs"]


def test_providers_with_exporters_of_their_own_are_not_exported_twice(otlp: Receiver) -> None:
    """The application's exporter gets its spans; ours does not get them too."""
    code = f"""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    mine, memory = TracerProvider(), InMemorySpanExporter()
    mine.add_span_processor(SimpleSpanProcessor(memory))
    trace.set_tracer_provider(mine)
    import otel_trading as ot
    with ot.init("x", otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off"):
        with ot.tracer().start_as_current_span("once"): pass
    print(len(memory.get_finished_spans()))
    """
    assert children.run(code).out == "1\n"
    assert otlp.spans == []


def test_a_provider_with_a_reader_of_its_own_is_joined_by_the_scrape_only(otlp: Receiver) -> None:
    """No stray warnings of the SDK about readers that were never registered."""
    code = f"""
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False))
    import otel_trading as ot
    with ot.init("x", otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off") as telemetry:
        ot.meter().create_counter("c").add(1)
        print(telemetry.flush(5))
    """
    ended = children.run(code)
    assert (ended.out, otlp.metrics) == ("True\n", [])
    assert "collect" not in ended.err


def test_disabled_is_a_no_op_that_opens_nothing() -> None:
    """OTEL_SDK_DISABLED=true."""
    code = """
    import threading
    import otel_trading as ot
    telemetry = ot.init("x")
    with ot.tracer().start_as_current_span("order") as span:
        ot.meter().create_counter("c").bind().add(1)
    print(span.is_recording(), telemetry.metrics_url, threading.active_count(), telemetry.flush(1), telemetry.shutdown())
    """
    ended = children.run(code, OTEL_SDK_DISABLED="true")
    assert ended.out == "False None 1 True True\n"
    assert ended.err == ""


def test_opentelemetry_instrument_needs_no_line_of_code(otlp: Receiver, tmp_path: object) -> None:
    """The distro and configurator entry points."""
    import subprocess
    import sys
    from pathlib import Path

    script = Path(str(tmp_path)) / "service.py"
    script.write_text(
        "from opentelemetry import trace\n"
        "with trace.get_tracer('plain').start_as_current_span('order.submit'): print('ran')\n"
    )
    instrument = Path(sys.executable).with_name("opentelemetry-instrument")
    environment = children.environment(
        OTEL_EXPORTER_OTLP_ENDPOINT=otlp.url, OTEL_EXPORTER_PROMETHEUS_PORT="0", OTEL_SERVICE_NAME="auto"
    )
    ended = subprocess.run(
        [instrument, sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.stdout.splitlines()[0] == "ran", ended.stderr
    assert [span.name for span in otlp.spans] == ["order.submit"]


def test_auto_instrumentation_leaves_asyncio_to_its_knob() -> None:
    """The package is installed with us; its cost is not."""
    import subprocess
    import sys
    from pathlib import Path

    instrument = Path(sys.executable).with_name("opentelemetry-instrument")
    code = (
        "from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor as A\n"
        "print(A().is_instrumented_by_opentelemetry)"
    )
    told = []
    for knob in ("false", "true"):
        environment = children.environment(
            OTEL_TRADING_ASYNCIO_INSTRUMENTATION=knob, OTEL_TRACES_EXPORTER="none", OTEL_METRICS_EXPORTER="none",
            OTEL_LOGS_EXPORTER="none",
        )  # fmt: skip
        ended = subprocess.run(
            [instrument, sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
        )
        told.append((ended.stdout.strip(), children.without_engine(ended.stderr)))
    assert told == [("False", ""), ("True", "")]


def test_a_failure_under_auto_instrumentation_is_one_line_and_the_application_runs(tmp_path: object) -> None:
    """A bad OTEL_TRADING_* variable."""
    import subprocess
    import sys
    from pathlib import Path

    instrument = Path(sys.executable).with_name("opentelemetry-instrument")
    ended = subprocess.run(
        [instrument, sys.executable, "-c", "print('ran')"],
        env=children.environment(OTEL_TRADING_TICK_RATIO="7"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stdout == "ran\n"
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert "'tick_ratio' (from OTEL_TRADING_TICK_RATIO) must be a number from 0 to 1; was '7'." in ended.stderr


def test_a_taken_default_port_is_replaced_and_said() -> None:
    """Two services on one machine both start; the second says where its metrics are."""
    code = """
    import socket, urllib.request
    blocker = socket.socket(); blocker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        blocker.bind(("127.0.0.1", 9464)); blocker.listen()
    except OSError:
        pass  # somebody else holds it: as good
    import otel_trading as ot
    telemetry = ot.init("x", traces_exporter="none", logs_exporter="none", metrics_exporter="prometheus")
    assert not telemetry.metrics_url.endswith(":9464/metrics"), telemetry.metrics_url
    assert urllib.request.urlopen(telemetry.metrics_url).status == 200
    """
    ended = children.run(code)
    assert ended.code == 0, ended.err
    assert "port 9464 is taken by another process, so /metrics and /health are on port" in ended.err


def started_since(before: set[threading.Thread]) -> list[threading.Thread]:
    """Threads of ours that were not there."""
    return [thread for thread in threading.enumerate() if thread not in before and "otel_trading" in thread.name]


def test_a_taken_port_that_was_asked_for_degrades_health_and_raises_when_strict(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """init() goes on without /metrics; strict=True does not."""
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as blocker:
        port = blocker.getsockname()[1]
        wanted = {**QUIET, "metrics_exporter": "prometheus", "prometheus_host": "127.0.0.1", "prometheus_port": port}
        with caplog.at_level(logging.ERROR, "otel_trading"), ot.init("x", **wanted) as telemetry:
            assert telemetry.metrics_url is None
            assert "endpoint" in telemetry.telemetry_troubles()
        assert f"'prometheus_port' (from argument) must be an address where /metrics can be served; was {port}." in (
            caplog.text
        )
        with pytest.raises(ot.ConfigurationError, match="is taken; choose another prometheus_port, or 0"):
            ot.init("x", strict=True, **wanted)
    assert not started_since(before)


def test_a_failed_init_leaves_nothing_and_the_next_one_works() -> None:
    """What was built before the mistake was found is taken back."""
    before = set(threading.enumerate())
    with pytest.raises(ot.ConfigurationError, match="redact_patterns"):
        ot.init("x", redact_patterns=["("], **QUIET)
    with ot.init("x", **QUIET) as telemetry:
        assert telemetry.flush(1) is True
    wait_until(lambda: not started_since(before))


def test_flush_tells_the_truth_and_books_balance(otlp: Receiver) -> None:
    """False while the receiver refuses, True once it takes; offered = delivered + dropped + queued throughout."""
    telemetry = ot.init("x", otlp_endpoint=otlp.url, metrics_exporter="none", stdout="off")
    otlp.answer = lambda path: (503, {}, b"")
    for _ in range(3):
        with ot.tracer().start_as_current_span("order"):
            pass
    assert telemetry.flush(0.3) is False
    books = telemetry.books()["traces"]
    assert (books.offered, books.delivered, books.lost, books.queued) == (3, 0, 0, 3)
    otlp.answer = lambda path: (200, {}, b"")
    assert telemetry.flush(10) is True
    books = telemetry.books()["traces"]
    assert (books.offered, books.delivered, books.dropped, books.queued) == (3, 3, {}, 0)
    otlp.answer = lambda path: (400, {}, b"")
    with ot.tracer().start_as_current_span("order"):
        pass
    assert telemetry.flush(10) is False
    books = telemetry.books()["traces"]
    assert (books.offered, books.delivered, books.dropped, books.queued) == (4, 3, {"refused_by_server": 1}, 0)
    assert telemetry.flush(1) is True


def test_under_pytest_nothing_is_sent_unless_asked() -> None:
    """The default exporters are silent in a test run; an explicit endpoint is not."""
    telemetry = ot.init("x", stdout="off")
    assert telemetry.metrics_url is None
    assert telemetry.books()["traces"].offered == 0
    with ot.tracer().start_as_current_span("order"):
        pass
    assert telemetry.books()["traces"].offered == 0


def test_health_is_200_and_degraded_when_only_telemetry_is_in_trouble() -> None:
    """Nobody restarts a trader because a collector is down; a failing check of the application is 503."""
    telemetry = ot.init(
        "x", otlp_endpoint="http://127.0.0.1:9", metrics_exporter="prometheus", prometheus_port=0, stdout="off"
    )
    assert telemetry.metrics_url is not None
    url = telemetry.metrics_url.replace("/metrics", "/health")
    with ot.tracer().start_as_current_span("order"):
        pass
    telemetry.flush(1)
    with urllib.request.urlopen(url) as reply:
        told = json.load(reply)
    assert (reply.status, told["status"], told["service"]) == (200, "degraded", "x")
    assert "receiver http://127.0.0.1:9" in told["telemetry"]["reasons"]
    remove = ot.health_check("breaker", lambda: False)
    try:
        with pytest.raises(urllib.error.HTTPError) as failed:
            urllib.request.urlopen(url)
        assert failed.value.code == 503
        assert json.load(failed.value)["checks"]["breaker"]["status"] == "failing"
        failed.value.close()
    finally:
        remove()


def test_the_current_span_is_opentelemetrys_own() -> None:
    """The API is implemented, not bypassed."""
    with capture() as captured, ot.tracer().start_as_current_span("outer") as span:
        assert trace.get_current_span() is span
        with trace.get_tracer("library").start_as_current_span("inner"):
            pass
    assert captured.span("inner").parent is not None
    assert captured.span("inner").parent.span_id == captured.span("outer").context.span_id
