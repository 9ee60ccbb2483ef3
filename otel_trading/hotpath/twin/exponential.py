"""Base-2 exponential buckets: bucket i holds (base**i, base**(i+1)], base = 2**(2**-scale). Every index is exact."""

from __future__ import annotations

import math
from bisect import bisect_left

FINEST = 20
"""The largest scale of the specification."""

_PARTS = 1 << FINEST
_HALF = 10
_BITS = 160  # of the fractions below; boundaries keep 52

_LEAST_NORMAL = 2.0**-1022


def _powers(root: int) -> list[int]:
    found = [1 << _BITS]
    while len(found) <= 1 << _HALF:
        found.append(found[-1] * root >> _BITS)
    return found


def _root() -> int:
    """2 ** (1 / 2**20), by taking the square root twenty times."""
    found = 2 << _BITS
    for _ in range(FINEST):
        found = math.isqrt(found << _BITS)
    return found


_fine = _powers(_root())
_coarse = _powers(_fine[1 << _HALF])


def boundary(part: int) -> int:
    """The mantissa of `2 ** (part / 2**20)`, rounded down to 52 bits without the leading one."""
    power = _coarse[part >> _HALF] * _fine[part & ((1 << _HALF) - 1)] >> _BITS
    return (power >> (_BITS - 52)) - (1 << 52)


_OCTAVE = [boundary(part << (FINEST - 6)) for part in range(1, 64)]
"""What divides an octave at scale 6: enough for all coarser scales."""


def index_of(value: float, scale: int) -> int:
    """The bucket of a positive, finite value at a scale up to 20."""
    fraction, exponent = math.frexp(value)
    exponent -= 1
    mantissa = int(fraction * (1 << 53)) - (1 << 52)
    if value < _LEAST_NORMAL:
        exponent, mantissa = -1022, 0
    if scale <= 6:
        # a power of two is the upper end of the bucket below
        part = bisect_left(_OCTAVE, mantissa) if mantissa else -1
        return (exponent * 64 + part) >> (6 - scale)
    if mantissa == 0:
        return (exponent * _PARTS - 1) >> (FINEST - scale)
    part = min(int(math.log2(1.0 + mantissa * 2.0**-52) * _PARTS), _PARTS - 1)
    while part > 0 and mantissa <= boundary(part):
        part -= 1
    while part + 1 < _PARTS and mantissa > boundary(part + 1):
        part += 1
    return (exponent * _PARTS + part) >> (FINEST - scale)


def exponential_index(value: float, scale: int, /) -> int:
    """The base-2 exponential bucket of a positive value, exactly; ValueError for others."""
    value = math.ldexp(value, 0)  # float() would take a text as well
    if not 0 < value < math.inf or not -10 <= scale <= FINEST:
        raise ValueError("exponential_index takes a finite value above 0 and a scale from -10 to 20")
    return index_of(value, scale)


class Exponential:
    """At most `size` buckets in a row; what does not fit halves the resolution, as often as needed."""

    __slots__ = ("base", "counts", "filled", "finest", "scale", "size", "zero_threshold", "zeros")

    def __init__(self, size: int, max_scale: int, zero_threshold: float) -> None:
        self.size = size
        self.finest = max_scale
        self.zero_threshold = zero_threshold
        self.empty()

    def empty(self) -> None:
        """As it was made."""
        self.scale = self.finest
        self.base = 0
        self.zeros = 0
        self.filled = False
        self.counts = [0] * self.size

    def like(self) -> Exponential:
        """Another with the same limits, empty."""
        return Exponential(self.size, self.finest, self.zero_threshold)

    def find(self, value: float) -> int:
        """Where in `counts` the value belongs as they are now; out of their range if it does not fit."""
        return 0 if value <= self.zero_threshold else index_of(value, self.scale) - self.base

    def count(self, value: float) -> None:
        """Counts a value that is not negative."""
        if value <= self.zero_threshold:
            self.zeros += 1
            return
        index = index_of(value, self.scale)
        slot = index - self.base
        if not self.filled or not 0 <= slot < self.size:
            slot = self._make_room(index)
        self.counts[slot] += 1
        self.filled = True

    def _make_room(self, index: int) -> int:
        if not self.filled:
            self.base = index - self.size // 2
            return self.size // 2
        used = [self.base + slot for slot, count in enumerate(self.counts) if count]
        low, high = min(index, used[0]), max(index, used[-1])
        shift = 0
        while (high >> shift) - (low >> shift) >= self.size:
            shift += 1
        # what is free is left at both ends: the next value may come from either
        base = (low >> shift) - (self.size - ((high >> shift) - (low >> shift) + 1)) // 2
        fresh = [0] * self.size
        for old in used:
            fresh[(old >> shift) - base] += self.counts[old - self.base]
        self.counts, self.base, self.scale = fresh, base, self.scale - shift
        return (index >> shift) - base

    def snapshot(self) -> tuple[int, int, int, tuple[int, ...]]:
        """Scale, zeros, index of the first filled bucket, counts from there to the last filled one."""
        used = [slot for slot, count in enumerate(self.counts) if count]
        if not used:
            return self.scale, self.zeros, 0, ()
        return self.scale, self.zeros, self.base + used[0], tuple(self.counts[used[0] : used[-1] + 1])
