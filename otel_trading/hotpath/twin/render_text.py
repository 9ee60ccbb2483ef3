"""Records in the two text formats: Prometheus 0.0.4 and OpenMetrics 1.0."""

from __future__ import annotations

import math

from otel_trading.hotpath.twin.render_copy import Record, Spot
from otel_trading.hotpath.twin.render_family import BUCKET, COUNT, CREATED, SUM, VALUE, escaped, label
from otel_trading.hotpath.twin.render_number import amount, render_number, seconds


def text_of(record: Record, format: str) -> str:
    """The lines of one series."""
    labels = ",".join(label(name, value) for name, value in record.entry.labels())
    names = record.family.names[format]
    pointed = format == "openmetrics"
    lines: list[str] = []
    if record.family.type == "histogram":
        lines += _buckets(record, names[BUCKET], labels, pointed)
        count = record.buckets()[-1][1]
        if not record.entry.shape.bounds or record.entry.shape.bounds[0] >= 0:
            lines.append(f"{_named(names[SUM], labels)}{amount(record.sum, pointed)}")
        lines.append(f"{_named(names[COUNT], labels)}{count}")
    else:
        line = f"{_named(names[VALUE], labels)}{amount(record.sum, pointed)}"
        if names[CREATED]:  # only what OpenMetrics calls a counter
            line += _exemplar(record.newest(-math.inf, math.inf), pointed)
        lines.append(line)
    if names[CREATED] and record.started_ns:
        lines.append(f"{_named(names[CREATED], labels)}{seconds(record.started_ns)}")
    return "".join(f"{line}\n" for line in lines)


def _named(name: str, labels: str) -> str:
    """Name, labels and the space before the value; a name that needs quotes comes as `{"name"`."""
    if name.startswith("{"):
        return f"{name},{labels}}} " if labels else f"{name}}} "
    return f"{name}{{{labels}}} " if labels else f"{name} "


def _buckets(record: Record, name: str, labels: str, pointed: bool) -> list[str]:
    start = f"{name}{',' if name.startswith('{') else '{'}{labels}{',' if labels else ''}"
    shown = record.entry.shape.le[pointed]
    lines, lower = [], -math.inf
    for position, (upper, count) in enumerate(record.buckets()):
        le = shown[position] if shown else render_number(upper, pointed)
        lines.append(f'{start}le="{le}"}} {count}{_exemplar(record.newest(lower, upper), pointed)}')
        lower = upper
    return lines


def _exemplar(spot: Spot | None, pointed: bool) -> str:
    if spot is None:
        return ""
    labels = ",".join(f'{name}="{escaped(value)}"' for name, value in spot.labels)
    at = f" {seconds(spot.time_ns)}" if spot.time_ns > 0 else ""
    return f" # {{{labels}}} {amount(spot.value, pointed)}{at}"
