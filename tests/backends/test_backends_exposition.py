"""Our pages in a real Prometheus, in each format, and in promtool."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from backend_stores import ask, wait_until
from backend_tools import free_addresses, running_program
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_trading.config.plan import EndpointPlan
from otel_trading.health.server import Server, listen
from otel_trading.hotpath import choose
from otel_trading.metrics.exposition import Exposition
from otel_trading.metrics.live import Kind, LiveStream, Recorded, Series

pytestmark = pytest.mark.backends

JOBS: dict[str, dict[str, Any]] = {
    "text": {"scrape_protocols": ["PrometheusText0.0.4"]},
    "openmetrics": {"scrape_protocols": ["OpenMetricsText1.0.0"]},
    "protobuf": {"scrape_protocols": ["PrometheusProto"], "scrape_native_histograms": True},
    "classic": {"scrape_protocols": ["PrometheusProto"], "scrape_native_histograms": False},
    "dots": {"scrape_protocols": ["OpenMetricsText1.0.0"], "metrics_path": "/dots"},
}
LATENCIES = [0.001 * 1.01**step for step in range(1000)]
AWKWARD = 'a"b\\c\né'
ESCAPED = r"a\"b\\c\né"
TRACE = 0xABCDEF
ENGINE = choose()


def stream(kind: Kind, name: str, unit: str, amounts: Sequence[float], bounds: Sequence[float] = ()) -> LiveStream:
    """With two series, one of which has recorded."""
    made = LiveStream(InstrumentationScope("strategy", "1.0"), name, unit, f"The {name}.", kind, bounds)
    for venue in ("binance", AWKWARD):
        cell = ENGINE.Cell(name)
        cell.configure(kind, bounds=ENGINE.Bounds(bounds))
        made.series.append(Series(("trading.venue",), (venue,), cell))
    for amount in amounts:
        made.series[0].cell.record(amount)
    newest = Recorded(amounts[-1], time.time_ns(), TRACE, 0xD, {"user.name": AWKWARD})
    made.series[0].exemplars = {0: newest}
    return made


def many() -> LiveStream:
    """More than fits into one part of a page."""
    bounds = tuple(float(bound) for bound in range(20))
    made = LiveStream(InstrumentationScope("strategy", "1.0"), "many", "", "Many.", "explicit", bounds)
    shared = ENGINE.Bounds(bounds)
    for number in range(5000):
        cell = ENGINE.Cell("many")
        cell.configure("explicit", bounds=shared)
        cell.record(number % 20)
        made.series.append(Series(("number",), (number,), cell))
    return made


@pytest.fixture(scope="module")
def pages() -> Iterator[Server]:
    """The same streams under their usual names, and under names with dots."""
    live = [
        stream("counter", "order.volume", "By", [3, 4.5]),
        stream("up_down", "open.orders", "{order}", [7]),
        stream("gauge", "cpu.load", "1", [0.25]),
        stream("explicit", "risk.check", "s", [0.004, 0.2], (0.005, 0.1, 1, 10)),
        stream("exponential", "order.latency", "s", LATENCIES),
        many(),
    ]
    resource = Resource({"service.name": "strategy"})
    usual = Exposition(ENGINE, lambda: (live, None), resource)
    dots = Exposition(ENGINE, lambda: (live[:-1], None), resource, strategy="NoTranslation")
    server = listen(EndpointPlan("127.0.0.1", 0), {"/metrics": usual.page, "/dots": dots.page})
    yield server
    server.stop()


@pytest.fixture(scope="module")
def prometheus(pages: Server, programs: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address; every job has been scraped."""
    folder = tmp_path_factory.mktemp("exposition")
    target = [{"targets": [f"127.0.0.1:{pages.server_port}"]}]
    jobs = [{"job_name": name, "static_configs": target, **options} for name, options in JOBS.items()]
    timing = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    # a configuration in YAML may be written as JSON
    (folder / "prometheus.yml").write_text(json.dumps({"global": timing, "scrape_configs": jobs}))
    [address] = free_addresses(1)
    command = [
        programs["prometheus"],
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--enable-feature=exemplar-storage",
    ]
    with running_program(command, folder, f"http://{address}/-/ready"):
        url = f"http://{address}"
        wait_until(lambda: len(values(url, "up == 1")) == len(JOBS), 60)
        yield url


def values(url: str, query: str) -> dict[str, float]:
    """Values by job; the query gives one a job."""
    found = ask(f"{url}/api/v1/query", query=query)["data"]["result"]
    return {one["metric"].get("job", ""): float(one["value"][1]) for one in found}


def test_every_format_is_scraped_without_an_error(prometheus: str) -> None:
    """And none was refused in part."""
    targets = ask(f"{prometheus}/api/v1/targets")["data"]["activeTargets"]
    assert {one["labels"]["job"]: one["lastError"] for one in targets} == dict.fromkeys(JOBS, "")
    scraped = values(prometheus, "scrape_samples_scraped")
    assert min(scraped[job] for job in ("text", "openmetrics")) > 5000 * 23
    assert set(values(prometheus, "count by (job) (many_count)").values()) == {5000.0}


