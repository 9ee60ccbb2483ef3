# the house puts the expected value on the left

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from otel_trading.demo.pacing import Pace
from otel_trading.demo.supervise import ChildDied, Supervisor

OBEDIENT = """
import json, os, pathlib, sys
status = pathlib.Path(sys.argv[sys.argv.index("--status-file") + 1])
told = sys.stdin.readline() if "--source" in sys.argv else ""
status.write_text(json.dumps({"state": "running", "told": told, "otel": os.environ.get("OTEL_SDK_DISABLED")}))
print("line on stdout", flush=True)
sys.stdin.read()
"""
DYING = """
import sys
for number in range(30):
    print("log line", number)
sys.exit("the reason")
"""
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
while True:
    time.sleep(1)
"""


def until(condition: Callable[[], object], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        threading.Event().wait(0.01)


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("obedient", OBEDIENT), ("dying", DYING), ("stubborn", STUBBORN)):
        (programs / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(programs))
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    (tmp_path / "run").mkdir()
    with Supervisor(tmp_path / "run") as made:
        yield made


def test_a_child_tells_that_it_is_ready_and_is_told_its_source(supervisor: Supervisor) -> None:
    """By its status file and its standard input; the user's OTEL_ settings do not reach it."""
    child = supervisor.start("one", "obedient", ["--source", "-"])
    assert {} == child.status()
    supervisor.hand_over("one", "tcp://127.0.0.1:5")
    until(child.status)
    assert {"state": "running", "told": '{"source":"tcp://127.0.0.1:5"}\n', "otel": None} == child.status()
    supervisor.check()
    assert {"one": 0} == supervisor.stop(timeout_s=10)


def test_a_child_that_dies_is_named_with_its_last_lines(supervisor: Supervisor) -> None:
    """Log lines first, then standard error, which tells the reason."""
    child = supervisor.start("risk", "dying", [])
    child.process.wait(20)
    with pytest.raises(ChildDied, match="the service risk ended with exit code 1") as caught:
        supervisor.check()
    assert ("risk", 1) == (caught.value.service, caught.value.exit_code)
    assert ["log line 28", "log line 29", "the reason"] == caught.value.last_lines[-3:]


def test_a_child_that_is_killed_is_named_with_the_signal(supervisor: Supervisor) -> None:
    """A negative exit code is the signal's number."""
    child = supervisor.start("risk", "obedient", [])
    until(child.status)
    child.process.kill()
    child.process.wait(20)
    with pytest.raises(ChildDied, match="the service risk was killed by signal 9"):
        supervisor.check()


def test_a_stubborn_child_is_killed_within_the_time(supervisor: Supervisor) -> None:
    """It watches no input and ignores SIGTERM; the others still end by themselves."""
    good = supervisor.start("good", "obedient", [])
    bad = supervisor.start("bad", "stubborn", [])
    until(lambda: good.status() and b"up" in bad.output_file.read_bytes())
    began = time.monotonic()
    assert {"good": 0, "bad": -signal.SIGKILL} == supervisor.stop(timeout_s=1)
    assert time.monotonic() - began < 5


def test_a_long_log_file_is_cut(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo that runs for days does not fill the disk."""
    monkeypatch.setattr("otel_trading.demo.supervise._LOG_CAP_BYTES", 5)
    child = supervisor.start("one", "obedient", [])
    until(lambda: child.output_file.read_bytes())
    supervisor.check()
    assert b"" == child.output_file.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="process groups of POSIX")
def test_children_end_when_the_parent_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    """kill -9 leaves no chance to clean up; the end of the pipe does it."""
    (tmp_path / "second").mkdir()
    code = (
        "import pathlib, sys, time\n"
        "from otel_trading.demo.supervise import Supervisor\n"
        "supervisor = Supervisor(pathlib.Path(sys.argv[1]))\n"
        "child = supervisor.start('one', 'obedient', [])\n"
        "while not child.status(): time.sleep(0.01)\n"
        "print(child.process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "second")], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child_pid = int(parent.stdout.readline())
        parent.kill()
    until(lambda: not _alive(child_pid))


def test_a_pace_keeps_the_schedule_and_tells_silence_once() -> None:
    """Three moments of 50 ms take 150 ms; a silence of 300 ms is told once at 200 ms."""
    told: list[float] = []
    pace = Pace(threading.Event(), 0.2, told.append)
    began = time.monotonic()
    assert [True] * 3 == [pace.wait(0.05) for _ in range(3)]
    assert 0.15 <= time.monotonic() - began < 1.0
    assert [] == told
    assert pace.wait(0.3)
    assert 1 == len(told)
    assert 0.2 <= told[0] < 0.3


def test_a_pace_stops_at_once() -> None:
    """A set event ends the wait."""
    stop = threading.Event()
    stop.set()
    assert not Pace(stop, 1, lambda _: None).wait(60)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # an orphan that nobody reaps in a container is dead all the same
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and ") Z" in state.read_text())
