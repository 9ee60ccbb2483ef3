"""What the process itself measures, by the instrumentation that people use and by the callbacks that the page shows."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.instrumentation.system_metrics import SystemMetricsInstrumentor
from profiles.profile_pages import profiled, scraped

import otel_trading as ot

PAGE = Path(__file__).parents[2] / "docs/profiles.md"
MEASURED: dict[str, Any] = {
    "process.cpu.utilization": ["user", "system"],
    "process.memory.usage": None,
    "process.thread.count": None,
}


@contextmanager
def measured() -> Iterator[None]:
    """With the stock instrumentation."""
    instrumentor = SystemMetricsInstrumentor(config=MEASURED)
    instrumentor.instrument()
    try:
        yield
    finally:
        instrumentor.uninstrument()


def test_cpu_memory_and_threads_come_from_the_stock_instrumentation() -> None:
    """Percent of all CPUs, millions of bytes, and shares of 1 for the system that has them so."""
    with profiled("py_rt", "waiver") as telemetry, measured():
        scraped(telemetry)  # the share is that since the scrape before
        until = time.process_time() + 0.2
        while time.process_time() < until:
            pass
        page = scraped(telemetry)
        used = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    percent = page.value("system_cpu_usage_percent", service="risk_manager")
    assert 1 < percent <= 105
    assert page.value("waiver_system_cpu_usage") == pytest.approx(percent / 100)
    assert page.value("system_memory_usage_mb", service="risk_manager") == pytest.approx(used / 1e6, rel=0.2)
    assert page.value("waiver_resource_thread_count") >= 2


def test_uptime_and_file_descriptors_come_from_the_callbacks_of_the_page() -> None:
    """Run as they are written there."""
    text = PAGE.read_text(encoding="utf-8")
    code = text[text.index("import os\nimport time\n") :].partition("```")[0]
    began = time.monotonic()
    with profiled("rust_trade", "waiver") as telemetry:
        assert scraped(telemetry).value("trading_uptime_seconds") == 0
        exec(compile(code, str(PAGE), "exec"), {"ot": ot})
        page = scraped(telemetry)
        opened = len(os.listdir("/proc/self/fd"))
    uptime = page.value("trading_uptime_seconds")
    assert 0 < uptime <= time.monotonic() - began
    assert page.value("waiver_system_uptime_seconds") == uptime
    assert page.value("waiver_resource_file_descriptors") == pytest.approx(opened, abs=10)
