"""A family of prometheus_client as the protobuf message of the Prometheus format."""

from __future__ import annotations

import struct
from typing import Any

from otel_trading.ground.protobuf import delimited, varint
from otel_trading.hotpath.twin.render_protobuf import pair
from otel_trading.metrics.exposition.escaping import Scheme, escape
from otel_trading.metrics.exposition.family import encoded_head

_OWN = {"counter": "counter", "gauge": "gauge", "histogram": "histogram", "gaugehistogram": "gaugehistogram"}
_OWN |= {"summary": "summary", "info": "gauge", "stateset": "gauge"}


def message(family: Any, scheme: Scheme) -> bytes:
    """The message, with its size before it; samples of the same labels are one metric."""
    type = _OWN.get(family.type, "unknown")
    name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
    groups: dict[tuple[tuple[str, str], ...], list[Any]] = {}
    beside = {"le"} if type.endswith("histogram") else {"quantile"} if type == "summary" else set()
    for sample in family.samples:
        key = tuple(sorted((label, value) for label, value in sample.labels.items() if label not in beside))
        groups.setdefault(key, []).append(sample)
    content = encoded_head(escape(name, scheme), type, family.documentation, "")
    for labels, samples in groups.items():
        encoded = b"".join(pair(escape(label, scheme), value) for label, value in labels)
        content += delimited(4, encoded + _metric(type, samples))
    return varint(len(content)) + content


def _metric(type: str, samples: list[Any]) -> bytes:
    if type.endswith("histogram"):
        return delimited(7, _histogram(samples))
    if type == "summary":
        return delimited(4, _summary(samples))
    value = next((sample.value for sample in samples if not sample.name.endswith("_created")), 0.0)
    field = {"counter": 3, "gauge": 2}.get(type, 5)
    return delimited(field, _double(1, value))


def _histogram(samples: list[Any]) -> bytes:
    found = b""
    for sample in samples:
        if "le" in sample.labels:
            found += delimited(3, _count(1, sample.value) + _double(2, float(sample.labels["le"])))
        elif sample.name.endswith("count"):
            found += _count(1, sample.value)
        elif sample.name.endswith("sum"):
            found += _double(2, sample.value)
    counted = any(sample.name.endswith("count") for sample in samples)
    total = max((sample.value for sample in samples if "le" in sample.labels), default=0)
    return found if counted else found + _count(1, total)


def _summary(samples: list[Any]) -> bytes:
    found = b""
    for sample in samples:
        if "quantile" in sample.labels:
            found += delimited(3, _double(1, float(sample.labels["quantile"])) + _double(2, sample.value))
        elif sample.name.endswith("_count"):
            found += _count(1, sample.value)
        elif sample.name.endswith("_sum"):
            found += _double(2, sample.value)
    return found


def _count(field: int, value: float) -> bytes:
    return varint(field << 3) + varint(int(value))


def _double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)
