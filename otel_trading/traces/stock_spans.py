"""Chunks of encoded spans for exporters of the SDK's kind, which take objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from opentelemetry.sdk.trace import ReadableSpan

from otel_trading.delivery.outcome import Keeping, Outcome, Transport
from otel_trading.delivery.span_chunk import SpanChunk
from otel_trading.hotpath import span_reading
from otel_trading.traces.encoded_fields import decoded_scope
from otel_trading.traces.readable import readable


class Readable:
    """A transport that decodes chunks before another one sends their spans, one object each."""

    def __init__(self, inner: Transport[Any]) -> None:
        self._inner = inner

    def send(self, items: Sequence[Any], timeout_s: float) -> Outcome:
        """See `Transport.send`."""
        return self._inner.send([span for item in items for span in _spans(item)], timeout_s)

    @property
    def keeps(self) -> bool:
        """See `Keeping.keeps`."""
        return getattr(self._inner, "keeps", False)

    def flush(self, timeout_s: float) -> bool:
        """See `Keeping.flush`."""
        return cast("Keeping[Any]", self._inner).flush(timeout_s)

    def close(self) -> None:
        """See `Transport.close`."""
        self._inner.close()


def _spans(item: Any) -> Iterator[Any]:
    if isinstance(item, SpanChunk):
        yield from readable_spans(item)
    else:
        yield item


def readable_spans(chunk: SpanChunk) -> Iterator[ReadableSpan]:
    """The spans of a chunk, each decoded when it is asked for."""
    scope = decoded_scope(chunk.scope)
    for begin, end in span_reading.span_fields(chunk.spans):
        _, content = span_reading.varint(chunk.spans, begin + 1)
        yield readable(span_reading.read(chunk.spans[content:end]), chunk.source.resource, scope)
