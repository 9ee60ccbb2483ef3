"""Which spans of a chunk may hold a secret."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

from otel_trading.hotpath import span_reading
from otel_trading.hotpath.span_reading import fields
from otel_trading.hotpath.twin.span_text import Names

_UNKNOWN, _ID, _SECRET = -1, 1, 2
_MOST_KEYS, _MOST_UNKNOWN, _MOST_DEPTH = 4096, 64, 64


class Screen:
    """Finds the encoded spans that may hold a secret."""

    def __init__(
        self, anywhere: Iterable[Iterable[str]], at_the_end: Iterable[Iterable[str]], every_text: bool = False
    ) -> None:
        self._names = Names(anywhere, at_the_end)
        self._every_text = every_text
        self._keys: dict[bytes, int] = {}
        self._lock = threading.Lock()

    def look(self, spans: bytes) -> tuple[list[tuple[int, int]], list[bytes]]:
        """Where the fields of suspicious spans begin and end, and keys that are to be taught."""
        if type(spans) is not bytes:
            raise TypeError(f"look takes bytes of at most 4 GiB; was {type(spans).__name__}")
        self._take()
        try:
            look = _Look(self._names, self._keys)
            suspects = [place for place, span in _spans(spans) if look.span_bad(span) or self._every_text]
            return suspects, list(look.unknown)
        finally:
            self._lock.release()

    def teach(self, key: bytes, kind: int) -> None:
        """0: any, 1: of an id, whose texts are left alone, 2: of a secret."""
        if type(key) is not bytes:
            raise TypeError("teach takes a key as bytes and its class")
        if not 0 <= kind <= _SECRET:
            raise ValueError(f"the class of a key must be 0 to 2; was {kind}")
        self._take()
        try:
            if len(self._keys) >= _MOST_KEYS:
                self._keys.clear()
            self._keys[key] = kind
        finally:
            self._lock.release()

    def _take(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("another thread uses this screen")


def _spans(encoded: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Place of each field, and its content."""
    at, end = 0, len(encoded)
    try:
        while at < end:
            size, content = span_reading.varint(encoded, at + 1)
            if encoded[at] != 0x12 or content + size > end:
                raise IndexError
            yield (at, content + size), encoded[content : content + size]
            at = content + size
    except IndexError:
        raise ValueError("these are no encoded spans") from None


class _Look:
    """One look; what is unreadable is suspicious."""

    def __init__(self, names: Names, keys: dict[bytes, int]) -> None:
        self._names = names
        self._keys = keys
        self.unknown: dict[bytes, None] = {}

    def span_bad(self, span: bytes) -> bool:
        try:
            return self._span_bad(span)
        except (IndexError, ValueError, AttributeError, TypeError):
            return True

    def _span_bad(self, span: bytes) -> bool:
        bad = False
        for number, content in fields(span):
            if number == 5:
                bad |= self._text_bad(content)
            elif number == 9:
                bad |= self._pair_bad(content, 0)
            elif number == 11:
                bad |= self._part_bad(content, 2, 3)
            elif number == 13:
                bad |= self._part_bad(content, 0, 4)
            elif number == 15:
                bad |= self._part_bad(content, 2, 0)
        return bad

    def _text_bad(self, text: bytes) -> bool:
        return self._names.text_suspicious(text.decode())

    def _part_bad(self, part: bytes, text: int, attributes: int) -> bool:
        bad = False
        for number, content in fields(part):
            if number == text:
                bad |= self._text_bad(content)
            elif number == attributes:
                bad |= self._pair_bad(content, 0)
        return bad

    def _pair_bad(self, pair: bytes, depth: int) -> bool:
        key, value = b"", b""
        for number, content in fields(pair):
            if number == 1:
                key = content
            elif number == 2:
                value = content
        kind = self._keys.get(key, _UNKNOWN)
        if kind == _UNKNOWN and len(self.unknown) < _MOST_UNKNOWN:
            self.unknown[key] = None
        bad = self._value_bad(kind, value, depth)
        return bad or kind == _UNKNOWN

    def _value_bad(self, kind: int, value: bytes, depth: int) -> bool:
        if depth > _MOST_DEPTH:
            return True
        bad = False
        for number, content in fields(value):
            if number == 2:  # a bool tells nobody which
                continue
            if kind == _SECRET or number > 6:
                bad = True
            elif number == 1:
                bad |= kind != _ID and self._text_bad(content)
            elif number == 5:
                for _, element in fields(content):
                    bad |= self._named(element) or self._value_bad(kind, element, depth + 1)
            elif number == 6:
                for _, pair in fields(content):
                    bad |= self._pair_bad(pair, depth + 1)
        return bad

    def _named(self, element: bytes) -> bool:
        """[name, value] in a list, as headers come."""
        value: Any = span_reading.value_of(element)
        pair = isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)
        return pair and self._names.suspicious(value[0])
