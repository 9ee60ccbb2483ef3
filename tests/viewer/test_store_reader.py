# the house puts the expected value on the left

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from viewer_rows import ORDER_TRACE, TICK_TRACE, log, order_story, point, span

from otel_trading.viewer import retention
from otel_trading.viewer.reader import NotFound, StoreReader
from otel_trading.viewer.retention import Limits
from otel_trading.viewer.rows import Event, Link
from otel_trading.viewer.schema import StoreError
from otel_trading.viewer.store import Store

STAGES = ("signal", "risk", "execution")

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.usefixtures("reader")
class TestSpans:
    def test_a_span_comes_back_as_it_was_written(self, store: Store, reader: StoreReader) -> None:
        """Every field, with events and links, survives the way through the file."""
        written = span(
            1,
            parent_id="f" * 16,
            name="order.fill",
            kind="consumer",
            status="error",
            status_message="late",
            attributes={"price": 1.5, "n": 2**60, "tags": ["a", None]},
            events=(Event("seen", 5, {"x": True}),),
            links=(Link(TICK_TRACE, "1" * 16, {"link.kind": "tick"}),),
        )
        store.write(spans=[written])
        assert [written] == reader.spans(ORDER_TRACE)
        assert 1_000 == reader.spans(ORDER_TRACE)[0].duration_ns

    def test_a_retried_span_is_stored_once(self, store: Store, reader: StoreReader) -> None:
        """The same ids twice, in one batch or two, make one row and a right summary."""
        store.write(spans=[span(1), span(1)])
        store.write(spans=[span(1)])
        assert 1 == reader.counts()["spans"]
        assert 1 == reader.traces()[0].spans

    def test_spans_of_a_trace_in_several_batches_are_summed_up(self, store: Store, reader: StoreReader) -> None:
        """Services, errors, root, and the time from the first start to the last end grow with each batch."""
        store.write(spans=[span(2, parent_id=f"{1:016x}", service="risk", start_ns=200, end_ns=900, status="error")])
        assert "risk" == reader.traces()[0].root_service
        store.write(spans=[span(1, name="root", start_ns=100, end_ns=300)])
        found = reader.traces()[0]
        assert ("root", "signal", ("risk", "signal"), 2, 1, 800) == (
            found.root_name,
            found.root_service,
            found.services,
            found.spans,
            found.errors,
            found.duration_ns,
        )

    def test_traces_can_be_filtered_by_service_and_errors(self, store: Store, reader: StoreReader) -> None:
        """Only traces with such a span remain, newest first, at most `limit`."""
        store.write(spans=order_story())
        store.write(spans=[span(9, trace_id="c" * 32, status="error", start_ns=10**18 * 2, end_ns=10**18 * 2)])
        assert ["c" * 32, ORDER_TRACE, TICK_TRACE] == [
            trace.trace_id for trace in reader.traces() if trace.trace_id in ("c" * 32, ORDER_TRACE, TICK_TRACE)
        ] or {"c" * 32, ORDER_TRACE, TICK_TRACE} == {trace.trace_id for trace in reader.traces()}
        assert [ORDER_TRACE] == [trace.trace_id for trace in reader.traces(service="risk")]
        assert ["c" * 32] == [trace.trace_id for trace in reader.traces(errors_only=True)]
        assert 1 == len(reader.traces(limit=1))

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
    @given(attributes=st.dictionaries(st.text(), json_values, max_size=4), name=st.text())
    def test_any_attributes_survive(self, store: Store, reader: StoreReader, attributes: dict, name: str) -> None:  # type: ignore[type-arg]
        """Whatever JSON can hold comes back equal."""
        number = reader.counts()["spans"] + 1
        written = span(number, attributes=attributes, name=name)
        store.write(spans=[written])
        assert written == reader.span(ORDER_TRACE, written.span_id)


class TestIds:
    def test_a_unique_prefix_finds_its_trace(self, store: Store, reader: StoreReader) -> None:
        """Any number of leading digits will do, upper case too."""
        store.write(spans=order_story())
        assert ORDER_TRACE == reader.resolve("b")
        assert TICK_TRACE == reader.resolve("AAAA")
        assert TICK_TRACE == reader.resolve(TICK_TRACE)

    def test_an_ambiguous_prefix_is_refused_with_candidates(self, store: Store, reader: StoreReader) -> None:
        """The message names candidates and asks for more digits."""
        store.write(spans=[span(1, trace_id="ab" + "1" * 30), span(1, trace_id="ab" + "2" * 30)])
        with pytest.raises(NotFound, match=r"'ab' fits several traces \(ab1+, ab2+, \.\.\.\)\. Give more digits"):
            reader.resolve("ab")

    @pytest.mark.parametrize("prefix", ["", "xyz", "0" * 33, "%", "'"])
    def test_what_is_no_id_is_refused(self, reader: StoreReader, prefix: str) -> None:
        """Only 1 to 32 hexadecimal digits are looked up."""
        with pytest.raises(NotFound, match="is no trace id"):
            reader.resolve(prefix)

    def test_an_unknown_prefix_is_refused(self, reader: StoreReader) -> None:
        """The message names the store that was searched."""
        with pytest.raises(NotFound, match=r"no trace in .*store\.sqlite starts with '12'"):
            reader.resolve("12")


