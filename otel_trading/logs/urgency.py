"""Which log records a full queue gives up first: debug records; last: errors and records about orders."""

from __future__ import annotations

from typing import Any

from otel_trading.delivery.measuring import record_size
from otel_trading.delivery.urgency import Urgency
from otel_trading.delivery.waiting import Measure
from otel_trading.sdk import SeverityNumber

_ERROR, _INFO = SeverityNumber.ERROR.value, SeverityNumber.INFO.value
_ORDER_KEYS = ("trading.order.", "trading.execution.", "risk.", "trading.kill_switch")


def record_measure(item: Any) -> Measure:
    """Measures a log record."""
    return Measure(1, record_size(item), _urgency(item.log_record))


def _urgency(record: Any) -> Urgency:
    severity = record.severity_number.value if record.severity_number is not None else _INFO
    if severity >= _ERROR or any(str(key).startswith(_ORDER_KEYS) for key in record.attributes or ()):
        return Urgency.HIGH
    return Urgency.LOW if 0 < severity < _INFO else Urgency.NORMAL
