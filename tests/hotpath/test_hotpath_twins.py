"""Random sequences of operations: the native cells equal the twin's, record by record."""

from __future__ import annotations

import math
from typing import Any

from hotpath.hotpath_cells import load
from hypothesis import given, settings
from hypothesis import strategies as st

VALUES = (
    st.floats()
    | st.integers(-(2**70), 2**70)
    | st.integers(-5, 5000)
    | st.floats(0, 1e4)
    | st.sampled_from([True, "1", None, 2**63 - 1, -(2**63), 2**63, math.inf, 5e-324, 0.0, -0.0])
)
KINDS = st.sampled_from(["closed", "dropped", "counter", "up_down", "gauge", "explicit", "exponential", "forwarded"])
CONFIGURED = st.fixed_dictionaries(
    {"kind": KINDS},
    optional={
        "max_size": st.integers(2, 20),
        "max_scale": st.integers(-10, 20),
        "zero_threshold": st.sampled_from([0.0, 1e-3, 2.0]),
        "negative": st.booleans(),
        "per_ns": st.sampled_from([0.0, 1e-3]),
    },
)
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["record", "add", "set"]), VALUES)
    | st.tuples(st.just("configure"), CONFIGURED)
    | st.tuples(st.just("close"), st.none())
    | st.tuples(st.sampled_from(["add one", "take"]), st.none())
    | st.tuples(st.just("record_since"), st.integers(-5, 2000)),
    max_size=40,
)


def run(engine: Any, first: dict[str, Any], second: dict[str, Any], operations: list[Any]) -> list[Any]:
    """What is seen after each operation; `next` of the first cell is the second."""
    seen: list[Any] = []
    told: list[Any] = []
    engine.forget_refusals()
    engine.set_refusal_hook(lambda reason, name, value: told.append((reason, name, repr(value))))
    engine.set_clock(lambda: 1000, lambda: 77)
    bounds = engine.Bounds((-10, 0, 0.5, 3, 100, 1e6))
    forwarded: list[Any] = []

    def owner(value: Any, context: Any) -> None:
        forwarded.append((repr(value), context))
        if value == 7:
            raise RuntimeError

    cells = [engine.Cell("one"), engine.Cell("two")]
    cells[1].configure(bounds=bounds, owner=owner, **second)
    cells[0].configure(bounds=bounds, owner=owner, next=cells[1], **first)
    for name, argument in operations:
        if name == "configure":
            cells[0].configure(bounds=bounds, owner=owner, next=cells[1], **argument)
        elif name == "close":
            cells[0].close()
        elif name == "add one":
            cells[0].add()
        elif name == "take":
            seen.append([repr(made.take()) for made in cells])
        else:
            getattr(cells[0], name)(argument)
        seen.append([(made.kind, repr(made.snapshot()), made.started_ns) for made in cells])
    seen.append((told, forwarded, engine.refusals()))
    engine.set_refusal_hook(None)
    engine.set_clock(None, None)
    return seen


@settings(max_examples=300, deadline=None)
@given(first=CONFIGURED, second=CONFIGURED, operations=OPERATIONS)
def test_native_equals_twin(first: dict[str, Any], second: dict[str, Any], operations: list[Any]) -> None:
    """Kinds, snapshots with the types in them, start times, refusals and what hooks are told."""
    assert run(load("python"), first, second, operations) == run(load("native"), first, second, operations)
