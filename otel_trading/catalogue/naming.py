"""Rules for names, after the semantic conventions, and the Python names that are made of them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence

from otel_trading.catalogue.mistakes import Notes, Place, shown

NAME = re.compile(r"[a-z][a-z0-9]*(?:[._][a-z0-9]+)*")
LONGEST = 255
"""Characters of an instrument's name, of the OpenTelemetry specification."""
_TIMES = ("sec", "second", "msec", "milli", "millisecond", "usec", "micro", "microsecond", "nano", "nanosecond")
UNIT_WORDS = frozenset(("s", "ms", "us", "ns", "bytes", "total")) | {
    word + plural for word in _TIMES for plural in ("", "s")
}
"""Last words of metric names that repeat the unit or what Prometheus adds."""
TAKEN = frozenset(("self", "amount", "context", "callback"))
"""Names of parameters that an attribute's keyword cannot have."""


def name_is_right(name: str, place: Place, notes: Notes, *, of_metric: bool = False) -> bool:
    """Whether a name keeps the rules; what it breaks is noted."""
    if not NAME.fullmatch(name):
        fix = "Write lower-case words with dots between namespaces and underscores between words."
        suggested = re.sub(r"[^a-z0-9._]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("._")
        notes.add(place, "be a name such as 'trading.order.ack.duration'", shown(name), _suggested(suggested, fix))
        return False
    if len(name) > LONGEST:
        notes.add(place, f"have at most {LONGEST} characters", str(len(name)), "Shorten it.")
        return False
    last = re.split("[._]", name)[-1]
    if of_metric and last in UNIT_WORDS and "." in name:
        fix = "Leave it out: the unit stands under 'unit', and Prometheus gets its suffix by itself."
        notes.add(place, "not end with a unit or 'total'", shown(name), fix)
        return False
    return True


def _suggested(name: str, otherwise: str) -> str:
    return f"Write '{name}'." if NAME.fullmatch(name) else otherwise


def python_name(name: str) -> str:
    """The name of an instrument in its module: without its first two namespaces, with underscores.

    A name with two parts loses the first.
    """
    parts = name.split(".")
    return _legal("_".join(parts[2:] or parts[-1:]))


def keywords(attributes: Sequence[tuple[str, str]]) -> list[str]:
    """The keyword of each attribute of one metric.

    Args:
        attributes: key and annotated name, which may be empty.

    Returns:
        The annotated name, or as few of the key's last parts as are unique.
    """
    given = {name for _, name in attributes if name}
    lengths = [1] * len(attributes)
    while True:
        found = [name or _last(key, length) for (key, name), length in zip(attributes, lengths, strict=True)]
        short = [
            index
            for index, (key, name) in enumerate(attributes)
            if not name
            and lengths[index] <= key.count(".")
            and (found.count(found[index]) > 1 or found[index] in given)
        ]
        if not short:
            return found
        for index in short:
            lengths[index] += 1


def _last(key: str, parts: int) -> str:
    return _legal("_".join(key.split(".")[-parts:]))


def _legal(name: str) -> str:
    found = f"_{name}" if name[:1].isdigit() else name
    return f"{found}_" if keyword.iskeyword(found) or found in TAKEN else found


def is_python_name(name: str) -> bool:
    """Whether it can name an instrument or a keyword: a public identifier in ASCII."""
    legal = name.isidentifier() and name.isascii() and not keyword.iskeyword(name)
    return legal and not name.startswith("__") and name not in TAKEN


def class_name(name: str) -> str:
    """`PretradeCheckDuration` from `pretrade_check_duration`, and the like from a key."""
    return "".join(word[:1].upper() + word[1:] for word in re.split("[._]", name))
