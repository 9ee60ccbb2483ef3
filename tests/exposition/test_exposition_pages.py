"""Pages: labels, collisions, growth, what others give, compression."""

from __future__ import annotations

import gzip
import threading
from typing import Any

import pytest
from exposition.exposition_streams import OPEN, PROTOBUF, SCOPE, Streams, body, text
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_trading.ground import diagnostics
from otel_trading.metrics.exposition import Exposition, exposition
from otel_trading.metrics.live import Recorded


def test_scope_and_constant_labels_are_on_every_series(streams: Streams) -> None:
    """Patterns include and exclude; empty texts stay."""
    streams.series(streams.stream("counter", "orders"), {"venue": "a"}, 1)
    options: dict[str, Any] = {
        "scope_info": True,
        "constant_labels": ("service.*", "host.name"),
        "constant_labels_excluded": ("*.id",),
    }
    resource = {"service.name": "risk", "service.id": "7", "host.name": "h", "os": "linux"}
    [line] = streams.lines(resource=resource, **options)
    assert line == (
        'orders_total{host_name="h",otel_scope_name="strategy",otel_scope_schema_url="https://schema",'
        'otel_scope_version="1.0",service_name="risk",venue="a"} 1'
    )


def test_attributes_of_a_scope_are_labels_unless_they_meet_its_own(streams: Streams) -> None:
    """`name` would replace the scope's name."""
    scope = InstrumentationScope("m", "", "", {"mascot": "gopher", "name": "x", "schema.url": "y"})
    streams.series(streams.stream("counter", "orders", scope=scope), {}, 1)
    [line] = streams.lines(scope_info=True)
    assert 'otel_scope_mascot="gopher"' in line
    assert 'otel_scope_name="m"' in line
    assert 'otel_scope_schema_url=""' in line


VALUES = [
    (True, "true"),
    (3, "3"),
    (1.5, "1.5"),
    (float("inf"), "Infinity"),
    (("a", "b"), '[\\"a\\", \\"b\\"]'),
    ((True, False), "[true, false]"),
    ("é\n", "é\\n"),
    (b"\x01", "AQ=="),
    ("\ud800", "?"),
]


@pytest.mark.parametrize(("value", "shown"), VALUES)
def test_values_of_labels_are_texts(streams: Streams, value: Any, shown: str) -> None:
    """As the specification represents attributes outside OTLP."""
    streams.series(streams.stream("counter", "orders"), {"a": value}, 1)
    assert streams.lines() == [f'orders_total{{a="{shown}"}} 1']


def test_keys_that_come_to_the_same_label_are_joined(streams: Streams) -> None:
    """In the order of the keys, also with a constant label."""
    streams.series(streams.stream("counter", "orders"), {"a.b": "2", "a_b": "3", "a-b": "1", "host.name": "x"}, 1)
    [line] = streams.lines(resource={"host_name": "y"}, constant_labels=("*",))
    assert line == 'orders_total{a_b="1;2;3",host_name="x;y"} 1'


def test_overflow_is_a_label(streams: Streams) -> None:
    """What went beyond the cardinality limit."""
    streams.series(streams.stream("counter", "orders"), {"otel.metric.overflow": True}, 5)
    assert streams.lines() == ['orders_total{otel_metric_overflow="true"} 5']


def test_an_attribute_named_le_does_not_meet_that_of_buckets(streams: Streams) -> None:
    """Two labels of one name break the page."""
    streams.series(streams.stream("explicit", "h"), {"le": "x"}, 0.5)
    streams.series(streams.stream("gauge", "g"), {"le": "x"}, 0.5)
    lines = streams.lines()
    assert 'h_bucket{exported_le="x",le="1"} 1' in lines
    assert 'g{le="x"} 0.5' in lines


def test_streams_of_one_name_are_one_family(streams: Streams) -> None:
    """HELP and TYPE once; the first description counts, and that is said."""
    other = InstrumentationScope("other")
    streams.series(streams.stream("explicit", "h", "s", "First."), {}, 0.5)
    streams.series(streams.stream("explicit", "h", "s", "Second.", bounds=(5.0,), scope=other), {}, 0.5)
    streams.series(streams.stream("exponential", "h", "s", "First.", scope=InstrumentationScope("third")), {}, 0.5)
    page = streams.page(scope_info=True)
    assert (page.count("# HELP"), page.count("# TYPE"), page.count("h_seconds_count{")) == (1, 1, 3)
    assert "First." in page
    assert diagnostics.troubles()["endpoint.names.description"] == 1


def test_another_type_under_the_same_name_is_left_out(streams: Streams) -> None:
    """The first stays; it is said."""
    streams.series(streams.stream("gauge", "load"), {}, 1)
    streams.series(streams.stream("explicit", "load"), {}, 1)
    streams.series(streams.stream("explicit", "latency"), {}, 1)
    streams.series(streams.stream("gauge", "latency.count"), {}, 1)
    lines = streams.lines()
    assert lines[0] == "load 1"
    assert not any(line.startswith("load_") for line in lines)
    assert [line for line in lines if line.startswith("latency_count")] == ["latency_count 1"]
    assert {"endpoint.names.load", "endpoint.names.latency_count"} <= diagnostics.troubles().keys()


