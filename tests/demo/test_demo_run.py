# the house puts the expected value on the left

import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from demo.demo_registry import departures, recorded_by_programs

from otel_trading.viewer.reader import StoreReader

EVENT_MS = 1_700_000_001_270
SHARED = Path(__file__).parents[3] / "shared" / "data" / "binance-usdm-btcusdt-20240808.jsonl.gz"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A cache directory of its own, and OpenTelemetry settings of a user that must not matter."""
    return {
        **os.environ,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "OTEL_SDK_DISABLED": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "PYTHONWARNINGS": "error",
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "otel_trading.cli.main", *arguments]


def demo(environment: dict[str, str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        command("demo", "--json", *arguments), env=environment, capture_output=True, text=True, timeout=90
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def processes_of(run: Path) -> list[str]:
    """Commands of living processes that know this run's directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(run) in text:
            found.append(text)
    return found


def wait_for_status_files(cache: Path, process: subprocess.Popen[str]) -> None:
    """Returns once all four services run."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        files = list(cache.glob("otel-trading/runs/*/*.status.json"))
        if len(files) == 4 and all(json.loads(path.read_bytes())["state"] == "running" for path in files):
            return
        threading.Event().wait(0.02)
    raise AssertionError("the services did not get ready")


def test_the_whole_demo_shows_complete_orders(environment: dict[str, str], tmp_path: Path) -> None:
    """Exit code 0, one document, and the store holds what the document says."""
    began = time.monotonic()
    code, found, errors = demo(environment, "--duration", "6", "--store", str(tmp_path / "kept.sqlite"))
    assert (0, True, [], "") == (code, found["ok"], found["failed_checks"], errors)
    assert time.monotonic() - began < 60
    assert 6 <= found["elapsed_s"] - found["ready_s"] < 20
    assert {"market-data": 0, "signal": 0, "risk": 0, "execution": 0} == found["exit_codes"]
    assert 5 < found["orders"]["complete"] <= found["orders"]["ended"] == sum(found["orders"]["by_status"].values())
    assert found["orders"]["by_status"].keys() <= {"filled", "canceled", "rejected", "denied"}
    assert found["received"]["spans"] == found["stored"]["spans"] > 500
    made = [found["made"][name] for name in ("market-data", "signal", "risk", "execution")]
    assert found["received"]["spans"] == sum(one["spans"] for one in made)
    assert found["received"]["logs"] == sum(one["logs"] for one in made)
    assert {} == found["links"]
    assert 500 < found["metrics"]["market-data"]["trading_md_received_total"] < 6 * 200 * 2
    assert "trading_order_submitted_total" in found["metrics"]["execution"]["nonzero_series"]
    for name in ("market-data", "signal", "risk", "execution"):
        assert 0 < found["metrics"][name]["p50_ms"] <= found["metrics"][name]["p99_ms"] < 1000
        assert found["correlated_logs"][name] > 0
    check_example(found["example"])
    check_store(tmp_path / "kept.sqlite", found)
    check_words(tmp_path / "kept.sqlite")
    assert (
        f"otel-trading trace {found['example']['trace_id']} --store {tmp_path / 'kept.sqlite'}" == found["next_command"]
    )
    assert not processes_of(tmp_path)


def check_example(example: dict[str, Any]) -> None:
    """One trace over three services, which links to a tick in another one."""
    names = {span["name"].split(" ")[0] + " " + span["service"] for span in example["spans"]}
    assert {"signal.generate signal", "risk.check risk", "order.submit execution"} <= names
    assert {example["trace_id"]} == {span["trace_id"] for span in example["spans"]}
    roots = [span for span in example["spans"] if not span["parent_id"]]
    assert ["signal"] == [root["service"] for root in roots]
    tick = example["ticks"][0]
    assert ("market-data", "consumer", "") == (tick["service"], tick["kind"], tick["parent_id"])
    assert tick["name"].startswith("md.receive ")
    assert {"trace_id": tick["trace_id"], "span_id": tick["span_id"]} == roots[0]["links"][0]
    assert tick["trace_id"] != example["trace_id"]
    submit = next(span for span in example["spans"] if span["name"].startswith("order.submit "))
    assert "producer" == submit["kind"]
    summary = next(span for span in example["spans"] if span["name"] == f"order {example['status']}")
    assert summary["duration_ns"] > 1_000_000  # its venue takes at least a millisecond
    assert int(summary["start_ns"]) >= int(submit["start_ns"])
    ids = {span["span_id"] for span in example["spans"]}
    assert {"signal", "risk", "execution"} == {line["service"] for line in example["logs"]}
    assert {line["span_id"] for line in example["logs"]} <= ids


def check_store(path: Path, found: dict[str, Any]) -> None:
    """Attributes of the topology, and the order's lines by any of its ids."""
    example = found["example"]
    with StoreReader(path) as reader:
        assert found["stored"] == reader.counts()
        spans = reader.spans(example["trace_id"])
        submit = next(span for span in spans if span.name.startswith("order.submit "))
        assert example["client_order_id"] == submit.attributes["trading.order.client_id"]
        assert {"trading.order.side", "trading.order.quantity", "trading.venue", "trading.order.tif"} <= set(
            submit.attributes
        )
        tick = reader.span(example["ticks"][0]["trace_id"], example["ticks"][0]["span_id"])
        assert tick is not None
        assert {"trading.symbol", "md.sequence", "trading.ts.exchange", "trading.ts.receive"} <= set(tick.attributes)
        lines = reader.logs_of_trace(example["trace_id"])
        assert lines == reader.logs_of_order(example["client_order_id"])
        venue_ids = {span.attributes["trading.order.id"] for span in spans if "trading.order.id" in span.attributes}
        assert 1 == len(venue_ids)
        assert lines == reader.logs_of_order(str(venue_ids.pop()))
        assert [] == [point.name for point in reader.latest_points() if "client_id" in str(point.attributes)]


