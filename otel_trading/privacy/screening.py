"""Encoded spans without secrets: all are looked through without the GIL, and only the suspicious ones decoded."""

from __future__ import annotations

from otel_trading.ground import diagnostics
from otel_trading.ground.breath import rested, step
from otel_trading.ground.protobuf import delimited
from otel_trading.hotpath.chosen import engine
from otel_trading.hotpath.span_engine import Screen
from otel_trading.hotpath.span_reading import varint
from otel_trading.privacy.redaction import Redactor
from otel_trading.privacy.span_messages import redact_encoded

_SPANS = 2
"""Number of the field `spans` of ScopeSpans."""

_OTHER, _ID, _SECRET = 0, 1, 2
_LOOKS = 4
"""How often keys are learnt for one chunk; what is not known then is decoded, which costs time and nothing else."""


class Screening:
    """One worker's way through its chunks. One thread at a time; none of it on the application's."""

    def __init__(self, redactor: Redactor) -> None:
        """Takes over which names and texts are secret."""
        self._redactor = redactor
        names = redactor.names
        self._screen: Screen = engine.Screen(names.anywhere, names.at_the_end, redactor.has_patterns)

    def redacted(self, spans: bytes) -> tuple[bytes, int]:
        """The fields without secrets, and how many of them had to be left out because they could not be redacted.

        Raises:
            ValueError: these are no encoded spans.
        """
        suspects = self._suspects(spans)
        if not suspects:
            return spans, 0
        parts, done, lost = [], 0, 0
        for begin, end in suspects:
            parts.append(spans[done:begin])
            done = end
            try:
                _, content = varint(spans, begin + 1)
                parts.append(delimited(_SPANS, redact_encoded(spans[content:end], self._redactor)))
            except Exception as error:
                lost += 1
                diagnostics.trouble("delivery.not_redacted", "a span cannot be redacted and is not sent: %r", error)
            step()
        return b"".join((*parts, spans[done:])), lost

    def _suspects(self, spans: bytes) -> list[tuple[int, int]]:
        for _ in range(_LOOKS):
            suspects, unknown = self._screen.look(spans)
            rested()
            if not unknown:
                break
            for key in unknown:
                self._screen.teach(key, self._kind(key))
                step()
        return suspects

    def _kind(self, key: bytes) -> int:
        name = key.decode(errors="replace")
        if self._redactor.names.secret(name):
            return _SECRET
        return _ID if self._redactor.names.an_id(name) else _OTHER
