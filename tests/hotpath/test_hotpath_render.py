"""Pages from cells: what is shown, under which labels, and in what parts."""

from __future__ import annotations

import gc
import threading
import weakref
from types import SimpleNamespace
from typing import Any

import pytest
from hotpath.hotpath_cells import cell
from hotpath.hotpath_pages import NO_NAMES, family, lines, page


def exemplar(value: int | float, time_ns: int = 1_500_000_000, trace_id: int = 0xABC, **filtered: Any) -> Any:
    return SimpleNamespace(value=value, time_ns=time_ns, trace_id=trace_id, span_id=0xD, filtered=filtered)


def test_a_counter_shows_its_sum_under_its_labels(engine: Any) -> None:
    """Ints with all their digits, then floats."""
    made = family(engine, "counter", "orders")
    one, large, real = cell(engine, "counter"), cell(engine, "counter"), cell(engine, "counter")
    one.add(3)
    for _ in range(3):
        large.add(2**63 - 1)
    real.add(0.25)
    shape = made.shape("counter", (), ("venue",), ())
    assert [made.add(shape, (venue,), one) for venue, one in (("a", one), ("b", large), ("c", real))] == [True] * 3
    assert lines(engine, [made]) == [
        'orders_total{venue="a"} 3',
        f'orders_total{{venue="b"}} {3 * (2**63 - 1)}',
        'orders_total{venue="c"} 0.25',
    ]


def test_negative_ints_of_any_size_are_exact(engine: Any) -> None:
    """Up-down counters."""
    made, low = family(engine, "gauge", "g"), cell(engine, "up_down")
    for _ in range(5):
        low.add(-(2**63))
    made.add(made.shape("up_down", (), (), ()), (), low)
    assert lines(engine, [made]) == [f"g {-5 * 2**63}"]


def test_before_the_first_record_counters_and_histograms_are_zero_and_gauges_are_not_there(engine: Any) -> None:
    """A declared counter can be alerted on; a gauge has no value yet."""
    counter, sums, gauge, histogram = (family(engine, *what) for what in FAMILIES)
    counter.add(counter.shape("counter", (), (), ()), (), cell(engine, "counter"))
    sums.add(sums.shape("up_down", (), (), ()), (), cell(engine, "up_down"))
    gauge.add(gauge.shape("gauge", (), (), ()), (), cell(engine, "gauge"))
    histogram.add(histogram.shape("explicit", (), (), (1.0,)), (), cell(engine, bounds=(1,)))
    histogram.add(histogram.shape("exponential", (), ("a",), ()), ("x",), cell(engine, "exponential"))
    items = [counter, sums, gauge, histogram]
    assert lines(engine, items) == [
        "c_total 0",
        "u 0",
        'h_bucket{le="1"} 0',
        'h_bucket{le="+Inf"} 0',
        "h_sum 0",
        "h_count 0",
        'h_bucket{a="x",le="+Inf"} 0',
        'h_sum{a="x"} 0',
        'h_count{a="x"} 0',
    ]
    assert b"# TYPE g gauge" not in page(engine, items)


FAMILIES = [("counter", "c"), ("gauge", "u"), ("gauge", "g"), ("histogram", "h")]


def test_buckets_are_cumulative_and_bounds_are_written_as_each_format_wants(engine: Any) -> None:
    """`1` in text, `1.0` in OpenMetrics."""
    made, one = family(engine), cell(engine, bounds=(0.005, 1, 1e6))
    for value in (0.001, 0.5, 0.7, 2e9):
        one.record(value)
    made.add(made.shape("explicit", ("scope", "m"), (), (0.005, 1, 1e6)), (), one)
    counts = [1, 3, 3, 4]
    text, open_text = lines(engine, [made]), lines(engine, [made], "openmetrics")
    les = ["0.005", "1", "1e+06", "+Inf"]
    assert text[:4] == [f'h_bucket{{scope="m",le="{le}"}} {count}' for le, count in zip(les, counts, strict=True)]
    les[1] = "1.0"
    assert open_text[:4] == [f'h_bucket{{scope="m",le="{le}"}} {count}' for le, count in zip(les, counts, strict=True)]
    assert text[4:] == ['h_sum{scope="m"} 2.000000001201e+09', 'h_count{scope="m"} 4']