QUERIES = [
    ('order_volume_bytes_total{trading_venue="binance"}', 7.5),
    ('order_volume_bytes_total{trading_venue!="binance"}', 0.0),
    ('open_orders{trading_venue="binance"}', 7.0),
    ("cpu_load_ratio", 0.25),
    ('risk_check_seconds_bucket{trading_venue="binance",le="0.005"}', 1.0),
    ('risk_check_seconds_bucket{trading_venue="binance",le="1.0"}', 2.0),
    ('risk_check_seconds_count{trading_venue="binance"}', 2.0),
    ('target_info{job!="dots"}', 1.0),
]


@pytest.mark.parametrize(("query", "value"), QUERIES)
def test_values_are_the_same_in_every_format(prometheus: str, query: str, value: float) -> None:
    """Counters, sums, gauges, buckets."""
    assert values(prometheus, query) == dict.fromkeys(("text", "openmetrics", "protobuf", "classic"), value)


def test_labels_come_as_they_were(prometheus: str) -> None:
    """Quotes, backslashes, newlines and letters beyond ASCII."""
    query = 'order_volume_bytes_total{trading_venue!="binance"}'
    found = ask(f"{prometheus}/api/v1/query", query=query)["data"]["result"]
    assert {one["metric"]["trading_venue"] for one in found} == {AWKWARD}
    assert {one["metric"]["otel_scope_name"] for one in found} == {"strategy"}


def test_native_histograms_answer_quantiles(prometheus: str) -> None:
    """Near the exact ones; the coarse buckets of the other formats answer too."""
    for quantile in (0.5, 0.9, 0.99):
        exact = sorted(LATENCIES)[int(quantile * len(LATENCIES)) - 1]
        native = f'histogram_quantile({quantile}, order_latency_seconds{{job="protobuf",trading_venue="binance"}})'
        assert values(prometheus, native)["protobuf"] == pytest.approx(exact, rel=0.06)
        buckets = f'histogram_quantile({quantile}, order_latency_seconds_bucket{{trading_venue="binance"}})'
        found = values(prometheus, buckets)
        assert found == {job: pytest.approx(exact, rel=0.2) for job in ("text", "openmetrics", "classic")}
    counted = values(prometheus, 'histogram_count(order_latency_seconds{trading_venue="binance"})')
    assert counted == {"protobuf": len(LATENCIES)}
    summed = values(prometheus, 'histogram_sum(order_latency_seconds{trading_venue="binance"})')
    assert summed["protobuf"] == pytest.approx(sum(LATENCIES))


@pytest.mark.parametrize("name", ["order_volume_bytes_total", "risk_check_seconds_bucket", "order_latency_seconds"])
def test_exemplars_lead_to_traces(prometheus: str, name: str) -> None:
    """In OpenMetrics and protobuf. Prometheus leaves further labels of OpenMetrics as they are escaped."""
    now = time.time()
    query = f'{{__name__=~"{name}.*"}}'
    span = {"start": str(now - 3600), "end": str(now + 60)}
    found = ask(f"{prometheus}/api/v1/query_exemplars", query=query, **span)["data"]
    jobs = {one["seriesLabels"]["job"] for one in found}
    assert {"openmetrics", "protobuf"} <= jobs
    assert "text" not in jobs
    for one in found:
        labels = one["exemplars"][0]["labels"]
        user = labels.get("user_name", labels.get("user.name"))
        assert labels["trace_id"] == f"{TRACE:032x}"
        assert user == (AWKWARD if one["seriesLabels"]["job"] in ("protobuf", "classic") else ESCAPED)


def test_names_with_dots_come_as_they_are(prometheus: str) -> None:
    """Where the strategy keeps them and the client takes them."""
    assert values(prometheus, '{"order.volume","trading.venue"="binance"}') == {"dots": 7.5}


def test_types_units_and_descriptions_are_known(prometheus: str) -> None:
    """Prometheus' own page on a target's metrics."""
    found = ask(f"{prometheus}/api/v1/targets/metadata", match_target='{job="openmetrics"}')["data"]
    told = {one["metric"]: (one["type"], one["unit"], one["help"]) for one in found}
    assert told["order_volume_bytes"] == ("counter", "bytes", "The order.volume.")
    assert told["order_latency_seconds"] == ("histogram", "seconds", "The order.latency.")


def test_promtool_finds_no_fault(pages: Server, programs: dict[str, str]) -> None:
    """In syntax and in style."""
    url = f"http://127.0.0.1:{pages.server_port}/metrics"
    with urllib.request.urlopen(url) as answer:
        # a linter takes more than a minute for the many
        page = b"".join(line for line in answer if not line.startswith((b"many", b"# HELP many", b"# TYPE many")))
    told = subprocess.run([programs["promtool"], "check", "metrics"], input=page, capture_output=True, timeout=60)
    assert (told.stderr, told.stdout, told.returncode) == (b"", b"", 0)
    broken = page.replace(b"# TYPE order_volume_bytes_total counter", b"# TYPE order_volume_bytes_total gauge")
    told = subprocess.run([programs["promtool"], "check", "metrics"], input=broken, capture_output=True, timeout=60)
    assert told.returncode != 0
