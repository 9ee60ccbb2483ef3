"""Which streams an instrument has: the views that match it, or its own."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opentelemetry.sdk.metrics import Histogram
from opentelemetry.sdk.metrics.view import Aggregation, DefaultAggregation, View

from otel_trading import sdk
from otel_trading.config.knob import ViewMatchingMode
from otel_trading.ground import diagnostics
from otel_trading.metrics import aggregation
from otel_trading.metrics import attributes as sets
from otel_trading.metrics.aggregation import CellPlan
from otel_trading.metrics.boundaries import Boundaries
from otel_trading.metrics.composition import composed
from otel_trading.metrics.histogram_view import HistogramView
from otel_trading.metrics.stream import StreamPlan
from otel_trading.metrics.units import IncompatibleUnits


@dataclass(frozen=True, slots=True)
class Selected:
    """A stream, and the aggregation that the view demands; without one the reader's preference counts.

    Attributes:
        stream: what the view says.
        wanted: the aggregation of an SDK View.
        plan: the cells of a HistogramView.
        bounds: of explicit buckets where no view gives any.
    """

    stream: StreamPlan
    wanted: Aggregation | None = None
    plan: CellPlan | None = None
    bounds: Sequence[float] | None = None

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
            if not fitting(wanted, real, "A reader", "The default of the instrument is used."):
                wanted = DefaultAggregation()
        assert wanted is not None
        return aggregation.of_sdk(wanted, instrument, self.bounds)


def streams(
    views: Sequence[Any],
    instrument: Any,
    real: Any,
    limit: int,
    mode: ViewMatchingMode,
    lowest: Mapping[str, Boundaries] | None = None,
) -> list[Selected]:
    """The streams of an instrument.

    The first HistogramView that matches a histogram is its only view, unless an SDK View comes before it; otherwise
    the SDK Views that match make the streams.

    Args:
        views: HistogramView and SDK View objects in the user's order.
        instrument: ours.
        real: the SDK's instrument of the same kind and name, by which SDK Views match.
        limit: most series of a stream whose view says nothing.
        mode: each SDK View makes a stream of its own, or those of one stream make it together.
        lowest: by the name of a histogram in lower case, boundaries that it gets besides the advised ones where no view
            gives any.
    """
    advised = _advised(instrument, (lowest or {}).get(instrument.name.lower()))
    found = _streams(views, instrument, real, limit, mode)
    return [replace(selected, bounds=advised) for selected in found]


def _streams(views: Sequence[Any], instrument: Any, real: Any, limit: int, mode: ViewMatchingMode) -> list[Selected]:
    matching: list[View] = []
    for view in views:
        if isinstance(view, HistogramView):
            if matching or not isinstance(real, Histogram) or not view.matches(instrument.name):
                continue
            return [_by_ours(view, instrument, limit)]
        if isinstance(view, View) and sdk.view_matches(view, real):
            matching.append(view)
    chosen = _together(matching, real) if mode == "composable" else [one for one in matching if _alone(one, real)]
    return [_by_sdk(view, instrument, limit) for view in chosen] or [Selected(_own(instrument, limit))]


def _advised(instrument: Any, further: Boundaries | None) -> Sequence[float] | None:
    """Advised boundaries and those that are wanted besides; None leaves the specification's."""
    advised: Sequence[float] | None = getattr(instrument, "advisory", None)
    if further is None:
        return advised
    try:
        return sorted({*(advised or ()), *further.in_unit(instrument.unit or further.unit)})
    except IncompatibleUnits:
        return advised


def of_asynchronous(views: Sequence[Any], mode: ViewMatchingMode) -> Sequence[View]:
    """The Views for the SDK's provider, which matches asynchronous instruments itself."""
    if mode == "composable":
        return sdk.ViewsByInstrument(lambda real: _together(_matching(views, real), real))
    return [view for view in views if isinstance(view, View)]


def _matching(views: Sequence[Any], real: Any) -> list[View]:
    return [view for view in views if isinstance(view, View) and sdk.view_matches(view, real)]


def _together(matching: Sequence[View], real: Any) -> list[View]:
    """The composed Views of an SDK instrument."""
    return composed(matching, real.name, lambda view: _aspect(view, real))


def _alone(view: View, real: Any) -> bool:
    return fitting(sdk.view_settings(view).aggregation, real, "A view", "It is as if that view did not exist.")


def _aspect(view: View, real: Any) -> bool:
    return fitting(sdk.view_settings(view).aggregation, real, "A view", "It is as if the view said nothing about it.")


def fitting(wanted: Aggregation | None, real: Any, of: str, consequence: str) -> bool:
    """Whether an instrument can be aggregated so; if it cannot, that is said once."""
    if wanted is None or aggregation.fits(wanted, real):
        return True
    diagnostics.say_once(
        f"metrics.unfit {real.name}",
        "%s asks for %s, which is not possible for the %s %s. %s",
        of,
        type(wanted).__name__,
        type(real).__name__.strip("_"),
        real.name,
        consequence,
    )
    return False


def _own(instrument: Any, limit: int) -> StreamPlan:
    keep = sets.filtering(instrument.attributes_advisory)
    return StreamPlan(instrument.name, instrument.description, keep, limit)


def _by_sdk(view: View, instrument: Any, limit: int) -> Selected:
    told = sdk.view_settings(view)
    keep = sets.filtering(instrument.attributes_advisory if told.keys is None else told.keys)
    stream = StreamPlan(
        told.name or instrument.name,
        told.description or instrument.description,
        keep,
        told.cardinality_limit or limit,
        view,
    )
    return Selected(stream, wanted=told.aggregation)


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
