"""A server that loads the application, telemetry and all, and then forks its workers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path

from support import children
from support.servers import Receiver, wait_until

APPLICATION = """
import otel_trading as ot
ot.init("orders", otlp_endpoint={url!r}, prometheus_port=0, stdout="off", metrics_exporter="none", logs_exporter="none",
        traces_schedule_delay_s=60)
tracer = ot.tracer()
with tracer.start_as_current_span("loaded"): pass
def application(environ, start_response):
    import os
    with tracer.start_as_current_span("request " + environ["PATH_INFO"].strip("/")):
        start_response("200 OK", [("content-type", "text/plain")])
        return [str(os.getpid()).encode()]
"""


def test_workers_that_gunicorn_forks_deliver_each_span_once(otlp: Receiver, tmp_path: Path) -> None:
    """Of a preloaded application; when the server is told to end, its workers leave in time."""
    (tmp_path / "orders.py").write_text(APPLICATION.format(url=otlp.url))
    log = tmp_path / "log"
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--preload",
        "-w",
        "3",
        "-b",
        "127.0.0.1:0",
        "--graceful-timeout",
        "20",
    ]
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [*command, "orders:application"], cwd=tmp_path, stdout=out, stderr=out, env=children.environment()
        ) as server,
    ):
        try:
            wait_until(lambda: len(re.findall("Booting worker", log.read_text())) == 3, 30)
            where = re.search(r"Listening at: (\S+)", log.read_text())
            assert where is not None
            served = Counter(
                urllib.request.urlopen(f"{where[1]}/{number}", timeout=10).read().decode() for number in range(60)
            )
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0, log.read_text()
        finally:
            server.kill()
    assert str(server.pid) not in served
    wanted = {"loaded", *(f"request {number}" for number in range(60))}
    found = Counter(span.name for span in otlp.spans)
    assert (set(found), set(found.values())) == (wanted, {1}), log.read_text()
    assert len(served) <= 3
    assert not [pid for pid in served if os.path.exists(f"/proc/{pid}")]
