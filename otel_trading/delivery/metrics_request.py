"""Collections to an OTLP request: the stock encoder, and what it leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics.export import Metric, MetricsData, ResourceMetrics


def metrics_request(collections: Sequence[MetricsData]) -> ExportMetricsServiceRequest:
    """One request with all collections, in order.

    Each is encoded by itself: of several entries with the same resource the stock encoder keeps the last.
    """
    request = ExportMetricsServiceRequest()
    for collection in collections:
        for part in collection.resource_metrics:
            encoded = encode_metrics(MetricsData([part]))
            _put_thresholds(part, encoded)
            request.MergeFrom(encoded)
    return request


def _put_thresholds(part: ResourceMetrics, encoded: Any) -> None:
    """The zero thresholds of exponential points, which the SDK's points and its encoder do not know."""
    scopes = (scope.metrics for scope in part.scope_metrics)
    for metrics, encoded_metrics in zip(scopes, _scopes(encoded), strict=False):
        for metric, message in zip(metrics, encoded_metrics, strict=False):
            _put(metric, message)


def _scopes(encoded: Any) -> Iterable[Any]:
    return (scope.metrics for resource in encoded.resource_metrics for scope in resource.scope_metrics)


def _put(metric: Metric, message: Any) -> None:
    if metric.name != message.name or not message.HasField("exponential_histogram"):
        return
    for point, found in zip(metric.data.data_points, message.exponential_histogram.data_points, strict=False):
        found.zero_threshold = getattr(point, "zero_threshold", 0.0)
