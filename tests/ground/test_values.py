"""Value conversions: nothing raises, attributes encode, JSON lines are valid."""

# the house puts the expected value on the left

import datetime
import enum
import math
import pathlib
import uuid
from decimal import Decimal
from fractions import Fraction

import numpy
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common._internal import _encode_value

from otel_trading.ground import values


class Side(enum.Enum):
    BUY = "buy"


class TextSide(str, enum.Enum):  # noqa: UP042  # what applications of all ages have
    SELL = "sell"


class Code(enum.IntEnum):
    OK = 3


class Broken:
    def __repr__(self):
        raise RuntimeError("no")


class NotAText:
    def __str__(self):
        return 5


class BrokenMapping(dict):
    def items(self):
        raise RuntimeError("no")

    __repr__ = Broken.__repr__


class LoudText(str):
    def __str__(self):
        raise RuntimeError("no")


ATTRIBUTES = [
    ("abc", "abc"),
    (True, True),
    (7, 7),
    (1.5, 1.5),
    (None, None),
    (2**63 - 1, 2**63 - 1),
    (-(2**63), -(2**63)),
    (2**63, "9223372036854775808"),
    (Decimal("0.10000000000000000001"), "0.10000000000000000001"),
    (Decimal("sNaN"), "sNaN"),
    (Fraction(1, 3), "1/3"),
    (Side.BUY, "BUY"),
    (TextSide.SELL, "SELL"),
    (Code.OK, "OK"),
    (numpy.int64(5), 5),
    (numpy.float32(0.5), 0.5),
    (numpy.float64(0.25), 0.25),
    (numpy.bool_(True), True),
    (numpy.longdouble(2), 2.0),
    (numpy.array([1, 2]), [1, 2]),
    (numpy.datetime64("2024-08-08T23:54:15.030314667"), "2024-08-08T23:54:15.030314667"),
    (b"abc", "abc"),
    (b"\xff\x00", "/wA="),
    (bytearray(b"x"), "x"),
    (memoryview(b"y"), "y"),
    ("a\udcffb", "a\\udcffb"),
    ("é", "é"),
    (Broken(), "<unrepresentable Broken>"),
    (NotAText(), "<unrepresentable NotAText>"),
    (BrokenMapping(a=1), "<unrepresentable BrokenMapping>"),
    (LoudText("quiet"), "quiet"),
    (datetime.datetime(2024, 8, 8, 1, 2, 3, 4, datetime.UTC), "2024-08-08T01:02:03.000004Z"),
    (datetime.date(2024, 8, 8), "2024-08-08"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (pathlib.PurePosixPath("/tmp/x"), "/tmp/x"),
    (ValueError("bad"), "bad"),
    (("a", "b"), ("a", "b")),
    ([1, 2], [1, 2]),
    ([1, 2.5], [1.0, 2.5]),
    ([1, "a"], ["1", "a"]),
    ([2**53 + 1, 0.5], ["9007199254740993", "0.5"]),
    ([Decimal("1"), None], ["1", None]),
    ({(1, 2): 3, "": 4}, {"(1, 2)": 3, "_": 4}),
    ({1: "a", "1": "b"}, {"1": "a", "1_": "b"}),
    (frozenset({5}), [5]),
]


@pytest.mark.parametrize(("value", "expected"), ATTRIBUTES)
def test_attribute_is_what_the_table_says(value, expected):
    """Each row of the table of conversions, and that the OTLP encoder takes it."""
    result = values.attribute(value)
    assert expected == result
    assert type(expected) is type(result)
    _encode_value(result).SerializeToString()


def test_infinities_stay_numbers_in_attributes_and_become_names_in_json():
    """OTLP has NaN, JSON has not."""
    assert math.isnan(values.attribute(math.nan))
    assert ["NaN", "Infinity", "-Infinity"] == [values.json_value("x", v) for v in (math.nan, math.inf, -math.inf)]


def test_unchanged_texts_and_tuples_are_the_same_object():
    """Callers tell by identity that nothing changed."""
    for value in ("plain", "é", ("a", "b"), (1, 2), 1.5):
        assert values.attribute(value) is value


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("latency_ns", 5, "5"),
        ("trading.ts.receive", 1723161255030314667, "1723161255030314667"),
        ("ts.exchange", 1, "1"),
        ("wait.ns", 1, "1"),
        ("columns", 5, 5),
        ("tests", 5, 5),
        ("size", 2**53, 2**53),
        ("size", 2**53 + 1, "9007199254740993"),
        ("size", -(2**53) - 1, "-9007199254740993"),
        ("flag_ns", True, True),
        ("stages_ns", [1, 2], ["1", "2"]),
        ("outer", {"a_ns": 1, "b": 1}, {"a_ns": "1", "b": 1}),
    ],
)
def test_integers_that_javascript_rounds_become_text(key, value, expected):
    """Nanosecond fields always, others beyond 2**53."""
    assert expected == values.json_value(key, value)


