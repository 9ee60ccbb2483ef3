"""How a loop in the main thread feels the export of log records and metrics, in one interleaved run.

python benchmarks/log_gaps.py [--rounds N] [--seconds S] [--json]

The loop (gap_loop.py) emits log records with five attributes, or a collection of 1,000 series each half second; `not
exported` are 10,000 records a second where nobody takes them. The receiver is a process of its own. Since this loop
never waits, the delivery gets the GIL once in 5 ms, and has more to do with a record than with a span: from a queue
that is half full on it works in pieces of 1 ms. Below stand the share that was lost for want of room, and the promises
with what came of them; a missed one does not change the exit code.
"""

from __future__ import annotations

import gc
import json
import time
from typing import Any

from gap_loop import Case, asked, interleaved, named, outside, piece_promises, row_of, show_promises, show_rows
from gil_pieces import Pieces
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from otel_trading.config.plan import OTLP_HTTP, BatchPlan, ExporterPlan
from otel_trading.delivery.lane import Lane
from otel_trading.logs.export import LogDelivery, redact_record
from otel_trading.logs.urgency import record_measure
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.privacy.redaction import Redactor
from otel_trading.sdk import SeverityNumber, logger_provider

SERIES, EVERY = 1_000, 5_000
LIMITS = {"attributes": 128, "attribute_length": None}
IDLE, FEW, MANY, METRICS = "not exported", "1,000 records/s", "10,000 records/s", "1,000 series"


def plans(endpoint: str | None, path: str) -> list[BatchPlan]:
    """One exporter, or none."""
    exporter = ExporterPlan(OTLP_HTTP, endpoint=f"{endpoint}/v1/{path}", timeout_s=2.0)
    return [BatchPlan(exporter, export_timeout_s=2.0)] if endpoint else []


def logs(endpoint: str | None, pieces: Pieces, every: int) -> Case:
    """Records of an order, one each so many turns of 100 us."""
    redactor = Redactor()
    lane = Lane(
        "logs", plans(endpoint, "logs"), redact=lambda item: redact_record(item, redactor), measure=record_measure
    )
    provider = logger_provider(Resource({"service.name": "gaps"}), LIMITS)
    provider.add_log_record_processor(LogDelivery(lane))
    emit = provider.get_logger("gaps").emit
    attributes = {"venue": "binance", "order_id": "O-17", "side": "buy", "price": 67250.5, "quantity": 5}

    turns = 0

    def record() -> None:
        nonlocal turns
        turns += 1
        if turns % every == 0:
            now, severity = time.time_ns(), SeverityNumber.INFO
            emit(timestamp=now, severity_number=severity, body="order submitted", attributes=attributes)

    return Case(lane, record, pieces, drained_s=2.0)


def metrics(endpoint: str, pieces: Pieces) -> Case:
    """The same collection again and again."""
    reader = InMemoryMetricReader()
    provider = CellMeterProvider([reader], Resource({"service.name": "gaps"}), shutdown_on_exit=False)
    counter = provider.get_meter("gaps").create_counter("orders")
    for number in range(SERIES):
        counter.add(1, {"venue": "binance", "strategy": f"s{number}"})
    collection = reader.get_metrics_data()
    lane = Lane("metrics", plans(endpoint, "metrics"))
    turns = 0

    def record() -> None:
        nonlocal turns
        turns += 1
        if turns % EVERY == 0:
            lane.offer(collection)

    return Case(lane, record, pieces)


def measure(rounds: int, seconds: float) -> dict[str, Case]:
    """Each situation, slice by slice in turn."""
    with outside("pipeline_outside.py") as (alive,):
        pieces = Pieces()
        cases = {
            IDLE: logs(None, pieces, 1),
            FEW: logs(alive, pieces, 10),
            MANY: logs(alive, pieces, 1),
            METRICS: metrics(alive, pieces),
        }
        gc.collect()
        gc.freeze()
        interleaved(cases, rounds, seconds)
    return cases


def lost(found: Case) -> float:
    """The share of what was offered."""
    books = found.lane.books()
    return books.lost / books.offered if books.offered else 0.0


def main() -> int:
    """Runs and prints."""
    arguments = asked(__doc__)
    cases = measure(arguments.rounds, arguments.seconds)
    rows: list[dict[str, Any]] = [row_of(name, found) | {"lost": lost(found)} for name, found in cases.items()]
    promises = named([promise for row in rows if row["case"] != IDLE for promise in piece_promises(row)])
    if arguments.json:
        print(json.dumps({"rounds": arguments.rounds, "rows": rows, "promises": promises}))
        return 0
    show_rows(rows, "case")
    print("\n" + ", ".join(f"{row['case']}: {row['lost']:.1%} lost" for row in rows if row["case"] != IDLE))
    show_promises(promises)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
