"""Finds the items for which a receiver refuses a batch, so that they alone are lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans
from opentelemetry.sdk.metrics.export import MetricsData

from otel_trading.delivery.span_chunk import SpanChunk
from otel_trading.ground import diagnostics

_CULPRITS, _REFUSALS = 3, 64
"""A receiver that refuses three single items and takes nothing refuses everything; a batch gets 64 refusals at most."""


class Dividing:
    """What one receiver's refusals tell; one thread at a time."""

    def __init__(self, name: str) -> None:
        """Takes the name for messages."""
        self._name = name
        self._in_vain = False
        self.begin()

    def begin(self) -> None:
        """A new batch."""
        self._refusals = self._culprits = 0
        self._some_taken = False

    def taken(self) -> None:
        """The receiver took something: it does not refuse everything."""
        self._some_taken, self._in_vain = True, False

    def halves(self, items: Sequence[Any]) -> list[list[Any]]:
        """The two halves of a batch that was refused; none if it is lost."""
        self._refusals += 1
        parts = divided(items)
        if not parts:
            self._culprits += 1
            diagnostics.trouble("delivery.refused_item", "the receiver of %s refuses %s", self._name, _called(items[0]))
        if self._culprits >= _CULPRITS and not self._some_taken:
            self._in_vain = True
        return [] if self._in_vain or self._refusals > _REFUSALS else parts


def divided(items: Sequence[Any]) -> list[list[Any]]:
    """Two halves; of a single chunk of spans or collection of metrics, one with each half. Nothing if it is one."""
    if len(items) > 1:
        middle = len(items) // 2
        return [list(items[:middle]), list(items[middle:])]
    if items and isinstance(items[0], SpanChunk):
        return [[half] for half in items[0].halves()]
    if items and isinstance(items[0], MetricsData):
        return [[half] for half in _halves(items[0])]
    return []


def _halves(collection: MetricsData) -> list[MetricsData]:
    total = sum(len(scope.metrics) for part in collection.resource_metrics for scope in part.scope_metrics)
    if total < 2:
        return []
    return [_slice(collection, 0, total // 2), _slice(collection, total // 2, total)]


def _slice(collection: MetricsData, begin: int, end: int) -> MetricsData:
    """The metrics whose places, counted through all scopes, are in the range."""
    place, parts = 0, []
    for part in collection.resource_metrics:
        scopes = []
        for scope in part.scope_metrics:
            kept = scope.metrics[max(0, begin - place) : max(0, end - place)]
            place += len(scope.metrics)
            if kept:
                scopes.append(replace(scope, metrics=kept))
        if scopes:
            parts.append(replace(part, scope_metrics=scopes))
    return MetricsData(parts)


def _called(item: Any) -> str:
    """What a message may say about an item: names only, since values may be secret."""
    if isinstance(item, MetricsData):
        names = [m.name for part in item.resource_metrics for scope in part.scope_metrics for m in scope.metrics]
        return f"the metric {names[0]!r}" if names else "an empty collection"
    if isinstance(item, SpanChunk):
        name: Any = ScopeSpans.FromString(item.spans).spans[0].name
    else:
        name = getattr(item, "name", None)
    return f"a span {name!r}" if isinstance(name, str) else "a log record"
