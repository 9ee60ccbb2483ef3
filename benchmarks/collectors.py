"""What the collectors of `collector-config/` need: spans and log records for each second of CPU time, and memory.

python benchmarks/collectors.py [--rounds N] [--seconds S] [--json]

Starts two stacks with the real servers (`make backends` first): one collector, and an agent with a gateway. Each round
sends spans and then log records to each of them in turn, as fast as they are taken, and waits until the queues are
empty again. Printed are items for each second of CPU time of the collector's process, so that the other servers on the
machine do not count: the median over the rounds and the quartiles. And the largest resident memory.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

sys.path.append(str(Path(__file__).resolve().parents[1]))
from tools.backends import stack
from tools.backends.shape import Shape

ITEMS = 500
ATTRIBUTES = {
    "trading.order.client_id": "desk7-18273645",
    "trading.symbol": "BTCUSDT",
    "trading.venue": "binance",
    "trading.order.side": "buy",
    "trading.order.type": "limit",
    "trading.strategy": "momentum",
}
TICKS = os.sysconf("SC_CLK_TCK")


def spans() -> bytes:
    """A request with ids of its own: spans as a trading service makes them, one of ten an order's, the rest ticks'."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "execution"
    scope = resource.scope_spans.add()
    scope.scope.name = "execution"
    now = time.time_ns()
    for number in range(ITEMS):
        order = number % 10 == 0
        span = scope.spans.add(
            trace_id=os.urandom(16),
            span_id=os.urandom(8),
            kind=4,
            start_time_unix_nano=now,
            end_time_unix_nano=now + 1000,
        )
        span.name = "order.submit binance" if order else "md.receive binance"
        for key, value in ATTRIBUTES.items():
            if order or not key.startswith("trading.order"):
                span.attributes.add(key=key).value.string_value = value
    return request.SerializeToString()


def records() -> bytes:
    """A request of log records within spans."""
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "execution"
    scope = resource.scope_logs.add()
    now = time.time_ns()
    for _ in range(ITEMS):
        record = scope.log_records.add(
            time_unix_nano=now, severity_number=9, severity_text="INFO", trace_id=os.urandom(16), span_id=os.urandom(8)
        )
        record.body.string_value = "order submitted"
        for key, value in ATTRIBUTES.items():
            record.attributes.add(key=key).value.string_value = value
    return request.SerializeToString()


def send(base: str, path: str, bodies: list[bytes], seconds: float) -> int:
    """Sends until the time is over, a refused request again; returns how many items were taken."""
    host = base.split("/")[2]
    connection = http.client.HTTPConnection(host, timeout=30)
    headers = {"content-type": "application/x-protobuf"}
    taken, ends = 0, time.monotonic() + seconds
    while time.monotonic() < ends and bodies:
        connection.request("POST", path, bodies[-1], headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            taken += ITEMS
            bodies.pop()
        else:
            time.sleep(0.05)
    connection.close()
    return taken


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def settled(metrics: list[str]) -> bool:
    """No queue holds anything."""
    for url in metrics:
        with urllib.request.urlopen(url, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        sizes = [line for line in lines if line.startswith("otelcol_exporter_queue_size{")]
        if any(float(line.rsplit(" ", 1)[1]) for line in sizes):
            return False
    return True


def measure(
    servers: dict[str, Any], path: str, make: Callable[[], bytes], seconds: float, wait_s: float
) -> dict[str, float]:
    """Items for each CPU second of every collector of a stack."""
    collectors = {name: one for name, one in servers.items() if "export" in one}
    bodies = [make() for _ in range(int(seconds * 60))]
    before = {name: cpu_s(one["pid"]) for name, one in collectors.items()}
    taken = send(servers["collector"]["otlp_http"], path, bodies, seconds)
    time.sleep(wait_s)
    while not settled([one["metrics"] for one in collectors.values()]):
        time.sleep(0.2)
    return {name: taken / (cpu_s(one["pid"]) - before[name]) for name, one in collectors.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    shapes = {"single": Shape(), "agent": Shape(gateways=1, environment=(("GATEWAY_DECISION_WAIT", "2s"),))}
    found: dict[tuple[str, str], list[float]] = {}
    memory: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="otel-trading-bench-") as folder:
        Path(folder).chmod(0o755)
        directories = {name: Path(folder) / name for name in shapes}
        try:
            states = {name: stack.up(directories[name], shape)["servers"] for name, shape in shapes.items()}
            for number in range(options.rounds):
                print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
                for name, servers in states.items():
                    for what, path, make in (("spans", "/v1/traces", spans), ("log records", "/v1/logs", records)):
                        # the decision on a trace is made two seconds after it came
                        wait_s = 3.0 if (name, what) == ("agent", "spans") else 0.0
                        for server, rate in measure(servers, path, make, options.seconds, wait_s).items():
                            found.setdefault((title(name, server), what), []).append(rate)
            for name, servers in states.items():
                for server, one in servers.items():
                    if "export" in one:
                        memory[title(name, server)] = peak_mib(one["pid"])
        finally:
            for directory in directories.values():
                stack.down(directory)
    report(found, memory, as_json=options.json)
    return 0


def title(shape: str, server: str) -> str:
    return {"collector": shape}.get(server, server.rpartition("-")[0])


def report(found: dict[tuple[str, str], list[float]], memory: dict[str, float], *, as_json: bool) -> None:
    rows = []
    for (name, what), rates in found.items():
        low, middle, high = statistics.quantiles(rates, n=4, method="inclusive")
        rows.append(
            {"collector": name, "items": what, "per_cpu_second": round(middle), "from": round(low), "to": round(high)}
        )
    if as_json:
        print(json.dumps({"rates": rows, "peak_mib": memory}, indent=2))
        return
    for row in rows:
        spread = f"({row['from']:,} to {row['to']:,})"
        print(f"{row['collector']:8} {row['items']:12} {row['per_cpu_second']:>8,} a CPU second {spread}")
    for name, mib in memory.items():
        print(f"{name:8} {mib:.0f} MiB resident at most")


if __name__ == "__main__":
    raise SystemExit(main())
