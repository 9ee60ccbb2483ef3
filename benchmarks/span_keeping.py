"""What each library keeps, loses and sends twice when a process ends, forks, or its collector is away.

python benchmarks/span_keeping.py [--spans N] [--json]

Each situation is a process of its own (span_keeping_child.py) with nothing but the library's own set-up, and a receiver
of OTLP over HTTP that counts spans by their names. `exit` falls off the end of the program; `fork` makes a third of its
spans before an os.fork, a third in the child and a third in the parent after it; `SIGTERM` sends one to itself; `dead`
ends while nobody listens; `outage` makes 100 spans a second while the receiver is away for six seconds, and lives
twelve seconds longer. Seconds are those from the end of the program's work to the end of the process; after 100 it is
killed. Counts carry over to other machines.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from span_keeping_child import OUTAGE_S, PEERS, RATE

WAYS = ("exit", "fork", "SIGTERM", "dead", "outage")
LIMIT_S = 100.0
NAMES = {"otel_trading": "otel_trading", "SDK": "opentelemetry.sdk"}
"""Modules, where the peer is not called as its module."""


@contextmanager
def receiver(port: int, names: Counter[str]) -> Iterator[None]:
    """Takes everything on this port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            found = ExportTraceServiceRequest.FromString(body)
            names.update(
                span.name for resource in found.resource_spans for scope in resource.scope_spans for span in scope.spans
            )
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    """On which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def begun(peer: str, way: str, port: int, spans: int) -> subprocess.Popen[str]:
    """The process, in a group of its own, without the settings of this one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    script = str(Path(__file__).with_name("span_keeping_child.py"))
    return subprocess.Popen(
        [sys.executable, script, peer, way, f"http://127.0.0.1:{port}", str(spans)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment, start_new_session=True,
    )  # fmt: skip


def ended(child: subprocess.Popen[str]) -> float | None:
    """Seconds that it took to leave; None if it had to be killed."""
    assert child.stdout is not None
    try:
        said, _ = child.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        return None
    lines = said.split()
    return time.monotonic() - float(lines[-1]) if lines else None


def row_of(peer: str, way: str, spans: int) -> dict[str, Any]:
    """What came of one situation."""
    names: Counter[str] = Counter()
    port = free_port()
    if way == "dead":
        seconds = ended(begun(peer, way, port, spans))
    elif way == "outage":
        child = begun(peer, way, port, spans)
        time.sleep(OUTAGE_S)
        with receiver(port, names):
            seconds = ended(child)
    else:
        with receiver(port, names):
            seconds = ended(begun(peer, way, port, spans))
    kept = len(names)
    return {
        "way": way, "peer": peer, "made": spans, "kept": kept, "lost": spans - kept,
        "twice": sum(count > 1 for count in names.values()), "seconds": seconds,
    }  # fmt: skip


def main() -> int:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=1500, help="of each situation (default 1500); of outage 1000")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    arguments = parser.parse_args()
    spans = max(3, arguments.spans // 3 * 3)
    peers = [peer for peer in PEERS if importlib.util.find_spec(NAMES.get(peer, peer).partition(".")[0]) is not None]
    for peer in PEERS.keys() - peers:
        sys.stderr.write(f"{peer} is not installed and left out; pip install 'otel-trading[bench]'\n")
    of_outage = round(RATE * (OUTAGE_S + 4))
    rows = [row_of(peer, way, of_outage if way == "outage" else spans) for way in WAYS for peer in peers]
    if arguments.json:
        print(json.dumps({"python": sys.version.split()[0], "rows": rows}))
        return 0
    print(f"{'':8} {'library':14} {'made':>5} {'kept':>5} {'lost':>5} {'twice':>5} {'seconds':>8}")
    for row in rows:
        seconds = f"{row['seconds']:.1f}" if row["seconds"] is not None else "killed"
        counts = " ".join(f"{row[key]:5}" for key in ("made", "kept", "lost", "twice"))
        print(f"{row['way']:8} {row['peer']:14} {counts} {seconds:>8}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
