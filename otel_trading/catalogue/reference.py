"""Writes the reference page of a registry in Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from otel_trading.catalogue.model import Attribute, Event, Metric, Registry, Span, Use
from otel_trading.catalogue.modules import NOTE, deprecation, keyword_list
from otel_trading.catalogue.source_text import sentence


def page(registry: Registry, package: str) -> str:
    """The page.

    Args:
        registry: what is shown.
        package: from which modules of areas are imported, such as `otel_trading.catalogue`.
    """
    lines = [
        f"<!-- {NOTE}; do not edit. -->",
        "# Catalogue",
        "",
        *([sentence(registry.description), ""] if registry.description else []),
        f"Version {registry.version}, `{registry.schema_url}`. Attributes marked with \\* are required; those in "
        "parentheses are recorded only where somebody asks for them. Other values than those listed become `other`.",
    ]
    for area in registry.areas:
        lines += _area([metric for metric in registry.metrics if metric.area == area], area, package)
    lines += _spans(registry.spans) + _events(registry.events) + _attributes(registry.used())
    return "\n".join(lines) + "\n"


def _area(metrics: list[Metric], area: str, package: str) -> list[str]:
    lines = ["", f"## {area}", "", f"`from {package} import {area}`", ""]
    lines += ["| metric, in Python | instrument | unit | attributes | meaning |", "|---|---|---|---|---|"]
    for metric in metrics:
        told = [sentence(metric.brief), deprecation(metric), sentence(metric.note)]
        if metric.boundaries:
            told.append(f"Buckets: {', '.join(f'{bound:g}' for bound in metric.boundaries)}.")
        if metric.initial:
            told.append(f"At 0 from the start: {'; '.join(map(_labels, metric.initial))}.")
        if metric.source:
            told.append(sentence(f"Source: {'; '.join(f'`{one}`' for one in metric.source)}"))
        named = f"`{metric.name}`<br>`{area}.{metric.python}`"
        attributes = "<br>".join(
            f"{_marked(use)}: `{word}`{_listed(use)}"
            for use, word in zip(metric.uses, keyword_list(metric), strict=True)
        )
        lines.append(_row(named, metric.instrument, f"`{metric.unit}`", attributes, " ".join(filter(None, told))))
    return lines


def _labels(labels: object) -> str:
    return (
        " ".join(f"`{key}={value}`" for key, value in labels.items()) if isinstance(labels, dict) and labels else "all"
    )


def _listed(use: Use) -> str:
    return f", one of {', '.join(f'`{value}`' for value in use.allow)}" if use.allow is not None else ""


def _marked(use: Use) -> str:
    key = f"`{use.attribute.key}`"
    return f"{key}\\*" if use.required else f"({key})" if use.level == "opt_in" else key


def _spans(spans: Iterable[Span]) -> list[str]:
    rows = [
        _row(f"`{span.name}`", span.span_name, span.kind, _uses(span.uses), f"{sentence(span.brief)} {span.note}")
        for span in spans
    ]
    head = ["", "## Spans", "", "| type | name | kind | attributes | meaning |", "|---|---|---|---|---|"]
    return [*head, *rows] if rows else []


def _events(events: Iterable[Event]) -> list[str]:
    rows = [_row(f"`{one.name}`", _uses(one.uses), f"{sentence(one.brief)} {one.note}") for one in events]
    return ["", "## Events", "", "| event | attributes | meaning |", "|---|---|---|", *rows] if rows else []


def _uses(uses: Iterable[Use]) -> str:
    return "<br>".join(map(_marked, uses))


def _attributes(attributes: Iterable[Attribute]) -> list[str]:
    rows = []
    for attribute in attributes:
        values = ", ".join(f"`{member.value}`" for member in attribute.members)
        examples = ", ".join(f"`{example}`" for example in attribute.examples)
        told = f"{sentence(attribute.brief)} {attribute.note}"
        shown = values + (" and others" if attribute.open else "") or (examples and f"such as {examples}")
        rows.append(_row(f"`{attribute.key}`", attribute.type, shown, told))
    return ["", "## Attributes", "", "| key | type | values | meaning |", "|---|---|---|---|", *rows] if rows else []


def _row(*cells: str) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    """Text that cannot end its cell or begin a tag; line breaks between attributes stay."""
    safe = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return safe.replace("&lt;br>", "<br>")
