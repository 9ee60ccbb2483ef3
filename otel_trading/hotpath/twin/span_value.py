"""Keys, values and texts as OTLP carries them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from otel_trading.ground.protobuf import BYTE, sized, varint
from otel_trading.hotpath import span_values
from otel_trading.hotpath.twin.number import LEAST, MOST

MOST_LETTERS = 65_536
"""TEXT_LIMIT of `ground.values`, which cuts what is longer."""

MOST_KEY = 256
_ELEMENT = 8
_MOST_NESTING = 32
MOST_KEPT = 1000
"""Keys, names and short texts that are remembered encoded, each."""
_STRING, _BOOL, _INT, _DOUBLE, _ARRAY, _LIST = b"\x0a", b"\x10", b"\x18", b"\x21", b"\x2a", b"\x32"
_KEY, _VALUE = b"\x0a", b"\x12"
_DOUBLE_FIELD = struct.Struct("<cd").pack


class Odd(Exception):
    """A value that needs a conversion, or cannot be carried."""


_keys: dict[str, bytes] = {}


def key_field(key: object) -> bytes:
    """The field `key` of a KeyValue, and the tag of its value; raises Odd for what cannot be a key."""
    if type(key) is str:
        kept = _keys.get(key)
        if kept is not None:
            return kept
    field = sized(_KEY, _key_bytes(key)) + _VALUE
    if type(key) is str and len(_keys) < MOST_KEPT:
        _keys[key] = field
    return field


def key_text(key: object) -> str:
    """As what a key is known; raises Odd."""
    return key if type(key) is str and 0 < len(key) <= MOST_KEY else _key_bytes(key).decode()


def _key_bytes(key: object) -> bytes:
    if type(key) is str and 0 < len(key) <= MOST_KEY:
        try:
            return key.encode()
        except UnicodeEncodeError:
            pass
    try:
        return span_values.key(key).encode()
    except Exception:
        raise Odd from None


_names: dict[str, bytes] = {}


def name_of(value: object) -> bytes:
    """As `text_of`; names of spans are few, and remembered."""
    if type(value) is not str:
        return text_of(value)
    kept = _names.get(value)
    if kept is None:
        kept = text_of(value)
        if len(_names) < MOST_KEPT and len(value) <= MOST_KEY:
            _names[value] = kept
    return kept


def text_of(value: object) -> bytes:
    """Any object as a text; raises Odd."""
    if type(value) is str and len(value) <= MOST_LETTERS:
        try:
            return value.encode()
        except UnicodeEncodeError:
            pass
    try:
        return span_values.text(value).encode()
    except Exception:
        raise Odd from None


def any_value(value: object, letters: int) -> bytes:
    """The message AnyValue; raises Odd for what cannot be carried even converted."""
    try:
        encode = _PLAIN.get(type(value))
        if encode is not None:
            return encode(value, letters if letters < MOST_LETTERS else MOST_LETTERS)
    except Odd:
        pass
    try:
        return _converted(span_values.value(value, letters), 0)
    except Exception:
        raise Odd from None


def _text(value: str, letters: int) -> bytes:
    if len(value) > letters:
        raise Odd
    try:
        content = value.encode()
    except UnicodeEncodeError:
        raise Odd from None
    size = len(content)
    return _STRING + (BYTE[size] if size < 128 else varint(size)) + content


def _whole(value: int, letters: int) -> bytes:
    if 0 <= value < 128:
        return _INT + BYTE[value]
    if not LEAST <= value <= MOST:
        raise Odd
    return _INT + varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def _double(value: float, letters: int) -> bytes:
    field: bytes = _DOUBLE_FIELD(_DOUBLE, value)
    return field


def _bool(value: bool, letters: int) -> bytes:
    return _BOOL + BYTE[value]


def _none(value: Any, letters: int) -> bytes:
    return b""


_SCALARS: dict[type, Callable[[Any, int], bytes]] = {
    str: _text,
    int: _whole,
    float: _double,
    bool: _bool,
    type(None): _none,
}


def _uniform(value: Any, letters: int) -> bytes:
    """A sequence of one type, as `ground.values` would leave it."""
    elements = tuple(value)
    kinds = {type(element) for element in elements} - {type(None)}
    if len(kinds) > 1 or not kinds <= _SCALARS.keys():
        raise Odd
    cost = _ELEMENT * (len(elements) + 1)
    if kinds == {str}:
        cost += sum(len(element) for element in elements if element is not None)
    if cost > MOST_LETTERS:
        raise Odd
    return sized(_ARRAY, b"".join(sized(_KEY, _SCALARS[type(each)](each, letters)) for each in elements))


_PLAIN = _SCALARS | {list: _uniform, tuple: _uniform}


def _converted(value: Any, nesting: int) -> bytes:
    """What a conversion gave."""
    if nesting > _MOST_NESTING:
        raise Odd
    if type(value) is dict:
        pairs = (
            _text(key, len(key)) + sized(_VALUE, _converted(one, nesting + 1))  # tagged as a key is
            for key, one in value.items()
        )
        return sized(_LIST, b"".join(sized(_KEY, pair) for pair in pairs))
    if type(value) in (list, tuple):
        return sized(_ARRAY, b"".join(sized(_KEY, _converted(element, nesting + 1)) for element in value))
    if type(value) is str:
        return _text(value, len(value))
    encode = _SCALARS.get(type(value))
    if encode is None:
        raise Odd
    return encode(value, MOST_LETTERS)
