"""What goes into a profile and what stays standard: filters, merging, buckets, views, units, providers of others."""

from __future__ import annotations

import math
from typing import Any

import pytest
from exposition.exposition_streams import SCOPE, Streams, text
from hotpath.hotpath_cells import load
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from profiles.profile_pages import SERVED, fetched, profiled, read, scraped

import otel_trading as ot
from otel_trading.config.knob import STRATEGIES
from otel_trading.ground import diagnostics
from otel_trading.metrics.exposition import Exposition
from otel_trading.metrics.exposition.foreign import Point, Stream
from otel_trading.metrics.live import Recorded
from otel_trading.metrics.profiles.model import Departure, Exported, Label, Place, Profile, Source
from otel_trading.metrics.profiles.page import ProfilePages
from otel_trading.metrics.profiles.totals import cut

OPENED = "application/openmetrics-text;version=1.0.0"


def profile(*metrics: Exported) -> Profile:
    return Profile("x", "0", "A system.", "json", Place(), (), (Departure("x", "y"),), metrics)


def names(page: str) -> set[str]:
    return {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE")}


def test_what_a_profile_shows_is_not_on_the_standard_page_and_all_else_is() -> None:
    """By canonical name, scope labels and all."""
    with profiled("py_rt") as telemetry:
        meter = ot.meter("m", "1")
        meter.create_histogram("trading.risk.check.duration", unit="s").record(30e-6, {"risk.check.type": "pretrade"})
        meter.create_counter("trading.order.cancel.requests", unit="{request}").add(1)
        page = scraped(telemetry)
    assert "trading_risk_check_duration_seconds" not in page.text
    assert page.value("risk_manager_pretrade_check_latency_us_count", check_type="pretrade") == 1
    shown = page.value(
        "trading_order_cancel_requests_total", otel_scope_name="m", otel_scope_version="1", otel_scope_schema_url=""
    )
    assert shown == 1


def test_series_that_no_filter_takes_stay_standard() -> None:
    """A queue that the system does not have is not lost, and comes and goes by itself."""
    with profiled("rust_trade", scope_info_enabled=False) as telemetry:
        depth = ot.meter().create_gauge("trading.queue.depth", unit="{item}")
        depth.set(3, {"trading.queue.name": "tick_channel"})
        page = scraped(telemetry)
        assert page.value("trading_channel_buffer_size") == 3
        assert "trading_queue_depth" not in page.samples
        depth.set(5, {"trading.queue.name": "mine"})
        page = scraped(telemetry)
    assert page.value("trading_queue_depth", trading_queue_name="mine") == 5
    assert len(page.samples["trading_queue_depth"]) == 1


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_names_are_exact_whatever_the_translation_strategy(strategy: str) -> None:
    """Also where nothing is translated, and with capital letters."""
    with profiled("bog", translation_strategy=strategy) as telemetry:
        ot.meter().create_gauge("trading.position.limit", unit="{unit}").set(2.5)
        ot.meter().create_counter("trading.fill.received", unit="{fill}").add(1, {"trading.order.side": "buy"})
        page = scraped(telemetry)
    assert page.value("MAX_POSITION") == 2.5
    assert page.value("bog_fills_received", side="bid") == 1
    assert "# TYPE bog_fills_received counter" in page.text


def test_two_profiles_show_one_metric_each_in_its_own_way() -> None:
    """Other names, scales, labels and buckets; the cells have those of both."""
    with profiled("py_rt", "bog") as telemetry:
        ticks = ot.meter().create_histogram("trading.md.processing.duration", unit="s")
        for seconds in (400e-9, 3e-6, 2.0):
            ticks.record(seconds, {"trading.venue": "v", "md.message_type": "trade", "trading.symbol": "A"})
        page = scraped(telemetry)
    labels = {"exchange": "v", "message_type": "trade", "symbol": "A"}
    micro = {row["le"]: n for row, n in page.samples["market_data_websocket_latency_us_bucket"]}
    nano = {row["le"]: n for row, n in page.samples["bog_tick_processing_ns_bucket"]}
    assert [micro[le] for le in ("1", "5", "5000", "+Inf")] == [1, 2, 2, 3]
    assert [nano[le] for le in ("250", "500", "2500", "5000", "1e+08", "+Inf")] == [0, 1, 1, 2, 2, 3]
    assert page.value("market_data_websocket_latency_us_sum", **labels) == pytest.approx(2000003.4)
    assert page.value("bog_tick_processing_ns_sum", target="1000") == pytest.approx(2000003400)


def test_series_that_come_to_the_same_labels_are_merged() -> None:
    """Counters are added, gauges as the metric says."""
    with profiled("bog", "rust_trade") as telemetry:
        meter = ot.meter()
        fills = meter.create_counter("trading.fill.received", unit="{fill}")
        for side, venue, count in (("buy", "a", 1), ("buy", "b", 2), ("sell_short", "a", 4)):
            fills.add(count, {"trading.order.side": side, "trading.venue": venue})
        position = meter.create_gauge("trading.position.quantity", unit="{unit}")
        position.set(2, {"trading.symbol": "A"})
        position.set(-5, {"trading.symbol": "B"})
        status = meter.create_gauge("trading.md.connection.status", unit="1")
        status.set(1, {"trading.venue": "a"})
        status.set(0, {"trading.venue": "b"})
        page = scraped(telemetry)
    assert [page.value("bog_fills_received", side=side) for side in ("bid", "ask")] == [3, 4]
    assert page.value("bog_trades_total") == page.value("trading_paper_trades_total") == 7
    assert page.value("bog_position_btc") == -3
    assert page.value("trading_ws_connection_status") == 0


def test_a_drift_below_zero_is_not_hidden_by_one_of_zero() -> None:
    """Of signed numbers the one farthest from 0 is shown, in any order, and with its sign."""
    for first, second in ((-0.5, 0), (0, -0.5), (0.2, -0.5), (-0.5, 0.2)):
        with profiled("bog") as telemetry:
            drift = ot.meter().create_gauge("trading.position.drift", unit="{unit}")
            drift.set(first, {"trading.symbol": "A"})
            drift.set(second, {"trading.symbol": "B"})
            assert scraped(telemetry).value("bog_position_drift") == -0.5
            assert b'"degraded"' in fetched(telemetry, path="/health")[2]


def test_the_free_part_of_a_file_system_is_not_taken_for_the_used_one() -> None:
    """The conventions have a series for each state, whose sum is 1; the most used file system is shown."""
    with profiled("waiver") as telemetry:
        share = ot.meter().create_gauge("system.filesystem.utilization", unit="1")
        for device, state, value in (("a", "used", 0.3), ("a", "free", 0.7), ("b", "used", 0.2), ("b", "free", 0.8)):
            share.set(value, {"system.device": device, "system.filesystem.state": state})
        page = scraped(telemetry)
    assert page.value("waiver_resource_disk_usage") == 0.3


def test_a_value_takes_the_place_of_its_zero_series() -> None:
    """A gauge that was set is not merged with the zero that was shown before."""
    with profiled("rust_trade") as telemetry:
        assert scraped(telemetry).value("trading_paper_pnl") == 0
        ot.meter().create_gauge("trading.pnl.combined", unit="USD").set(-7)
        ot.meter().create_gauge("trading.md.connection.status", unit="1").set(1)
        page = scraped(telemetry)
    assert (page.value("trading_paper_pnl"), page.value("trading_ws_connection_status")) == (-7, 1)


def test_negative_values_are_taken_where_the_quantity_has_a_sign() -> None:
    """Slippage that is an improvement and latency by a clock that is behind are counted in the first bucket."""
    with profiled("py_rt", "bog") as telemetry:
        ot.meter().create_histogram("trading.fill.slippage", unit="{bps}").record(-3)
        ot.meter().create_histogram("trading.md.feed.latency", unit="s").record(-1.27)
        page = scraped(telemetry)
    assert page.value("trading_slippage_bps_bucket", symbol="", order_type="", le="0") == 1
    assert page.value("bog_feed_latency_us_bucket", le="10") == 1
    assert page.value("bog_feed_latency_us_sum") == -1270000


def test_advised_boundaries_are_kept_and_the_profiles_added() -> None:
    """OTLP and other readers see both."""
    with profiled("py_rt") as telemetry:
        ot.meter().create_histogram(
            "trading.risk.check.duration", unit="s", explicit_bucket_boundaries_advisory=[0.00003, 7]
        ).record(2e-5)
        scraped(telemetry)
        (stream,) = [stream for stream in _live(telemetry) if stream.name == "trading.risk.check.duration"]
    assert {0.00003, 7.0, 5e-6, 500e-6} <= set(stream.bounds)


def _live(telemetry: ot.Telemetry) -> list[Any]:
    pages = telemetry._metrics.profile_pages  # type: ignore[union-attr]
    assert pages is not None
    assert pages._live is not None
    return list(pages._live())


def test_an_instrument_in_another_unit_of_time_is_converted() -> None:
    """Milliseconds recorded, microseconds shown."""
    with profiled("py_rt") as telemetry:
        ot.meter().create_histogram("trading.risk.check.duration", unit="ms").record(
            0.03, {"risk.check.type": "margin"}
        )
        page = scraped(telemetry)
    assert page.value("risk_manager_pretrade_check_latency_us_sum", check_type="margin") == pytest.approx(30)
    assert page.value("risk_manager_pretrade_check_latency_us_bucket", check_type="margin", le="25") == 0
    assert page.value("risk_manager_pretrade_check_latency_us_bucket", check_type="margin", le="50") == 1


@pytest.mark.parametrize(
    "view",
    [
        ot.HistogramView("trading.risk.check.duration", boundaries=[5e-6, 10e-6, 1.0]),
        View(
            instrument_name="trading.risk.check.duration",
            aggregation=ExplicitBucketHistogramAggregation([5e-6, 10e-6, 1.0]),
        ),
    ],
    ids=["ours", "sdk"],
)
def test_a_users_view_goes_first_and_what_it_lacks_is_said_once(view: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Buckets that are not there are not shown; count and sum are exact."""
    with profiled("py_rt", views=[view]) as telemetry:
        ot.meter().create_histogram("trading.risk.check.duration", unit="s").record(7e-6)
        scraped(telemetry)
        page = scraped(telemetry)
    shown = [row["le"] for row, _ in page.samples["risk_manager_pretrade_check_latency_us_bucket"]]
    assert ["5", "10", "+Inf"] == shown
    assert page.value("risk_manager_pretrade_check_latency_us_sum", check_type="") == pytest.approx(7)
    told = caplog.text
    assert 1 == told.count("risk_manager_pretrade_check_latency_us is shown without the buckets 25, 50, 100, 250, 500")


def test_an_exponential_histogram_shows_count_and_sum_alone() -> None:
    """Its buckets end nowhere near those of the system."""
    view = ot.HistogramView("trading.risk.check.duration", boundaries=ot.exponential())
    with profiled("py_rt", views=[view]) as telemetry:
        ot.meter().create_histogram("trading.risk.check.duration", unit="s").record(7e-6)
        page = scraped(telemetry)
    assert [row["le"] for row, _ in page.samples["risk_manager_pretrade_check_latency_us_bucket"]] == ["+Inf"]
    assert page.value("risk_manager_pretrade_check_latency_us_count", check_type="") == 1


def test_an_instrument_of_another_kind_stays_standard_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """A gauge that is called like a canonical counter."""
    with profiled("py_rt", scope_info_enabled=False) as telemetry:
        ot.meter().create_gauge("trading.md.processed").set(4)
        page = scraped(telemetry)
    assert page.value("trading_md_processed") == 4
    assert "trading.md.processed is not shown as market_data_messages_processed_total: it is a gauge." in (caplog.text)


def test_no_other_metric_takes_a_name_of_the_profile(caplog: pytest.LogCaptureFixture) -> None:
    """Two families of one name would spoil the page."""
    with profiled("rust_trade") as telemetry:
        ot.meter().create_counter("trading_ticks_received_total").add(9)
        page = scraped(telemetry)
    assert page.samples["trading_ticks_received_total"] == [({}, 0)]
    assert "trading_ticks_received_total is left out" in caplog.text


def test_asynchronous_instruments_are_shown_too() -> None:
    """Filters, scale and labels of the resource."""
    with profiled("py_rt", service="market-data", scope_info_enabled=False) as telemetry:
        meter = ot.meter()
        meter.create_observable_gauge("process.cpu.utilization", [lambda _: [Observation(0.25)]], "1")
        meter.create_observable_gauge(
            "trading.queue.depth",
            [lambda _: [Observation(5, {"messaging.system": "zmq", "trading.queue.name": "outbound"}), Observation(1)]],
            "{item}",
        )
        page = scraped(telemetry)
    assert page.value("system_cpu_usage_percent", service="market_data") == 25
    assert page.value("system_zmq_queue_depth", service="market_data", queue="outbound") == 5
    assert page.value("trading_queue_depth") == 1


def test_a_provider_of_the_application_is_shown_too(tmp_path: Any) -> None:
    """Its points instead of our cells; with the boundaries that it has."""
    from support.children import run

    ended = run(
        """
        import urllib.request
        from opentelemetry import metrics
        from opentelemetry.sdk.metrics import MeterProvider
        metrics.set_meter_provider(MeterProvider())
        import otel_trading as ot
        t = ot.init("risk-manager", profile="bog", traces_exporter="none", metrics_exporter="prometheus",
                    logs_exporter="none", stdout="off", prometheus_port=0)
        metrics.get_meter("m").create_counter("trading.fill.received").add(3, {"trading.order.side": "sell"})
        print(urllib.request.urlopen(t.metrics_url).read().decode())
        """
    )
    assert ended.code == 0, ended.err
    assert read(ended.out).value("bog_fills_received", side="ask") == 3


def test_exemplars_come_in_the_systems_unit() -> None:
    """With their trace, in OpenMetrics."""
    with profiled("py_rt") as telemetry:
        latency = ot.meter().create_histogram("trading.risk.check.duration", unit="s")
        with ot.tracer().start_as_current_span("risk.check") as span:
            latency.record(30e-6, {"risk.check.type": "margin"})
            trace_id = format(span.get_span_context().trace_id, "032x")
        lines = fetched(telemetry, OPENED)[2].decode().splitlines()
    (line,) = [one for one in lines if "trace_id" in one]
    assert line.startswith('risk_manager_pretrade_check_latency_us_bucket{check_type="margin",le="50.0"} 1 # ')
    assert f'trace_id="{trace_id}"' in line
    assert float(line.split("} ")[2].split()[0]) == 30
    assert trace.get_current_span().get_span_context().trace_id == 0


def test_what_is_sent_by_otlp_keeps_the_canonical_names() -> None:
    """A profile is a matter of /metrics."""
    reader = InMemoryMetricReader()
    from otel_trading.runtime import start
    from otel_trading.telemetry import InMemory

    with start({"service_name": "x", "profile": "bog", **SERVED}, None, InMemory(reader=reader)) as telemetry:
        ot.meter().create_counter("trading.fill.received", unit="{fill}").add(1, {"trading.order.side": "buy"})
        assert scraped(telemetry).value("bog_fills_received", side="bid") == 1
        data = reader.get_metrics_data()
    assert data is not None
    sent = [m.name for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics]
    assert sent == ["trading.fill.received"]


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=12).flatmap(
        lambda counts: st.tuples(st.just(counts), st.sets(st.integers(0, len(counts) - 1)).map(sorted))
    )
)
def test_fewer_buckets_hold_the_same_counts(pair: tuple[list[int], list[int]]) -> None:
    """Cumulative counts at the bounds that stay are those that were there."""
    counts, at = pair
    at = [index for index in at if index < len(counts) - 1]
    found = cut(counts, at)
    assert sum(found) == sum(counts)
    assert [sum(found[: number + 1]) for number in range(len(at))] == [sum(counts[: index + 1]) for index in at]


SERIES = st.lists(
    st.tuples(
        st.fixed_dictionaries({"venue": st.sampled_from("ab"), "symbol": st.sampled_from("xyz")}),
        st.lists(st.integers(0, 2000), max_size=6),
    ),
    max_size=6,
    unique_by=lambda pair: tuple(pair[0].items()),
)


@settings(max_examples=60, deadline=None)
@given(
    series=SERIES,
    keep=st.sets(st.sampled_from([1.0, 10.0, 100.0, 1000.0]), min_size=1),
    scale=st.sampled_from([1, 1000]),
)
@pytest.mark.parametrize("engine", ["native", "python"])
def test_a_merged_family_holds_what_its_cells_hold(engine: str, series: Any, keep: set[float], scale: float) -> None:
    """Counts by bucket, count and sum, of histograms and counters, by the label that stays."""
    diagnostics.forget()
    streams = Streams(load(engine))
    latency = streams.stream("explicit", "latency", "", "", (1.0, 10.0, 100.0, 1000.0))
    orders = streams.stream("counter", "orders")
    for attributes, amounts in series:
        streams.series(latency, attributes, *amounts)
        streams.series(orders, attributes, *amounts)
    label = Label("place", attribute="venue")
    buckets = tuple(bound * scale for bound in sorted(keep))
    pages = ProfilePages(
        streams.engine,
        [
            profile(
                Exported(
                    "system_latency",
                    "histogram",
                    "h",
                    (Source("latency", "", (), (label,)),),
                    scale,
                    ("place",),
                    buckets,
                ),
                Exported("system_orders", "counter", "h", (Source("orders", "", (), (label,)),), scale, ("place",)),
            )
        ],
        Resource({}),
    )
    shown = Exposition(
        streams.engine, lambda: (streams.live, None), Resource({}), target_info=False, scope_info=False, profiles=pages
    )
    page = read(text(shown))
    values: dict[str, list[int]] = {}
    for attributes, amounts in series:
        values.setdefault(attributes["venue"], []).extend(amounts)
    for place, amounts in values.items():
        assert page.value("system_latency_count", place=place) == len(amounts)
        assert page.value("system_latency_sum", place=place) == sum(amounts) * scale
        assert page.value("system_orders", place=place) == sum(amounts) * scale
        found = {float(row["le"]): n for row, n in page.samples["system_latency_bucket"] if row["place"] == place}
        expected = {bound: sum(amount * scale <= bound for amount in amounts) for bound in (*buckets, math.inf)}
        assert found == expected
    assert {row["place"] for row, _ in page.samples.get("system_orders", [])} == set(values)


def test_series_that_begin_anew_are_looked_at_anew() -> None:
    """As the book does with a stream whose series were replaced."""
    streams = Streams(load("python"))
    orders = streams.stream("counter", "orders")
    streams.series(orders, {"venue": "a"}, 1)
    source = Source("orders", "", (), (Label("place", attribute="venue"),))
    pages = ProfilePages(
        streams.engine, [profile(Exported("o", "counter", "h", (source,), labels=("place",)))], Resource({})
    )
    shown = Exposition(streams.engine, lambda: (streams.live, None), Resource({}), target_info=False, profiles=pages)
    assert read(text(shown)).value("o", place="a") == 1
    orders.series.clear()
    streams.series(orders, {"venue": "b"}, 5)
    assert read(text(shown)).samples["o"] == [({"place": "b"}, 5)]


def test_a_unit_that_cannot_be_converted_stays_standard(caplog: pytest.LogCaptureFixture) -> None:
    """Bytes are no seconds."""
    with profiled("py_rt", scope_info_enabled=False) as telemetry:
        ot.meter().create_histogram("trading.risk.check.duration", unit="By").record(5)
        page = scraped(telemetry)
    assert page.value("trading_risk_check_duration_bytes_count") == 1
    assert "is not shown as risk_manager_pretrade_check_latency_us: 'By' cannot be converted to 's'." in caplog.text


def test_a_share_without_its_bucket_is_left_out_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """What is not counted up to the target cannot be told."""
    view = ot.HistogramView("trading.signal.duration", boundaries=[0.001, 0.1])
    with profiled("perf", views=[view]) as telemetry:
        meter = ot.meter()
        scraped(telemetry)
        meter.create_histogram("trading.signal.duration", unit="s").record(0.005)
        meter.create_histogram("trading.order.execute.duration", unit="s").record(0.004)
        page = scraped(telemetry)
    assert page.samples["perf_sla_compliance_ratio"] == [({"event": "order_execution"}, 1)]
    assert "perf_sla_compliance_ratio leaves out trading.signal.duration, which has no bucket that ends at 0.01." in (
        caplog.text
    )


def test_a_gauge_that_was_never_set_is_not_shown() -> None:
    """A handle alone says nothing; what has a zero series keeps it."""
    with profiled("py_rt", "rust_trade") as telemetry:
        ot.meter().create_gauge("trading.portfolio.value", unit="USD").bind()
        page = scraped(telemetry)
    assert "trading_portfolio_value_usd" not in page.samples
    assert page.value("trading_paper_portfolio_value") == 0


def test_exemplars_of_another_provider_come_along_and_its_numbers_stay_between_pages() -> None:
    """Points in place of cells, in the unit of the system; a health page reads them without a callback."""
    streams = Streams(load("python"))
    source = Source("latency", "s", (), ())
    pages = ProfilePages(
        streams.engine,
        [
            profile(
                Exported("l", "histogram", "h", (source,), 1e6, (), (10.0,)),
                Exported("g", "gauge", "h", (Source("g", "", ()),)),
            )
        ],
        Resource({}),
    )
    point = Point([], (5, 2, 0.5, (1, 1)), (1e-5,), {0: Recorded(3e-6, 10**18, 7, 8, {})})
    other = Point([], (5, 2, 0.5, (1, 1, 0)), (1e-5, 2e-5), {})
    foreign = [
        Stream(SCOPE, [], "latency", "s", "", "explicit", [point, other]),
        Stream(SCOPE, [], "g", "", "", "gauge", [Point([], (0, 1, 4.5, None), (), {})]),
    ]
    rest, others, families = pages.take([], foreign, exemplars=True)
    assert (rest, [stream.points for stream in others]) == ([], [[other]])  # other buckets: left to the standard page
    lines = b"".join(streams.engine.render(families, "openmetrics")).decode().splitlines()
    assert any(line.startswith('l_bucket{le="10.0"} 1 # {trace_id="') and " 3" in line for line in lines)
    assert "l_sum 500000.0" in lines
    assert pages.values(["g", "absent"]) == {"g": 4.5}
