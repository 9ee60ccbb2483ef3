# the house puts the expected value on the left

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from otel_trading.cli.main import main
from otel_trading.viewer import runs
from otel_trading.viewer.rows import Event, Link, LogLine, Span
from otel_trading.viewer.store import Store

TICK_TRACE, ORDER_TRACE = "a" * 32, "b" * 32
START_NS = 1_700_000_000_000_000_000


def span(number: int, name: str, service: str, **more: Any) -> Span:
    values: dict[str, Any] = {
        "trace_id": ORDER_TRACE,
        "span_id": f"{number:016x}",
        "parent_id": "",
        "kind": "internal",
        "start_ns": START_NS + number * 1_000_000,
        "end_ns": START_NS + number * 1_000_000 + 12_345,
    }
    return Span(name=name, service=service, **{**values, **more})


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with one order and its tick."""
    path = tmp_path / "s.sqlite"
    made = Store(path)
    ids = {"trading.order.client_id": "C-1"}
    tick = span(1, "md.receive SIMX", "market-data", trace_id=TICK_TRACE)
    made.write(
        spans=[
            tick,
            span(2, "signal.generate momentum", "signal", links=(Link(TICK_TRACE, tick.span_id),), attributes=ids),
            span(
                3,
                "risk.check pretrade",
                "risk",
                parent_id=f"{2:016x}",
                status="error",
                status_message="too much",
                events=(Event("seen", START_NS, {"x": 1}),),
            ),
            span(4, "order\x1b[31m denied", "risk", parent_id=f"{3:016x}"),
        ],
        logs=[
            LogLine(
                START_NS + 5,
                13,
                "warning",
                "order denied",
                "",
                ORDER_TRACE,
                f"{3:016x}",
                "risk",
                {**ids, "trading.order.root_client_id": "C-1", "reason": "position_limit"},
            )
        ],
    )
    made.close()
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        code = main(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    output = capsys.readouterr()
    return code, output.out, output.err


def test_traces_lists_the_newest_first(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Root, services, spans, errors and duration of each."""
    code, output, _ = run(capsys, "traces", "--store", store)
    head, order, tick = output.splitlines()
    assert 0 == code
    assert head.startswith("trace id")
    assert [
        ORDER_TRACE,
        "22:13:20.002000",
        "2.01",
        "ms",
        "3",
        "1",
        "signal.generate",
        "momentum",
        "(risk,",
        "signal)",
    ] == (order.split())
    assert [TICK_TRACE, "12.3", "us"] == [tick.split()[n] for n in (0, 2, 3)]


