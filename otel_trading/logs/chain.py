"""structlog: configured by us unless the application did it, and one processor for chains of the application's own."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog
from opentelemetry import context as otel_context

from otel_trading.ground import clock
from otel_trading.ground.diagnostics import trouble
from otel_trading.logs import current, levels, standard_library
from otel_trading.logs.event import ids_of
from otel_trading.logs.failures import failure_of
from otel_trading.logs.logger import PROCESSORS, Logger, make_logger_name
from otel_trading.logs.record import Record

_OURS = {
    "processors": PROCESSORS,
    "context_class": dict,
    "wrapper_class": Logger,
    "logger_factory": make_logger_name,
    "cache_logger_on_first_use": False,
}


def configure_structlog() -> None:
    """Makes `structlog.get_logger()` give our logger, unless the application configured structlog before."""
    if not structlog.is_configured():
        structlog.configure(**_OURS)  # type: ignore[arg-type]  # one dictionary for setting and comparing


def release_structlog() -> None:
    """Puts structlog's defaults back if its configuration is still wholly ours. Takes no lock."""
    configured = structlog.get_config()
    if all(configured.get(name) is value for name, value in _OURS.items()):
        structlog.reset_defaults()


class StructlogProcessor:
    """Sends each event to OTLP and adds `trace_id`, `span_id` and `service` to the dictionary it passes on.

    It writes no line: the application's own chain does. What goes to OTLP is redacted, what is passed on is not. It
    never raises, and without `init()` it only passes on. Put it after processors that add key-values and before
    the renderer; the chain's own `timestamp`, `level` and `logger` are read, not repeated as attributes.
    """

    sends_to_otlp = True
    """Our own loggers skip it: their pipeline sends the event already."""

    def __call__(self, logger: Any, method_name: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """What structlog calls for each event."""
        sink = current.sink
        if sink is None:
            return event_dict
        try:
            record = _record(logger, method_name, event_dict)
            if record.level.number >= sink.level_number:
                sink.accept(record, stdout=False)
            if isinstance(logger, logging.Logger):  # its record will come by the bridge as well
                standard_library.already_sent(logger.name)
            _add_ids(event_dict, record, sink.service)
        except Exception as error:
            trouble("logs.structlog", "the structlog processor could not send an event: %s", type(error).__name__)
        return event_dict


def structlog_processor() -> StructlogProcessor:
    """Returns the processor for the chain of an application that configures structlog itself."""
    return StructlogProcessor()


_NOT_FIELDS = frozenset(("event", "level", "timestamp", "logger", "logger_name", "exc_info", "exception", "stack"))


def _record(logger: Any, method_name: str, event_dict: MutableMapping[str, Any]) -> Record:
    fields = {
        name: value
        for name, value in event_dict.items()
        if name not in _NOT_FIELDS and not (isinstance(name, str) and name.startswith("_"))
    }
    rendered = event_dict.get("exception")  # by structlog's format_exc_info
    failure = failure_of(event_dict.get("exc_info"))
    if rendered and failure is None:
        fields["exception.stacktrace"] = rendered
    name = event_dict.get("logger") or event_dict.get("logger_name") or getattr(logger, "name", None)
    return Record(
        time_ns=clock.wall_ns(),
        level=levels.of(event_dict.get("level", method_name)),
        event=event_dict.get("event"),
        arguments=(),
        logger=name if isinstance(name, str) else "structlog",
        fields=fields,
        context=otel_context.get_current(),
        failure=failure,
        stack=event_dict.get("stack"),
    )


def _add_ids(event_dict: MutableMapping[str, Any], record: Record, service: str) -> None:
    trace_id, span_id = ids_of(record.context)
    if trace_id:
        event_dict.setdefault("trace_id", trace_id)
        event_dict.setdefault("span_id", span_id)
    event_dict.setdefault("service", service)
