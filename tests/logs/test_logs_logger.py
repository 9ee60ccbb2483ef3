"""The logger: what a call becomes on stdout and in OTLP, and that it never raises."""

# the house puts the expected value on the left

import datetime
import enum
import math
from decimal import Decimal

import numpy
import pytest
import structlog
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk.trace import TracerProvider

from otel_trading.ground import clock, diagnostics
from otel_trading.logs import current, pipeline
from otel_trading.logs.logger import get_logger
from otel_trading.privacy.redaction import Redactor

TRACER = TracerProvider(shutdown_on_exit=False).get_tracer("t")


class Side(enum.Enum):
    BUY = 1


class Broken:
    def __repr__(self):
        raise RuntimeError("no")


def test_a_call_is_one_line_and_one_record(logs, monkeypatch):
    """Every field of both, with a fixed clock and a known span."""
    monkeypatch.setattr(clock, "wall_ns", lambda: 1723161255030314667)
    with TRACER.start_as_current_span("order.submit") as span:
        get_logger("risk.checks").info("order %s accepted", "x-1", client_order_id="C1", size=2)
    line, record = logs.one()
    context = span.get_span_context()
    expected = {
        "timestamp": "2024-08-08T23:54:15.030314667Z",
        "level": "info",
        "event": "order x-1 accepted",
        "logger": "risk.checks",
        "service": "risk",
        "trace_id": f"{context.trace_id:032x}",
        "span_id": f"{context.span_id:016x}",
        "client_order_id": "C1",
        "size": 2,
    }
    assert list(expected.items()) == list(line.items())
    assert {"trading.order.client_id": "C1", "size": 2} == dict(record.attributes)
    assert (1723161255030314667,) * 2 == (record.timestamp, record.observed_timestamp)
    assert (SeverityNumber.INFO, "INFO", "order x-1 accepted") == (
        record.severity_number, record.severity_text, record.body,
    )  # fmt: skip
    assert (context.trace_id, context.span_id, context.trace_flags) == (
        record.trace_id,
        record.span_id,
        record.trace_flags,
    )
    assert "risk.checks" == logs.exporter.get_finished_logs()[0].instrumentation_scope.name


def test_without_a_span_there_are_no_ids(logs):
    """Absent, not zero."""
    get_logger("a").info("x")
    line, record = logs.one()
    assert not {"trace_id", "span_id"} & line.keys()
    assert 0 == record.trace_id


@pytest.mark.parametrize(
    ("method", "level", "severity"),
    [
        ("trace", "trace", SeverityNumber.TRACE),
        ("debug", "debug", SeverityNumber.DEBUG),
        ("info", "info", SeverityNumber.INFO),
        ("msg", "info", SeverityNumber.INFO),
        ("warning", "warning", SeverityNumber.WARN),
        ("warn", "warning", SeverityNumber.WARN),
        ("error", "error", SeverityNumber.ERROR),
        ("critical", "critical", SeverityNumber.FATAL),
        ("fatal", "critical", SeverityNumber.FATAL),
        ("exception", "error", SeverityNumber.ERROR),
    ],
)
def test_each_method_has_its_level(logs, method, level, severity):
    """Name on the line, number and text in OTLP."""
    getattr(get_logger("a"), method)("x")
    line, record = logs.one()
    assert level == line["level"]
    assert (severity, level.upper()) == (record.severity_number, record.severity_text)


async def _await_all(log):
    for name in ("atrace", "adebug", "ainfo", "awarning", "awarn", "aerror", "acritical", "afatal", "aexception"):
        await getattr(log, name)("x")
    await log.alog("info", "x")


def test_awaited_methods_log_too(logs):
    """structlog has them, so code that uses them keeps working."""
    coroutine = _await_all(get_logger("a"))
    with pytest.raises(StopIteration):
        coroutine.send(None)
    assert 10 == len(logs.lines) == len(logs.records)


