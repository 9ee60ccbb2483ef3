"""Attributes of spans, events and links: fields of a key and a value, each key once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from otel_trading.ground.protobuf import sized
from otel_trading.hotpath.twin.span_value import MOST_KEPT, MOST_LETTERS, Odd, any_value, key_field

_pairs: dict[tuple[str, str], bytes] = {}


def _text_field(tag: bytes, key: str, value: str) -> bytes:
    """The whole field of a short ASCII text, for one tag; some hundred are remembered."""
    kept = _pairs.get((key, value))
    if kept is None:
        kept = sized(tag, key_field(key) + sized(b"", any_value(value, MOST_LETTERS)))
        if len(_pairs) >= MOST_KEPT:
            _pairs.clear()
        _pairs[key, value] = kept
    return kept


def attribute_fields(tag: bytes, attributes: dict[Any, Any], letters: int) -> tuple[Iterable[bytes], int]:
    """Those of a span, always with the same tag, each key once, and how many were dropped; bytes are encoded fields."""
    fields: dict[bytes, bytes] = {}
    dropped = 0
    for key, value in attributes.copy().items():
        try:
            name = key_field(key)
            if type(value) is bytes:
                field = value
            elif type(value) is str and type(key) is str and value.isascii():
                field = _text_field(tag, key, value)
            else:
                field = sized(tag, name + sized(b"", any_value(value, letters)))
        except Odd:
            dropped += 1
            continue
        fields.pop(name, None)
        fields[name] = field
    return fields.values(), dropped


def pairs_of(attributes: object) -> list[tuple[Any, Any]]:
    """Keys and values of a mapping, none for None; raises Odd for what is no mapping."""
    if attributes is None:
        return []
    if type(attributes) is dict:
        return list(attributes.items())
    if isinstance(attributes, Mapping) or hasattr(type(attributes), "__getitem__"):
        try:
            return list(attributes.items())  # type: ignore[attr-defined]  # if it has none that is a trouble like others
        except Exception:
            raise Odd from None
    raise Odd


def encoded_attributes(tag: bytes, attributes: object, most: int, letters: int) -> tuple[dict[bytes, bytes], int]:
    """Fields with this tag by key, each key once, and how many were dropped."""
    fields: dict[bytes, bytes] = {}
    dropped = 0
    try:
        pairs = pairs_of(attributes)
    except Odd:
        return fields, 1
    for key, value in pairs:
        try:
            name = key_field(key)
            if name not in fields and len(fields) >= most:
                raise Odd
            field = sized(tag, name + sized(b"", any_value(value, letters)))
        except Odd:
            dropped += 1
            continue
        fields.pop(name, None)
        fields[name] = field
    return fields, dropped
