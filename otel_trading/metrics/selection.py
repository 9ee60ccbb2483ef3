"""Which streams an instrument has: the views that match it, or its own."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.metrics import Histogram
from opentelemetry.sdk.metrics.view import Aggregation, DefaultAggregation, View

from otel_trading import sdk
from otel_trading.ground import diagnostics
from otel_trading.metrics import aggregation
from otel_trading.metrics import attributes as sets
from otel_trading.metrics.aggregation import CellPlan
from otel_trading.metrics.histogram_view import HistogramView
from otel_trading.metrics.stream import StreamPlan
from otel_trading.metrics.units import IncompatibleUnits


@dataclass(frozen=True, slots=True)
class Selected:
    """A stream, and the aggregation that the view demands; without one the reader's preference counts."""

    stream: StreamPlan
    wanted: Aggregation | None = None
    plan: CellPlan | None = None

    def cells(self, instrument: Any, real: Any, reader: Any) -> CellPlan | None:
        """What the cells for a reader are; None if it gets nothing.

        Args:
            instrument: ours.
            real: the SDK's instrument of the same kind and name.
            reader: an SDK MetricReader.
        """
        if self.plan is not None:
            return self.plan
        wanted = self.wanted
        if wanted is None or isinstance(wanted, DefaultAggregation):
            _, wanted = sdk.reader_preference(reader, real)
        assert wanted is not None
        return aggregation.of_sdk(wanted, instrument, getattr(instrument, "advisory", None))


def streams(views: Sequence[Any], instrument: Any, real: Any, limit: int) -> list[Selected]:
    """The streams of an instrument.

    The first HistogramView that matches a histogram is its only view, unless an SDK View comes before it; otherwise
    each SDK View that matches makes a stream.

    Args:
        views: HistogramView and SDK View objects in the user's order.
        instrument: ours.
        real: the SDK's instrument of the same kind and name, by which SDK Views match.
        limit: most series of a stream whose view says nothing.
    """
    found: list[Selected] = []
    for view in views:
        if isinstance(view, HistogramView):
            if found or not isinstance(real, Histogram) or not view.matches(instrument.name):
                continue
            return [_by_ours(view, instrument, limit)]
        if isinstance(view, View) and sdk.view_matches(view, real):
            found.append(_by_sdk(view, instrument, limit))
    if found:
        return found
    return [Selected(_own(instrument, limit))]


def _own(instrument: Any, limit: int) -> StreamPlan:
    keep = sets.filtering(instrument.attributes_advisory)
    return StreamPlan(instrument.name, instrument.description, keep, limit)


def _by_sdk(view: View, instrument: Any, limit: int) -> Selected:
    name, description, keys, wanted = sdk.view_settings(view)
    own_limit = view.cardinality_limit if isinstance(view, sdk.StreamView) else None
    keep = sets.filtering(instrument.attributes_advisory if keys is None else keys)
    plan = StreamPlan(name or instrument.name, description or instrument.description, keep, own_limit or limit, view)
    return Selected(plan, wanted=wanted)


def _by_ours(view: HistogramView, instrument: Any, limit: int) -> Selected:
    kept = view.kept()
    keep = sets.filtering(instrument.attributes_advisory if kept is None else kept, view.allow)
    stream = StreamPlan(instrument.name, instrument.description, keep, view.cardinality_limit or limit)
    try:
        return Selected(stream, plan=view.cell_plan(instrument))
    except IncompatibleUnits as error:
        diagnostics.say(
            logging.ERROR,
            "the view %r does not fit %s: %s. Give boundaries in the instrument's unit; its own are used.",
            view.match,
            instrument.name,
            error,
        )
        return Selected(_own(instrument, limit))