def test_log_takes_numbers_and_names(logs):
    """Odd numbers keep their place, nonsense is info."""
    log = get_logger("a")
    for level in (15, "WARNING", "nonsense", None, 53, 1, 10**6):
        log.log(level, "x")
    assert ["level 15", "warning", "info", "info", "level 53", "level 1000000"] == [
        line["level"] for line in logs.lines
    ]
    expected = [SeverityNumber.DEBUG4, SeverityNumber.WARN, SeverityNumber.INFO, SeverityNumber.INFO]
    assert [*expected, SeverityNumber.FATAL4, SeverityNumber.FATAL4] == [r.severity_number for r in logs.records]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda log: log.info("x", event="y"), {"event": "x", "event_": "y"}),
        (lambda log: log.info(event="y"), {"event": "y"}),
        (lambda log: log.info(), {"event": ""}),
        (lambda log: log.info("x", self=1, level=2, timestamp=3, logger=4, service=5, trace_id=6, span_id=7),
         {"event": "x", "self": 1, "level_": 2, "timestamp_": 3, "logger_": 4, "service_": 5, "trace_id_": 6,
          "span_id_": 7}),
        (lambda log: log.info("x", level=1, level_=2), {"event": "x", "level_": 1, "level__": 2}),
        (lambda log: log.info("%d of %s", "a", "b"), {"event": "%d of %s a b"}),
        (lambda log: log.info("%s", Broken()), {"event": "%s <unrepresentable Broken>"}),
        (lambda log: log.info("no format", 1), {"event": "no format 1"}),
        (lambda log: log.info("%(a)s", {"a": 1}), {"event": "1"}),
        (lambda log: log.info("100%"), {"event": "100%"}),
        (lambda log: log.info(Broken()), {"event": "<unrepresentable Broken>"}),
        (lambda log: log.info(5), {"event": "5"}),
        (lambda log: log.info("x\ny\u2028"), {"event": "x\ny\u2028"}),
        (lambda log: log.bind(self=1, a=2).unbind("a", "missing").info("x"), {"event": "x", "self": 1}),
        (lambda log: log.bind(a=1).new(b=2).info("x"), {"event": "x", "b": 2}),
        (lambda log: log.bind(a=1).bind(a=2).try_unbind("z").info("x"), {"event": "x", "a": 2}),
        (lambda log: log.bind(a=1).info("x", a=2), {"event": "x", "a": 2}),
        (lambda log: log.info("x", exc_info="nonsense"), {"event": "x"}),
        (lambda log: log.info("x", exc_info=(1, 2)), {"event": "x"}),
        (lambda log: log.info("x", **{"": 1}), {"event": "x", "_": 1}),
        (lambda log: log.info("x", event_name=5), {"event": "x", "event_name": 5}),
        (lambda log: log.info("x", **{"trading.order.id": "7", "order_id": "8"}),
         {"event": "x", "order_id": "7", "order_id_": "8"}),
    ],
)  # fmt: skip
def test_no_way_to_call_it_raises(logs, call, expected):
    """Keys that collide get an underscore; arguments that do not fit follow the event."""
    assert call(get_logger("a")) is None
    line, _record = logs.one()
    fixed = {"timestamp", "level", "logger", "service"}
    assert expected == {name: value for name, value in line.items() if name not in fixed}


CYCLE: list = []
CYCLE.append(CYCLE)
VALUES = [
    ("price", Decimal("1.10"), "1.10", "1.10"),
    ("side", Side.BUY, "BUY", "BUY"),
    ("n", numpy.int64(5), 5, 5),
    ("f", numpy.float32(0.5), 0.5, 0.5),
    ("big", 2**64, "18446744073709551616", "18446744073709551616"),
    ("large", 2**60, "1152921504606846976", 2**60),
    ("latency_ns", 5, "5", 5),
    ("trading.ts.exchange", 1723161255030314667, "1723161255030314667", 1723161255030314667),
    ("inf", math.inf, "Infinity", math.inf),
    ("raw", b"abc", "abc", "abc"),
    ("raw", b"\xff", "/w==", "/w=="),
    ("text", "a\udcffb", "a\\udcffb", "a\\udcffb"),
    ("key\udcff", 1, 1, 1),
    ("broken", Broken(), "<unrepresentable Broken>", "<unrepresentable Broken>"),
    ("cycle", CYCLE, ["<cycle>"], ("<cycle>",)),
    ("map", {(1, 2): 3}, {"(1, 2)": 3}, {"(1, 2)": 3}),
    ("long", "x" * 10_000_000, "x" * 65_536 + "…[truncated 9934464]", "x" * 65_536 + "…[truncated 9934464]"),
    ("at", datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC), "2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
    ("password", "hunter2", "[redacted]", "[redacted]"),
    ("url", "http://h/?signature=abc", "http://h/?signature=[redacted]", "http://h/?signature=[redacted]"),
    ("order_id", "4111111111111111", "4111111111111111", "4111111111111111"),
]


