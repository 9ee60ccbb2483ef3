"""Log records to one OTLP request, a record at a time, so that others get the GIL between them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from otel_trading.delivery.any_value import any_value, attributes, text
from otel_trading.delivery.origin_fields import resource_field, schema_field, scope_field
from otel_trading.ground.breath import OF_SMALL_STEPS_NS, step
from otel_trading.ground.protobuf import sized, varint

_FIXED32, _FIXED64 = struct.Struct("<I"), struct.Struct("<Q")


def logs_request(items: Sequence[Any]) -> bytes:
    """An encoded ExportLogsServiceRequest.

    The stock encoder makes messages out of all records before it writes the first: 14 ms under the GIL for 512 records.
    This writes bytes, at a third of the cost, and draws breath. To be called from a worker's thread.

    Args:
        items: ReadableLogRecords; those with one Resource and one scope, the same objects, get one entry.

    Raises:
        Exception: one of them has a body, a time or ids that OTLP cannot carry.
    """
    groups: dict[int, tuple[Any, dict[int, tuple[Any, list[bytes]]]]] = {}
    for item in items:
        _, scopes = groups.setdefault(id(item.resource), (item.resource, {}))
        scope = item.instrumentation_scope or None
        _, records = scopes.setdefault(id(scope), (scope, []))
        records.append(sized(b"\x12", _record(item)))
        step(OF_SMALL_STEPS_NS)
    parts = []
    for resource, scopes in groups.values():
        content = [
            sized(b"\x12", b"".join((scope_field(scope), *records, schema_field(scope))))
            for scope, records in scopes.values()
        ]
        parts.append(sized(b"\x0a", b"".join((resource_field(resource), *content, schema_field(resource)))))
    return b"".join(parts)


def _record(item: Any) -> bytes:
    """The content of a LogRecord."""
    record = item.log_record
    severity, dropped, flags = record.severity_number, item.dropped_attributes, int(record.trace_flags or 0)
    return b"".join(
        (
            b"\x09" + _FIXED64.pack(record.timestamp) if record.timestamp else b"",
            b"\x10" + varint(severity.value) if severity is not None and severity.value else b"",
            text(b"\x1a", record.severity_text),
            sized(b"\x2a", any_value(record.body)),
            attributes(b"\x32", record.attributes),
            b"\x38" + varint(dropped) if dropped else b"",
            b"\x45" + _FIXED32.pack(flags) if flags else b"",
            b"\x4a\x10" + record.trace_id.to_bytes(16, "big") if record.trace_id else b"",
            b"\x52\x08" + record.span_id.to_bytes(8, "big") if record.span_id else b"",
            b"\x59" + _FIXED64.pack(record.observed_timestamp) if record.observed_timestamp else b"",
            text(b"\x62", record.event_name),
        )
    )
