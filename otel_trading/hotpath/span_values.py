"""What becomes of values that no engine encodes as they are: `ground.values`, then the limit of a text's length.

Both engines call it for anything but exact texts, bools, ints of 64 bits, floats, None, and lists and tuples of one of
these. Nothing here raises an `Exception`.
"""

from __future__ import annotations

from otel_trading.ground.values import AttributeValue, attribute, key, text

__all__ = ["key", "text", "value"]


def value(given: object, letters: int) -> AttributeValue:
    """What OTLP can carry, texts cut to `letters`."""
    return _cut(attribute(given), letters)


def _cut(converted: AttributeValue, letters: int) -> AttributeValue:
    if isinstance(converted, str):
        return converted[:letters]
    if isinstance(converted, list | tuple):
        return [_cut(element, letters) for element in converted]
    if isinstance(converted, dict):
        return {name: _cut(element, letters) for name, element in converted.items()}
    return converted
