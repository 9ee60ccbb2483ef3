"""What a dead collector does to a service's memory: 10,000 spans a second to a port that nobody listens to.

python benchmarks/span_outage.py [--minutes M] [--json]

Resident memory is read once a second. The growth is from the end of the first ten seconds, when everything has been
imported and the first requests have failed, to its highest; the slope is a straight line through the second half.
Adaptive sampling is off: with it fewer spans would be offered. Below stand the promises with what came of them; a
missed one does not change the exit code.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import otel_trading as ot

RATE, SLICE_S = 10_000, 0.01
SETTLED_S = 10
MOST_MIB, MOST_SLOPE = 16.0, 0.1
MEBIBYTE = 1024 * 1024


def resident() -> int:
    """Bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def load(seconds: float) -> tuple[list[tuple[float, int]], dict[str, Any]]:
    """Seconds and bytes, once a second; and the books at the end."""
    samples: list[tuple[float, int]] = []
    with ot.init(
        "outage", otlp_endpoint="http://127.0.0.1:9", metrics_exporter="none", logs_exporter="none", stdout="off",
        diagnostics_level="critical", adaptive_sampling=False, shutdown_timeout_s=1.0,
    ) as telemetry:  # fmt: skip
        start = ot.tracer().start_as_current_span
        began = time.monotonic()
        done = 0
        while (past := time.monotonic() - began) < seconds:
            due = int(past * RATE) - done
            for number in range(due):
                with start("order.submit", attributes={"venue": "binance", "side": "buy", "qty": number}):
                    pass
            done += due
            if past >= len(samples):
                samples.append((past, resident()))
                if sys.stderr.isatty():
                    sys.stderr.write(f"\r{past:.0f} of {seconds:.0f} s, {samples[-1][1] / MEBIBYTE:.1f} MiB ")
            time.sleep(SLICE_S)
        books = telemetry.books()["traces"].as_dict()
    return samples, books


def slope(samples: list[tuple[float, int]]) -> float:
    """Bytes a second."""
    times, sizes = zip(*samples, strict=True)
    return statistics.linear_regression(times, sizes).slope


def main() -> int:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default 10)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    arguments = parser.parse_args()
    samples, books = load(max(0.5, arguments.minutes) * 60)
    settled = [sample for sample in samples if sample[0] >= SETTLED_S]
    grown = (max(size for _, size in settled) - settled[0][1]) / MEBIBYTE
    rising = slope(samples[len(samples) // 2 :]) * 60 / MEBIBYTE
    found = [
        {"promise": "growth, MiB", "target": MOST_MIB, "result": round(grown, 2), "met": grown <= MOST_MIB},
        {
            "promise": "slope, MiB a minute",
            "target": MOST_SLOPE,
            "result": round(rising, 3),
            "met": rising <= MOST_SLOPE,
        },
    ]
    if arguments.json:
        sys.stdout.write(json.dumps({"minutes": arguments.minutes, "promises": found, "books": books}) + "\n")
        return 0
    sys.stdout.write(f"{'promise':24} {'target':>8} {'result':>8}\n")
    for row in found:
        met = "met" if row["met"] else "missed"
        sys.stdout.write(f"{row['promise']:24} {'<= ' + str(row['target']):>8} {row['result']:8}  {met}\n")
    sys.stdout.write(f"books: {json.dumps(books)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
