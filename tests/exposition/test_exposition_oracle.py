"""The stock exporter as an oracle: the default strategy gives the series that users know.

What is meant to differ:

- Gauges of the unit `1` end in `_ratio`, as Prometheus itself names them when it receives them by OTLP, and `kBy` is
  kilobytes, as the specification's table has it; the stock exporter knows neither.
- A label that a series does not have is left out; the stock exporter writes it empty, which is the same to Prometheus.
- Values of keys that come to the same label are joined by `;`, as the specification demands; there the last one wins.
- Bounds of buckets are written as floats: `le="10"` in text, `le="10.0"` in OpenMetrics, whatever type the
  application gave; Prometheus 3 stores both as `10.0`.
- The unit is not appended after a `_` that stands for a letter of the name: `a.` in seconds is `a_seconds`, for the
  specification wants no `__`.
- HELP is left out where there is no description.
- A histogram with negative bounds keeps its `_count`, as the specification has it.
- An attribute `le` of a histogram becomes `exported_le`; the stock exporter's page cannot be read then.
- Streams of one name and several descriptions are one family; there each has HELP and TYPE of its own, which the
  specification forbids.
- Exponential histograms are there; the stock exporter fails as a whole.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

from exposition.exposition_streams import Streams, text
from hotpath.hotpath_cells import load
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from otel_trading.metrics.live import Kind

RESOURCE = {"service.name": "risk", "host.name": "h"}
NAMES = st.from_regex(r"[a-z][a-z0-9_.\-/]{0,10}[a-z0-9]", fullmatch=True)
UNITS = st.sampled_from(["", "s", "us", "By", "{order}", "By/s", "{x}/s", "bps", "%", "Cel", "m/s"])
KEYS = st.from_regex(r"[a-z][a-z0-9]{0,3}[.][a-z]{0,3}", fullmatch=True).filter(lambda key: not key.startswith("le."))
VALUES = st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=5) | st.integers() | st.booleans()
STREAM = st.tuples(
    st.sampled_from(["counter", "up_down", "gauge", "explicit"]),
    NAMES,
    UNITS,
    st.sampled_from(["", "Text.\\\n"]),
    st.dictionaries(KEYS, VALUES, max_size=3),
    st.lists(st.integers(0, 10**6).map(lambda quarters: quarters / 4) | st.integers(0, 10**6), min_size=1, max_size=4),
)
LIKE = str.maketrans(dict.fromkeys(".-/", "_"))
BOUNDS = (0.005, 1.5, 250.25)


CONSTANT = ("host.*",) if "resource_attribute_filter" in signature(PrometheusMetricReader.__init__).parameters else ()
"""The exporter knows constant labels since 0.66b1."""


def ours(described: list[Any]) -> str:
    streams = Streams(load("native"))
    for kind, name, unit, description, attributes, amounts in described:
        scope = InstrumentationScope(f"scope.{name}", "1.0")
        streams.series(streams.stream(kind, name, unit, description, BOUNDS, scope), attributes, *amounts)
    made = streams.exposition(RESOURCE, target_info=True, scope_info=True, constant_labels=CONSTANT)
    return text(made)


def stock(described: list[Any]) -> str:
    registry = CollectorRegistry(auto_describe=False)
    more: dict[str, Any] = {"resource_attribute_filter": lambda key: key.startswith("host.")} if CONSTANT else {}
    reader = PrometheusMetricReader(registry=registry, **more)
    provider = MeterProvider([reader], resource=Resource(RESOURCE), shutdown_on_exit=False)
    for kind, name, unit, description, attributes, amounts in described:
        meter = provider.get_meter(f"scope.{name}", "1.0")
        _record(meter, kind, name, unit, description, attributes, amounts)
    return generate_latest(registry).decode()


def _record(meter: Any, kind: Kind, name: str, unit: str, told: str, attributes: Any, amounts: list[float]) -> None:
    if kind == "explicit":
        histogram = meter.create_histogram(name, unit, told, explicit_bucket_boundaries_advisory=BOUNDS)
        for amount in amounts:
            histogram.record(amount, attributes)
        return
    made: Any = {"counter": meter.create_counter, "up_down": meter.create_up_down_counter, "gauge": meter.create_gauge}
    instrument = made[kind](name, unit, told)
    for amount in amounts:
        (instrument.set if kind == "gauge" else instrument.add)(amount, attributes)


def rows(page: str) -> dict[Any, Any]:
    """Types by family, values by series; empty labels are no labels."""
    found: dict[Any, Any] = {}
    for family in text_string_to_metric_families(page):
        if not family.name.endswith("_created"):
            found[family.name] = (family.type, family.documentation)
            for sample in family.samples:
                labels = tuple(sorted((name, value) for name, value in sample.labels.items() if value))
                found[sample.name, labels] = sample.value
    return found


@settings(max_examples=150, deadline=None)
@given(described=st.lists(STREAM, min_size=1, max_size=4, unique_by=lambda one: one[1].translate(LIKE)))
def test_series_are_those_of_the_stock_exporter(described: list[Any]) -> None:
    """Names, types, descriptions, labels, values."""
    kinds = {one[1].translate(LIKE).removesuffix("total").strip("_"): one for one in described}
    distinct = [one for one in described if kinds.get(one[1].translate(LIKE).removesuffix("total").strip("_")) is one]
    assert rows(ours(distinct)) == rows(stock(distinct))


def test_the_intended_differences_are_these() -> None:
    """One of each that can be shown side by side."""
    described: list[Any] = [
        ("gauge", "load", "1", "", {}, [0.5]),
        ("up_down", "used", "kBy", "", {}, [3]),
        ("counter", "orders", "", "", {"a.b": "1", "a_b": "2"}, [1]),
    ]
    here, there = rows(ours(described)), rows(stock(described))
    assert {"load_ratio", "used_kilobytes"} <= {name for name in here if isinstance(name, str)}
    assert {"load", "used_kBy"} <= {name for name in there if isinstance(name, str)}
    [joined] = [dict(name[1])["a_b"] for name in here if name[0] == "orders_total"]
    [last] = [dict(name[1])["a_b"] for name in there if name[0] == "orders_total"]
    assert (joined, last) == ("1;2", "2")