def test_cycles_are_cut_and_shared_elements_are_kept():
    """A list that holds itself ends in a mark; the same list twice is no cycle."""
    cycle = [1]
    cycle.append(cycle)
    assert [1, "<cycle>"] == values.attribute(cycle) or ["1", "<cycle>"] == values.attribute(cycle)
    mapping = {}
    mapping["self"] = mapping
    assert {"self": "<cycle>"} == values.attribute(mapping)
    shared = ["x"]
    assert {"a": ["x"], "b": ["x"]} == values.attribute({"a": shared, "b": shared})


def test_depth_and_size_are_bounded():
    """Neither a deep, nor a wide, nor an exponentially shared structure costs more than the limit."""
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert "<too deep>" in str(values.attribute(deep))
    wide = values.attribute(list(range(1_000_000)))
    assert len(wide) <= values.TEXT_LIMIT // 8 + 1
    assert "…[truncated" in wide[-1]
    shared = "y" * 100
    for _ in range(8):
        shared = [shared] * 1_000
    assert len(str(values.attribute(shared))) < 4 * values.TEXT_LIMIT
    while deep:  # or the interpreter's own clean-up recurses
        deep = deep.pop()


def test_ten_megabytes_are_cut_and_say_so():
    """The number of missing characters stands at the end."""
    result = values.attribute("x" * 10_000_000)
    assert "x" * values.TEXT_LIMIT + f"…[truncated {10_000_000 - values.TEXT_LIMIT}]" == result
    assert values.attribute("é".encode() * 5_000_000).endswith("…[truncated 9934464]")
    assert len(values.attribute(b"\xff" * 10_000_000)) < 2 * values.TEXT_LIMIT
    assert len(values.attribute({"a": ["z" * 10_000_000] * 100})["a"]) < 200
    assert values.attribute(10**10_000).startswith("0x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        (1.5, 1.5),
        (2**63, float(2**63)),
        (10**400, None),
        (Decimal("1.25"), 1.25),
        (Decimal("1e400"), None),
        (Decimal("sNaN"), None),
        (Decimal("Infinity"), math.inf),
        (Fraction(1, 4), 0.25),
        (Code.OK, 3),
        (numpy.int32(7), 7),
        (numpy.float32(0.5), 0.5),
        (numpy.float64(0.5), 0.5),
        (numpy.bool_(True), None),
        (numpy.longdouble(1), None),
        (numpy.array([1, 2]), None),
        (True, None),
        (None, None),
        ("1", None),
        (Broken(), None),
        ([], None),
    ],
)
def test_measurement_is_a_number_or_none(value, expected):
    """None is what the caller counts as an invalid value."""
    result = values.measurement(value)
    assert expected == result
    assert type(expected) is type(result)


def test_measurement_passes_nan_on():
    """Whether NaN is taken is the instrument's business."""
    assert math.isnan(values.measurement(math.nan))


def test_broken_metaclass_is_unrepresentable():
    """Even the name of a class may fail."""

    class Meta(type):
        @property
        def __name__(cls):
            raise RuntimeError("no")

    class Thing(metaclass=Meta):
        __repr__ = Broken.__repr__

    assert "<unrepresentable>" == values.text(Thing())
    assert values.json_value("k", Thing()) == values.attribute(Thing())


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters()), st.binary(), st.decimals(),
    st.fractions(), st.datetimes(), st.uuids(), st.complex_numbers(), st.builds(Broken),
    st.sampled_from([Side.BUY, Code.OK]),
)  # fmt: skip
KEYS = st.one_of(st.text(st.characters()), st.integers(), st.tuples(st.integers()), st.none())
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner), st.dictionaries(KEYS, inner), st.tuples(inner, inner))
)


@given(st.text(st.characters()), ANYTHING)
def test_every_value_makes_one_valid_json_line_and_encodes(key, value):
    """Whatever comes: no exception, one line of UTF-8 JSON, and OTLP bytes."""
    line = orjson.dumps({values.key(key): values.json_value(values.key(key), value)})
    assert b"\n" not in line
    orjson.loads(line)
    _encode_value(values.attribute(value)).SerializeToString()
    values.measurement(value)
    values.text(value).encode()