def check_words(path: Path) -> None:
    """Everything has the registry's names, kinds, units, attributes and values; other words would be found."""
    assert [] == departures(path)
    with StoreReader(path) as reader:
        recorded = {point.name for point in reader.latest_points() if point.name.startswith("trading.")}
    # by what the coverage page says which metrics a running example records
    assert len(recorded) > 25
    assert recorded <= recorded_by_programs()
    with sqlite3.connect(path) as connection:
        connection.execute(
            "update spans set kind = 'client', attributes = '{\"md.sequenz\": 1}' where name like 'md.%'"
        )
        connection.execute("update logs set event_name = 'order.filled' where event_name like '%.filled'")
        connection.execute("update series set unit = 'ms' where name = 'trading.order.ack.duration'")
    connection.close()
    told = "\n".join(departures(path))
    for words in ("client, not consumer", "md.sequenz", "no md.sequence", "event order.filled", "histogram in ms"):
        assert words in told


def recording(path: Path, messages: int) -> None:
    """A file with moving prices, a gap in the depth chain and two broken lines, as Binance sends it."""
    lines = []
    for n in range(messages):
        local_ns = EVENT_MS * 1_000_000 - 1_270_000_000 + n * 1_000_000
        bid = 60_000 + 6 * (n % 7)
        data: dict[str, object] = {"e": "bookTicker", "u": n, "b": str(bid), "a": str(bid + 0.1), "B": "1", "A": "2"}
        if n % 10 == 5:
            data = {"e": "depthUpdate", "u": n, "pu": n - 10 if n != 55 else n - 9}
        envelope = {"stream": "btcusdt", "data": {"E": EVENT_MS + n, "s": "BTCUSDT", **data}}
        lines.append(f"{local_ns} {json.dumps(envelope)}\n")
    lines[10:10] = ["broken\n", f"{EVENT_MS} {{]\n"]
    path.write_bytes(gzip.compress("".join(lines).encode()))


def test_a_recording_is_replayed_to_its_end(environment: dict[str, str], tmp_path: Path) -> None:
    """It ends the run; broken lines are reported by number; the clock behind the exchange is flagged."""
    recording(tmp_path / "r.gz", 600)
    code, found, _ = demo(environment, "--replay", str(tmp_path / "r.gz"), "--rate", "300", "--keep")
    assert (0, []) == (code, found["failed_checks"])
    told = found["market"]["replay"]
    assert (602, 600, 0, 2) == (told["lines"], told["messages"], told["skipped"], told["broken"])
    assert [11, 12] == [broken["line"] for broken in told["first_broken"]]
    series = found["metrics"]["market-data"]["nonzero_series"]
    assert {"trading_md_feed_negative_latencies_total", "trading_md_gaps_total"} <= set(series)
    with StoreReader(found["store"]) as reader:
        said = reader.logs_with_text("local clock is behind the exchange")
        assert [-1_270_000_000] == [line.attributes["md.feed_latency_ns"] for line in said]
        assert [11, 12] == [line.attributes["line"] for line in reader.logs_with_text("broken line in recording")]
        tick = reader.spans(found["example"]["ticks"][0]["trace_id"])[0]
        assert ("md.receive BINANCE", True) == (tick.name, tick.attributes["md.feed_latency_negative"])


