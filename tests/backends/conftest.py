"""The real stack, started once, and two services that worked into it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from backend_stores import Stack, wait_until
from support.children import environment, without_engine

ROOT = Path(__file__).resolve().parents[2]
ORDERS = 20
REJECTED = 4

STRATEGY = """
    import json, sys
    import otel_trading as ot
    from opentelemetry.trace import Link, SpanKind
    from otel_trading.context import headers

    endpoint, orders = sys.argv[1], int(sys.argv[2])
    tracer, log, meter = ot.tracer("strategy"), ot.get_logger("strategy"), ot.meter("strategy")
    with ot.init("strategy", environment="test", otlp_endpoint=endpoint, metrics_exporter=["prometheus"],
                 prometheus_port=0, stdout="off", tick_ratio=1.0) as telemetry:
        duration = meter.create_histogram("risk.check.duration", unit="s")
        submitted = meter.create_counter("trading.orders", unit="{order}")
        made = []
        for number in range(orders):
            client_order_id = f"desk7-{number}"
            with tracer.start_as_current_span("md.receive binance", kind=SpanKind.CONSUMER) as tick:
                tick.set_attribute("md.sequence", number)
            with tracer.start_as_current_span(
                "order.submit binance", kind=SpanKind.PRODUCER, links=[Link(tick.get_span_context())],
                attributes={"trading.order.client_id": client_order_id, "trading.symbol": "BTCUSDT"},
            ) as order:
                with tracer.start_as_current_span("risk.check position_limit") as check:
                    duration.record(0.002, {"risk.check.type": "position_limit"})
                log.info("order submitted", client_order_id=client_order_id, quantity=10, symbol="BTCUSDT")
                submitted.add(1, {"trading.venue": "binance"})
                made.append({
                    "client_order_id": client_order_id,
                    "trace_id": format(order.get_span_context().trace_id, "032x"),
                    "order_span": format(order.get_span_context().span_id, "016x"),
                    "check_span": format(check.get_span_context().span_id, "016x"),
                    "tick_trace": format(tick.get_span_context().trace_id, "032x"),
                    "tick_span": format(tick.get_span_context().span_id, "016x"),
                    "headers": headers.inject(),
                })
        assert telemetry.flush(10)
        print(json.dumps({"orders": made, "metrics_url": telemetry.metrics_url}), flush=True)
        sys.stdin.read()
"""

EXECUTION = """
    import json, sys
    import otel_trading as ot
    from opentelemetry.trace import SpanKind
    from otel_trading.context import headers

    endpoint, rejected = sys.argv[1], int(sys.argv[2])
    tracer, log = ot.tracer("execution"), ot.get_logger("execution", venue="binance")
    with ot.init("order-gateway", environment="test", otlp_endpoint=endpoint, metrics_exporter=["none"],
                 stdout="off") as telemetry:
        for number, order in enumerate(json.load(sys.stdin)):
            with tracer.start_as_current_span(
                "order.ack binance", context=headers.extract(order["headers"]), kind=SpanKind.CONSUMER,
                attributes={"trading.order.id": f"V-{number}"},
            ):
                log.info("order acknowledged", order_id=f"V-{number}", client_order_id=order["client_order_id"])
                if number < rejected:
                    log.error("order rejected", order_id=f"V-{number}", reason="price out of band")
        assert telemetry.flush(10)
"""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Nobody starts six servers without having asked for them by `-m backends`."""
    if "backends" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("backends")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@dataclass(frozen=True)
class Work:
    """What the two services did, told by themselves."""

    orders: list[dict[str, Any]]
    metrics_url: str


def backends(*arguments: str, timeout_s: float = 100, **extra: str) -> subprocess.CompletedProcess[str]:
    """Runs the command of the repository, with further variables."""
    return subprocess.run(
        [sys.executable, "-m", "tools.backends", *arguments],
        cwd=ROOT,
        env=environment(measured=False, **extra),
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )


@pytest.fixture(scope="session")
def programs() -> dict[str, str]:
    """Paths of the Go programs by name."""
    found: dict[str, str] = json.loads(backends("paths").stdout)
    return found


@contextmanager
def running(*options: str) -> Iterator[Stack]:
    """All servers, on ports of their own; gone afterwards, and nothing of them left. Options are those of `up`."""
    # not pytest's own folder: that one is closed to the user as whom Elasticsearch runs
    with tempfile.TemporaryDirectory(prefix="otel-trading-stack-") as folder:
        directory = Path(folder) / "stack"
        Path(folder).chmod(0o755)
        started = backends("up", "--dir", str(directory), *options)
        assert started.returncode == 0, started.stderr
        state = json.loads((directory / "stack.json").read_text())
        try:
            yield Stack(directory, state["servers"])
        finally:
            ended = backends("down", "--dir", str(directory))
            assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
            assert not directory.exists()


def tell(stack: Stack, *arguments: str) -> None:
    """Stops or starts a server of a stack."""
    done = backends(*arguments, "--dir", str(stack.directory))
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack of all tests that leave it as it is."""
    with running() as made:
        yield made


def service(code: str, *arguments: str) -> subprocess.Popen[str]:
    """A trading service in a process of its own, spoken to by its standard streams."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(measured=False),
    )


@pytest.fixture(scope="session")
def work(stack: Stack) -> Iterator[Work]:
    """Two services sent orders and acknowledged them; the first one still serves /metrics."""
    with service(STRATEGY, stack.otlp, str(ORDERS)) as strategy:
        assert strategy.stdout is not None
        try:
            told = json.loads(strategy.stdout.readline())
            with service(EXECUTION, stack.otlp, str(REJECTED)) as execution:
                _, complaints = execution.communicate(json.dumps(told["orders"]), timeout=60)
            assert (execution.returncode, without_engine(complaints)) == (0, "")
            targets = Path(stack.servers["prometheus"]["targets"]) / "services.json"
            targets.write_text(json.dumps([{"targets": [told["metrics_url"].split("/")[2]]}]))
            wait_until(
                lambda: len(stack.logs('service.name:(strategy OR "order-gateway")')) >= 2 * ORDERS + REJECTED, 30
            )
            yield Work(told["orders"], told["metrics_url"])
        finally:
            _, complaints = strategy.communicate(timeout=30)
    assert (strategy.returncode, without_engine(complaints)) == (0, "")
