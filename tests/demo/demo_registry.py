"""Telemetry of a run against the registry, as Weaver's live check looks at it: names, kinds, units, attributes."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from otel_trading.catalogue.model import Signal, Span
from otel_trading.catalogue.reading import ours

ROOT = Path(__file__).resolve().parents[2]
# the tools are run from the checkout and not installed
sys.path.append(str(ROOT))

from tools.coverage import emitted  # noqa: E402

REGISTRY = ours()
KNOWN = {attribute.key: attribute for attribute in REGISTRY.attributes}
METRICS = {metric.name: metric for metric in REGISTRY.metrics}
EVENTS = {event.name: event for event in REGISTRY.events}
TYPES = {"string": (str,), "enum": (str,), "int": (int,), "double": (float, int), "boolean": (bool,)}
# the semantic conventions' own, by the SDK that makes them
CONVENTIONS = ("otel.sdk.", "otel.component.")
# told for people when something is broken; no event of the registry
FREE = {"error", "line", "reason"}


def pattern(span: Span) -> re.Pattern[str]:
    """Of the names that a span type makes, such as `md.receive {trading.venue}`."""
    template = span.span_name.strip("`")
    parts = [re.escape(part) for part in re.split(r"\{[^}]+\}", template)]
    return re.compile(r"\S+".join(parts))


SPANS = [(pattern(span), span) for span in REGISTRY.spans]


def recorded_by_programs() -> frozenset[str]:
    """Metrics that the demo's programs use, read from their text."""
    return emitted.metrics(ROOT / "otel_trading/demo")


def departures(store: Path) -> list[str]:
    """What a run said in other words than the registry's; sorted, each once."""
    connection = sqlite3.connect(store)
    try:
        return sorted({*_spans(connection), *_logs(connection), *_metrics(connection)})
    finally:
        connection.close()


def _spans(connection: sqlite3.Connection) -> Iterator[str]:
    for name, kind, text, links in connection.execute("select name, kind, attributes, links from spans"):
        found = [span for names, span in SPANS if names.fullmatch(name)]
        if len(found) != 1:
            yield f"span {name}: {len(found)} types"
            continue
        [span] = found
        if span.kind != kind:
            yield f"span {name}: {kind}, not {span.kind}"
        yield from _attributes(f"span {span.name}", json.loads(text), span)
        for link in json.loads(links):
            yield from _attributes("link", link.get("attributes", {}))


def _logs(connection: sqlite3.Connection) -> Iterator[str]:
    for event_name, text in connection.execute("select event_name, attributes from logs"):
        if event_name and event_name not in EVENTS:
            yield f"event {event_name}"
        attributes = {key: value for key, value in json.loads(text).items() if event_name or key not in FREE}
        yield from _attributes(f"event {event_name}", attributes, EVENTS.get(event_name))


def _metrics(connection: sqlite3.Connection) -> Iterator[str]:
    for name, unit, kind, text in connection.execute("select name, unit, kind, attributes from series"):
        if name.startswith(CONVENTIONS):
            continue
        metric = METRICS.get(name)
        if metric is None:
            yield f"metric {name}"
            continue
        if (unit, kind.replace("_", "")) != (metric.unit, metric.instrument):
            yield f"metric {name}: {kind} in {unit}"
        yield from _attributes(f"metric {name}", json.loads(text), metric, required=False)


def _attributes(
    where: str, found: Mapping[str, Any], signal: Signal | None = None, *, required: bool = True
) -> Iterator[str]:
    uses = {use.attribute.key: use for use in signal.uses} if signal else {}
    for key, value in found.items():
        if key.startswith(CONVENTIONS):
            continue
        attribute = KNOWN.get(key)
        if attribute is None or (signal and key not in uses):
            yield f"{where}: {key}"
        elif not isinstance(value, TYPES[attribute.type]):
            yield f"{where}: {key} is {type(value).__name__}"
        elif attribute.closed and value not in attribute.closed:
            yield f"{where}: {key} has no value {value}"
    if required:
        yield from (f"{where}: no {key}" for key, use in uses.items() if use.required and key not in found)
