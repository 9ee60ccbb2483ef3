"""Whether kind and attributes of a span are as a rule wants them."""

from __future__ import annotations

from typing import Any

from otel_trading.hotpath.sampler_engine import NEVER, Rule

_MOST_KEYS, _MOST_TEXT = 1024, 256


class Unsure(Exception):
    """What is asked for has to be decided by Python that knows more."""


def checked(given: Any) -> Rule:
    """A rule of the right types; raises TypeError or ValueError."""
    if not isinstance(given, tuple):
        raise TypeError(f"a rule must be a tuple; was {type(given).__name__}")
    always, kinds, keys, equals, threshold, low = given
    if type(keys) is not tuple or type(equals) is not tuple:
        raise TypeError("keys and equals of a rule must be tuples")
    pairs = all(type(pair) is tuple and len(pair) == 2 and type(pair[0]) is str for pair in equals)
    if not pairs or any(type(key) is not str or not key for key in keys):
        raise TypeError("keys of a rule must be str and not empty, equals pairs of str and a value")
    if not 0 <= threshold <= NEVER:
        raise ValueError(f"a threshold must be 0 to 2**56; was {threshold}")
    return Rule(bool(always), kinds, keys, equals, threshold, bool(low))


def is_plain(rule: Rule) -> bool:
    """Whether it asks for nothing but the name."""
    return not (rule.kinds or rule.keys or rule.equals)


def matches(rule: Rule, kind: int, attributes: Any) -> bool:
    """Whether it does; raises Unsure."""
    if rule.kinds and not (0 <= kind < 64 and rule.kinds >> kind & 1):
        return False
    if not rule.keys and not rule.equals:
        return True
    if attributes is None:
        return False
    if type(attributes) is not dict:
        raise Unsure
    return _attributes_match(rule, attributes)


def _attributes_match(rule: Rule, attributes: dict[Any, Any]) -> bool:
    if not rule.equals:
        return _begins(rule.keys, attributes)
    begun = not rule.keys
    equal = 0
    for key, value in attributes.copy().items():  # another thread may change it
        if type(key) is not str:
            raise Unsure
        begun = begun or key.startswith(rule.keys)
        for name, wanted in rule.equals:
            if key == name:
                if not _same(value, wanted):
                    return False
                equal += 1
    return begun and equal == len(rule.equals)


_others: dict[tuple[str, ...], set[str]] = {}
"""Keys that begin as none of a rule's do: applications have few."""


def _begins(beginnings: tuple[str, ...], attributes: dict[Any, Any]) -> bool:
    others = _others.get(beginnings)
    if others is None:
        others = _others[beginnings] = set()
    if attributes.keys() <= others:
        return False
    for key in attributes.copy():  # another thread may change it
        if type(key) is not str:
            raise Unsure
        if key.startswith(beginnings):
            return True
        if len(others) < _MOST_KEYS and len(key) <= _MOST_TEXT:
            others.add(key)
    return False


def _same(value: Any, wanted: Any) -> bool:
    if type(value) is str:
        return type(wanted) is str and value == wanted
    if value is None or type(value) is bool:
        return value is wanted
    if type(value) is not int and type(value) is not float:
        raise Unsure
    return type(wanted) in (int, float) and bool(value == wanted)
