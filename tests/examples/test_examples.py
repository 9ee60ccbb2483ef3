"""Every example runs as it stands and its spans, metrics and log records arrive at a real OTLP receiver."""

from __future__ import annotations

import json
import re
import signal
import sys
import urllib.request
from pathlib import Path

import pytest
from example_runs import EXAMPLES, attributes, ended, json_lines, log, metric, resources, run, span, start
from support.children import without_engine
from support.servers import Receiver, wait_until

INFO, WARN, ERROR = 9, 13, 17


def test_each_example_has_a_test() -> None:
    """A new file in examples/ needs a test here."""
    tested = {
        "minimal.py",
        "asyncio_service.py",
        "stdlib_logging.py",
        "own_providers.py",
        "own_structlog.py",
        "auto_instrumented.py",
    }
    assert tested == {path.name for path in EXAMPLES.glob("*.py")}


def test_minimal(otlp: Receiver) -> None:
    """Three checks: three spans, three times in microsecond buckets, a counter by result, three log lines."""
    lines = run(otlp, "minimal.py")

    spans = [item for item in otlp.spans if item.name == "risk.check position_limit"]
    told = [attributes(item) for item in spans]
    assert [
        {"trading.order.client_id": f"desk7-{n}", "risk.check.type": "position_limit", "risk.result": result}
        for n, result in ((1, "approved"), (2, "denied"), (3, "approved"))
    ] == told
    assert {
        "service.name": "risk-manager",
        "service.version": "1.4.2",
        "deployment.environment.name": "dev",
    }.items() <= (resources(otlp)["traces"].items())

    results = metric(otlp, "trading.risk.checks")
    assert results.unit == "{check}"
    assert {
        attributes(point)["risk.result"]: point.as_int
        for point in results.sum.data_points
        if attributes(point)["risk.check.type"] == "position_limit"
    } == {
        "approved": 2,
        "denied": 1,
    }

    duration = metric(otlp, "trading.risk.check.duration")
    (point,) = duration.histogram.data_points
    assert duration.unit == "s"
    assert attributes(point) == {"risk.check.type": "position_limit"}
    assert point.count == 3
    assert 0 < point.sum < 0.5  # an empty block, three times, on a busy machine
    assert list(point.explicit_bounds)[:3] == [1e-6, 2.5e-6, 5e-6]
    assert point.explicit_bounds[-1] == 0.01

    served, *checks = lines
    assert served["url"].endswith("/metrics")
    assert [item.trace_id.hex() for item in spans] == [line["trace_id"] for line in checks]
    records = [item for item in otlp.logs if item.body.string_value == "risk check done"]
    assert [(item.trace_id, item.span_id) for item in spans] == [(item.trace_id, item.span_id) for item in records]
    assert {INFO} == {item.severity_number for item in records}
    assert [attributes(item)["quantity"] for item in records] == [10, 500, 20]
    assert attributes(records[0])["trading.order.client_id"] == "desk7-1"


def test_asyncio_service_once(otlp: Receiver) -> None:
    """Ten ticks: the signal's span is a child of the tick's, the model's, in the executor, of the signal's."""
    lines = run(otlp, "asyncio_service.py", "--once")
    ticks = [item for item in otlp.spans if item.name == "md.receive binance"]
    assert list(range(1, 11)) == [attributes(item)["md.sequence"] for item in ticks]
    by_id = {item.span_id: item for item in otlp.spans}
    signals = [item for item in otlp.spans if item.name == "signal.generate mean_reversion"]
    models = [item for item in otlp.spans if item.name == "signal.model"]
    assert (len(signals), len(models)) == (10, 10)
    assert {"md.receive binance"} == {by_id[item.parent_span_id].name for item in signals}
    assert {"signal.generate mean_reversion"} == {by_id[item.parent_span_id].name for item in models}

    duration = metric(otlp, "trading.signal.duration")
    (point,) = duration.histogram.data_points
    assert (duration.unit, point.count, attributes(point)) == ("s", 10, {"trading.strategy": "mean_reversion"})
    assert 0 < point.sum < 10
    (last,) = metric(otlp, "md.last_sequence").gauge.data_points
    assert last.as_int == 10

    assert [item.trace_id.hex() for item in signals] == [
        line["trace_id"] for line in lines if line["event"] == "signal"
    ]
    records = [item for item in otlp.logs if item.body.string_value == "signal"]
    assert [item.span_id for item in signals] == [item.span_id for item in records]
    assert list(range(1, 11)) == [attributes(item)["md.sequence"] for item in records]


