"""What a rule of the sampler says, and the kind of knob that reads a list of them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from otel_trading.config.kinds import Number, Rejected

SPAN_KINDS = ("internal", "server", "client", "producer", "consumer")
"""In the order in which OTLP counts them, from 1."""
MOST_RULES = 50

Value = str | bool | int | float


@dataclass(frozen=True, slots=True)
class SamplingRule:
    """Which spans, and how many of them. All that is said of a span must hold; of a list, one entry.

    Attributes:
        names: span name patterns, as of a shell; () for any name.
        kinds: of `internal`, `server`, `client`, `producer`, `consumer`; () for any.
        attribute_keys: beginnings of attribute keys: the span starts with an attribute whose key begins so.
        attributes: the span starts with each of these attributes. Numbers are compared as numbers; True is not 1.
        ratio: share of the traces begun by such spans that is kept, 0 to 1; children do as their parent.
        always: such spans are kept whatever their parent did, and no cap touches them; in place of a ratio.
        lowerable: the ratio may be lowered while the process or its telemetry is under pressure.
    """

    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    attribute_keys: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    ratio: float = 1.0
    always: bool = False
    lowerable: bool = False


_KEYS = tuple(each.name for each in fields(SamplingRule))
_CONDITIONS = _KEYS[:4]


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of the sampler: a list of mappings; in the environment as JSON."""

    label: str = "list of rules"

    def from_text(self, text: str) -> tuple[SamplingRule, ...]:
        """The rules of a JSON list; raises Rejected."""
        try:
            return self.from_value(json.loads(text))
        except (json.JSONDecodeError, RecursionError):
            raise Rejected("a JSON list of rules", 'Write [{"names": ["md.trade*"], "ratio": 0.1}].') from None

    def from_value(self, value: object) -> tuple[SamplingRule, ...]:
        """The rules; raises Rejected, which says which one is wrong."""
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Sequence):
            raise Rejected("a list of rules", 'Write [{"names": ["md.trade*"], "ratio": 0.1}].')
        if len(value) > MOST_RULES:
            raise Rejected(f"a list of at most {MOST_RULES} rules", "Write several patterns into one rule.")
        rules = []
        for index, given in enumerate(value):
            try:
                rules.append(read_rule(given))
            except Rejected as error:
                raise Rejected(f"rules of which [{index}] is {error.rule}", error.advice) from None
        return tuple(rules)


def read_rule(given: object) -> SamplingRule:
    """A rule of a mapping, or a SamplingRule that was checked; raises Rejected."""
    if isinstance(given, SamplingRule):
        given = {name: value for name in _KEYS if (value := getattr(given, name)) not in ((), {})}
        if given["always"]:
            given.pop("ratio")
    if not isinstance(given, Mapping):
        raise Rejected("a mapping", 'Write {"names": ["md.trade*"], "ratio": 0.1}.')
    for key in given:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, n=1)
            advice = f"Did you mean '{near[0]}'?" if near else f"Known are {', '.join(_KEYS)}."
            raise Rejected(f"without {key!r}", advice)
    rule = SamplingRule(
        _words(given, "names"),
        _kinds(given),
        _words(given, "attribute_keys"),
        _attributes(given),
        _ratio(given),
        _flag(given, "always"),
        _flag(given, "lowerable"),
    )
    if not any(getattr(rule, name) for name in _CONDITIONS):
        raise Rejected(
            "about some spans", f"Say which: {', '.join(_CONDITIONS)}. For all others there is default_ratio."
        )
    if rule.always and (rule.lowerable or "ratio" in given):
        raise Rejected("kept always or by a ratio", "Leave out always, or ratio and lowerable.")
    if not rule.always and "ratio" not in given:
        raise Rejected("with a ratio or always", "Write ratio: 0.1 or always: true.")
    return rule


def _words(given: Mapping[Any, Any], name: str) -> tuple[str, ...]:
    value = given.get(name, ())
    words = (value,) if isinstance(value, str) else value
    if isinstance(words, Sequence) and all(isinstance(word, str) and word for word in words):
        return tuple(map(str, words))
    raise Rejected(f"with texts as {name}", "Write a list of strings.")


def _kinds(given: Mapping[Any, Any]) -> tuple[str, ...]:
    kinds = tuple(word.lower() for word in _words(given, "kinds"))
    if any(kind not in SPAN_KINDS for kind in kinds):
        raise Rejected(f"with kinds of {', '.join(SPAN_KINDS)}", "Write one of these words.")
    return kinds


def _attributes(given: Mapping[Any, Any]) -> dict[str, Value]:
    value = given.get("attributes", {})
    if isinstance(value, Mapping) and all(
        isinstance(key, str) and key and type(wanted) in (str, bool, int, float) for key, wanted in value.items()
    ):
        return {str(key): wanted for key, wanted in value.items()}
    raise Rejected("with texts, flags or numbers as attributes", 'Write {"venue": "binance"}.')


def _ratio(given: Mapping[Any, Any]) -> float:
    try:
        return float(Number(0, 1).from_value(given.get("ratio", 1.0)))
    except Rejected as error:
        raise Rejected(f"with {error.rule} as ratio", error.advice) from None


def _flag(given: Mapping[Any, Any], name: str) -> bool:
    value = given.get(name, False)
    if isinstance(value, bool):
        return value
    raise Rejected(f"with true or false as {name}", "Write true or false.")
