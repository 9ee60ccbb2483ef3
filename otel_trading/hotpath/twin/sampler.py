"""Whether a span is kept: rules that keep always, the parent's threshold, ratios by randomness under a cap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from otel_trading.hotpath.sampler_engine import (
    HIGH,
    IN_STATE,
    LOW,
    MOST_RULES,
    NEVER,
    NONE_TOLD,
    NORMAL,
    Decision,
    Parent,
    Rule,
)
from otel_trading.hotpath.twin.sampler_cap import Cap
from otel_trading.hotpath.twin.sampler_rules import Unsure, checked, matches

_MOST_NAMES, _MOST_STATES, _MOST_TEXT = 4096, 256, 1024
_UNSAMPLED = -2


class Sampler:
    """Takes the decisions of `otel_trading.traces.sampler`."""

    __slots__ = (
        "_always",
        "_cap",
        "_classify",
        "_low",
        "_names",
        "_read",
        "_readings",
        "_rules",
        "_states",
        "_tell",
        "_thresholds",
        "always",
    )

    def __init__(
        self,
        classify: Callable[[str], int],
        tell: Callable[[str | None, int, bool], str | None],
        read: Callable[[str], tuple[int, int]],
        rules: Sequence[Rule],
        per_second: float = 0.0,
    ) -> None:
        if not (callable(classify) and callable(tell) and callable(read)):
            raise TypeError("classify, tell and read of a sampler must be callable")
        taken = tuple(map(checked, rules))
        if len(taken) > MOST_RULES:
            raise ValueError(f"there must be at most {MOST_RULES} rules; were {len(taken)}")
        self._classify, self._tell, self._read = classify, tell, read
        self._rules = taken
        self._always = sum(1 << i for i, rule in enumerate(taken) if rule.always)
        self._low = sum(1 << i for i, rule in enumerate(taken) if rule.low)
        self._thresholds = tuple(rule.threshold for rule in taken)
        self._cap = Cap(per_second)
        self._names: dict[str, int] = {}
        self.always: dict[str, Decision] = {}
        """What is decided of roots whose name alone says that they are kept."""
        self._states: dict[tuple[str | None, int], str | None] = {}
        self._readings: dict[str, tuple[int, int]] = {}

    @property
    def known(self) -> int:
        """How many names are remembered."""
        return len(self._names)

    def decide(
        self, name: str, kind: int, attributes: object, randomness: int, parent: Parent | None = None, /
    ) -> Decision | None:
        """Whether a span is kept; None if that has to be decided in Python."""
        if parent is not None and not (isinstance(parent, tuple) and len(parent) == 3):
            raise TypeError("a parent must be (sampled, threshold, state)")
        if type(name) is not str:
            return None
        try:
            return self._decide(name, kind, attributes, randomness, parent)
        except Exception:  # Unsure, or what a callable raised
            return None

    def _decide(self, name: str, kind: int, attributes: Any, randomness: int, parent: Parent | None) -> Decision:
        rules = self._names.get(name)
        if rules is None:
            rules = self._ask(name)
        state = (parent[2] or None) if parent is not None else None
        if self._first(rules & self._always, kind, attributes) is not None:
            return True, HIGH, 0, self._told(state, 0)
        urgency = LOW if rules & self._low else NORMAL
        if parent is not None:
            threshold, randomness = self._of_parent(parent, randomness)
        else:
            threshold = self._of_root(rules, kind, attributes)
        if threshold > randomness:
            threshold = _UNSAMPLED
        told = threshold if threshold >= 0 else NONE_TOLD
        return threshold != _UNSAMPLED, urgency, told, self._told(state, threshold)

    def _ask(self, name: str) -> int:
        rules = self._classify(name)
        if not 0 <= rules < 1 << 64:
            raise Unsure
        if len(self._names) < _MOST_NAMES and len(name) <= _MOST_TEXT:
            self._names[name] = rules
            if any(rules >> i & 1 and not (rule.kinds or rule.keys or rule.equals) for i, rule in self._keeping()):
                self.always[name] = True, HIGH, 0, self._told(None, 0)
        return rules

    def _keeping(self) -> list[tuple[int, Rule]]:
        return [(i, rule) for i, rule in enumerate(self._rules) if rule.always]

    def _first(self, rules: int, kind: int, attributes: Any) -> int | None:
        while rules:
            bit = rules & -rules
            i = bit.bit_length() - 1
            if matches(self._rules[i], kind, attributes):
                return i
            rules ^= bit
        return None

    def _of_parent(self, parent: Parent, randomness: int) -> tuple[int, int]:
        sampled, threshold, state = parent
        if threshold == IN_STATE:
            threshold, random = self._reading(state) if state is not None else (NONE_TOLD, -1)
            randomness = random if random >= 0 else randomness
        if threshold < 0:
            threshold = NONE_TOLD if sampled else _UNSAMPLED
        return threshold, randomness

    def _of_root(self, rules: int, kind: int, attributes: Any) -> int:
        i = self._first(rules & ~self._always, kind, attributes)
        threshold = NEVER if i is None else self._thresholds[i]
        return _UNSAMPLED if threshold >= NEVER else self._cap.threshold(threshold)

    def _told(self, before: str | None, threshold: int) -> str | None:
        if before is None and threshold < 0:
            return None
        key = before, threshold
        known = self._states.get(key, self)
        if known is not self:
            return known  # type: ignore[return-value]
        after = self._tell(before, max(threshold, NONE_TOLD), threshold != _UNSAMPLED)
        if after is not None and type(after) is not str:
            raise Unsure
        if len(before or "") <= _MOST_TEXT and len(after or "") <= _MOST_TEXT:
            if len(self._states) >= _MOST_STATES:
                self._states = {}
            self._states[key] = after
        return after

    def _reading(self, state: str) -> tuple[int, int]:
        known = self._readings.get(state)
        if known is None:
            threshold, random = known = self._read(state)
            if type(threshold) is not int or type(random) is not int:
                raise Unsure
            if len(state) <= _MOST_TEXT:
                if len(self._readings) >= _MOST_STATES:
                    self._readings = {}
                self._readings[state] = known
        return known

    def capped(self, threshold: int, /) -> int:
        """Counts one span that would be kept with this threshold; the one that keeps to the cap."""
        return self._cap.threshold(threshold)

    def set_thresholds(self, thresholds: Sequence[int], /) -> None:
        """Others, one a rule."""
        taken = tuple(thresholds)
        if len(taken) != len(self._rules):
            raise ValueError(f"there must be {len(self._rules)} thresholds; were {len(taken)}")
        for threshold in taken:
            if not 0 <= threshold <= NEVER:
                raise ValueError(f"a threshold must be 0 to 2**56; was {threshold}")
        self._thresholds = taken
