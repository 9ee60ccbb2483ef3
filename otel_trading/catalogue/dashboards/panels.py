"""A panel of ours as Grafana's."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase

from otel_trading.catalogue.dashboards.grafana import Dataquery, common, dashboard, elasticsearch, prometheus
from otel_trading.catalogue.dashboards.kinds import LOOKS
from otel_trading.catalogue.dashboards.layout import Place
from otel_trading.catalogue.dashboards.model import Link, Panel, Query, Shown

PROMETHEUS = common.DataSourceRef(type_val="prometheus", uid="prometheus")
ELASTICSEARCH = common.DataSourceRef(type_val="elasticsearch", uid="elasticsearch")
COLUMNS = ("@timestamp", "resource.attributes.service.name", "severity_text", "body.text", "trace_id")
"""Of a table of log records."""
_INSTANT = ("stat", "gauge", "table")
_BUCKETS = ("heatmap", "histogram")


def panel(one: Panel, number: int, place: Place) -> dashboard.Panel:
    """Grafana's panel, with its targets."""
    look = LOOKS[one.kind]
    return dashboard.Panel(
        type_val=look.type,
        id_val=number,
        title=one.title,
        description=described(one) or None,
        grid_pos=grid(place),
        datasource=ELASTICSEARCH if one.logs else PROMETHEUS,
        targets=_targets(one),
        interval=one.interval or None,
        links=links(one.links) or None,
        transformations=_transformations(one),
        options=look.options(one),
        field_config=dashboard.FieldConfigSource(defaults=_field(one, look.custom(one))),
    )


def described(one: Panel) -> str:
    """The description, with what a system's document says where something else is asked."""
    parts = [one.description]
    for query in (*one.queries, *([one.logs] if one.logs else [])):
        if query.was:
            parts.append(f"The document asks: `{query.was}`. {query.why}")
    return "\n\n".join(filter(None, parts))


def grid(place: Place) -> dashboard.GridPos:
    """A place in Grafana's words."""
    return dashboard.GridPos(h=place.height, w=place.width, x=place.x, y=place.y)


def links(given: Sequence[Link]) -> list[dashboard.DashboardLink]:
    """Links of a panel or dashboard."""
    return [
        dashboard.DashboardLink(title=one.title, url=one.url, icon="external link", target_blank=True, keep_time=False)
        for one in given
    ]


def _targets(one: Panel) -> list[Dataquery] | None:
    if one.logs:
        return [_lucene(one, one.logs)]
    return [_promql(one, query, ascii_uppercase[number]) for number, query in enumerate(one.queries)] or None


def _promql(one: Panel, query: Query, ref: str) -> Dataquery:
    instant = one.kind in _INSTANT and not (one.kind == "stat" and not one.values)
    shape = prometheus.PromQueryFormat.TIME_SERIES
    if one.kind in _BUCKETS:
        shape = prometheus.PromQueryFormat.HEATMAP
    elif one.kind == "table":
        shape = prometheus.PromQueryFormat.TABLE
    return prometheus.Dataquery(
        ref_id=ref,
        datasource=PROMETHEUS,
        expr=query.expr,
        legend_format="{{le}}" if one.kind in _BUCKETS else query.legend or "__auto",
        format_val=shape,
        instant=instant or one.kind == "histogram",
        range_val=not instant and one.kind != "histogram",
        # an exemplar is a dot that leads to its trace
        exemplar=one.kind in ("timeseries", "heatmap") and "_bucket" in query.expr,
        editor_mode=prometheus.QueryEditorMode.CODE,
    )


def _lucene(one: Panel, query: Query) -> Dataquery:
    metric: elasticsearch.MetricAggregation
    if one.kind == "logs":
        settings = elasticsearch.ElasticsearchLogsSettings(limit=str(one.rows))
        metric = elasticsearch.Logs(id_val="1", settings=settings)
    else:
        metric = elasticsearch.RawData(
            id_val="1", settings=elasticsearch.ElasticsearchRawDataSettings(size=str(one.rows))
        )
    return elasticsearch.Dataquery(
        ref_id="A",
        datasource=ELASTICSEARCH,
        query=query.expr,
        time_field="@timestamp",
        bucket_aggs=[],
        metrics=[metric],
    )


def _field(one: Panel, custom: object) -> dashboard.FieldConfig:
    steps = [dashboard.Threshold(value=step.value, color=step.color) for step in one.steps]
    by_value = one.kind in ("stat", "gauge", "histogram") or (len(one.steps) > 1 and one.kind != "timeseries")
    mode = dashboard.FieldColorModeId.THRESHOLDS if by_value else dashboard.FieldColorModeId.PALETTE_CLASSIC
    return dashboard.FieldConfig(
        unit=one.unit,
        min_val=one.minimum,
        max_val=one.maximum,
        mappings=_mappings(one) or None,
        thresholds=dashboard.ThresholdsConfig(
            mode=dashboard.ThresholdsMode.ABSOLUTE,
            steps=steps or [dashboard.Threshold(value=None, color="blue" if by_value else "green")],
        ),
        color=dashboard.FieldColor(mode=mode),
        custom=custom,
    )


def _mappings(one: Panel) -> list[dashboard.ValueMapping]:
    def result(shown: Shown, index: int) -> dashboard.ValueMappingResult:
        return dashboard.ValueMappingResult(text=shown.text, color=shown.color, index=index)

    if not one.values:
        return []
    options = {f"{value:g}": result(shown, index) for index, (value, shown) in enumerate(one.values.items())}
    return [dashboard.ValueMap(options=options)]


def _transformations(one: Panel) -> list[dashboard.DataTransformerConfig] | None:
    """A table of Prometheus has one column of values and none of times; one of documents has what is read first."""
    if one.kind != "table":
        return None
    if one.logs:
        names: dict[str, object] = {"include": {"names": list(COLUMNS)}}
        return [dashboard.DataTransformerConfig(id_val="filterFieldsByName", options=names)]
    options = {"excludeByName": {"Time": True}, "renameByName": {"Value": one.title}}
    return [dashboard.DataTransformerConfig(id_val="organize", options=options)]