@pytest.mark.parametrize(
    ("key", "value", "in_json", "in_otlp"), VALUES, ids=[f"{v[0]}-{i}" for i, v in enumerate(VALUES)]
)
def test_every_value_is_one_valid_line_and_one_record_that_encodes(logs, key, value, in_json, in_otlp):
    """The issue's list, from the call to the bytes of both ways out."""
    get_logger("a").info("x", **{key: value})
    line, record = logs.one()
    assert 1 == logs.text.count("\n")
    name, attribute = (key.replace("\udcff", "\\udcff"), key.replace("\udcff", "\\udcff"))
    attribute = "trading.order.id" if key == "order_id" else attribute
    assert in_json == line[name]
    assert in_otlp == record.attributes[attribute]
    assert type(in_otlp) is type(record.attributes[attribute])


def test_nan_is_a_word_in_json_and_a_number_in_otlp(logs):
    """NaN does not equal itself, so it has its own test."""
    get_logger("a").info("x", value=math.nan, nothing=None)
    line, record = logs.one()
    assert ("NaN", None) == (line["value"], line["nothing"])
    assert math.isnan(record.attributes["value"])
    assert "nothing" not in record.attributes


def test_exceptions_become_three_fields_and_are_redacted(logs):
    """Type, message, stack trace; on the line and in OTLP."""
    try:
        raise ValueError("signature=abc is wrong")
    except ValueError:
        get_logger("a").exception("failed")
    line, record = logs.one()
    assert ("ValueError", "signature=[redacted] is wrong") == (line["exception.type"], line["exception.message"])
    assert "test_logs_logger.py" in line["exception.stacktrace"]
    assert "signature=abc is" not in logs.text.replace('raise ValueError("signature=abc is', "")
    for name in ("exception.type", "exception.message", "exception.stacktrace"):
        assert line[name] == record.attributes[name]


def test_exceptions_that_cannot_be_rendered_do_no_harm(logs):
    """A broken __str__ costs the message only."""

    class Bad(Exception):
        def __str__(self):
            raise RuntimeError("no")

    get_logger("a").error("failed", exc_info=Bad(), stack_info=True)
    line, _ = logs.one()
    assert line["exception.type"].endswith("Bad")
    assert "<unrepresentable Bad>" == line["exception.message"]
    assert "test_exceptions_that_cannot" in line["stack"].splitlines()[-2]


def test_event_name_is_otlp_s_own(logs):
    """It stays on the line, and has its place in OTLP."""
    get_logger("a").info("filled", event_name="order.filled")
    line, record = logs.one()
    assert "order.filled" == line["event_name"] == record.event_name
    assert "event_name" not in record.attributes


def test_levels_below_the_threshold_are_not_taken(start):
    """Neither on stdout nor in OTLP."""
    logs = start(level="warning")
    log = get_logger("a")
    log.info("x")
    log.warning("y")
    assert ["y"] == [line["event"] for line in logs.lines]
    assert 1 == len(logs.records)
    assert (False, True, 30) == (log.is_enabled_for("info"), log.isEnabledFor(30), log.get_effective_level())


