"""Every expression of a dashboard: it parses, and what it names is recorded by somebody."""

from __future__ import annotations

import re
from typing import Any

import pytest
from dashboards.dashboard_files import asked, committed, described
from dashboards.expressions import Known, known
from profiles.profile_pages import SERVED, fetched
from prometheus_client.parser import text_string_to_metric_families
from support.registry_files import metrics

import otel_trading as ot
from otel_trading.catalogue.dashboards import by_kind, promql
from otel_trading.catalogue.reading import ours
from otel_trading.config.knob import PROFILES
from otel_trading.metrics.profiles.reading import read


@pytest.fixture(scope="module")
def series() -> Known:
    found = known()
    assert [] == found.mistakes
    return found


def test_every_name_and_label_is_known(series: Known) -> None:
    """In expressions and in legends."""
    wrong = []
    for board in described():
        for panel, query in board.queries():
            series.mistakes.clear()
            labels = series.answer(asked(query.expr))
            unknown = set(re.findall(r"\{\{(\w+)\}\}", query.legend)) - labels
            wrong += [f"{board.title}: {panel.title}: {mistake}" for mistake in series.mistakes]
            wrong += [f"{board.title}: {panel.title}: no label {label} for the legend" for label in unknown]
    assert [] == wrong


def test_values_of_variables_are_those_of_a_label(series: Known) -> None:
    """As Grafana asks for them."""
    looked_at = 0
    for document in committed().values():
        for one in document["templating"]["list"]:
            if one["type"] == "query":
                found = re.fullmatch(r"label_values\(([\w:]+), (\w+)\)", one["query"])
                assert found is not None
                assert found[2] in series.series[found[1]]
                looked_at += 1
    assert looked_at >= 4


@pytest.mark.parametrize(
    ("expr", "mistake"),
    [
        ("sum(rate(trading_nobody_total[1m]))", "no series trading_nobody_total"),
        ('up{nothing="x"}', "no label nothing in up"),
        ("sum by (nothing) (up)", "no label nothing in up{}"),
        ("sum by (job) (up) / on (instance) sum by (instance) (up)", "no label instance in sum by (job)(up{})"),
        ("histogram_quantile(0.9, sum(rate(bog_execution_ns_bucket[1m])))", ""),
        ("trading_order_ack_duration_bucket", "no series trading_order_ack_duration_bucket"),
    ],
)
def test_a_wrong_name_is_found(series: Known, expr: str, mistake: str) -> None:
    """Else the tests above would say nothing."""
    series.mistakes.clear()
    series.answer(expr)
    assert ([mistake] if mistake else []) == series.mistakes


def test_names_are_those_that_the_product_shows() -> None:
    """Each metric of the registry, recorded and read from /metrics, with its attributes as labels."""
    recorded = {metric.name: metric for metric in ours().metrics if metric.area != "telemetry"}
    with ot.init("names", **SERVED) as telemetry:
        meter = ot.meter()
        for name, entry in metrics().items():
            if name not in recorded:
                continue
            attributes = {use.attribute.key: "x" for use in recorded[name].uses}
            made: Any = getattr(meter, f"create_{_MADE[entry['instrument']]}")(name, unit=entry["unit"])
            getattr(made, {"histogram": "record", "gauge": "set"}.get(entry["instrument"], "add"))(1, attributes)
        page = fetched(telemetry)[2].decode()
    shown = {family.name: family for family in text_string_to_metric_families(page)}
    for metric in recorded.values():
        one = by_kind.of_registry(metric)
        family = shown[one.name.removesuffix("_total") if one.shape == "counter" else one.name]
        assert one.shape == family.type, one.name
        assert set(one.labels) <= set(family.samples[0].labels), one.name
        names = {sample.name for sample in family.samples}
        assert (f"{one.name}_bucket" if one.shape == "histogram" else one.name) in names


_MADE = {"counter": "counter", "updowncounter": "up_down_counter", "gauge": "gauge", "histogram": "histogram"}


def test_every_metric_of_a_profile_is_on_a_dashboard() -> None:
    """In its own folder; those that rules and health pages alone need are named here."""
    elsewhere = {
        "MAX_POSITION": "a limit; the parameter is in the thresholds",
        "MAX_DAILY_LOSS": "likewise",
        "bog_tick_processing_p99_ns": "of the health page; the panel has the recorded quantile",
    }
    recorded_by_rules = {
        "bog_tick_processing_ns": "bog:tick_processing_ns:p99",
        "bog_fills_received": "bog:fills_per_minute",
        "bog_ticks_total": "bog:ticks_per_second",
    }
    for name in PROFILES:
        boards = [one for one in described() if one.path.parent.name == name]
        words = set(re.findall(r"[\w:]+", " ".join(query.expr for board in boards for _, query in board.queries())))
        for metric in read(name).metrics:
            wanted = recorded_by_rules.get(metric.name, metric.name)
            wanted = f"{wanted}_bucket" if metric.type == "histogram" and wanted == metric.name else wanted
            assert (wanted in words) != (metric.name in elsewhere), metric.name


def test_expressions_are_written_out() -> None:
    """What the boards are made of."""
    assert promql.rate("a_total") == "sum(rate(a_total[$__rate_interval]))"
    assert promql.rate("a_total", "x", where='y="1"') == 'sum by (x) (rate(a_total{y="1"}[$__rate_interval]))'
    assert promql.quantile(0.99, "a_seconds", "x", window="5m") == (
        "histogram_quantile(0.99, sum by (le, x) (rate(a_seconds_bucket[5m])))"
    )
    assert promql.buckets("a_seconds") == "sum by (le) (increase(a_seconds_bucket[$__rate_interval]))"
    assert promql.share("a", "b") == "a / (b > 0)"
    assert promql.legend("a", "b") == "{{a}} {{b}}"
    assert promql.canonical("trading.order.ack.duration") == "trading_order_ack_duration_seconds"
    with pytest.raises(KeyError, match="nobody"):
        promql.canonical("trading.nobody")
