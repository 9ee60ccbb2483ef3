"""OTLP over HTTP with protobuf: encode, compress, post, and read the answer as the specification says."""

from __future__ import annotations

import math
import ssl
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from otel_trading.config.plan import ExporterPlan
from otel_trading.delivery import reachability
from otel_trading.delivery.deadline_http import Poster
from otel_trading.delivery.encode import SIGNALS, compressed, missing, rejected, request_bytes, weight, with_loss
from otel_trading.delivery.http_reply import NotHttp, Reply, ReplyTooLarge
from otel_trading.delivery.outcome import DEADLINE, PARTIAL_SUCCESS, REFUSED, UNREACHABLE, Outcome
from otel_trading.delivery.user_agent import user_agent
from otel_trading.ground import diagnostics
from otel_trading.ground.breath import rested, step

RETRYABLE = frozenset({429, 502, 503, 504})
"""Status codes that the OTLP specification allows to repeat."""


_NOTHING: tuple[bytes, Sequence[Any], dict[str, int]] = (b"", (), {})

RETRY_AFTER_LIMIT_S = 3600.0
"""A receiver that asks for more is taken to mean this."""

DIVISIBLE = frozenset({400, 413})
"""Status codes that tell of something in the batch, not of the receiver."""


class OtlpHttp:
    """The default way out."""

    def __init__(self, signal: str, plan: ExporterPlan) -> None:
        """Prepares headers and TLS; connects at the first `send`.

        Args:
            signal: `traces`, `metrics` or `logs`.
            plan: address, headers, limit, compression and certificates.

        Raises:
            OSError: a certificate or key file cannot be read (ssl.SSLError included).
        """
        self._signal = SIGNALS[signal]
        self._plan = plan
        headers = {
            "user-agent": user_agent(),
            "content-type": "application/x-protobuf",
            **plan.headers,
        }
        if plan.compression != "none":
            headers["content-encoding"] = plan.compression
        self._poster = Poster(plan.endpoint, headers, _tls(plan))
        self._of: Sequence[Any] = ()
        self._request = _NOTHING

    def send(self, items: Sequence[Any], timeout_s: float) -> Outcome:
        """See `Transport.send`."""
        if items is not self._of:  # else it is the same batch once more
            self._of, self._request = items, self._made(items)
        outcome = self._posted(*self._request, timeout_s)
        if not outcome.retry:
            self._of, self._request = (), _NOTHING
        return outcome

    def _made(self, items: Sequence[Any]) -> tuple[bytes, Sequence[Any], dict[str, int]]:
        """The request, the items in it, and what was lost because it cannot be."""
        body, good = request_bytes(self._signal, items)
        step()
        packed = compressed(body, self._plan.compression)
        if packed is not body:
            rested()
        return packed, good, missing(items, good)

    def _posted(self, packed: bytes, good: Sequence[Any], losses: dict[str, int], timeout_s: float) -> Outcome:
        try:
            reply = self._poster.post(packed, min(timeout_s, self._plan.timeout_s))
        except TimeoutError:
            return self._unanswered("no whole answer in time", DEADLINE)
        except (OSError, NotHttp) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            return self._unanswered(why, UNREACHABLE)
        except ReplyTooLarge:
            diagnostics.trouble("delivery.reply_too_large", "the reply of %s is larger than 4 MiB", self._place)
            return Outcome(with_loss(losses, REFUSED, weight(good)))
        return self._answered(reply, good, losses)

    @property
    def _place(self) -> str:
        return reachability.place(self._plan.endpoint)

    def _unanswered(self, why: str, reason: str) -> Outcome:
        step()
        reachability.failed(self._plan.endpoint, why)
        return Outcome(retry=True, reason=reason)

    def _answered(self, reply: Reply, items: Sequence[Any], losses: dict[str, int]) -> Outcome:
        step()
        if 200 <= reply.status < 300 and reply.headers.get("content-type", "").lower().startswith("text/html"):
            # Jaeger's web port, for one, answers any POST with its page
            diagnostics.trouble(
                "delivery.web_page",
                "%s answers with a web page; it is no OTLP receiver. Look at the port.",
                self._place,
            )
            return Outcome(with_loss(losses, REFUSED, weight(items)))
        if 200 <= reply.status < 300:
            reachability.answered(self._plan.endpoint)
            return Outcome(with_loss(losses, PARTIAL_SUCCESS, rejected(self._signal, reply.body, items, self._place)))
        if reply.status in RETRYABLE:
            reachability.failed(self._plan.endpoint, f"it answers {reply.status}")
            return Outcome(retry=True, reason=REFUSED, retry_after_s=retry_after_s(reply.headers.get("retry-after")))
        divide = reply.status in DIVISIBLE
        diagnostics.trouble(
            "delivery.refused",
            "%s refuses %s with status %d%s",
            self._place,
            self._signal.name,
            reply.status,
            self._advice(reply.status),
        )
        return Outcome(with_loss(losses, REFUSED, weight(items)), divide=divide)

    def _advice(self, status: int) -> str:
        """What to do about a status that has one likely cause; nothing for the others."""
        if status != 404:
            return ""
        variable = f"OTEL_{self._signal.name.upper()}_EXPORTER"
        instead = "prometheus, and let Prometheus scrape /metrics" if self._signal.name == "metrics" else "none"
        return f": the collector has no pipeline for them. Give it one, or set {variable}={instead}."

    def close(self) -> None:
        """See `Transport.close`."""
        self._poster.close()


def _tls(plan: ExporterPlan) -> ssl.SSLContext | None:
    if not plan.endpoint.startswith("https"):
        return None
    context = ssl.create_default_context(cafile=plan.certificate)
    if plan.client_certificate:
        context.load_cert_chain(plan.client_certificate, plan.client_key)
    return context


def retry_after_s(text: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or a date; None if it says nothing usable."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            return None
    return min(max(0.0, seconds), RETRY_AFTER_LIMIT_S) if math.isfinite(seconds) else None
