"""Which metrics of the catalogue the demo and the examples record, by what their programs import and use."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from otel_trading.catalogue.instrument import Instrument

CATALOGUE = "otel_trading.catalogue"


def metrics(folder: Path) -> frozenset[str]:
    """Names of the metrics whose instruments the programs of a folder use."""
    found = set()
    for path in sorted(folder.glob("*.py")):
        found |= set(_of_program(ast.parse(path.read_text(encoding="utf-8"))))
    return frozenset(found)


def _of_program(tree: ast.Module) -> Iterator[str]:
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(CATALOGUE):
            continue
        for one in node.names:
            if node.module == CATALOGUE:
                modules[one.asname or one.name] = f"{CATALOGUE}.{one.name}"
            else:
                yield from _name(str(node.module), one.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield from _name(modules[node.value.id], node.attr)


def _name(module: str, attribute: str) -> Iterator[str]:
    instrument = getattr(import_module(module), attribute, None)
    if isinstance(instrument, Instrument):
        yield instrument.name