def test_a_histogram_with_negative_bounds_has_no_sum(engine: Any) -> None:
    """It could fall, and a falling counter is a restart to Prometheus."""
    made, one = family(engine), cell(engine, bounds=(-1, 1), negative=True)
    one.record(-5)
    made.add(made.shape("explicit", (), (), (-1.0, 1.0)), (), one)
    assert [line.split("{")[0].split()[0] for line in lines(engine, [made])] == ["h_bucket"] * 3 + ["h_count"]


def test_exponential_buckets_become_coarser_ones_that_stay(engine: Any) -> None:
    """The bounds of a later page contain those of the earlier one."""
    made, one = family(engine), cell(engine, "exponential")
    made.add(made.shape("exponential", (), (), ()), (), one)
    one.record(1.1)
    before = [line.rsplit(" ", 1)[0] for line in lines(engine, [made])]
    for value in (0.9, 1.1, 1000.0, 1e-3, 0):
        one.record(value)
    after = [line.rsplit(" ", 1)[0] for line in lines(engine, [made])]
    assert set(before) <= set(after)
    rows = dict(line.rsplit(" ", 1) for line in lines(engine, [made]))
    assert (rows['h_bucket{le="0"}'], rows['h_bucket{le="1"}'], rows['h_bucket{le="1.189207115002721"}']) == (
        "1",
        "3",
        "5",
    )
    assert rows["h_count"] == "6"


def test_zeros_stand_at_the_threshold(engine: Any) -> None:
    """Values up to it are counted as zeros."""
    made, one = family(engine), cell(engine, "exponential", zero_threshold=0.5)
    made.add(made.shape("exponential", (), (), ()), (), one)
    one.record(0.4)
    assert lines(engine, [made])[:2] == ['h_bucket{le="0.5"} 1', 'h_bucket{le="+Inf"} 1']


def test_label_values_are_escaped_and_names_quoted_where_they_must(engine: Any) -> None:
    """Backslash, quote and newline; UTF-8 as it is."""
    made, one = family(engine, "gauge", "g"), cell(engine, "gauge")
    one.set(1)
    made.add(made.shape("gauge", ("c.d", "ü"), ("a", 'b"'), ()), ('x\\y"z\n', ""), one)
    assert lines(engine, [made]) == ['g{"c.d"="ü",a="x\\\\y\\"z\\n","b\\""=""} 1']


def test_a_name_in_quotes_stands_within_the_braces(engine: Any) -> None:
    """With labels and without."""
    names = (b'{"g.x"', b'{"g.x_bucket"', b'{"g.x_sum"', b'{"g.x_count"', b"")
    made, one = engine.Family("histogram", (b"# \n", b"# \n", b"x"), names, names), cell(engine, bounds=(1,))
    made.add(made.shape("explicit", (), (), (1.0,)), (), one)
    made.add(made.shape("explicit", (), ("a",), (1.0,)), ("b",), one)
    found = lines(engine, [made])
    assert [found[0], found[2], found[4], found[6]] == [
        '{"g.x_bucket",le="1"} 0',
        '{"g.x_sum"} 0',
        '{"g.x_bucket",a="b",le="1"} 0',
        '{"g.x_sum",a="b"} 0',
    ]


def test_the_same_labels_are_taken_once(engine: Any) -> None:
    """Two lines for one series would break the scrape; the texts of labels are not confused with each other."""
    made, one = family(engine, "counter", "c"), cell(engine, "counter")
    shape = made.shape("counter", (), ("a", "b"), ())
    assert made.add(shape, ("x", "yz"), one)
    assert made.add(shape, ("xy", "z"), one)
    assert not made.add(shape, ("x", "yz"), one)
    assert made.shape("counter", (), ("a", "b"), ()) == shape
    other = made.shape("counter", (), ("a", "c"), ())
    assert made.add(other, ("x", "yz"), one)
    assert all(made.add(shape, (str(number), "n"), one) for number in range(1000))
    assert not any(made.add(shape, (str(number), "n"), one) for number in range(1000))
    assert len(made) == 1003


