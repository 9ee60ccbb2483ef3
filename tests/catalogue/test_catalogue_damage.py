"""Whatever is done to a registry file: it is read, or its mistakes are told; and what is read makes modules that run."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.registries import EMPTY_BASE, ROUTER, placed

from otel_trading.catalogue.mistakes import RegistryError
from otel_trading.catalogue.modules import module
from otel_trading.catalogue.reading import read
from otel_trading.catalogue.reference import page

SCRAPS = st.sampled_from(
    ["&a ", "*a", "<<: *a", "- ", ": ", "{", "}", "[", "]", "'", '"', "|", ">", "#", "\t", "\n", "!!int ", "!x ", "? ",
     "null", "true", "1e999", "-1", "0x", ".nan", "~", "---\n", "...\n", "%YAML 1.2\n", "\x85", "\u2028", "é", '"\\ud800"']
)  # fmt: skip
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.integers(10**400, 10**400 + 1)
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for all examples."""
    return tmp_path_factory.mktemp("damage")


def survives(place: Path, text: str) -> None:
    """Reads; what can be read gives modules and a page."""
    try:
        registry = read(placed(place, text), EMPTY_BASE)
    except RegistryError as error:
        assert error.mistakes
        assert all(one.place.line >= 1 and one.place.file and one.fix for one in error.mistakes)
        return
    for area in registry.areas:
        ast.parse(module(registry, area, "acme"))
    page(registry, "acme").encode()


@settings(max_examples=150, deadline=None)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(ROUTER)), st.integers(0, 40), SCRAPS | st.text(max_size=5)), min_size=1, max_size=4
    )
)
def test_damaged_text_never_raises_anything_else(place: Path, edits: list[tuple[int, int, str]]) -> None:
    """Pieces are cut out and others put in."""
    text = ROUTER
    for at, length, scrap in edits:
        text = text[:at] + scrap + text[at + length :]
    survives(place, text.encode("utf-8", "replace").decode())


def slots(value: Any) -> list[tuple[Any, Any]]:
    """Every container with a key or position in it."""
    found = []
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in entries:
        found += [(value, key), *slots(item)]
    return found


@settings(max_examples=150, deadline=None)
@given(data=st.data(), wrong=st.lists(VALUES, min_size=1, max_size=3))
def test_wrong_values_never_raise_anything_else(place: Path, data: st.DataObject, wrong: list[Any]) -> None:
    """Any value stands in place of any other; keys are left out or added."""
    document = yaml.safe_load(ROUTER)
    for value in wrong:
        container, key = data.draw(st.sampled_from(slots(document)))
        if isinstance(container, dict) and data.draw(st.booleans()):
            container.pop(key)
            key = data.draw(st.just(key) | st.text(max_size=5))
        container[key] = value
    survives(place, yaml.safe_dump(document, allow_unicode=True))


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(max_size=60), min_size=3, max_size=3))
def test_any_text_may_be_told(place: Path, texts: list[str]) -> None:
    """Quotes, backslashes and brackets in briefs, notes and values: the module still says the same."""
    document = yaml.safe_load(ROUTER)
    metric = document["metrics"][0]
    metric["brief"], metric["note"], document["attributes"][0]["type"]["members"][0]["value"] = texts
    metric["annotations"]["otel_trading"].pop("initial")
    text = yaml.safe_dump(document, allow_unicode=True)
    survives(place, text)
    try:
        registry = read(placed(place, text), EMPTY_BASE)
    except RegistryError:
        return
    tree = ast.parse(module(registry, "router", "acme"))
    constants = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert {" ".join(texts[0].split()), " ".join(texts[2].split())} <= constants


def test_a_circle_of_aliases_and_depth_are_mistakes(place: Path) -> None:
    """Neither ends the program."""
    for text, words in (
        ("file_format: &a [*a]\n", "an alias inside of its own anchor"),
        ("a: " + "[" * 200 + "]" * 200, "at most 50 levels deep"),
        ("a: " + "[" * 20000, "levels deep"),
        ("? [a]\n: b\n", "a key that is no text"),
    ):
        with pytest.raises(RegistryError, match=words):
            read(placed(place, text), EMPTY_BASE)


def test_many_aliases_are_read_in_little_time(place: Path) -> None:
    """A hundred times a hundred times ... the same node is one node."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    with pytest.raises(RegistryError, match="a29: must be a known key"):
        read(placed(place, "\n".join(lines) + "\n"), EMPTY_BASE)
