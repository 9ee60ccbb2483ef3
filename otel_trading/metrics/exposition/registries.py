"""Families of existing prometheus_client registries, written beside ours in whatever format the page has."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from otel_trading.ground import diagnostics
from otel_trading.hotpath.twin.render_number import render_number, seconds
from otel_trading.metrics.exposition.escaping import Scheme, escape, opening, quoted
from otel_trading.metrics.exposition.negotiation import Format
from otel_trading.metrics.exposition.registries_protobuf import message
from otel_trading.metrics.exposition.turns import Turns

_OPEN_ONLY = ("_created", "_gsum", "_gcount")


class Registry(Protocol):
    """As much of prometheus_client.CollectorRegistry as is used."""

    def collect(self) -> Iterable[Any]:
        """Families."""


class Names(Protocol):
    """What is on the page already."""

    def taken(self, names: Iterable[str], open_names: Iterable[str]) -> bool:
        """Whether one of the names is."""


def written(registries: Iterable[Registry], format: Format, names: Names) -> Iterator[bytes]:
    """Each family as bytes. One whose name is on the page already is left out; one that fails is, and that is said."""
    turns, seen = Turns(), set[str]()
    for registry in registries:
        try:
            families = list(registry.collect())
        except Exception as error:
            diagnostics.trouble("endpoint.registry_failed", "a prometheus_client registry failed: %r", error)
            continue
        for family in families:
            samples = {sample.name for sample in family.samples} | {family.name}
            if samples & seen or names.taken(samples, samples):
                diagnostics.trouble(
                    f"endpoint.names.{family.name}",
                    "%s of a prometheus_client registry is left out: that name is on the page already",
                    family.name,
                )
                continue
            seen |= samples
            turns.step()
            yield message(family, format.escaping) if format.kind == "protobuf" else _lines(family, format)


def _lines(family: Any, format: Format) -> bytes:
    if format.kind == "openmetrics":
        head = _open_head(family, format.escaping)
        return "".join([head, *(_sample(sample, format.escaping, True) for sample in family.samples)]).encode()
    scheme = format.escaping
    name, type = _text_name(family)
    found = [_text_head(escape(name, scheme), type, family.documentation)]
    later: dict[str, list[str]] = {}
    for sample in family.samples:
        suffix = next((suffix for suffix in _OPEN_ONLY if sample.name == family.name + suffix), None)
        (found if suffix is None else later.setdefault(suffix, [])).append(_sample(sample, scheme, False))
    for suffix, lines in sorted(later.items()):
        if suffix != "_created":
            found += [_text_head(escape(family.name + suffix, scheme), "gauge", family.documentation), *lines]
    return "".join(found).encode()


def _text_name(family: Any) -> tuple[str, str]:
    name: str = family.name
    if family.type == "counter":
        return f"{name}_total", "counter"
    if family.type == "info":
        return f"{name}_info", "gauge"
    return name, {"stateset": "gauge", "gaugehistogram": "histogram", "unknown": "untyped"}.get(
        family.type, family.type
    )


def _text_head(name: str, type: str, told: str) -> str:
    shown = told.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {quoted(name)} {shown}\n# TYPE {quoted(name)} {type}\n"


def _open_head(family: Any, scheme: Scheme) -> str:
    name = quoted(escape(family.name, scheme))
    told = family.documentation.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    unit = f"# UNIT {name} {family.unit}\n" if family.unit and family.name.endswith(f"_{family.unit}") else ""
    return f"# HELP {name} {told}\n# TYPE {name} {family.type}\n{unit}"


def _sample(sample: Any, scheme: Scheme, pointed: bool) -> str:
    start = opening(escape(sample.name, scheme))
    labels = ",".join(_label(escape(name, scheme), value) for name, value in sorted(sample.labels.items()))
    if start.startswith("{"):
        start = f"{start},{labels}}}" if labels else f"{start}}}"
    elif labels:
        start = f"{start}{{{labels}}}"
    exemplar = _exemplar(sample.exemplar) if pointed and getattr(sample, "exemplar", None) else ""
    return f"{start} {render_number(float(sample.value), pointed)}{exemplar}\n"


def _label(name: str, value: str) -> str:
    shown = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return f'{quoted(name)}="{shown}"'


def _exemplar(exemplar: Any) -> str:
    labels = ",".join(_label(name, value) for name, value in sorted(exemplar.labels.items()))
    at = exemplar.timestamp
    shown = "" if at is None or not math.isfinite(at) else f" {seconds(int(float(at) * 1e9))}"
    return f" # {{{labels}}} {render_number(float(exemplar.value), True)}{shown}"
