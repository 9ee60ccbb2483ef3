"""A loop that turns every two microseconds, records something each 100, and tells how it felt what others did.

Its long turns are gaps. Whoever else needs the machine makes gaps too, so two things tell ours: the loop's thread gave
the processor up itself, as it does when it waits for the GIL, and other threads of this process used it for most of
that time. Pieces are what those threads compute at a time without giving the GIL up (gil_pieces.py).
"""

from __future__ import annotations

import argparse
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gil_pieces import Pieces

from otel_trading.delivery.lane import Lane
from otel_trading.ground.clock import Deadline

EVERY_NS = 100_000
"""Between two records."""
GAP_NS = 2_000_000
LOOKED_AT_NS = 10_000
"""From which on a turn's causes are asked for."""
PIECE_US = 200


@dataclass
class Turns:
    """What one slice of the loop met.

    Attributes:
        gaps: turns of more than 2 ms.
        waited: those of them in which the loop waited for the GIL.
        ours: those of these in which our threads used the processor for half of the time at least.
        longest_us: the longest turn.
        pieces_us: float[n], of the delivery's threads.
        spans_ns: int[n], what the turns with a span took.
    """

    gaps: int = 0
    waited: int = 0
    ours: int = 0
    longest_us: float = 0.0
    pieces_us: list[float] = field(default_factory=list)
    spans_ns: list[int] = field(default_factory=list)

    def see(self, took_ns: int, others_ns: int, waited: bool) -> None:
        """One long turn."""
        self.longest_us = max(self.longest_us, took_ns / 1000)
        if took_ns > GAP_NS:
            self.gaps += 1
            self.waited += waited
            self.ours += waited and others_ns > took_ns / 2


def turn(seconds: float, record: Callable[[], object]) -> Turns:
    """The loop."""
    clock, own, all_threads = time.perf_counter_ns, time.thread_time_ns, time.process_time_ns
    found = Turns()
    spans = found.spans_ns
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
    last = clock()
    due, end = last, last + int(seconds * 1e9)
    others = all_threads() - own()
    while last < end:
        with_span = last >= due
        if with_span:
            record()
            due += EVERY_NS
        now = clock()
        took = now - last
        if with_span:
            spans.append(took)
        others_now = all_threads() - own()
        whole = clock() - last
        if whole > LOOKED_AT_NS:
            given_up = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
            found.see(whole, others_now - others, given_up > before)
            before = given_up
        others = others_now
        last += whole
    return found


@dataclass
class Case:
    """One situation: where its items go, and what it met.

    Attributes:
        queued: how many items wait when a slice begins.
        drained_s: how long a slice may wait at its end for what it has left.
    """

    lane: Lane
    record: Callable[[], object]
    pieces: Pieces
    queued: int = 0
    drained_s: float = 0.2
    slices: list[Turns] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """One slice."""
        for _ in range(self.queued):
            self.record()
        self.pieces.us = []
        found = turn(seconds, self.record)
        found.pieces_us = self.pieces.us
        self.slices.append(found)
        self.lane.flushed(self.lane.ask_to_flush(), Deadline(self.drained_s))


def asked(description: str | None) -> argparse.Namespace:
    """What the command line says: `rounds`, two at least, `seconds` of a slice, `json`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6, help="interleaved rounds (default 6, at least 2)")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one slice (default 1)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    arguments = parser.parse_args()
    arguments.rounds = max(2, arguments.rounds)
    return arguments


@contextmanager
def outside(script: str) -> Iterator[list[str]]:
    """A process of its own, and the addresses that it prints on its first line."""
    child = subprocess.Popen([sys.executable, str(Path(__file__).with_name(script))], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield child.stdout.readline().split()
    finally:
        child.kill()
        child.wait()


@contextmanager
def silent_receiver() -> Iterator[str]:
    """The address of a socket to which one can connect, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def interleaved(cases: dict[str, Case], rounds: int, seconds: float) -> None:
    """Each situation, slice by slice in turn; the first round is not counted."""
    for _ in range(rounds + 1):
        for each in cases.values():
            each.run(seconds)
    for each in cases.values():
        each.slices.pop(0)
        each.lane.stop(Deadline(1))


def row_of(name: str, found: Case) -> dict[str, Any]:
    """Medians and extremes over the slices."""
    slices = found.slices
    longest = [each.longest_us for each in slices]
    pieces = sorted(us for each in slices for us in each.pieces_us) or [0.0]
    tails = [statistics.quantiles(each.spans_ns, n=1000) for each in slices]
    return {
        "case": name,
        "slices": len(slices),
        "gaps": sum(each.gaps for each in slices),
        "waited": sum(each.waited for each in slices),
        "ours": sum(each.ours for each in slices),
        "longest_us": statistics.median(longest),
        "longest_most_us": max(longest),
        "pieces": len(pieces),
        "piece_us": pieces[len(pieces) // 2],
        "piece_p99_us": pieces[len(pieces) * 99 // 100],
        "piece_most_us": pieces[-1],
        "p50_ns": statistics.median(tail[499] for tail in tails),
        "p999_ns": statistics.median(tail[998] for tail in tails),
    }


def piece_promises(row: dict[str, Any]) -> list[tuple[str, str, float, bool]]:
    """What each situation promises, and what was found."""
    name, piece = row["case"], row["piece_p99_us"]
    return [
        (f"{name}: gaps over 2 ms caused by export", "== 0", row["ours"], row["ours"] == 0),
        (f"{name}: 99 % of pieces under the GIL, us", f"< {PIECE_US}", piece, piece < PIECE_US),
    ]


def named(promises: list[tuple[str, str, float, bool]]) -> list[dict[str, Any]]:
    """For JSON."""
    return [dict(zip(("operation", "target", "result", "met"), each, strict=True)) for each in promises]


def show_rows(rows: list[dict[str, Any]], unit: str) -> None:
    """The table of situations."""
    tails = f"{'p50 ns':>8} {'p99.9':>8}"
    columns = f"{'slices':>6} {'gaps':>5} {'waited':>6} {'ours':>5} {'longest us':>20} {'pieces, us':>34}"
    print(f"{unit:16} {columns} {tails}")
    for row in rows:
        longest = f"{row['longest_us']:.0f} (most {row['longest_most_us']:.0f})"
        pieces = f"{row['piece_us']:.0f}, 99 % {row['piece_p99_us']:.0f}, most {row['piece_most_us']:.0f}"
        numbers = f"{row['slices']:6} {row['gaps']:5} {row['waited']:6} {row['ours']:5} {longest:>20} {pieces:>34}"
        print(f"{row['case']:16} {numbers} {row['p50_ns']:8.0f} {row['p999_ns']:8.0f}")


def show_promises(promises: list[dict[str, Any]]) -> None:
    """The table of promises."""
    print(f"\n{'promise':56} {'target':>8} {'result':>8}")
    for promise in promises:
        says = "met" if promise["met"] else "missed"
        print(f"{promise['operation']:56} {promise['target']:>8} {promise['result']:8.2f}  {says}")
