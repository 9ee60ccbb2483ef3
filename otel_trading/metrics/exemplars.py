"""Exemplars: which measurements become one, and what is kept of them.

The cells ask only where a bucket has none since the last collection, so the common case costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, AlwaysOnExemplarFilter, Exemplar
from opentelemetry.util.types import AttributeValue

from otel_trading import sdk
from otel_trading.ground import clock
from otel_trading.metrics.attributes import fixed, typed
from otel_trading.metrics.engine import engine
from otel_trading.metrics.live import Recorded, Series
from otel_trading.metrics.measurement import labels

Filter = Literal["trace_based", "always_on", "always_off"]
NOTHING: dict[str, Any] = {}


def filter_named(wanted: Any) -> Filter:
    """The name of an SDK exemplar filter; trace based for one of the application's own, which cannot be asked."""
    if isinstance(wanted, AlwaysOnExemplarFilter):
        return "always_on"
    return "always_off" if isinstance(wanted, AlwaysOffExemplarFilter) else "trace_based"


def listen(wanted: Filter) -> None:
    """Makes the cells of this process offer their measurements."""
    if wanted == "always_on":
        engine.set_exemplar_hook(_always)
    elif wanted == "trace_based":
        variable, key, flags = sdk.current_context()
        if variable is not None:
            engine.set_exemplar_hook(_in_span, variable, key, flags)


def _in_span(series: Series, bucket: int, value: int | float, context: Context | None, origin: Any) -> bool:
    span = trace.get_current_span(context).get_span_context()
    if not span.trace_flags.sampled:
        return False
    _keep(series, bucket, Recorded(value, clock.wall_ns(), span.trace_id, span.span_id, filtered(series, origin)))
    return True


def _always(series: Series, bucket: int, value: int | float, context: Context | None, origin: Any) -> bool:
    span = trace.get_current_span(context).get_span_context()
    _keep(series, bucket, Recorded(value, clock.wall_ns(), span.trace_id, span.span_id, filtered(series, origin)))
    return True


def _keep(series: Series, bucket: int, recorded: Recorded) -> None:
    if series.exemplars is None:
        series.exemplars = {}
    series.exemplars[bucket] = recorded


def filtered(series: Series, origin: Any) -> Mapping[str, AttributeValue]:
    """The attributes of a measurement that its series does not have, or has another value for.

    Args:
        series: of one stream.
        origin: the attributes of the measurement, or the series that a handle is the cell of.
    """
    measured = origin.bound if isinstance(origin, Series) else labels(origin, series.cell.name)
    if not measured:
        return NOTHING
    kept = dict(zip(series.keys, series.values, strict=True))
    told = {key: fixed(value) for key, value in measured.items()}
    return {key: value for key, value in told.items() if key not in kept or typed(kept[key]) != typed(value)}


def offering(made: Sequence[Series], wanted: Filter) -> Callable[[int | float, Context | None, Any], None]:
    """A function that offers each measurement to the reservoirs of series; one that fails is counted by its caller."""

    def offer(value: int | float, context: Context | None, origin: Any) -> None:
        current = get_current() if context is None else context
        if wanted == "trace_based" and not trace.get_current_span(current).get_span_context().trace_flags.sampled:
            return
        for series in made:
            if series.reservoir is not None:
                measured = {**dict(series.attributes), **filtered(series, origin)}
                series.reservoir.offer(value, clock.wall_ns(), measured, current)

    return offer


def since(series: Series, time_ns: int) -> list[Exemplar]:
    """The exemplars of a series that are newer than a collection; every bucket then wants one again."""
    if series.reservoir is not None:
        return series.reservoir.collect(dict(series.attributes))
    kept = series.exemplars
    if not kept:
        return []
    series.cell.arm()
    return [
        Exemplar(dict(one.filtered), one.value, one.time_ns, one.span_id or None, one.trace_id or None)
        for one in list(kept.values())
        if one.time_ns > time_ns
    ]
