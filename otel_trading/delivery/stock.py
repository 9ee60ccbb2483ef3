"""Stock exporters as transport: the console, and whatever an entry point offers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.metrics.export import MetricsData

from otel_trading import sdk
from otel_trading.config.plan import CONSOLE, ExporterPlan
from otel_trading.delivery.encode import points
from otel_trading.delivery.outcome import EXPORTER_FAILED, Outcome
from otel_trading.ground import diagnostics


class StockExporter:
    """Hands batches to an exporter of the SDK's kind."""

    def __init__(self, signal: str, plan: ExporterPlan) -> None:
        """Creates the exporter.

        Args:
            signal: `traces`, `metrics` or `logs`.
            plan: which exporter, with its settings.

        Raises:
            LookupError: no installed package has an exporter of that name.
        """
        self._signal = signal
        self._exporter = _create(signal, plan)

    def send(self, items: Sequence[Any], timeout_s: float) -> Outcome:
        """See `Transport.send`; the limit is the exporter's own where its interface takes none."""
        if self._signal == "metrics":
            return self._send_metrics(items, timeout_s)
        return self._judge(self._exporter.export(list(items)), len(items))

    def _send_metrics(self, items: Sequence[MetricsData], timeout_s: float) -> Outcome:
        lost = 0
        for item in items:
            outcome = self._judge(self._exporter.export(item, timeout_millis=timeout_s * 1000), points(item))
            lost += sum(outcome.dropped.values())
        return Outcome({EXPORTER_FAILED: lost} if lost else {})

    def _judge(self, result: Any, weight: int) -> Outcome:
        if getattr(result, "name", None) == "SUCCESS":
            return Outcome()
        return Outcome({EXPORTER_FAILED: weight})

    @property
    def keeps(self) -> bool:
        """See `Keeping.keeps`."""
        return hasattr(self._exporter, "force_flush")

    def flush(self, timeout_s: float) -> bool:
        """See `Keeping.flush`; an exporter that answers nothing, as the SDK's base class does, has nothing to say."""
        said = self._exporter.force_flush(timeout_millis=int(timeout_s * 1000))
        return said is not False

    def close(self) -> None:
        """Shuts the exporter down on a thread of its own, because it may wait in there as long as it likes."""
        closer = threading.Thread(target=self._shut_down, name=f"otel_trading close {self._signal}", daemon=True)
        try:
            closer.start()
        except RuntimeError:  # CPython 3.12 starts no thread while it exits; the process takes the connection with it
            return
        closer.join(0.2)

    def _shut_down(self) -> None:
        try:
            self._exporter.shutdown()
        except Exception as error:
            diagnostics.trouble("delivery.close_failed", "the exporter of %s failed to stop: %r", self._signal, error)


def _create(signal: str, plan: ExporterPlan) -> Any:
    if plan.kind == CONSOLE:
        return _console(signal)
    exporter = sdk.load_entry_point(plan.kind, f"opentelemetry_{signal}_exporter")(**plan.settings)
    if not hasattr(exporter, "export"):
        raise LookupError(plan.kind)
    return exporter


def _console(signal: str) -> Any:
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    if signal == "logs":
        return sdk.ConsoleLogRecordExporter()
    return ConsoleSpanExporter() if signal == "traces" else ConsoleMetricExporter()
