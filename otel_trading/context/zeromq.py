"""The current span as one extra frame of a ZeroMQ multipart message, between processes of one's own.

The frame is the last one and begins with a mark, so that a receiver tells it from a payload:
`otel1 <traceparent>` or `otel1 <traceparent>;<tracestate>`, ASCII.
"""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.context import Context

from otel_trading.context import headers

MARK = b"otel1 "
LIMIT_BYTES = 1024
"""A longer frame is taken for a payload."""


def inject(frames: Sequence[bytes], context: Context | None = None) -> list[bytes]:
    """The frames and one more with the current span; unchanged if there is no span.

    Args:
        frames: the message.
        context: where the span is; the current context unless given.
    """
    found = headers.inject(context=context)
    parent = found.get("traceparent")
    if parent is None:
        return list(frames)
    state = found.get("tracestate")
    text = f"{parent};{state}" if state else parent
    frame = MARK + text.encode("ascii", "replace")
    if len(frame) > LIMIT_BYTES:  # the parent matters more than what vendors noted beside it
        frame = MARK + parent.encode("ascii", "replace")
    return [*frames, frame]


def extract(frames: Sequence[bytes]) -> tuple[list[bytes], Context]:
    """The message without the extra frame, and the context that it told.

    A message without the frame comes back whole with an empty context; so does a frame that is broken, which is taken
    off. Never raises for bytes.
    """
    if not frames or not frames[-1].startswith(MARK) or len(frames[-1]) > LIMIT_BYTES:
        return list(frames), Context()
    parent, _, state = frames[-1][len(MARK) :].decode("ascii", "replace").partition(";")
    carrier = {"traceparent": parent, "tracestate": state} if state else {"traceparent": parent}
    return list(frames[:-1]), headers.extract(carrier)
