"""How each kind of panel looks: our defaults in the words of Grafana's models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from otel_trading.catalogue.dashboards.grafana import (
    bargauge,
    common,
    gauge,
    heatmap,
    logs,
    stat,
    statetimeline,
    table,
    timeseries,
)
from otel_trading.catalogue.dashboards.model import Kind, Panel, Style


@dataclass(frozen=True, slots=True)
class Look:
    """What Grafana wants to know of a kind.

    Attributes:
        type: of Grafana's plugin.
        options: of a panel.
        custom: of its fields; None where the kind has none.
    """

    type: str
    options: Callable[[Panel], object]
    custom: Callable[[Panel], object] = lambda _: None


def _legend() -> common.VizLegendOptions:
    return common.VizLegendOptions(
        display_mode=common.LegendDisplayMode.LIST,
        placement=common.LegendPlacement.BOTTOM,
        show_legend=True,
        calcs=[],
    )


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions(values=False, calcs=["lastNotNull"], fields="")


def _series(_: Panel) -> object:
    return timeseries.Options(legend=_legend(), tooltip=_tooltip())


_DRAWN: dict[Style, common.GraphDrawStyle] = {"bars": common.GraphDrawStyle.BARS}
_FILLED: dict[Style, float] = {"lines": 0, "stacked": 40, "bars": 80}


def _lines(panel: Panel) -> object:
    limits = common.GraphThresholdsStyleMode.DASHED if len(panel.steps) > 1 else common.GraphThresholdsStyleMode.OFF
    piled = common.StackingMode.NORMAL if panel.style == "stacked" else common.StackingMode.NONE
    return timeseries.FieldConfig(
        draw_style=_DRAWN.get(panel.style, common.GraphDrawStyle.LINE),
        fill_opacity=_FILLED[panel.style],
        line_width=1,
        axis_label=panel.label,
        show_points=common.VisibilityMode.NEVER,
        stacking=common.StackingConfig(mode=piled, group="A"),
        thresholds_style=common.GraphThresholdsStyleConfig(mode=limits),
    )


def _stat(panel: Panel) -> object:
    # one of a few states fills its panel with its colour, a number keeps a small graph behind it
    state = bool(panel.values)
    return stat.Options(
        graph_mode=common.BigValueGraphMode.NONE if state else common.BigValueGraphMode.AREA,
        color_mode=common.BigValueColorMode.BACKGROUND if state else common.BigValueColorMode.VALUE,
        justify_mode=common.BigValueJustifyMode.AUTO,
        text_mode=common.BigValueTextMode.AUTO,
        reduce_options=_last(),
        show_percent_change=panel.change,
        orientation=common.VizOrientation.AUTO,
    )


def _gauge(_: Panel) -> object:
    return gauge.Options(reduce_options=_last(), orientation=common.VizOrientation.AUTO)


def _histogram(_: Panel) -> object:
    return bargauge.Options(
        display_mode=common.BarGaugeDisplayMode.BASIC,
        orientation=common.VizOrientation.VERTICAL,
        reduce_options=_last(),
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.LIST, placement=common.LegendPlacement.BOTTOM
        ),
    )


def _heatmap(panel: Panel) -> object:
    return heatmap.Options(
        calculate=False,
        color=heatmap.HeatmapColorOptions(
            mode=heatmap.HeatmapColorMode.SCHEME, scheme="Oranges", fill="dark-orange", exponent=0.5, steps=64
        ),
        y_axis=heatmap.YAxisConfig(unit=panel.unit, axis_label=panel.label),
        legend=heatmap.HeatmapLegend(show=True),
        tooltip=heatmap.HeatmapTooltip(mode=common.TooltipDisplayMode.SINGLE, y_histogram=True, show_color_scale=True),
        exemplars=heatmap.ExemplarConfig(color="rgba(255,0,255,0.7)"),
    )


def _table(_: Panel) -> object:
    return table.Options(show_header=True, cell_height=common.TableCellHeight.SM)


def _timeline(_: Panel) -> object:
    return statetimeline.Options(
        show_value=common.VisibilityMode.AUTO,
        align_value=common.TimelineValueAlignment.LEFT,
        legend=_legend(),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.SINGLE, sort=common.SortOrder.NONE),
    )


def _logs(_: Panel) -> object:
    return logs.Options(
        show_time=True,
        wrap_log_message=True,
        enable_log_details=True,
        sort_order=common.LogsSortOrder.DESCENDING,
        dedup_strategy=common.LogsDedupStrategy.NONE,
    )


def _alerts(panel: Panel) -> object:
    # the SDK has no model of this panel, so these are Grafana's own words
    return {
        "alertInstanceLabelFilter": "",
        "alertName": "",
        "datasource": "Prometheus",
        "groupBy": [],
        "groupMode": "default",
        "maxItems": panel.rows,
        "sortOrder": 3,
        "stateFilter": {"error": True, "firing": True, "noData": False, "normal": False, "pending": True},
        "viewMode": "list",
    }


LOOKS: dict[Kind, Look] = {
    "timeseries": Look("timeseries", _series, _lines),
    "stat": Look("stat", _stat),
    "gauge": Look("gauge", _gauge),
    # Grafana's panel of that name makes buckets of raw values; these values come in buckets
    "histogram": Look("bargauge", _histogram),
    "heatmap": Look("heatmap", _heatmap, lambda _: heatmap.FieldConfig()),
    "table": Look("table", _table, lambda _: common.TableFieldOptions()),
    "timeline": Look("state-timeline", _timeline, lambda _: statetimeline.FieldConfig()),
    "logs": Look("logs", _logs),
    "alerts": Look("alertlist", _alerts),
}
