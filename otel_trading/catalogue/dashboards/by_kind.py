"""The panel that a metric gets by its kind, where nobody drew one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from otel_trading.catalogue.dashboards import promql
from otel_trading.catalogue.dashboards.model import Panel, Query, Source, Step
from otel_trading.catalogue.dashboards.units import is_share, per_second, scaled, unit
from otel_trading.catalogue.model import Metric
from otel_trading.catalogue.prometheus_names import family, label
from otel_trading.metrics.profiles.model import Exported

Shape: TypeAlias = Literal["counter", "gauge", "histogram"]
_PER_SECOND = ("rate", "peak", "mean")
_UNITLESS = ("share", "ratio")


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric as Prometheus has it.

    Attributes:
        name: of the family.
        shape: its TYPE.
        unit: Grafana's name of what its panel shows.
        labels: by which its panel tells series apart.
        title: of its panel.
        brief: what it measures.
    """

    name: str
    shape: Shape
    unit: str
    labels: tuple[str, ...]
    title: str
    brief: str


def of_registry(metric: Metric) -> Measured:
    """A metric of a registry."""
    shape: Shape = "gauge"
    if metric.instrument in ("counter", "histogram"):
        shape = "counter" if metric.instrument == "counter" else "histogram"
    labels = tuple(label(use.attribute.key) for use in metric.uses)
    shown = per_second(metric.unit) if shape == "counter" else unit(metric.unit, metric.name)
    return Measured(family(metric), shape, shown, labels, metric.name, metric.brief)


def of_profile(one: Exported) -> Measured:
    """A metric of an existing system; its title is its name in words."""
    ucum = scaled(one.sources[0].unit, one.scale)
    if one.derive is not None and one.derive.kind in (*_PER_SECOND, *_UNITLESS):
        ucum = f"{ucum}/s" if one.derive.kind in _PER_SECOND else "1"
    share = ucum == "1" and (one.derive is not None or is_share(one.sources[0].canonical))
    shown = per_second(ucum) if one.type == "counter" else "percentunit" if share else unit(ucum, one.name)
    return Measured(one.name, one.type, shown, one.labels, _words(one.name), one.help)


def panels(one: Measured, sources: tuple[Source, ...] = ()) -> tuple[Panel, ...]:
    """Rates of a counter, quantiles and buckets of a histogram, values of everything else."""
    line = series(one, sources)
    if one.shape != "histogram":
        return (line,)
    return line, spread(one, sources)


def series(one: Measured, sources: tuple[Source, ...] = ()) -> Panel:
    """The metric over time."""
    queries: tuple[Query, ...]
    if one.shape == "counter":
        queries = (Query(promql.rate(one.name, *one.labels), _legend(one)),)
    elif one.shape == "histogram":
        queries = tuple(Query(promql.quantile(of, one.name), f"P{of * 100:g}") for of in promql.QUANTILES)
    else:
        queries = (Query(one.name, _legend(one)),)
    return Panel(one.title, "timeseries", queries, unit=one.unit, description=_described(one), sources=sources)


def spread(one: Measured, sources: tuple[Source, ...] = ()) -> Panel:
    """How often each bucket of a histogram was met."""
    query = Query(promql.buckets(one.name))
    title = f"{one.title}: buckets"
    return Panel(title, "heatmap", (query,), unit=one.unit, description=_described(one), sources=sources)


def limited(panel: Panel, *limits: tuple[Literal["yellow", "orange", "red"], float]) -> Panel:
    """The panel with limits: green up to the first."""
    return replace(panel, steps=(Step("green"), *(Step(color, value) for color, value in limits)))


def _described(one: Measured) -> str:
    return f"{one.brief.rstrip('.')}. Series: `{one.name}`."


def _legend(one: Measured) -> str:
    return promql.legend(*one.labels) or one.title


def _words(name: str) -> str:
    """A name without the system it belongs to and its unit, both of which its dashboard shows."""
    for begin in ("waiver_", "perf_", "bog_"):
        name = name.removeprefix(begin)
    for end in ("_total", "_seconds", "_bytes", "_ms", "_us", "_ns"):
        name = name.removesuffix(end)
    text = name.replace("_", " ")
    return text[0].upper() + text[1:]
