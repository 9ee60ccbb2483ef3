"""The reader that collects at an interval and offers each collection to a worker; it never waits for sending."""

from __future__ import annotations

import threading
from typing import Any

from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader, MetricsData
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation

from otel_trading.config.plan import BatchPlan
from otel_trading.delivery.worker import Worker
from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline

_DELTA = {
    "cumulative": (),
    "delta": (Counter, Histogram, ObservableCounter),
    "lowmemory": (Counter, Histogram),
}
_KINDS = (Counter, UpDownCounter, Histogram, ObservableCounter, ObservableUpDownCounter, ObservableGauge)


class PushReader(MetricReader):
    """Collects on a daemon thread of its own; a callback that hangs holds up that thread and nothing else."""

    def __init__(self, plan: BatchPlan, worker: Worker[MetricsData]) -> None:
        """Starts the thread.

        Args:
            plan: interval, temporality and default aggregation.
            worker: takes the collections.
        """
        delta = _DELTA[plan.temporality]
        aggregation: dict[type, Any] = {}
        if plan.histogram_aggregation == "base2_exponential_bucket_histogram":
            aggregation[Histogram] = ExponentialBucketHistogramAggregation()
        super().__init__(
            preferred_temporality={
                kind: AggregationTemporality.DELTA if kind in delta else AggregationTemporality.CUMULATIVE
                for kind in _KINDS
            },
            preferred_aggregation=aggregation,
        )
        self._interval_s = plan.delay_s
        self._worker = worker
        self._changed = threading.Condition(threading.RLock())
        self._asked = self._done = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="otel_trading metrics reader", daemon=True)
        self._thread.start()

    def collect_now(self, deadline: Deadline) -> bool:
        """Collects once more; False if that is not done by the deadline."""
        with self._changed:
            self._asked += 1
            ticket = self._asked
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._done >= ticket, deadline.remaining_s())

    def stop(self) -> None:
        """Ends the thread after its present collection; collect with `collect_now` before."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(0.05)

    def _run(self) -> None:
        while True:
            with self._changed:
                asked = self._done < self._asked or self._changed.wait_for(
                    lambda: self._stopping or self._done < self._asked, self._interval_s
                )
                if asked and self._stopping and self._done >= self._asked:
                    return
                ticket = self._asked
            try:
                self.collect()
            except BaseException as error:  # the thread must live on
                diagnostics.trouble("metrics.collect_failed", "metrics could not be collected: %r", error)
            with self._changed:
                self._done = max(self._done, ticket)
                self._changed.notify_all()

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        self._worker.offer(metrics_data)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Ends the thread."""
        self.stop()
