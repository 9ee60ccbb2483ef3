"""Applications that configured structlog themselves."""

# the house puts the expected value on the left

import json
import logging

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider

from otel_trading.ground import clock, diagnostics
from otel_trading.logs.chain import structlog_processor

TRACER = TracerProvider(shutdown_on_exit=False).get_tracer("t")


@pytest.fixture
def configured():
    """structlog as an application configures it, with our one line."""

    def configure(**more):
        structlog.configure(
            processors=[
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso"),
                structlog_processor(),
                structlog.processors.JSONRenderer(),
            ],
            **more,
        )

    yield configure
    structlog.reset_defaults()


def test_the_application_s_chain_is_left_alone_and_joined(configured, start, capsys):
    """Its own line, with our ids in it; one OTLP record; no second line; its configuration survives stop."""
    configured()
    before = structlog.get_config()
    logs = start()
    with TRACER.start_as_current_span("s") as span:
        structlog.get_logger().warning("order", client_order_id="C1", api_key="k")
    (line,) = [json.loads(text) for text in logs.text.splitlines()]
    (record,) = logs.records
    assert f"{span.get_span_context().trace_id:032x}" == line["trace_id"]
    assert {"event": "order", "level": "warning", "service": "risk", "client_order_id": "C1"}.items() <= line.items()
    assert ("order", "WARNING", span.get_span_context().span_id) == (record.body, record.severity_text, record.span_id)
    assert {"trading.order.client_id": "C1", "api_key": "[redacted]"} == dict(record.attributes)
    logs.pipeline.stop(clock.Deadline(5))
    assert before == structlog.get_config()


def test_a_chain_that_ends_in_logging_gives_one_otlp_record(configured, start):
    """The processor sent it; the bridge does not send it again. Other records are bridged as ever."""
    configured(logger_factory=structlog.stdlib.LoggerFactory(), wrapper_class=structlog.stdlib.BoundLogger)
    logs = start()
    structlog.get_logger("application.s").error("x")
    logging.getLogger("application.s").error("y")
    assert ["x", "y"] == [record.body for record in logs.records]
    assert 2 == len(logs.lines)


def test_exceptions_of_the_chain_are_sent(configured, start):
    """Also when format_exc_info rendered them before us."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog_processor(), structlog.processors.JSONRenderer()]
    )
    logs = start()
    try:
        raise ValueError("token=abc")
    except ValueError:
        structlog.get_logger().exception("x")
    (record,) = logs.records
    assert "ValueError: token=[redacted]" == record.attributes["exception.stacktrace"].splitlines()[-1]


def test_without_a_pipeline_the_processor_passes_on():
    """Before init and after shutdown."""
    event = {"event": "x"}
    assert structlog_processor()(None, "info", event) is event
    assert {"event": "x"} == event


def test_the_processor_never_raises(start):
    """Behind a renderer it gets a text: it passes it on, and says so once."""
    start()
    assert "text" == structlog_processor()(None, "info", "text")
    assert {"logs.structlog": 1} == diagnostics.troubles()
    diagnostics.forget()


def test_ids_that_the_application_set_stay(start):
    """We add, we do not overwrite."""
    start()
    assert {"event": "x", "service": "own"} == structlog_processor()(None, "info", {"event": "x", "service": "own"})


def test_in_our_own_chain_the_processor_sends_nothing_twice(start):
    """Put there by mistake, it is skipped; other processors run, and may drop the event."""
    logs = start()

    def tag(logger, method, event_dict):
        if event_dict["event"] == "drop":
            raise structlog.DropEvent
        return event_dict | {"tag": logger.name}

    chain = structlog.get_config()["processors"]
    chain += [structlog_processor(), tag, structlog.processors.JSONRenderer()]
    try:
        structlog.get_logger("a").info("x")
        structlog.get_logger("a").info("drop")
    finally:
        chain.clear()
    line, record = logs.one()
    assert "a" == line["tag"] == record.attributes["tag"]
