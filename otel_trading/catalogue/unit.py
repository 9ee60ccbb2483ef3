"""Units of metrics: UCUM's, annotations in braces, ratios of both, and currencies."""

from __future__ import annotations

import re

_PREFIXED = frozenset(("s", "By", "bit", "Hz", "m", "g", "W", "J", "V", "A"))
_PREFIXES = ("", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti")
_WHOLE = frozenset(("1", "%", "min", "h", "d", "wk", "Cel", "[ppth]", "[ppm]", "[pptr]"))
_ANNOTATION = re.compile(r"\{[!-z|~ ]+\}")
_CURRENCY = re.compile(r"[A-Z]{3}")
"""ISO 4217; UCUM has no word for money."""

_MEANT = {
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("msec", "msecs", "millis", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("usec", "usecs", "micros", "microsecond", "microseconds", "µs", "μs"), "us"),
    **dict.fromkeys(("nsec", "nsecs", "nanos", "nanosecond", "nanoseconds"), "ns"),
    **dict.fromkeys(("B", "b", "byte", "bytes", "Bytes"), "By"),
    **dict.fromkeys(("KB", "kB", "kb", "KiB"), "KiBy"),
    **dict.fromkeys(("MB", "mb", "MiB"), "MiBy"),
    **dict.fromkeys(("percent", "pct"), "%"),
    **dict.fromkeys(("ratio", "none", "count"), "1"),
    **dict.fromkeys(("bps", "[bps]"), "{bps}"),
    "hour": "h",
    "minute": "min",
    "day": "d",
    "usd": "USD",
}
_OF_TIME = frozenset(("ms", "us", "ns"))


def is_unit(text: str) -> bool:
    """Whether it is one unit, or one in another such as `By/s`."""
    parts = text.split("/")
    return len(parts) <= 2 and all(map(_is_one, parts))


def _is_one(text: str) -> bool:
    if text in _WHOLE or _ANNOTATION.fullmatch(text) or _CURRENCY.fullmatch(text):
        return True
    return any(text.removeprefix(prefix) in _PREFIXED and text.startswith(prefix) for prefix in _PREFIXES)


def meant(text: str) -> str:
    """What to write instead, a sentence."""
    unit = _MEANT.get(text) or _MEANT.get(text.lower())
    if unit in _OF_TIME:
        return f"Use '{unit}', or 's' with a scale in the profile."
    if unit:
        return f"Use '{unit}'."
    word = re.sub("[^a-z0-9_]+", "_", text.lower()).strip("_")
    return f"Use '{{{word.removesuffix('s') or 'item'}}}' for a count of things."