def test_names_that_collide_in_openmetrics_only_are_left_out_there(streams: Streams) -> None:
    """A gauge `orders` beside the counter `orders_total`."""
    streams.series(streams.stream("counter", "orders"), {}, 1)
    streams.series(streams.stream("gauge", "orders"), {}, 2)
    assert streams.lines() == ["orders_total 1", "orders 2"]
    assert [line.split()[0] for line in streams.lines(OPEN)] == ["orders_total", "orders_created"]


def test_series_that_come_to_the_same_labels_are_shown_once(streams: Streams) -> None:
    """Without scope labels, two meters with the same instrument."""
    for name in ("one", "two"):
        streams.series(streams.stream("counter", "orders", scope=InstrumentationScope(name)), {"a": 1}, 1)
    streams.series(streams.live[0], {"a": "1"}, 1)
    assert streams.lines() == ['orders_total{a="1"} 1']
    assert len(streams.lines(scope_info=True)) == 2


def test_new_series_and_streams_come_to_the_next_page(streams: Streams) -> None:
    """Only what is new is worked out."""
    made = streams.exposition()
    orders = streams.stream("counter", "orders")
    streams.series(orders, {"n": 1}, 1)
    assert text(made).count("orders_total{") == 1
    streams.series(orders, {"n": 2}, 1)
    streams.series(streams.stream("gauge", "load"), {}, 5)
    page = text(made)
    assert page.count("orders_total{") == 2
    assert "load 5" in page
    streams.live.remove(orders)
    assert text(made) == "# TYPE load gauge\nload 5\n"


def test_a_stream_that_began_anew_is_shown_as_it_is(streams: Streams) -> None:
    """After a new init with the same streams, or when series were let go."""
    made, orders = streams.exposition(), streams.stream("counter", "orders")
    streams.series(orders, {"n": 1}, 1)
    streams.series(orders, {"n": 2}, 1)
    assert text(made).count("orders_total{") == 2
    orders.series.clear()
    streams.series(orders, {"n": 3}, 1)
    assert text(made) == '# TYPE orders_total counter\norders_total{n="3"} 1\n'


def test_target_info_stands_once_and_its_name_is_taken(streams: Streams) -> None:
    """In each format; not for an empty resource, not when it is switched off."""
    streams.series(streams.stream("gauge", "target.info"), {}, 1)
    resource = {"service.name": "risk", "a.b": "1", "a_b": 2}
    shown = 'target_info{a_b="1;2",service_name="risk"} 1'
    assert streams.lines(target_info=True, resource=resource) == [shown]
    assert "# TYPE target info\n" + shown in streams.page(OPEN, target_info=True, resource=resource)
    assert body(streams.exposition(resource, target_info=True), PROTOBUF).count(b"target_info") == 1
    assert streams.lines(target_info=True) == []
    assert streams.lines(resource=resource) == ["target_info 1"]


def test_an_openmetrics_page_ends(streams: Streams) -> None:
    """Also an empty one."""
    assert streams.page(OPEN) == "# EOF\n"
    streams.series(streams.stream("counter", "cpu.time", "s", 'CPU "time"\\\n'), {}, 1.5)
    assert streams.page(OPEN).startswith(
        '# HELP cpu_time_seconds CPU \\"time\\"\\\\\\n\n# TYPE cpu_time_seconds counter\n# UNIT cpu_time_seconds seconds\n'
        "cpu_time_seconds_total 1.5\ncpu_time_seconds_created "
    )
    assert streams.page(OPEN).endswith("\n# EOF\n")


def test_without_suffixes_a_counter_is_unknown_to_openmetrics(streams: Streams) -> None:
    """It may not be called a counter there without `_total`."""
    streams.series(streams.stream("counter", "cpu.time", "s"), {}, 1)
    strategy = "UnderscoreEscapingWithoutSuffixes"
    assert streams.page(OPEN, strategy=strategy) == "# TYPE cpu_time unknown\ncpu_time 1\n# EOF\n"
    assert streams.page(strategy=strategy) == "# TYPE cpu_time counter\ncpu_time 1\n"


SCHEMES = [
    ("allow-utf-8", '{"order.latency_seconds_total","trading.venue"="a"} 1'),
    ("underscores", 'order_latency_seconds_total{trading_venue="a"} 1'),
    ("dots", 'order_dot_latency__seconds__total{trading_dot_venue="a"} 1'),
    ("values", 'U__order_2e_latency__seconds__total{U__trading_2e_venue="a"} 1'),
]


@pytest.mark.parametrize(("scheme", "line"), SCHEMES)
def test_the_clients_escaping_comes_after_the_strategy(streams: Streams, scheme: str, line: str) -> None:
    """UTF-8 names are quoted within the braces."""
    streams.series(streams.stream("counter", "order.latency", "s"), {"trading.venue": "a"}, 1)
    accept = f"text/plain;version=1.0.0;escaping={scheme}"
    assert streams.lines(accept, strategy="NoUTF8EscapingWithSuffixes") == [line]


