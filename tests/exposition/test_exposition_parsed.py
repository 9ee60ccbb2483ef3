"""Any metric with any attributes: prometheus_client's parsers read the pages and find what was recorded."""

from __future__ import annotations

import math
from string import ascii_letters
from typing import Any

from exposition.exposition_messages import families
from exposition.exposition_streams import OPEN, PROTOBUF, Streams, body, text
from hotpath.hotpath_cells import load
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client.openmetrics import parser as open_parser
from prometheus_client.parser import text_string_to_metric_families as read_text

from otel_trading.config.knob import STRATEGIES
from otel_trading.metrics.exposition.names import naming
from otel_trading.metrics.live import Recorded

NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_.\-/]{0,12}", fullmatch=True)
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=8
)
KEYS = st.sampled_from(["venue", "a.b", "a_b", "le", "le.", "é", "x y", "__name__", "9"]) | TEXTS
AMOUNTS = st.lists(st.floats(0, 1e12) | st.integers(0, 2**70), max_size=5)
SERIES = st.tuples(st.dictionaries(KEYS, TEXTS | st.booleans() | st.integers(), max_size=3), AMOUNTS)
STREAM = st.tuples(
    st.sampled_from(["counter", "up_down", "gauge", "explicit", "exponential"]),
    NAMES,
    st.sampled_from(["", "s", "1", "By/s", "{x}", "bps"]),
    TEXTS,
    st.lists(SERIES, max_size=3),
)
read_open: Any = open_parser.text_string_to_metric_families  # its parsers have no types
ACCEPTS = ("underscores", "allow-utf-8", "dots", "values")


def build(engine: str, described: list[Any]) -> Streams:
    streams = Streams(load(engine))
    for number, (kind, name, unit, description, series) in enumerate(described):
        scope = InstrumentationScope(f"scope{number}")
        made = streams.stream(kind, name, unit, description, (0.0, 1.5, 1e6), scope)
        for attributes, amounts in series:
            one = streams.series(made, attributes, *amounts)
            # prometheus_client cannot read quotes within an exemplar's labels; Prometheus can, see tests/backends
            one.exemplars = {0: Recorded(amounts[0], 10**18, 5, 6, {"user.id": number})} if amounts else None
    return streams


@settings(max_examples=200, deadline=None)
@given(described=st.lists(STREAM, max_size=4), strategy=st.sampled_from(STRATEGIES), scheme=st.sampled_from(ACCEPTS))
def test_pages_are_read_by_prometheus_clients_parsers(described: list[Any], strategy: Any, scheme: str) -> None:
    """Both text formats; families and series once each; the same numbers in both, and in protobuf."""
    if scheme == "dots":  # makes two underscores of what is no letter, and the parser keeps such labels for itself
        keys = [key for *_, series in described for attributes, _ in series for key in attributes]
        assume(all(naming(strategy).label(key)[0] in ascii_letters for key in keys))
    streams = build("native", described)
    made = streams.exposition({"service.name": "x\n"}, strategy=strategy, scope_info=True, target_info=True)
    page = text(made, f"text/plain;version=1.0.0;escaping={scheme}")
    found = list(read_text(page))
    names = [family.name for family in found if family.type != "unknown"]
    heads = [line for line in page.splitlines() if line.startswith("# TYPE ")]
    assert len(heads) == len({line.rsplit(" ", 1)[0] for line in heads})
    rows = [(sample.name, tuple(sorted(sample.labels.items()))) for family in found for sample in family.samples]
    assert len(rows) == len(set(rows))
    opened = list(read_open(text(made, f"{OPEN};escaping={scheme}")))
    assert len({family.name for family in opened}) == len(opened)
    messages = families(body(made, f"{PROTOBUF};escaping={scheme}"))
    # a colliding name may be left out of OpenMetrics only, so each of its counts is among those of text
    counts = {row: sample.value for family in found for sample in family.samples for row in [_row(sample)]}
    for family in opened:
        for sample in family.samples:
            if sample.name.endswith(("_count", "_sum")):
                assert counts[_row(sample)] == sample.value
    assert {family.name for family in messages} <= {name for name, _ in rows} | set(names) | _totals(names)


def _row(sample: Any) -> tuple[str, tuple[tuple[str, str], ...]]:
    return sample.name, tuple(sorted(sample.labels.items()))


def _totals(names: list[str]) -> set[str]:
    return {f"{name}_total" for name in names}


@settings(max_examples=100, deadline=None)
@given(value=TEXTS, amounts=st.lists(st.floats(0, 1e300) | st.integers(0, 2**53), min_size=1, max_size=6))
def test_label_and_numbers_come_back_as_they_were(value: str, amounts: list[float]) -> None:
    """Escaping and digits lose nothing."""
    for engine in ("native", "python"):
        streams = build(engine, [("explicit", "h", "", "", [({"v": value}, amounts)])])
        for read, accept in ((read_text, ""), (read_open, OPEN)):
            [family] = list(read(text(streams.exposition(), accept)))
            samples = {(sample.name, sample.labels.get("le")): sample for sample in family.samples}
            assert samples["h_count", None].value == len(amounts)
            assert samples["h_count", None].labels == {"v": value}
            total = math.fsum(0.0 for _ in amounts)
            for amount in amounts:
                total += amount
            assert math.isclose(samples["h_sum", None].value, total, rel_tol=1e-12)
            assert samples["h_bucket", "+Inf"].value == len(amounts)
