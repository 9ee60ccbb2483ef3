"""The process that sends the canary: a service like any other, with the configuration that is to be examined.

Reads one JSON line that tells what to do, writes one that tells what became of it, serves /metrics until its standard
input is closed, and ends.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

import otel_trading as ot

SERVICE = "otel-trading-doctor"
ATTRIBUTE = "otel_trading.doctor.canary"
METRIC = "otel_trading.doctor.canaries"
_LONGEST_LIFE_S = 300.0
_POLL_S = 0.01


def main() -> None:
    """Sends, tells and waits."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a console exporter must not write between the answers
    order = json.loads(sys.stdin.readline())
    ending = threading.Timer(_LONGEST_LIFE_S, os._exit, (1,))
    ending.daemon = True
    ending.start()
    try:
        telemetry = ot.init(SERVICE, config_file=order["config_file"], **order["arguments"])
    except ot.ConfigurationError as error:
        tell(answers, {"mistake": str(error)})
        return
    with telemetry:
        tell(answers, send(telemetry, order["canary"], order["timeout_s"]))
        sys.stdin.read()
        telemetry.shutdown(0.2)


def tell(answers: Any, document: Mapping[str, Any]) -> None:
    """Writes one line."""
    answers.write(json.dumps(document) + "\n")
    answers.flush()


def send(telemetry: ot.Telemetry, canary: str, timeout_s: float) -> dict[str, Any]:
    """One span with one log record in it, and one metric; flushes and tells what the books say."""
    began_ns = time.time_ns()
    attributes = {ATTRIBUTE: canary}
    with ot.tracer("otel_trading.doctor").start_as_current_span("doctor.canary", attributes=attributes) as span:
        ot.get_logger("otel_trading.doctor").info("doctor's canary", **attributes)
    ot.meter("otel_trading.doctor").create_counter(METRIC, unit="{canary}").add(1, attributes)
    context = span.get_span_context()
    return {
        "trace_id": format(context.trace_id, "032x"),
        "span_id": format(context.span_id, "016x"),
        "sampled": bool(context.trace_flags.sampled),
        "began_ns": began_ns,
        "books": flushed(telemetry, timeout_s),
        "metrics_url": telemetry.metrics_url,
        "troubles": {name: str(trouble) for name, trouble in telemetry.telemetry_troubles().items()},
    }


def flushed(telemetry: ot.Telemetry, timeout_s: float) -> dict[str, dict[str, Any]]:
    """The books of each signal, with the seconds after which it had nothing waiting or the flush was over."""
    began = time.perf_counter()
    flushing = threading.Thread(target=telemetry.flush, args=(timeout_s,), daemon=True)
    flushing.start()
    seconds: dict[str, float] = {}
    while flushing.is_alive():
        for signal, books in telemetry.books().items():
            if books.offered and not books.queued:
                seconds.setdefault(signal, time.perf_counter() - began)
        time.sleep(_POLL_S)
    over = time.perf_counter() - began
    return {name: {**books.as_dict(), "seconds": seconds.get(name, over)} for name, books in telemetry.books().items()}


if __name__ == "__main__":
    main()
