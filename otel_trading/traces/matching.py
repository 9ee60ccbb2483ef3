"""Which spans a rule of the sampler is about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import translate
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from otel_trading.ground import values

_CACHE_LIMIT = 4096


class NamePatterns:
    """Patterns of span names, as of a shell. Remembers 4,096 names. No pattern: any name."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._pattern = re.compile("|".join(translate(name) for name in patterns) or r"(?s:.*)\Z")
        self._known: dict[str, bool] = {}

    def match(self, name: str) -> bool:
        """True if one of them matches."""
        matches = self._known.get(name)
        if matches is None:
            matches = self._pattern.fullmatch(name) is not None
            if len(self._known) < _CACHE_LIMIT:
                self._known[name] = matches
        return matches


class NameOrKeys:
    """A predicate over span name patterns and beginnings of attribute keys, one of which must match."""

    def __init__(self, names: Sequence[str], keys: Sequence[str] = ()) -> None:
        self._text = " | ".join((*names, *(f"{key}*" for key in keys)))
        self._names = NamePatterns(names) if names else None
        self._keys = tuple(keys)

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        """True if the name or a key matches; the other arguments are the protocol's."""
        if self._names is not None and self._names.match(name):
            return True
        return bool(self._keys and attributes) and any(key.startswith(self._keys) for key in attributes or ())

    def __str__(self) -> str:
        return self._text


class Matching:
    """A predicate over spans, for the SDK's rule-based sampler. All of it must hold; () and {} hold for any span."""

    def __init__(
        self,
        names: Sequence[str] = (),
        kinds: Sequence[SpanKind] = (),
        keys: Sequence[str] = (),
        equals: Mapping[str, Any] | None = None,
    ) -> None:
        """Says of which spans.

        Args:
            names: patterns, one of which must match.
            kinds: one of which it must be.
            keys: beginnings of attribute keys, one of which one attribute must have.
            equals: attributes that it must have. Numbers are compared as numbers; True is not 1. What is no text, flag
                or number is compared as it would be recorded.
        """
        self.kinds = frozenset(kinds)
        self.keys = tuple(keys)
        self.equals = dict(equals or {})
        self._names = NamePatterns(names)
        said = [*names, *(kind.name.lower() for kind in kinds), *(f"{key}*" for key in keys)]
        self._text = " | ".join(said + [f"{key}={value}" for key, value in self.equals.items()]) or "*"

    def match_name(self, name: str) -> bool:
        """True if what is said of names holds."""
        return self._names.match(name)

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        """True if all holds; parent, links and state are the protocol's."""
        if not self._names.match(name) or (self.kinds and (span_kind or SpanKind.INTERNAL) not in self.kinds):
            return False
        if self.keys and not any(key.startswith(self.keys) for key in attributes or ()):
            return False
        return all(
            key in (attributes or ()) and _same((attributes or {})[key], self.equals[key]) for key in self.equals
        )

    def __str__(self) -> str:
        return self._text


def _same(value: Any, wanted: Any) -> bool:
    if type(value) not in (str, bool, int, float):
        value = values.attribute(value)
    if type(value) in (int, float):
        return type(wanted) in (int, float) and bool(value == wanted)
    return type(value) is type(wanted) and bool(value == wanted)