def test_keys_that_meet_by_the_clients_escaping_are_joined_too(streams: Streams) -> None:
    """The strategy leaves them apart."""
    streams.series(streams.stream("counter", "c"), {"a.b": "1", "a_b": "2"}, 1)
    assert streams.lines(strategy="NoTranslation") == ['c{a_b="1;2"} 1']


def test_exemplars_have_labels_of_what_a_view_took_from_the_series(streams: Streams) -> None:
    """The trace's names are the trace's."""
    orders = streams.series(streams.stream("counter", "orders"), {}, 1)
    orders.exemplars = {0: Recorded(1, 2_000_000_000, 0xA, 0xB, {"user.id": 7, "trace.id": "x", "é": "y"})}
    [line, _] = streams.lines(OPEN)
    assert line == f'orders_total 1 # {{trace_id="{0xA:032x}",span_id="{0xB:016x}",user_id="7",_="y"}} 1 2.0'


def provider(*views: Any) -> tuple[Any, InMemoryMetricReader]:
    reader = InMemoryMetricReader(preferred_aggregation=dict(views))
    return MeterProvider([reader], resource=Resource({"service.name": "app"}), shutdown_on_exit=False), reader


def test_what_the_sdk_collected_is_on_the_page(streams: Streams) -> None:
    """Asynchronous instruments and whole providers, merged into families of the same name."""
    made, reader = provider()
    meter = made.get_meter("app", "2")

    def observe(_options: CallbackOptions) -> list[Observation]:
        return [Observation(21.5, {"room": "a"})]

    meter.create_observable_gauge("temperature", [observe], "Cel")
    meter.create_counter("orders").add(2, {"venue": "b"})
    meter.create_up_down_counter("open").add(-1)
    meter.create_histogram("latency", "s", explicit_bucket_boundaries_advisory=[1, 2]).record(1.5)
    streams.series(streams.stream("counter", "orders"), {"venue": "a"}, 1)
    streams.data = reader.get_metrics_data()
    page = streams.page()
    assert page.startswith('# TYPE orders_total counter\norders_total{venue="a"} 1\norders_total{venue="b"} 2\n# TYPE ')
    for line in ('temperature_celsius{room="a"} 21.5', "open -1", 'latency_seconds_bucket{le="2"} 1'):
        assert f"\n{line}\n" in page
    assert 'otel_scope_name="app"' in streams.page(scope_info=True)
    assert streams.page() == page


def test_exponential_points_of_the_sdk_are_coarse_buckets_in_text(streams: Streams) -> None:
    """And a metric that is no longer collected is gone."""
    made, reader = provider((Histogram, ExponentialBucketHistogramAggregation()))
    made.get_meter("app").create_histogram("h").record(3.0)
    streams.data = reader.get_metrics_data()
    exposed = streams.exposition()
    assert 'h_bucket{le="3.363585661014858"} 1' in text(exposed)
    streams.data = None
    assert text(exposed) == ""


def test_a_page_is_compressed_when_asked_for(streams: Streams) -> None:
    """One gzip stream of all parts."""
    streams.series(streams.stream("counter", "orders"), {}, 1)
    made = streams.exposition()
    status, parts, headers = made.page({"accept-encoding": "gzip"})
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert gzip.decompress(b"".join(parts)) == b"# TYPE orders_total counter\norders_total 1\n"  # type: ignore[arg-type]
    assert "Content-Encoding" not in made.page({})[2]
    assert made.scrapes.bytes == 43
    assert made.scrapes.pages == {"text": 1}


def test_a_collection_that_hangs_holds_up_one_scrape(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one is told so."""
    monkeypatch.setattr(exposition, "SCRAPE_WAIT_S", 0.01)
    gate, hanging = threading.Event(), threading.Event()

    def collect() -> Any:
        hanging.set()
        gate.wait(30)
        return [], None

    made = Exposition(streams.engine, collect, Resource({}))
    thread = threading.Thread(target=made.page, args=({},))
    thread.start()
    try:
        assert hanging.wait(10)
        assert made.page({})[0] == 503
    finally:
        gate.set()
        thread.join()
    assert made.page({})[0] == 200


def test_a_child_has_a_lock_and_counts_of_its_own(streams: Streams) -> None:
    """The parent may be in a collection."""
    streams.series(streams.stream("counter", "orders"), {}, 1)
    made = streams.exposition()
    text(made)
    made._scraping.acquire()
    made.after_fork_in_child()
    assert text(made).endswith("orders_total 1\n")
    assert made.scrapes.pages == {"text": 1}


def test_a_scope_without_version_is_empty(streams: Streams) -> None:
    """As the stock exporter shows it."""
    streams.series(streams.stream("counter", "c", scope=InstrumentationScope("m")), {}, 1)
    assert streams.lines(scope_info=True) == [
        'c_total{otel_scope_name="m",otel_scope_schema_url="",otel_scope_version=""} 1'
    ]
    assert SCOPE.version == "1.0"