def test_a_recording_without_messages_fails_with_the_checks_named(environment: dict[str, str], tmp_path: Path) -> None:
    """Exit code 1 and a document that says what was not shown."""
    (tmp_path / "empty").write_text("nothing\nhere\n")
    code, found, _ = demo(environment, "--replay", str(tmp_path / "empty"))
    assert (1, False) == (code, found["ok"])
    assert {"complete_orders", "correlated_logs.execution", "metrics.signal"} <= set(found["failed_checks"])
    assert "services" not in found["failed_checks"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_everything_cleanly(environment: dict[str, str], tmp_path: Path, number: signal.Signals) -> None:
    """To the whole process group, as the terminal sends it: one document, exit code as without it, nobody left."""
    with subprocess.Popen(
        command("demo", "--json", "--rate", "400"),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        wait_for_status_files(tmp_path / "cache", process)
        until_first_order(tmp_path / "cache")
        began = time.monotonic()
        os.killpg(process.pid, number)
        output, errors = process.communicate(timeout=30)
    assert time.monotonic() - began < 10
    found = json.loads(output)
    assert ("", {"market-data": 0, "signal": 0, "risk": 0, "execution": 0}) == (errors, found["exit_codes"])
    assert (0, []) == (process.returncode, found["failed_checks"])
    assert [] == processes_of(tmp_path)


def until_first_order(cache: Path) -> None:
    """Returns once the live store, read from outside, has a complete order."""
    (path,) = cache.glob("otel-trading/runs/*/telemetry.sqlite")
    deadline = time.monotonic() + 30
    with StoreReader(path) as reader:
        while reader.newest_complete_order(("signal", "risk", "execution")) is None:
            assert time.monotonic() < deadline
            threading.Event().wait(0.05)


def test_a_service_that_dies_ends_the_demo_and_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    """Exit code 1; name, signal and last log lines stand in the document; the others are ended."""
    with subprocess.Popen(command("demo", "--json"), env=environment, stdout=subprocess.PIPE, text=True) as process:
        wait_for_status_files(tmp_path / "cache", process)
        until_first_order(tmp_path / "cache")
        (status,) = (tmp_path / "cache").glob("otel-trading/runs/*/risk.status.json")
        os.kill(json.loads(status.read_bytes())["pid"], signal.SIGKILL)
        output, _ = process.communicate(timeout=30)
    found = json.loads(output)
    # it ended early: what the others were to show may be missing too
    assert (1, "services") == (process.returncode, found["failed_checks"][0])
    assert ("risk", -9) == (found["died"]["service"], found["died"]["exit_code"])
    *lines, last = found["died"]["last_lines"]
    assert "metrics are recorded by the" in last  # what it wrote to standard error stands after its log
    assert "order" in json.loads(lines[-1])["event"]
    assert [] == processes_of(tmp_path)


def test_without_a_terminal_a_few_lines_are_said(environment: dict[str, str]) -> None:
    """No control characters; the last line is the next command."""
    done = subprocess.run(
        command("demo", "--duration", "3"), env=environment, capture_output=True, text=True, timeout=60
    )
    lines = done.stdout.splitlines()
    assert (0, "") == (done.returncode, done.stderr)
    assert "\x1b" not in done.stdout
    assert lines[0].startswith("starting market-data, signal, risk, execution; store ")
    assert "first complete order after" in lines[2]
    assert lines[-1].startswith("next: otel-trading trace ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rate", "0"], "otel-trading demo: argument --rate: must be a number above 0; was '0'. See otel-trading"),
        (["--rate", "nan"], "otel-trading demo: argument --rate: must be a number above 0; was 'nan'. See"),
        (["--duration", "-1"], "otel-trading demo: argument --duration: must be a number above 0; was '-1'. See"),
        (["--seed", "x"], "otel-trading demo: argument --seed: invalid int value: 'x'. See"),
        (["--replay", "missing"], "otel-trading demo: cannot use missing: No such file or directory."),
        (["--replay", "."], "otel-trading demo: cannot use .: Is a directory."),
        (["--store", "missing/s"], "otel-trading demo: cannot open the store missing/s: "),
    ],
)
def test_a_bad_argument_is_one_line(
    environment: dict[str, str], tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    """Exit code 2, nothing on standard output, nothing started."""
    done = subprocess.run(
        command("demo", *arguments), env=environment, capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert (2, "") == (done.returncode, done.stdout)
    assert 1 == done.stderr.count("\n")
    assert done.stderr.replace(f"{tmp_path}/", "").startswith(sentence)


def test_a_missing_extra_is_told_with_the_command(environment: dict[str, str]) -> None:
    """Instead of a traceback about zmq."""
    code = (
        "import sys\n"
        "from importlib import machinery\n"
        "find = machinery.PathFinder.find_spec\n"
        "machinery.PathFinder.find_spec = classmethod(\n"
        "    lambda kind, name, *rest: None if name == 'zmq' else find(name, *rest))\n"
        "from otel_trading.cli.main import main\n"
        "sys.exit(main(['demo']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert (2, "") == (done.returncode, done.stdout)
    assert (
        'otel-trading demo: the demo needs pyzmq, not installed here. Type: pip install "otel-trading[demo]"\n'
        == done.stderr
    )


@pytest.mark.parametrize("module", ["market_data", "signals", "risk", "execution"])
def test_each_service_can_be_started_by_hand(environment: dict[str, str], module: str) -> None:
    """Its help tells what it is and the unit of what it takes."""
    done = subprocess.run(
        [sys.executable, "-m", f"otel_trading.demo.{module}", "--help"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert f"usage: python -m otel_trading.demo.{module}" in done.stdout
    assert "--otlp-endpoint URL" in done.stdout


@pytest.mark.shared
def test_the_recorded_market_is_replayed(environment: dict[str, str]) -> None:
    """Real messages of Binance USD-M futures, whose local clock was 1.27 s behind."""
    code, found, _ = demo(environment, "--duration", "20", "--replay", str(SHARED))
    assert (0, []) == (code, found["failed_checks"])
    assert 0 == found["market"]["replay"]["broken"]
    assert "trading_md_feed_negative_latencies_total" in found["metrics"]["market-data"]["nonzero_series"]