class TestCompleteOrders:
    def test_the_whole_story_is_complete(self, store: Store, reader: StoreReader) -> None:
        """Three stages, submit, terminal summary and the linked tick."""
        store.write(spans=order_story())
        found = reader.newest_complete_order(STAGES)
        assert found is not None
        assert (ORDER_TRACE, "filled") == (found.trace_id, found.order_status)

    @pytest.mark.parametrize("missing", range(6))
    def test_an_order_without_one_part_is_not_complete(self, store: Store, reader: StoreReader, missing: int) -> None:
        """Each of tick, signal, risk, submit and summary is needed; a fill alone is not."""
        story = order_story()
        name = story.pop(missing).name
        store.write(spans=story)
        assert (name == "order.fill") == (reader.newest_complete_order(STAGES) is not None)

    def test_a_name_that_only_begins_like_a_summary_is_none(self, store: Store, reader: StoreReader) -> None:
        """`order book` is no terminal state."""
        store.write(spans=[span(1, name="order book rebuilt")])
        assert [] == list(reader.ended_orders())

    def test_orders_before_the_run_do_not_count(self, store: Store, reader: StoreReader) -> None:
        """A reused store holds older ones."""
        store.write(spans=order_story())
        assert reader.newest_complete_order(STAGES, since_ns=time.time_ns()) is None


class TestLogs:
    def test_lines_are_found_by_trace(self, store: Store, reader: StoreReader) -> None:
        """Only lines written inside the trace, by time."""
        late, early = log("b", trace_id=ORDER_TRACE, time_ns=20), log("a", trace_id=ORDER_TRACE, time_ns=10)
        store.write(logs=[late, early, log("c")])
        assert [early, late] == reader.logs_of_trace(ORDER_TRACE)
        assert [] == reader.logs_of_trace("")

    @pytest.mark.parametrize("any_id", ["C1-1", "V-9", "X-7"])
    def test_lines_are_found_by_any_id_of_the_order(self, store: Store, reader: StoreReader, any_id: str) -> None:
        """The ids stand together in spans and lines, so each leads to the others."""
        store.write(spans=order_story())
        lines = [
            log("by client id", time_ns=1, attributes={"client_order_id": "C1-1"}),
            log("by venue id", time_ns=2, attributes={"order_id": "V-9"}),
            log("by execution id", time_ns=3, attributes={"trading.execution.id": "X-7"}),
        ]
        store.write(logs=[*lines, log("another", attributes={"client_order_id": "C1-11", "venue": "C1-1"})])
        assert lines == reader.logs_of_order(any_id)

    def test_an_unknown_order_has_no_lines(self, reader: StoreReader) -> None:
        """Nothing is found, nothing fails."""
        assert [] == reader.logs_of_order("nobody")

    @pytest.mark.parametrize("text", ["gap", "GAP feed", "C1-5", '"gap"'])
    def test_lines_are_found_by_words(self, store: Store, reader: StoreReader, text: str) -> None:
        """Words of the body and of the attributes, whatever their case and punctuation."""
        line = log("feed gap", attributes={"client_order_id": "C1-5"})
        store.write(logs=[log("other"), line])
        assert [line] == reader.logs_with_text(text)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
    @given(text=st.text())
    def test_no_text_is_a_syntax_error(self, reader: StoreReader, text: str) -> None:
        """The query language of the text index stays out of reach."""
        assert [] == reader.logs_with_text(text)

    def test_lines_are_correlated_only_if_their_span_is_there(self, store: Store, reader: StoreReader) -> None:
        """A trace id that no span has does not count."""
        store.write(spans=[span(1)], logs=[log(trace_id=ORDER_TRACE, span_id=f"{1:016x}"), log(trace_id="d" * 32)])
        assert {"signal": 1} == reader.correlated_logs()


class TestMetrics:
    def test_the_newest_point_of_each_series_is_returned(self, store: Store, reader: StoreReader) -> None:
        """Series differ by attributes; older points stay in the file."""
        sell = point(7.0, attributes={"side": "sell"})
        newest = point(2.0, time_ns=20)
        store.write(points=[newest, point(1.0, time_ns=10), sell])
        assert [newest, sell] == reader.latest_points(name="trading.signal.generated")
        assert (3, 2) == (reader.counts()["points"], reader.counts()["series"])
        assert [] == reader.latest_points(service="risk")

    def test_a_distribution_keeps_count_sum_and_buckets(self, store: Store, reader: StoreReader) -> None:
        """Unit and magnitude included."""
        written = point(
            None, kind="histogram", unit="s", count=3, total=0.5, buckets={"bounds": [0.1], "counts": [1, 2]}
        )
        store.write(points=[written])
        assert [written] == reader.latest_points()


