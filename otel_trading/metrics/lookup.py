"""From attributes to their series, in a few bytes a series: a dict would take five times as much for its keys alone."""

from __future__ import annotations

from array import array
from typing import Any

from otel_trading.metrics.attributes import same_values
from otel_trading.metrics.live import Series

_FEWEST = 8
_NUMBER = 0xFFFFFFFF


class Lookup:
    """Places in a list of series, found by hashes.

    `find` takes no lock. `add` is called by one thread at a time; a signal handler may call both in the middle of it.
    """

    __slots__ = ("_adding", "_series", "_slots", "_waiting")

    def __init__(self, series: list[Series]) -> None:
        """Takes the list, empty; `add` makes it grow, and nobody else may."""
        self._series = series
        self._slots = array("Q", bytes(8 * _FEWEST))
        """Open addressing: 32 bits of the hash, then the number of the series from 1; 0 is free. Replaced to grow."""
        self._waiting: list[Series] = []
        self._adding = False

    def find(self, keys: tuple[str, ...], values: tuple[Any, ...]) -> Series | None:
        """The series with these attributes.

        Args:
            keys: sorted.
            values: hashable, in the order of the keys.
        """
        found = self._placed(keys, values)
        if found is not None:
            return found
        for one in self._waiting[:]:
            if _has(one, keys, values):
                return one
        # another thread may have given it its place between the two looks
        return self._placed(keys, values)

    def _placed(self, keys: tuple[str, ...], values: tuple[Any, ...]) -> Series | None:
        slots, hashed = self._slots, _hash(keys, values)
        mask = len(slots) - 1
        at = hashed & mask
        while word := slots[at]:
            if word >> 32 == hashed and _has(one := self._series[(word & _NUMBER) - 1], keys, values):
                return one
            at = (at + 1) & mask
        return None

    def add(self, made: Series) -> None:
        """Appends a series to the list. What a signal handler adds in the middle of this is appended after it."""
        self._waiting.append(made)
        if self._adding:
            return
        self._adding = True
        try:
            while self._waiting:
                self._append(self._waiting[0])
                del self._waiting[0]  # only now: `find` knows it the whole time
        finally:
            self._adding = False

    def _append(self, made: Series) -> None:
        number = len(self._series) + 1
        if number * 4 > len(self._slots) * 3:
            self._slots = _grown(self._slots)
        word = _hash(made.keys, made.values) << 32 | number
        self._series.append(made)
        _put(self._slots, word)


def _hash(keys: tuple[str, ...], values: tuple[Any, ...]) -> int:
    return hash((keys, values)) & 0xFFFFFFFF


def _grown(slots: array[int]) -> array[int]:
    made = array("Q", bytes(2 * 8 * len(slots)))
    for word in slots:
        if word:
            _put(made, word)
    return made


def _put(slots: array[int], word: int) -> None:
    mask = len(slots) - 1
    at = word >> 32 & mask
    while slots[at]:
        at = (at + 1) & mask
    slots[at] = word


def _has(series: Series, keys: tuple[str, ...], values: tuple[Any, ...]) -> bool:
    return series.keys == keys and same_values(series.values, values)
