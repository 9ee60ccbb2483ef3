"""Random families: native pages equal the twin's, byte by byte, in every format."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hotpath.hotpath_cells import load
from hotpath.hotpath_pages import family, page
from hypothesis import given, settings
from hypothesis import strategies as st

AMOUNTS = st.integers(0, 2**64) | st.floats(0, 1e300) | st.sampled_from([0, 0.0, 5e-324, 1.7e308, 1, 2, 0.5])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
TYPES = {
    "counter": "counter",
    "up_down": "gauge",
    "gauge": "gauge",
    "explicit": "histogram",
    "exponential": "histogram",
}
EXEMPLARS = st.lists(
    st.tuples(AMOUNTS, st.integers(0, 2**62), st.integers(0, 2**128 - 1), st.integers(0, 2**64 - 1), TEXTS), max_size=4
)
SERIES = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(sorted(TYPES)),
        "constant": TEXTS,
        "name": st.sampled_from(["a", "b.c", "_x", "9"]) | TEXTS,
        "value": TEXTS,
        "amounts": st.lists(AMOUNTS, max_size=8),
        "max_scale": st.integers(-10, 20),
        "max_size": st.integers(2, 40),
        "zero_threshold": st.sampled_from([0.0, 0.25]),
        "exemplars": EXEMPLARS,
    }
)
BOUNDS = (-1.0, 0.0, 0.5, 3.0, 1e6)


def labels(filtered: dict[str, str]) -> tuple[str, ...]:
    return tuple(text for pair in filtered.items() for text in pair)


def pages(engine: Any, described: list[dict[str, Any]]) -> list[bytes]:
    """In each format; the text of an exemplar is a further label."""
    engine.set_clock(None, lambda: 1_700_000_000_000_000_001)
    families = {kind: family(engine, type, kind) for kind, type in TYPES.items()}
    for one in described:
        kind, made = one["kind"], engine.Cell("x")
        options = {name: one[name] for name in ("max_scale", "max_size", "zero_threshold")}
        made.configure(kind, bounds=engine.Bounds(BOUNDS), **options)
        for amount in one["amounts"]:
            made.record(amount)
        fields = ("value", "time_ns", "trace_id", "span_id", "text")
        exemplars: dict[int, Any] = {}
        for number, values in enumerate(one["exemplars"]):
            named = dict(zip(fields, values, strict=True))
            text = named.pop("text")
            exemplars[number] = SimpleNamespace(**named, filtered={"text": text} if text else {})
        shape = families[kind].shape(kind, ("c", one["constant"]), (one["name"],), BOUNDS)
        families[kind].add(shape, (one["value"],), made, SimpleNamespace(exemplars=exemplars))
    engine.set_clock(None, None)
    return [page(engine, list(families.values()), format, labels) for format in ("text", "openmetrics", "protobuf")]


@settings(max_examples=300, deadline=None)
@given(described=st.lists(SERIES, max_size=6))
def test_native_pages_equal_the_twins(described: list[dict[str, Any]]) -> None:
    """Numbers, buckets, labels, exemplars, order."""
    assert pages(load("python"), described) == pages(load("native"), described)


def test_families_beyond_a_part_are_split_alike() -> None:
    """Protobuf: messages of the same name."""
    found = []
    for name in ("native", "python"):
        engine = load(name)
        made, one = family(engine), engine.Cell("x")
        one.configure("explicit", bounds=engine.Bounds(BOUNDS))
        shape = made.shape("explicit", (), ("n",), BOUNDS)
        for number in range(6000):
            made.add(shape, (f"{number:0150d}",), one)
        found.append(list(engine.render([made, b"", made], "protobuf")))
    assert found[0] == found[1]
    assert len(found[0]) > 2