def test_a_cell_that_became_another_kind_is_not_shown(engine: Any) -> None:
    """After shutdown, or with other bounds."""
    made, one, other = family(engine), cell(engine, bounds=(1, 2)), cell(engine, bounds=(1, 2))
    shape = made.shape("explicit", (), ("n",), (1.0, 2.0))
    made.add(shape, ("1",), one)
    made.add(shape, ("2",), other)
    one.close()
    other.configure("explicit", bounds=engine.Bounds((1, 3)))
    assert page(engine, [made]) == b""


def test_numbers_that_are_given_are_shown_like_those_of_cells(engine: Any) -> None:
    """Started, count, sum, detail; what is no number of this kind is left out."""
    made = family(engine)
    explicit, coarse = made.shape("explicit", (), ("n",), (1.0,)), made.shape("exponential", (), ("n",), ())
    made.add(explicit, ("1",), (0, 3, 2.5, (1, 2)))
    made.add(coarse, ("2",), (0, 3, 4, (2, 1, 0, (2,), 0.0)))
    for broken in ((0, 3, 2.5, (1,)), (0, 3, 2.5, None), (0, "x", 1, (1, 2)), (0, 1), (0, 3, "x", (1, 2))):
        made.add(explicit, (repr(broken),), broken)
    assert lines(engine, [made]) == [
        'h_bucket{n="1",le="1"} 1',
        'h_bucket{n="1",le="+Inf"} 3',
        'h_sum{n="1"} 2.5',
        'h_count{n="1"} 3',
        'h_bucket{n="2",le="0"} 1',
        'h_bucket{n="2",le="1.189207115002721"} 3',
        'h_bucket{n="2",le="+Inf"} 3',
        'h_sum{n="2"} 4',
        'h_count{n="2"} 3',
    ]


def test_the_start_is_shown_in_openmetrics_only(engine: Any) -> None:
    """Exact seconds; none before the first record."""
    engine.set_clock(None, lambda: 1_700_000_000_120_000_000)
    made, one = family(engine, "counter", "c"), cell(engine, "counter")
    shape = made.shape("counter", (), ("n",), ())
    made.add(shape, ("1",), one)
    made.add(shape, ("2",), cell(engine, "counter"))
    one.add()
    assert lines(engine, [made], "openmetrics") == [
        'c_total{n="1"} 1',
        'c_created{n="1"} 1700000000.12',
        'c_total{n="2"} 0',
    ]
    assert "created" not in page(engine, [made]).decode()


def test_exemplars_stand_at_their_bucket_the_newest_first(engine: Any) -> None:
    """In OpenMetrics; text has none."""
    made, one = family(engine), cell(engine, bounds=(1, 2))
    holder = SimpleNamespace(
        exemplars={0: exemplar(0.5), 1: exemplar(2, 3_000_000_000), 2: exemplar(1.5, 2_000_000_000)}
    )
    made.add(made.shape("explicit", (), (), (1.0, 2.0)), (), one, holder)
    trace = f'trace_id="{0xABC:032x}",span_id="{0xD:016x}"'
    assert lines(engine, [made], "openmetrics")[:3] == [
        f'h_bucket{{le="1.0"}} 0 # {{{trace}}} 0.5 1.5',
        f'h_bucket{{le="2.0"}} 0 # {{{trace}}} 2 3.0',
        'h_bucket{le="+Inf"} 0',
    ]
    assert "trace_id" not in page(engine, [made]).decode()


