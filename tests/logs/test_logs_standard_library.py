"""The bridge from `logging`."""

# the house puts the expected value on the left

import io
import logging
import sys

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otel_trading.ground import clock
from otel_trading.logs import pipeline
from otel_trading.logs.logger import get_logger

ORIGINAL = logging.Logger.callHandlers


@pytest.fixture
def log():
    """A logger apart from pytest's handlers on the root logger, put back afterwards."""
    logger = logging.getLogger("application.part")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.handlers[:], logger.filters[:] = [], []
    logger.propagate, logger.disabled = True, False
    logger.setLevel(logging.NOTSET)


def test_a_record_is_one_line_and_one_record(logs, log, capsys):
    """With `extra` as key-values, `%` arguments and the exception; logging's last resort is silent."""
    log.handlers.clear()  # pytest's
    try:
        raise ValueError("bad")
    except ValueError:
        log.error("order %s", "x-1", exc_info=True, extra={"order_id": "7", "password": "p"})
    line, record = logs.one()
    assert ("order x-1", "error", "application.part", "7", "[redacted]") == (
        line["event"], line["level"], line["logger"], line["order_id"], line["password"],
    )  # fmt: skip
    assert "ValueError" == line["exception.type"]
    assert {"trading.order.id", "password", "exception.type", "exception.message", "exception.stacktrace"} == set(
        record.attributes
    )
    assert SeverityNumber.ERROR is record.severity_number
    log.propagate = True
    log.error("by way of the root logger")
    assert 2 == len(logs.lines)
    assert "" == capsys.readouterr().err


@pytest.mark.parametrize("handler", [logging.StreamHandler(sys.__stderr__), logging.StreamHandler(sys.__stdout__)])
def test_an_application_that_prints_itself_gets_no_second_line(logs, log, handler, monkeypatch):
    """Its handler writes to the terminal; OTLP gets the record all the same."""
    monkeypatch.setattr(handler, "emit", lambda record: None)
    log.addHandler(handler)
    log.warning("x")
    assert ([], 1) == (logs.lines, len(logs.records))


def test_a_handler_that_does_not_print_changes_nothing(logs, log):
    """Files and memory are no terminal; the handler gets its record as before."""
    stream = io.StringIO()
    log.addHandler(logging.StreamHandler(stream))
    log.info("x")
    assert ("x\n", 1, 1) == (stream.getvalue(), len(logs.lines), len(logs.records))


def test_propagate_false_and_closed_handlers_do_not_matter(logs, log):
    """As cryptofeed and freqtrade do it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    log.addHandler(handler)
    handler.close()
    log.info("x")
    assert (1, 1) == (len(logs.lines), len(logs.records))


def test_disabled_loggers_and_filters_are_obeyed(logs, log):
    """What the application switched off does not come."""
    log.addFilter(lambda record: "no" not in record.msg)
    log.info("no")
    log.disabled = True
    log.info("x")
    log.disabled = False
    log.filters.clear()
    log.setLevel(logging.ERROR)
    log.info("y")
    assert [] == logs.lines


def test_bad_arguments_and_odd_levels_do_no_harm(logs, log):
    """Formatting never raises, custom levels keep their place."""
    log.handlers.clear()  # pytest attaches its own, also to loggers that do not propagate
    logging.addLevelName(18, "EVENT_LOG")
    log.log(18, "%d %d", "a", {"b": object})
    log.log(16, "x")
    log.warning({"event": "structured", "size": 5, "_record": 1})
    assert ["event_log", "level 16", "warning"] == [line["level"] for line in logs.lines]
    assert logs.lines[0]["event"].startswith("%d %d a {'b'")
    assert {"event": "structured", "size": 5}.items() <= logs.lines[2].items()
    assert [SeverityNumber.DEBUG4] * 2 == [record.severity_number for record in logs.records[:2]]


@pytest.mark.parametrize("name", ["otel_trading", "otel_trading.x", "opentelemetry.sdk", "opentelemetry"])
def test_our_own_and_opentelemetry_s_records_are_not_bridged(logs, log, name):
    """A failed export that is exported again would never end."""
    logging.getLogger(name).critical("x")
    assert ([], []) == (logs.lines, logs.records)
    logging.getLogger("otel_trading_user").critical("x")
    assert 1 == len(logs.lines)


def test_records_of_an_export_are_not_bridged(logs, log):
    """urllib3 logs at debug about each POST, and each would cause the next."""
    with suppress_instrumentation():
        log.info("Starting new HTTP connection")
    assert [] == logs.records


def test_a_value_that_logs_by_logging_is_no_loop(logs, log):
    """Records made while an event is handled are not bridged."""

    class Chatty:
        def __repr__(self):
            log.info("inner %r", self)
            return "chatty"

    get_logger("a").info("outer", me=Chatty())
    assert ["outer"] == [line["event"] for line in logs.lines]


def test_stop_takes_the_wrapper_away(start):
    """And a bridge that is not wanted never starts."""
    logs = start()
    assert logging.Logger.callHandlers is not ORIGINAL
    logs.pipeline.stop(clock.Deadline(5))
    assert logging.Logger.callHandlers is ORIGINAL
    start(bridge_standard_library=False)
    assert logging.Logger.callHandlers is ORIGINAL


def test_somebody_else_s_wrapper_stays(start, log, monkeypatch):
    """Ours below it falls silent at stop, and comes back to life once, not twice."""
    logs = start()
    ours = logging.Logger.callHandlers
    theirs = lambda self, record: ours(self, record)  # noqa: E731
    logging.Logger.callHandlers = theirs
    try:
        logs.pipeline.stop(clock.Deadline(5))
        assert logging.Logger.callHandlers is theirs
        log.info("unseen")
        second = start()
        log.info("x")
        assert (1, 1) == (len(second.lines), len(second.records))
    finally:
        logging.Logger.callHandlers = ours
        pipeline.standard_library.uninstall()
        assert logging.Logger.callHandlers is ORIGINAL


def test_without_stdout_lines_logging_s_last_resort_still_speaks(start, log, capsys):
    """`stdout=off` does not silence warnings of an application without handlers."""
    logs = start(stdout="off")
    log.handlers.clear()  # pytest's
    log.warning("heard")
    assert "heard\n" == capsys.readouterr().err
    assert 1 == len(logs.records)