def test_traces_can_be_filtered(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By service, by errors, by number; as JSON one object a line with nanoseconds as text."""
    for arguments, ids in (
        (("--service", "market-data"), [TICK_TRACE]),
        (("--errors",), [ORDER_TRACE]),
        (("--limit", "1"), [ORDER_TRACE]),
        (("--service", "nobody"), []),
    ):
        code, output, _ = run(capsys, "traces", "--store", store, "--json", *arguments)
        found = [json.loads(line) for line in output.splitlines()]
        assert (0, ids) == (code, [trace["trace_id"] for trace in found])
    _, output, _ = run(capsys, "traces", "--store", store, "--json", "--errors")
    assert {
        "trace_id": ORDER_TRACE,
        "root_name": "signal.generate momentum",
        "root_service": "signal",
        "services": ["risk", "signal"],
        "spans": 3,
        "errors": 1,
        "start_ns": str(START_NS + 2_000_000),
        "duration_ns": 2_012_345,
        "order_status": None,
    } == json.loads(output)


def test_trace_shows_a_tree_with_links_attributes_and_logs(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By the first digits of its id; control characters of a name do not reach the terminal."""
    code, output, _ = run(capsys, "trace", "bbb", "--store", store)
    assert 0 == code
    expected = [
        f"trace {ORDER_TRACE}",
        "signal.generate momentum       signal        +0 ns     12.3 us",
        "│    trading.order.client_id = C-1",
        f"│    link to md.receive SIMX (market-data, 12.3 us, trace {TICK_TRACE})",
        "└─ risk.check pretrade          risk       +1.00 ms     12.3 us  ERROR too much",
        "   │    event seen x=1",
        "   └─ order\\x1b[31m denied      risk       +2.00 ms     12.3 us",
        "",
        "1 log lines",
        "22:13:20.000000 warning risk         order denied  reason=position_limit client_order_id=C-1",
    ]
    assert [" ".join(line.split()) for line in expected] == [" ".join(line.split()) for line in output.splitlines()]


def test_trace_as_json_is_one_document(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Spans, the spans they link to, and log lines."""
    _, output, _ = run(capsys, "trace", ORDER_TRACE, "--store", store, "--json")
    found = json.loads(output)
    assert (3, 1, 1) == (len(found["spans"]), len(found["linked_spans"]), len(found["logs"]))
    assert ("md.receive SIMX", 12_345) == (found["linked_spans"][0]["name"], found["linked_spans"][0]["duration_ns"])
    assert str(START_NS + 5) == found["logs"][0]["time_ns"]


def test_an_unknown_or_short_id_is_one_line(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1."""
    assert (1, "", f"otel-trading: no trace in {store} starts with 'cc'.\n") == run(
        capsys, "trace", "cc", "--store", store
    )
    assert "is no trace id" in run(capsys, "trace", "xyz", "--store", store)[2]


@pytest.mark.parametrize(
    "arguments", [("--trace", "bb"), ("--order", "C-1"), ("denied",), ("position_limit", "order"), ()]
)
def test_logs_are_found_by_trace_order_and_text(
    store: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """The same line in each case."""
    code, output, _ = run(capsys, "logs", *arguments, "--store", store)
    assert (0, "22:13:20.000000 warning risk         order denied  reason=position_limit client_order_id=C-1\n") == (
        code,
        output,
    )
    code, output, _ = run(capsys, "logs", *arguments, "--store", store, "--json")
    assert ("order denied", str(START_NS + 5)) == (json.loads(output)["body"], json.loads(output)["time_ns"])


def test_no_line_found_is_exit_code_1(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """So that a script can ask; nothing is printed."""
    assert (1, "", "") == run(capsys, "logs", "nothing like this", "--store", store)


def test_two_ways_to_ask_at_once_are_refused(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit code 2."""
    code, _, errors = run(capsys, "logs", "--trace", "b", "--order", "C-1", "--store", store)
    assert (2, 1) == (code, errors.count("\n"))
    assert "not allowed with argument" in errors


def test_without_any_store_the_way_to_one_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a store that is named and missing is not made."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert (
        1,
        "",
        "otel-trading: there is no store yet. Run `otel-trading demo` first, or name one with --store.\n",
    ) == (run(capsys, "traces"))
    assert f"there is no store at {tmp_path}/none" in run(capsys, "traces", "--store", f"{tmp_path}/none")[2]


def test_the_newest_runs_store_is_the_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the run is alive; ended runs go unless kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kept, gone, alive = runs.create(keep=True), runs.create(keep=False), None
    for run_ in (kept, gone):
        Store(run_.store_path).close()
        run_.close()
    alive = runs.create(keep=False)
    late = runs.create(keep=False)
    store = Store(late.store_path)
    store.write(spans=[span(1, "newest", "x", start_ns=time.time_ns())])
    assert "newest (x)" in run(capsys, "traces")[1]
    assert {kept.path, alive.path, late.path} == set(runs.home().iterdir())
    store.close()
    alive.close()
    late.close()


def test_a_closed_pipe_is_no_error(store: str) -> None:
    """`otel-trading trace ... | head` ends quietly."""
    done = subprocess.run(
        f"{sys.executable} -m otel_trading.cli.main trace b --store '{store}' | true",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "" == done.stderr


def test_version_and_missing_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Version on standard output; without a command one line and exit code 2."""
    code, output, _ = run(capsys, "--version")
    assert 0 == code
    assert output.startswith("otel-trading 0.")
    code, _, errors = run(capsys)
    assert (2, "otel-trading: the following arguments are required: COMMAND. See otel-trading --help.\n") == (
        code,
        errors,
    )