def test_further_labels_of_exemplars_are_left_out_when_they_are_too_long(engine: Any) -> None:
    """128 letters for names and values, those of the trace included."""
    made, one = family(engine, "counter", "c"), cell(engine, "counter")
    shape = made.shape("counter", (), ("n",), ())

    def labels(filtered: Any) -> tuple[str, ...]:
        return tuple(text for pair in filtered.items() for text in pair)

    for number, text in enumerate(("ü" * 61, "ü" * 62)):
        made.add(shape, (str(number),), one, SimpleNamespace(exemplars={0: exemplar(1, user=text)}))
    untraced = SimpleNamespace(exemplars={0: exemplar(1, 0, 0, note='"')})
    made.add(shape, ("2",), one, untraced)
    first, second, third = lines(engine, [made], "openmetrics", labels)
    assert f'",user="{"ü" * 61}"}} 1 1.5' in first
    assert "user" not in second
    assert third == 'c_total{n="2"} 0 # {note="\\""} 1'
    assert "user" not in page(engine, [made], "openmetrics").decode()


def test_what_is_no_exemplar_is_left_out_and_a_gauge_has_none(engine: Any) -> None:
    """A page never fails for one."""
    made, gauge, one = family(engine, "counter", "c"), family(engine, "gauge", "g"), cell(engine, "gauge")
    one.set(1)
    holder = SimpleNamespace(exemplars={0: exemplar(1)})
    gauge.add(gauge.shape("gauge", (), (), ()), (), one, holder)
    shape = made.shape("counter", (), ("n",), ())
    for number, broken in enumerate((None, {}, [1], object())):
        made.add(shape, (str(number),), cell(engine, "counter"), SimpleNamespace(exemplars=broken))
    made.add(shape, ("9",), cell(engine, "counter"), object())
    assert "#" not in "".join(lines(engine, [made, gauge], "openmetrics"))


def test_bytes_are_on_the_page_as_they_are(engine: Any) -> None:
    """Between families, in order."""
    made, one = family(engine, "counter", "c"), cell(engine, "counter")
    made.add(made.shape("counter", (), (), ()), (), one)
    assert page(engine, [b"before\n", made, b"# EOF\n"]) == b"before\n# TYPE c_total counter\nc_total 0\n# EOF\n"


def test_a_family_without_a_head_in_a_format_is_left_out_of_it(engine: Any) -> None:
    """Where names collide in one format only."""
    names = (b"g", b"", b"", b"", b"")
    made, one = engine.Family("gauge", (b"# TYPE g gauge\n", None, None), names, NO_NAMES), cell(engine, "gauge")
    one.set(1)
    made.add(made.shape("gauge", (), (), ()), (), one)
    assert [page(engine, [made], format) for format in ("text", "openmetrics", "protobuf")] == [
        b"# TYPE g gauge\ng 1\n",
        b"",
        b"",
    ]


def test_families_with_the_same_head_are_one_to_the_reader(engine: Any) -> None:
    """Where a part of a family comes from elsewhere; other heads are written each."""
    heads = (b"# TYPE g gauge\n", b"# TYPE g gauge\n", b"\n\x01g")
    names = (b"g", b"", b"", b"", b"")
    parts = [engine.Family("gauge", heads, names, names) for _ in range(3)]
    for number, part in enumerate(parts):
        shape = part.shape("gauge", (), ("n",), ())
        part.add(shape, (str(number),), (0, 1 if number else 0, 5, None))
    assert page(engine, parts) == b'# TYPE g gauge\ng{n="1"} 5\ng{n="2"} 5\n'
    assert page(engine, parts, "protobuf").count(b"\n\x01g") == 1
    assert page(engine, [parts[1], b"# between\n", parts[2]]).count(b"TYPE") == 2


def test_a_large_page_comes_in_parts_of_a_mebibyte(engine: Any) -> None:
    """All of it, and each line once."""
    made, one = family(engine), cell(engine, bounds=tuple(range(20)))
    shape = made.shape("explicit", (), ("n",), tuple(map(float, range(20))))
    count = 3000 if engine.NAME == "native" else 1500
    for number in range(count):
        made.add(shape, (f"{number:0100d}",), one)
    parts = list(engine.render([made], "text"))
    assert len(parts) > 2
    assert max(map(len, parts)) < (1 << 20) + 10_000
    found = b"".join(parts).decode().splitlines()
    assert (len(found), len(set(found))) == (1 + 23 * count, 1 + 23 * count)


