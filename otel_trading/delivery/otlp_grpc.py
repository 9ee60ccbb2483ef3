"""OTLP over gRPC: the same requests, deadlines and readings of the answer as over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from otel_trading.config.plan import ExporterPlan
from otel_trading.delivery import reachability
from otel_trading.delivery.encode import SIGNALS, missing, rejected, request_bytes, weight, with_loss
from otel_trading.delivery.grpc_status import is_asked_to_wait, wait_s
from otel_trading.delivery.http_reply import REPLY_LIMIT_BYTES
from otel_trading.delivery.outcome import DEADLINE, PARTIAL_SUCCESS, REFUSED, UNREACHABLE, Outcome
from otel_trading.delivery.user_agent import user_agent
from otel_trading.ground import diagnostics

_SERVICES = {"traces": "trace.v1.TraceService", "metrics": "metrics.v1.MetricsService", "logs": "logs.v1.LogsService"}
_RETRYABLE = frozenset({"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"})
"""Codes that the OTLP specification allows to repeat; RESOURCE_EXHAUSTED too if the server says how long to wait."""
_DIVISIBLE = frozenset({"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"})
"""Codes that tell of something in the batch, or of its size."""


class OtlpGrpc:
    """One channel, made at the first `send`, so that a fork before it does no harm."""

    def __init__(self, signal: str, plan: ExporterPlan) -> None:
        """Reads the certificates; connects at the first `send`.

        Args:
            signal: `traces`, `metrics` or `logs`.
            plan: address, headers, limit, compression and certificates.

        Raises:
            OSError: a certificate or key file cannot be read.
        """
        import grpc  # 40 ms that those who send by HTTP do not pay

        self._grpc: Any = grpc
        self._signal = SIGNALS[signal]
        self._plan = plan
        parts = urlsplit(plan.endpoint)
        self._target = parts.netloc or plan.endpoint
        self._credentials: Any = None
        if parts.scheme == "https" or not plan.insecure:
            files = (plan.certificate, plan.client_key, plan.client_certificate)
            self._credentials = grpc.ssl_channel_credentials(*map(_read, files))
        self._metadata = tuple((name.lower(), value) for name, value in plan.headers.items())
        kinds = {"gzip": grpc.Compression.Gzip, "deflate": grpc.Compression.Deflate}
        self._compression = kinds.get(plan.compression, grpc.Compression.NoCompression)
        self._channel: Any = None
        self._export: Any = None
        self._closed = False

    def send(self, items: Sequence[Any], timeout_s: float) -> Outcome:
        """See `Transport.send`."""
        body, good = request_bytes(self._signal, items)
        losses = missing(items, good)
        try:
            reply = self._method()(
                body,
                timeout=min(timeout_s, self._plan.timeout_s),
                metadata=self._metadata,
                compression=self._compression,
            )
        except self._grpc.RpcError as error:
            return self._refused(error, good, losses)
        reachability.answered(self._plan.endpoint)
        return Outcome(with_loss(losses, PARTIAL_SUCCESS, rejected(self._signal, reply, good, self._place)))

    @property
    def _place(self) -> str:
        return reachability.place(self._plan.endpoint)

    def _method(self) -> Any:
        if self._closed:
            raise ValueError("the exporter is closed")
        if self._export is None:
            options = (
                ("grpc.primary_user_agent", user_agent()),
                ("grpc.max_receive_message_length", REPLY_LIMIT_BYTES),
                ("grpc.max_send_message_length", -1),
                ("grpc.enable_retries", 0),
                ("grpc.initial_reconnect_backoff_ms", 500),
                ("grpc.max_reconnect_backoff_ms", 5000),
            )
            make = self._grpc.insecure_channel
            arguments: tuple[Any, ...] = (self._target,)
            if self._credentials is not None:
                make, arguments = self._grpc.secure_channel, (self._target, self._credentials)
            self._channel = make(*arguments, options=options)
            service = f"/opentelemetry.proto.collector.{_SERVICES[self._signal.name]}/Export"
            self._export = self._channel.unary_unary(service)
        return self._export

    def _refused(self, error: Any, items: Sequence[Any], losses: dict[str, int]) -> Outcome:
        code, details = error.code().name, (error.details() or "")[:200]
        asked_s = wait_s(error.trailing_metadata() or ())
        if code in _RETRYABLE or is_asked_to_wait(code, asked_s):
            reachability.failed(self._plan.endpoint, f"{code}: {details}")
            unanswered = {"DEADLINE_EXCEEDED": DEADLINE, "UNAVAILABLE": UNREACHABLE, "CANCELLED": DEADLINE}
            reason = REFUSED if asked_s is not None else unanswered.get(code, REFUSED)
            return Outcome(retry=True, reason=reason, retry_after_s=asked_s)
        diagnostics.trouble(
            "delivery.refused", "%s refuses %s with %s: %s", self._place, self._signal.name, code, details
        )
        return Outcome(with_loss(losses, REFUSED, weight(items)), divide=code in _DIVISIBLE)

    def close(self) -> None:
        """See `Transport.close`; a request under way is cancelled."""
        self._closed = True
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()


def _read(path: str | None) -> bytes | None:
    if path is None:
        return None
    with open(path, "rb") as file:
        return file.read()