def test_loggers_from_before_come_to_life_and_survive(start, capsys):
    """Before init and after shutdown warnings go to standard error; in between everything goes its way."""
    log = get_logger("early", desk="fx")
    log.info("unseen")
    log.warning("token=abc", size=1)
    error = capsys.readouterr().err
    assert "warning" in error
    assert "token=[redacted]" in error
    assert "desk=fx size=1 early" in error
    assert "unseen" not in error
    first = start()
    log.info("one")
    assert ["one"] == [line["event"] for line in first.lines]
    first.pipeline.stop(clock.Deadline(5))
    log.info("unseen")
    second = start()
    log.info("two")
    assert ["two"] == [line["event"] for line in second.lines]
    assert [1, 1] == [len(first.records), len(second.records)]
    assert "fx" == second.lines[0]["desk"]


def test_a_logger_without_a_name_has_its_module_s(logs):
    """Ours and structlog's."""
    get_logger().info("x")
    structlog.get_logger().info("x")
    structlog.get_logger("named").info("x")
    assert [__name__, __name__, "named"] == [line["logger"] for line in logs.lines]


def test_structlog_s_own_entrance_gives_our_logger(start):
    """Also a logger that was made before; its context variables count; after stop the defaults are back."""
    early = structlog.get_logger(a=1)
    logs = start()
    with structlog.contextvars.bound_contextvars(run=7):
        early.trace("x", event="y")
    assert {"event": "x", "event_": "y", "a": 1, "run": 7}.items() <= logs.lines[0].items()
    logs.pipeline.stop(clock.Deadline(5))
    assert not structlog.is_configured()


def test_structlog_s_capture_logs_works_on_our_loggers(logs):
    """Users' tests keep working."""
    with structlog.testing.capture_logs() as captured:
        get_logger("a").info("x", size=1)
        structlog.get_logger().warning("y")
    assert [{"event": "x", "size": 1, "log_level": "info"}, {"event": "y", "log_level": "warning"}] == captured
    assert [] == logs.lines


def test_a_log_call_inside_a_repr_is_bounded(logs):
    """A value that logs itself ends; its events are events too."""

    class Chatty:
        def __repr__(self):
            get_logger("a").info("inner", me=self)
            return "chatty"

    get_logger("a").info("outer", me=Chatty())
    assert ["inner", "inner", "outer"] == [line["event"] for line in logs.lines]
    assert {"logs.too_deep": 1} == diagnostics.troubles()
    diagnostics.forget()


def test_a_provider_that_raises_costs_its_record_only(logs):
    """The line is written; the trouble is counted."""
    logs.pipeline._emitter._provider = None
    get_logger("a").info("x")
    assert ["x"] == [line["event"] for line in logs.lines]
    assert {"logs.otlp": 1} == diagnostics.troubles()
    diagnostics.forget()


def test_names_of_loggers_are_bounded(logs):
    """The thousandth and first logger shares one, and says its name."""
    for number in range(1_005):
        get_logger(f"connection-{number}").info("x")
    scopes = [record.instrumentation_scope.name for record in logs.exporter.get_finished_logs()]
    assert "otel_trading.other_loggers" == scopes[-1]
    assert "connection-1004" == logs.records[-1].attributes["logger"] == logs.lines[-1]["logger"]


def test_own_redaction_rules_apply(start):
    """What the user lists is masked on both ways."""
    logs = start(Redactor(keys=["strategy"], patterns=["ACC-[0-9]+"]))
    get_logger("a").info("from ACC-12", strategy="alpha")
    line, record = logs.one()
    assert ("from [redacted]", "[redacted]") == (line["event"], line["strategy"])
    assert ("from [redacted]", "[redacted]") == (record.body, record.attributes["trading.strategy"])


def test_a_forked_child_drops_the_pipeline(logs):
    """What the lead's fork hook calls leaves a logger that does nothing below warning."""
    pipeline.after_fork_in_child()
    assert current.sink is None
    get_logger("a").info("x")
    assert [] == logs.lines
    assert not structlog.is_configured()


def test_ids_of_a_remote_span_are_taken(logs):
    """Any valid span context counts, recorded or not."""
    remote = trace.SpanContext(0xABC, 0xDEF, True)
    with trace.use_span(trace.NonRecordingSpan(remote)):
        get_logger("a").info("x")
    assert (f"{0xABC:032x}", f"{0xDEF:016x}") == (logs.lines[0]["trace_id"], logs.lines[0]["span_id"])
