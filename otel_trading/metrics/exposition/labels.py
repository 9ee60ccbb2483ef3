"""Labels of series: attributes, scope and resource under their Prometheus names."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

Named = Callable[[str], str]
"""From an attribute's key to the name of its label."""

_SCOPE = ("otel_scope_name", "otel_scope_version", "otel_scope_schema_url")

Pair = tuple[str, Any]


def value_text(value: Any) -> str:
    """An attribute's value as text, as the specification has it for protocols other than OTLP."""
    if isinstance(value, str):
        text = value
    elif value is True or value is False:
        return "true" if value else "false"
    elif isinstance(value, float):
        text = repr(value) if math.isfinite(value) else "NaN" if math.isnan(value) else _infinity(value)
    elif isinstance(value, bytes):
        text = base64.b64encode(value).decode()
    elif isinstance(value, int):
        text = str(value)
    else:
        text = json.dumps(value, default=_jsonable, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def _infinity(value: float) -> str:
    return "Infinity" if value > 0 else "-Infinity"


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return list(value) if isinstance(value, Sequence) else str(value)


def scope_pairs(scope: InstrumentationScope, named: Named) -> list[Pair]:
    """Name, version, schema, and its attributes, by the keys that they have as labels.

    An attribute that would come to the name of one of the first three is left out.
    """
    texts = (scope.name or "", scope.version or "", scope.schema_url or "")
    taken = {named(key) for key in _SCOPE}
    attributes = [(f"otel_scope_{key}", value) for key, value in (scope.attributes or {}).items()]
    fixed: list[Pair] = list(zip(_SCOPE, texts, strict=True))
    return fixed + [(key, value) for key, value in attributes if named(key) not in taken]


def resource_pairs(resource: Resource, included: Iterable[str], excluded: Iterable[str]) -> list[Pair]:
    """Attributes of the resource that become labels of every series, by patterns of their keys."""

    def wanted(key: str) -> bool:
        return any(fnmatchcase(key, pattern) for pattern in included) and not any(
            fnmatchcase(key, pattern) for pattern in excluded
        )

    return [(key, value) for key, value in resource.attributes.items() if wanted(key)]


def joined(pairs: Iterable[Pair], named: Named) -> dict[str, str]:
    """Labels by name; values whose keys come to the same name are joined by `;`, in the order of the keys."""
    found: dict[str, list[str]] = {}
    for key, value in sorted(pairs, key=_key):
        found.setdefault(named(key), []).append(value_text(value))
    return {name: ";".join(values) for name, values in found.items()}


def _key(pair: Pair) -> str:
    return str(pair[0])


class Labels:
    """Of one stream's series: what is constant, and what each has of its own."""

    def __init__(self, constant: list[Pair], named: Named) -> None:
        """Takes what all series have.

        Args:
            constant: keys and values.
            named: the name of the label of a key.
        """
        self._constant = constant
        self._named = named
        self._shared = joined(constant, named)
        self._known: dict[tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...]] | None] = {}

    def of(self, pairs: Sequence[Pair]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Constant names and values in turn, names of its own, values of those.

        Args:
            pairs: attributes, sorted by key.
        """
        keys = tuple(str(key) for key, _ in pairs)
        if keys not in self._known:
            self._known[keys] = self._plan(keys)
        plan = self._known[keys]
        if plan is not None:
            return plan[0], plan[1], tuple(value_text(value) for _, value in pairs)
        names = {self._named(key) for key in keys}
        # series whose keys meet under one name; rare, so each is worked out by itself
        own = joined(
            [*pairs, *((key, value) for key, value in self._constant if self._named(key) in names)], self._named
        )
        own = {name: own[name] for name in sorted(own)}
        rest = {name: value for name, value in self._shared.items() if name not in own}
        return _flat(rest), tuple(own), tuple(own.values())

    def _plan(self, keys: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        names = tuple(self._named(key) for key in keys)
        if len(set(names)) < len(names) or self._shared.keys() & set(names):
            return None
        return _flat(self._shared), names


def _flat(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(text for pair in labels.items() for text in pair)