def decided(url: str) -> float:
    """The count of the histogram on /metrics; 0 while there is none."""
    with urllib.request.urlopen(url) as page:
        found = re.search(r"^trading_signal_duration_seconds_count\{.*\} (\S+)$", page.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_asyncio_service_is_scraped_and_delivers_at_sigterm(otlp: Receiver) -> None:
    """It runs until it is told to end; /metrics and /health answer meanwhile, what was buffered arrives."""
    with start(otlp, "asyncio_service.py") as child:
        try:
            url = json.loads(child.stdout.readline())["url"]
            wait_until(lambda: decided(url) >= 3)
            with urllib.request.urlopen(url.replace("/metrics", "/health")) as answer:
                health = json.load(answer)
            child.send_signal(signal.SIGTERM)
            out, err = child.stdout.read(), child.stderr.read()
            child.wait(30)
        finally:
            child.kill()
    assert health["checks"]["signal queue"]["status"] == "ok"
    assert health["service"] == "signal"
    assert (child.returncode, without_engine(err)) == (-signal.SIGTERM, "")
    told = [line["span_id"] for line in json_lines(out) if line["event"] == "signal"]
    finished = told[:-1]  # the signal may come between the newest line and the end of its span
    assert len(finished) >= 2
    assert set(finished) <= {item.span_id.hex() for item in otlp.spans}


def test_stdlib_logging(otlp: Receiver) -> None:
    """Records of `logging` reach stdout and OTLP with the ids of the span, levels and the exception."""
    lines = run(otlp, "stdlib_logging.py")
    submitted = span(otlp, "order.submit binance")
    ids = (submitted.trace_id.hex(), submitted.span_id.hex())
    assert [("info", "order sent to binance", *ids), ("error", "order not acknowledged", *ids)] == [
        (line["level"], line["event"], line["trace_id"], line["span_id"]) for line in lines
    ]
    sent, failed = log(otlp, "order sent to binance"), log(otlp, "order not acknowledged")
    assert (sent.severity_number, failed.severity_number) == (INFO, ERROR)
    assert {(submitted.trace_id, submitted.span_id)} == {(item.trace_id, item.span_id) for item in (sent, failed)}
    assert attributes(sent) == {"trading.order.client_id": "desk7-1"}
    assert attributes(failed)["exception.type"] == "ConnectionError"
    assert attributes(failed)["exception.message"] == "venue closed the session"


def test_own_structlog(otlp: Receiver) -> None:
    """The application's renderer writes the line, with our ids; each event arrives once by OTLP."""
    lines = run(otlp, "own_structlog.py")
    gap = span(otlp, "md.gap")
    assert attributes(gap)["trading.venue"] == "binance"
    warning, info = log(otlp, "sequence gap"), log(otlp, "snapshot requested")
    assert len(otlp.logs) == 2
    assert (warning.severity_number, info.severity_number) == (WARN, INFO)
    assert {(gap.trace_id, gap.span_id)} == {(item.trace_id, item.span_id) for item in (warning, info)}
    assert attributes(warning) == {"trading.venue": "binance", "missing": 3}
    assert [(line["event"], line["level"]) for line in lines] == [
        ("sequence gap", "warning"),
        ("snapshot requested", "info"),
    ]
    assert {(gap.trace_id.hex(), gap.span_id.hex(), "market-data")} == {
        (line["trace_id"], line["span_id"], line["service"]) for line in lines
    }


def test_own_providers(otlp: Receiver) -> None:
    """Spans go by us, metrics by the application's own reader and /metrics, log lines carry the spans' ids."""
    out, err = ended(otlp, "own_providers.py")
    spans = [item for item in otlp.spans if item.name == "position.book"]
    assert [attributes(item)["trading.execution.id"] for item in spans] == ["e-1", "e-2"]
    assert resources(otlp)["traces"]["service.name"] == "position-keeper"
    records = [item for item in otlp.logs if item.body.string_value == "fill booked"]
    assert [item.span_id for item in spans] == [item.span_id for item in records]
    assert [(attributes(item)["trading.execution.id"], attributes(item)["quantity"]) for item in records] == [
        ("e-1", 0.5),
        ("e-2", 0.25),
    ]
    assert [item.name for item in otlp.metrics] == []
    assert '"name": "positions.fills"' in err
    assert '"value": 2' in err
    *_, scraped = json_lines(out)
    (line,) = scraped["fills"]
    assert line.startswith("positions_fills_total{")
    assert line.endswith('trading_venue="binance"} 2')


def test_auto_instrumented(otlp: Receiver) -> None:
    """`opentelemetry-instrument python examples/auto_instrumented.py`: all three signals without an import of ours."""
    assert "otel_trading" not in (EXAMPLES / "auto_instrumented.py").read_text()
    instrument = Path(sys.executable).parent / "opentelemetry-instrument"
    command = (str(instrument), sys.executable, str(EXAMPLES / "auto_instrumented.py"))
    out, _ = ended(otlp, *command, OTEL_SERVICE_NAME="reconciliation")
    compared = span(otlp, "reconcile drop_copy")
    assert {"traces", "metrics", "logs"} == set(resources(otlp))
    assert {"reconciliation"} == {found["service.name"] for found in resources(otlp).values()}
    breaks = metric(otlp, "reconciliation.breaks")
    (point,) = breaks.sum.data_points
    assert (breaks.unit, point.as_int, attributes(point)) == ("{break}", 1, {"trading.venue": "binance"})
    record = log(otlp, "position differs")
    assert (WARN, compared.trace_id, compared.span_id) == (record.severity_number, record.trace_id, record.span_id)
    assert attributes(record) == {"trading.symbol": "ETHUSDT", "ours": 2.0, "theirs": 1.0}
    (line,) = json_lines(out)
    assert compared.trace_id.hex() == line["trace_id"]