class TestFile:
    def test_another_process_reads_while_this_one_writes(self, store: Store) -> None:
        """Each batch is visible from outside as soon as write returns."""
        code = (
            "import sys\n"
            "from otel_trading.viewer.reader import StoreReader\n"
            "reader = StoreReader(sys.argv[1])\n"
            "for line in sys.stdin:\n"
            "    print(reader.counts()['spans'], flush=True)\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code, str(store.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for number in (1, 2, 3):
                store.write(spans=[span(number)])
                process.stdin.write("count\n")
                process.stdin.flush()
                assert f"{number}\n" == process.stdout.readline()
            process.stdin.close()
            assert 0 == process.wait(10)

    def test_a_store_is_reopened_with_what_it_held(self, tmp_path: Path) -> None:
        """Closing merges the log beside the file; nothing but the file is needed."""
        first = Store(tmp_path / "s")
        first.write(spans=[span(1)])
        first.close()
        first.close()
        assert ["s"] == [path.name for path in tmp_path.iterdir()]
        second = Store(tmp_path / "s")
        second.write(spans=[span(2)])
        second.close()
        with StoreReader(tmp_path / "s") as reader:
            assert 2 == reader.counts()["spans"]

    def test_a_closed_store_says_so(self, tmp_path: Path) -> None:
        """A late batch is an error of ours, not of SQLite."""
        store = Store(tmp_path / "s")
        store.close()
        with pytest.raises(StoreError, match="is closed"):
            store.write(spans=[span(1)])

    def test_a_failed_batch_leaves_nothing_behind(self, store: Store, reader: StoreReader) -> None:
        """All of a batch or nothing, and the next one works, also with the same series."""
        with pytest.raises(StoreError, match="cannot write"):
            store.write(points=[point(1.0), point(1.0, time_ns=2**63)])
        store.write(points=[point(1.0)])
        assert (1, 1) == (reader.counts()["points"], reader.counts()["series"])

    def test_a_missing_store_is_no_new_store(self, tmp_path: Path) -> None:
        """Reading creates nothing."""
        with pytest.raises(StoreError, match=r"there is no store at .*nothing"):
            StoreReader(tmp_path / "nothing")
        assert [] == list(tmp_path.iterdir())

    @pytest.mark.parametrize("opener", [Store, StoreReader])
    def test_another_kind_of_file_is_refused(self, tmp_path: Path, opener: type) -> None:
        """Text and foreign databases are left alone."""
        text = tmp_path / "text"
        text.write_text("no database, only words " * 50)
        with pytest.raises(StoreError, match="not a database"):
            opener(text)
        foreign = tmp_path / "foreign"
        with sqlite3.connect(foreign) as connection:
            connection.execute("CREATE TABLE t (x)")
        connection.close()
        with pytest.raises(StoreError, match=r"no otel-trading store\. Give another file"):
            opener(foreign)

    def test_an_unwritable_place_is_refused_in_one_sentence(self, tmp_path: Path) -> None:
        """A missing directory is not made."""
        with pytest.raises(StoreError, match=r"cannot open the store .*Give a file in a writable directory"):
            Store(tmp_path / "missing" / "s")


class TestLimits:
    def test_what_is_too_old_goes(self, tmp_path: Path) -> None:
        """Traces as a whole, lines with their index entries, points with their series."""
        store = Store(tmp_path / "s", Limits(max_age_s=3600))
        old_ns = time.time_ns() - 2 * 3600 * 10**9
        ids = {"client_order_id": "C-old"}
        store.write(
            spans=[span(1, trace_id="c" * 32, start_ns=old_ns, end_ns=old_ns, attributes=ids), span(2)],
            logs=[log("ancient", time_ns=old_ns, attributes=ids), log("recent")],
            points=[point(1, time_ns=old_ns, name="old"), point(1)],
        )
        store.prune()
        with StoreReader(store.path) as reader:
            assert {"spans": 1, "traces": 1, "logs": 1, "points": 1, "series": 1} == reader.counts()
            assert [] == reader.logs_with_text("ancient")
            assert [] == reader.logs_of_order("C-old")
            assert ["recent"] == [line.body for line in reader.logs_with_text("recent")]
        store.close()

    def test_the_file_stays_below_its_cap(self, tmp_path: Path) -> None:
        """The oldest go first, whole traces at a time, and the pages are given back; no call from outside."""
        cap = 2_000_000
        store = Store(tmp_path / "s", Limits(max_bytes=cap))
        connection = sqlite3.connect(store.path)
        for batch in range(192):
            spans = [
                span(n, trace_id=f"{batch * 10 + n % 10 + 1:032x}", attributes={"filler": "x" * 400}) for n in range(50)
            ]
            store.write(spans=spans, logs=[log(f"line {batch} " + "y" * 300) for _ in range(20)])
        assert retention.used_bytes(connection) <= cap
        connection.close()
        with StoreReader(store.path) as reader:
            left = reader.traces(limit=5000)
            assert 0 < len(left) < 1920
            assert {5} == {trace.spans for trace in left}
            assert reader.resolve(f"{1920:032x}")
        store.close()
        assert (tmp_path / "s").stat().st_size <= cap
