"""How long a gRPC server asks to wait, out of the details that it sends with an error."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from otel_trading.delivery.otlp_http import RETRY_AFTER_LIMIT_S


def is_asked_to_wait(code: str, asked_s: float | None) -> bool:
    """True for an overload that the server says will pass; without that it is one of the size of the request."""
    return code == "RESOURCE_EXHAUSTED" and asked_s is not None


def wait_s(trailers: Iterable[tuple[str, Any]]) -> float | None:
    """Seconds of the RetryInfo in the trailing metadata; None if there is none that can be read."""
    for name, value in trailers:
        try:
            if name == "google.rpc.retryinfo-bin":
                return _retry_info(value)
            if name == "grpc-status-details-bin":
                return _among_details(value)
        except Exception:  # what a server sends is its own affair
            continue
    return None


def _among_details(value: bytes) -> float | None:
    from google.rpc.status_pb2 import Status

    for detail in Status.FromString(value).details:
        if detail.type_url.endswith("google.rpc.RetryInfo"):
            return _retry_info(detail.value)
    return None


def _retry_info(value: bytes) -> float:
    from google.rpc.error_details_pb2 import RetryInfo

    delay = RetryInfo.FromString(value).retry_delay
    return float(min(max(0.0, delay.seconds + delay.nanos / 1e9), RETRY_AFTER_LIMIT_S))
