"""What was released stays: each break is told, and what only adds is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.registries import EMPTY_BASE, ROUTER, placed

from otel_trading.catalogue.compatibility import compare
from otel_trading.catalogue.generate import release
from otel_trading.catalogue.reading import read
from otel_trading.catalogue.released import path_for, text

RENAMED = """\
  - name: acme.router.held
    deprecated: {reason: renamed, renamed_to: acme.router.stopped_orders}
"""


def breaks(directory: Path, after: str) -> list[str]:
    """Releases the valid file, then compares another with it."""
    registry = placed(directory)
    release(read(registry, EMPTY_BASE), registry)
    found, said = compare(read(placed(directory, after), EMPTY_BASE), registry)
    assert said == "Compared with release 1.2.0."
    return [str(one) for one in found]


def test_before_the_first_release_nothing_can_break(tmp_path: Path) -> None:
    """The list is empty, and that is said."""
    registry = placed(tmp_path)
    for content in (None, text(None)):
        if content:
            path_for(registry).write_text(content)
        assert ([], "Nothing was released yet, so nothing can break.") == compare(read(registry, EMPTY_BASE), registry)


def test_what_did_not_change_does_not_break(tmp_path: Path) -> None:
    """Nor do other words, a note, or another place in the file."""
    assert [] == breaks(tmp_path, ROUTER)
    assert [] == breaks(tmp_path, ROUTER.replace("Orders that were held.", "Held orders."))


ADDED = {
    "a metric": (
        "  - name: acme.router.open\n",
        "  - {name: acme.router.more, instrument: counter, unit: '1', stability: development, brief: More.}\n"
        "  - name: acme.router.open\n",
    ),
    "an optional attribute": (
        "      - ref: acme.router.hop\n",
        "      - ref: acme.router.hop\n      - ref: acme.venue\n",
    ),
    "a value": (
        "        - {id: closed,",
        "        - {id: late, value: late, brief: Too late.}\n        - {id: closed,",
    ),
    "less that is required": ("        requirement_level: required\n", "        requirement_level: recommended\n"),
    "a deprecation": (
        "  - name: acme.router.open\n",
        "  - name: acme.router.open\n    deprecated: {reason: obsoleted, note: Nobody asks.}\n",
    ),
}


@pytest.mark.parametrize("what", ADDED)
def test_adding_is_no_break(what: str, tmp_path: Path) -> None:
    """Who reads telemetry loses nothing."""
    before, after = ADDED[what]
    assert before in ROUTER
    assert [] == breaks(tmp_path, ROUTER.replace(before, after, 1))


BROKEN = {
    "a metric renamed": (
        ("name: acme.router.open", "name: acme.router.opened"),
        "must still be there; was removed: 'acme.router.open'. Was it renamed to 'acme.router.opened'? Keep the entry, "
        "with deprecated: {reason: renamed, renamed_to: the.new.name}.",
    ),
    "an instrument changed": (
        ("instrument: updowncounter", "instrument: gauge"),
        "metrics[2].instrument: must stay 'updowncounter'; was 'gauge'.",
    ),
    "a unit changed": (("unit: s\n", "unit: ms\n"), "metrics[1].unit: must stay 's'; was 'ms'."),
    "an attribute taken off a metric": (
        ("      - ref: acme.router.hop\n        requirement_level: opt_in\n", "      - ref: acme.venue\n"),
        "metrics[1].attributes: must still have acme.router.hop; was without it.",
    ),
    "an attribute made required": (
        ("requirement_level: opt_in", "requirement_level: required"),
        "metrics[1].attributes[0].ref: must not become required; was 'acme.router.hop'. It was opt in: callers leave "
        "it out. Make it recommended.",
    ),
    "a value taken away": (
        ("        - {id: closed, value: closed, brief: The venue is closed.}\n", ""),
        "attributes[0].type.members: must still have closed; was without it.",
    ),
    "an attribute renamed": (
        ("acme.router.hop", "acme.router.leg"),
        "must still be there; was removed: 'acme.router.hop'.",
    ),
    "a type changed": (("type: int\n", "type: double\n"), "attributes[1].type: must stay 'int'; was 'double'."),
    "a span's kind changed": (("kind: internal", "kind: client"), "spans[0].kind: must stay 'internal'; was 'client'."),
    "an event removed": (("acme.router.stopped", "acme.router.halted"), "removed: 'acme.router.stopped'."),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_break_is_told(what: str, tmp_path: Path) -> None:
    """With the place where it is now, or that in the list where it is gone."""
    (before, after), message = BROKEN[what]
    assert before in ROUTER
    found = breaks(tmp_path, ROUTER.replace(before, after))
    assert [one for one in found if message in one], found
    assert all(one.startswith(("registry/router.yaml:", "registry.released.yaml:")) for one in found)


def test_a_rename_with_a_deprecation_is_no_break(tmp_path: Path) -> None:
    """The old metric stays beside the new one and says its name; so does an attribute of a metric."""
    metric = ROUTER.split("metrics:\n")[1].split("  - name: acme.router.wait")[0]
    new = metric.replace("acme.router.held", "acme.router.stopped_orders")
    old = metric.replace("  - name: acme.router.held\n", RENAMED)
    assert [] == breaks(tmp_path, ROUTER.replace(metric, old + new))
    attribute = "  - {key: acme.leg, type: int, stability: development, brief: Which leg.}\n"
    after = ROUTER.replace("      - ref: acme.router.hop\n", "      - ref: acme.leg\n").replace(
        "metrics:\n", f"{attribute}metrics:\n"
    )
    hop = "    brief: Which hop.\n"
    assert [] == breaks(
        tmp_path, after.replace(hop, f"{hop}    deprecated: {{reason: renamed, renamed_to: acme.leg}}\n")
    )
    assert ["still have acme.router.hop"] == [one.split("must ")[1].split(";")[0] for one in breaks(tmp_path, after)]


def test_a_list_that_is_damaged_is_a_mistake(tmp_path: Path) -> None:
    """And not a reason to compare with nothing."""
    registry = placed(tmp_path)
    for content, words in (("[1]", "must be a mapping"), ("version: '1'\nmetric: []\n", "metric: must be a known key")):
        path_for(registry).write_text(content)
        found, _ = compare(read(registry, EMPTY_BASE), registry)
        assert words in str(found[0])
