"""An event: a record after conversion and redaction, the one source of the stdout line and of the OTLP record."""

from __future__ import annotations

from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.context import Context

from otel_trading.ground import order_ids, values
from otel_trading.ground.values import AttributeValue
from otel_trading.logs.failures import fields_of
from otel_trading.logs.levels import Level
from otel_trading.logs.record import Record
from otel_trading.privacy.redaction import Redactor

FIXED_FIELDS = frozenset(("timestamp", "level", "event", "logger", "service", "trace_id", "span_id"))
"""What every line starts with. A caller's key of the same name gets an underscore at its end, on the line and
in OTLP: `log.info("x", event="y")` gives `event` x and `event_` y. Nothing is lost, no key can forge a trace id."""


@dataclass(slots=True)
class Event:
    """One event, ready to be rendered and emitted.

    Attributes:
        time_ns: UTC nanoseconds since 1970.
        level: of the call.
        text: what happened.
        event_name: OpenTelemetry's name of the kind of event, from the key-value `event_name`; else None.
        logger: the logger's name.
        trace_id: 32 hex digits, or empty without a span.
        span_id: 16 hex digits, or empty without a span.
        fields: key-values under their JSON names, converted and redacted.
        context: of OpenTelemetry.
    """

    time_ns: int
    level: Level
    text: str
    event_name: str | None
    logger: str
    trace_id: str
    span_id: str
    fields: dict[str, AttributeValue]
    context: Context


def event_of(record: Record, redactor: Redactor) -> Event:
    """Returns the event for a record: order ids under the names of the one table, secrets masked."""
    fields: dict[str, AttributeValue] = {}
    for name, value in record.fields.items():
        _place(fields, values.key(name), value, redactor)
    if record.failure is not None:
        for name, text in fields_of(record.failure).items():
            _place(fields, name, text, redactor)
    if record.stack:
        _place(fields, "stack", record.stack, redactor)
    event_name = fields.get("event_name")
    trace_id, span_id = ids_of(record.context)
    return Event(
        time_ns=record.time_ns,
        level=record.level,
        text=redactor.text(_formatted(record.event, record.arguments)),
        event_name=event_name if isinstance(event_name, str) else None,
        logger=values.clean(record.logger, 256),
        trace_id=trace_id,
        span_id=span_id,
        fields=fields,
        context=record.context,
    )


def ids_of(context: Context) -> tuple[str, str]:
    """Returns trace id and span id in hex; two empty texts without a span."""
    span = trace.get_current_span(context).get_span_context()
    if not span.is_valid:
        return "", ""
    return trace.format_trace_id(span.trace_id), trace.format_span_id(span.span_id)


def _place(fields: dict[str, AttributeValue], name: str, value: object, redactor: Redactor) -> None:
    name = order_ids.json_field(name)
    converted = redactor.value(name, value)
    values.place(fields, f"{name}_" if name in FIXED_FIELDS else name, converted)


def _formatted(event: object, arguments: tuple[object, ...]) -> str:
    """Returns the event's text, `%`-formatted as the standard library does; arguments that do not fit follow it."""
    if event is None and not arguments:
        return ""
    text = values.text(event)
    if not arguments:
        return text
    try:
        # one mapping fills %(name)s
        filled = text % (arguments[0] if len(arguments) == 1 and isinstance(arguments[0], dict) else arguments)
        return values.clean(filled)
    except Exception:
        return values.clean(" ".join((text, *(values.text(argument) for argument in arguments))))
