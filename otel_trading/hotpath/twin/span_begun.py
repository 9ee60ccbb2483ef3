"""What a span has from its beginning on: one tuple of what the garbage collector does not know, and its attributes.

It waits with the end for being encoded; what few spans have is in `span_later`. The fields are told by their places.
"""

from __future__ import annotations

from typing import Any

Begun = tuple[Any, ...]

TERMS, NAME, IDS, OWN, ABOVE, FLAGS, KIND, DECISION, OFFSET, STARTED, ATTRIBUTES, RECORD, STATUS = range(13)
"""Places:

- `Recorder.terms`: its scope, and most letters of a text
- the name, a str of MOST_NAME letters at most, or encoded
- trace id and, where OWN is 0, span id: 192 bits, which a root draws at once and its descendants share
- the span id, or 0
- the parent's span id, or 0
- W3C's flags, and REMOTE
- the kind as OTLP counts
- `sampler_engine.Decision`
- what makes UTC nanoseconds of STARTED and of the end
- the start on the monotonic clock; in UTC where OFFSET is 0
- attributes by key: light values as they are, others as encoded fields, which are bytes
- whether an exception that leaves `with span:` is recorded, and makes the status; False for no
"""

MOST_NAME = 256
MOST_LIGHT_LETTERS = 64
"""Of a text that waits as it is; longer ones are encoded at once, so that what waits is small."""
MOST_LIGHT = 16
"""Attributes that wait as they are."""
LIGHT_ROOM = 32_768
"""More bytes than they take, whatever their keys."""
NUMBERS = frozenset((int, float, bool, type(None)))
"""Types of light values, beside short texts."""

SAMPLED, RANDOM = 1, 2
REMOTE = 0x200
"""As OTLP has it; in no flags of W3C's."""
WORD = (1 << 64) - 1


def trace_id(begun: Begun) -> int:
    """128 bits, not 0."""
    found: int = begun[IDS] >> 64
    return found or 1


def span_id(begun: Begun) -> int:
    """64 bits, not 0."""
    found: int = begun[OWN] or begun[IDS] & WORD
    return found or 1