def test_series_may_be_added_while_a_page_is_handed_out(engine: Any) -> None:
    """The page has at least those that were there."""
    made, one = family(engine, "counter", "c"), cell(engine, "counter")
    shape = made.shape("counter", (), ("n",), ())
    for number in range(20_000):
        made.add(shape, (f"{number:0100d}",), one)
    parts = engine.render([made], "text")
    found = [next(parts)]
    for number in range(20_000, 60_000):
        made.add(shape, (f"{number:0100d}",), one)
    found += parts
    shown = b"".join(found).decode().splitlines()
    assert len(shown) == len(set(shown)) >= 20_001


def test_pages_are_right_while_others_record(engine: Any) -> None:
    """Each histogram agrees with itself: its count is the sum of its buckets."""
    made, bounds = family(engine), (1.0, 2.0, 3.0)
    cells = [cell(engine, bounds=bounds) for _ in range(50)]
    shape = made.shape("explicit", (), ("n",), bounds)
    for number, one in enumerate(cells):
        made.add(shape, (str(number),), one)
    stop = threading.Event()

    def record() -> None:
        while not stop.is_set():
            for one in cells:
                one.record(2.5)

    threads = [threading.Thread(target=record) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            rows = dict(line.rsplit(" ", 1) for line in lines(engine, [made]))
            for number in range(50):
                count = int(rows[f'h_count{{n="{number}"}}'])
                assert rows[f'h_bucket{{n="{number}",le="+Inf"}}'] == str(count)
                assert rows[f'h_bucket{{n="{number}",le="3"}}'] == str(count)
                assert float(rows[f'h_sum{{n="{number}"}}']) == 2.5 * count
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_wrong_arguments_are_told(engine: Any) -> None:
    """The same by both engines."""
    made, one = family(engine), cell(engine, "counter")
    shape = made.shape("counter", (), ("a",), ())
    with pytest.raises(ValueError, match="no family is of the type 'summary'"):
        engine.Family("summary", (b"", b"", b""), NO_NAMES, NO_NAMES)
    with pytest.raises(ValueError, match="names are those of value, bucket, sum, count and created"):
        engine.Family("gauge", (b"", b"", b""), NO_NAMES[:4], NO_NAMES)
    with pytest.raises(TypeError, match="heads are bytes or None"):
        engine.Family("gauge", ("", b"", b""), NO_NAMES, NO_NAMES)
    with pytest.raises(TypeError, match="names are bytes"):
        engine.Family("gauge", (b"", b"", b""), ("", *NO_NAMES[1:]), NO_NAMES)
    with pytest.raises(ValueError, match="no series are of the kind 'dropped'"):
        made.shape("dropped", (), (), ())
    with pytest.raises(ValueError, match="constants are names and values in turn"):
        made.shape("counter", ("a",), (), ())
    with pytest.raises(TypeError):
        made.shape("counter", ["a"], (), ())
    with pytest.raises(ValueError, match="as many names as there are values"):
        made.add(shape, (), one)
    with pytest.raises(ValueError, match="the shape is not one of this family"):
        made.add(shape + 1, ("x",), one)
    with pytest.raises(TypeError, match="a Cell or a tuple"):
        made.add(shape, ("x",), 5)
    with pytest.raises(TypeError, match="add takes a shape"):
        made.add(shape, "x", one)
    with pytest.raises(UnicodeEncodeError):
        made.add(shape, ("\ud800",), one)
    with pytest.raises(ValueError, match="a page is text, openmetrics or protobuf; was 'json'"):
        engine.render([made], "json")
    with pytest.raises(TypeError, match="a page is made of Family and bytes"):
        engine.render([made, "text"], "text")


def test_a_family_lets_go_of_its_cells(engine: Any) -> None:
    """Also in a circle."""

    class Holder:
        exemplars = None

    made, one, holder = family(engine, "counter", "c"), cell(engine, "counter"), Holder()
    made.add(made.shape("counter", (), (), ()), (), one, holder)
    holder.family = made  # type: ignore[attr-defined]
    gone = weakref.ref(holder)
    del made, one, holder
    gc.collect()
    assert gone() is None
