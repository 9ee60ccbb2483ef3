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
from otel_trading.hotpath.twin.sampler_rules import Unsure, checked, is_plain, matches

_MOST_NAMES, _MOST_STATES, _MOST_TEXT = 4096, 256, 1024
_UNSAMPLED = -2

_Plan = tuple[tuple[Rule, ...], int, tuple[int, ...]]
"""Of a name: the rules that keep it always, its urgency, and those that count where a trace begins, by their place."""


class Sampler:
    """Takes the decisions of `otel_trading.traces.sampler`."""

    __slots__ = (
        "_cap",
        "_classify",
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
        self._thresholds = tuple(rule.threshold for rule in taken)
        self._cap = Cap(per_second)
        self._names: dict[str, _Plan] = {}
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
        return self.decided(name, kind, attributes, randomness, parent)

    def decided(self, name: str, kind: int, attributes: Any, randomness: int, parent: Parent | None) -> Decision | None:
        """As `decide`, for what is known to be of the right types."""
        try:
            plan = self._names.get(name)
            always, urgency, roots = self._ask(name) if plan is None else plan
            state = None if parent is None else parent[2] or None
            for rule in always:
                if matches(rule, kind, attributes):
                    return True, HIGH, 0, self._told(state, 0)
            if parent is not None:
                threshold, randomness = self._of_parent(parent, randomness)
            else:
                threshold = self._of_root(roots, kind, attributes)
            if threshold > randomness:
                threshold = _UNSAMPLED
            told = threshold if threshold >= 0 else NONE_TOLD
            return threshold != _UNSAMPLED, urgency, told, self._told(state, threshold)
        except Exception:  # Unsure, or what a callable raised
            return None

    def _ask(self, name: str) -> _Plan:
        rules = self._classify(name)
        if not 0 <= rules < 1 << 64:
            raise Unsure
        found = [i for i in range(len(self._rules)) if rules >> i & 1]
        always = _to_the_first_plain([i for i in found if self._rules[i].always], self._rules)
        roots = _to_the_first_plain([i for i in found if not self._rules[i].always], self._rules)
        urgency = LOW if any(self._rules[i].low for i in found) else NORMAL
        plan = tuple(self._rules[i] for i in always), urgency, roots
        if len(self._names) < _MOST_NAMES and len(name) <= _MOST_TEXT:
            self._names[name] = plan
            if plan[0] and is_plain(plan[0][0]):
                self.always[name] = True, HIGH, 0, self._told(None, 0)
        return plan

    def _of_parent(self, parent: Parent, randomness: int) -> tuple[int, int]:
        sampled, threshold, state = parent
        if threshold == IN_STATE:
            threshold, random = self._reading(state) if state is not None else (NONE_TOLD, -1)
            randomness = random if random >= 0 else randomness
        if threshold < 0:
            threshold = NONE_TOLD if sampled else _UNSAMPLED
        return threshold, randomness

    def _of_root(self, roots: tuple[int, ...], kind: int, attributes: Any) -> int:
        threshold = NEVER
        for i in roots:
            if matches(self._rules[i], kind, attributes):
                threshold = self._thresholds[i]
                break
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


def _to_the_first_plain(places: list[int], rules: tuple[Rule, ...]) -> tuple[int, ...]:
    """Those that can matter, in their order."""
    for number, i in enumerate(places, 1):
        if is_plain(rules[i]):
            return tuple(places[:number])
    return tuple(places)
