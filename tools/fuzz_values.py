"""What an application may hand to a public call by mistake, or in anger."""

from __future__ import annotations

import datetime
import decimal
import enum
import random
from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)


class Side(enum.Enum):
    """No number and no text."""

    BUY = 1


class Raising:
    """Raises whatever it is asked."""

    def _raise(self, *_: object) -> Any:
        raise RuntimeError("asked")

    __str__ = __repr__ = __len__ = __bool__ = __float__ = __int__ = __index__ = __eq__ = __lt__ = __getitem__ = _raise
    __iter__ = __call__ = __hash__ = _raise


class RaisingMapping(Mapping[str, Any]):
    """A mapping that fails while it is read."""

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        yield "a"
        raise RuntimeError("read")

    def __len__(self) -> int:
        return 2


class Text(str):
    """A text of one's own."""

    __slots__ = ()


def _cycle() -> list[Any]:
    made: list[Any] = [1]
    made.append(made)
    return made


ODD: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2**31,
    2**63,
    -(2**63),
    2**64,
    2**130,
    0.0,
    -0.0,
    1.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "order.submit",
    "md.trade binance",
    "\x00",
    "\ud800",
    "é" * 50,
    "x" * 70_000,
    Text("own"),
    b"bytes",
    b"\xff" * 300,
    [],
    [1, 2],
    ["a", 1],
    [None],
    (),
    (1.5, 2.5),
    _cycle(),
    {},
    {"a": 1},
    {"a": {"b": [1, {"c": 2}]}},
    {1: 2},
    {None: "x"},
    {"": ""},
    {f"k{n}": n for n in range(200)},
    set(),
    frozenset({1}),
    object(),
    Raising(),
    RaisingMapping(),
    Side.BUY,
    decimal.Decimal("1.10"),
    datetime.datetime(2026, 1, 1),
    range(3),
    lambda: 1,
    ValueError("x"),
    KeyError(Raising()),
    int,
    SpanKind.CLIENT,
    SpanKind.PRODUCER,
    StatusCode.ERROR,
    StatusCode.OK,
    Status(StatusCode.ERROR, "because"),
    Context(),
    Context({"a": 1}),
    TraceState([("a", "b")]),
    TraceFlags(1),
    SpanContext(1, 2, True),
    SpanContext(0, 0, False),
    SpanContext(2**128 - 1, 2**64 - 1, True, TraceFlags(1)),
    Link(SpanContext(1, 2, True)),
    [Link(SpanContext(1, 2, True), {"a": Raising()})],
    [None, 5],
    NonRecordingSpan(SpanContext(1, 2, True)),
    trace.set_span_in_context(NonRecordingSpan(SpanContext(5, 6, True, TraceFlags(1), TraceState([("ot", "th:8")])))),
]


def odd(draw: random.Random) -> Any:
    """Any of them."""
    return draw.choice(ODD)


def name(draw: random.Random) -> Any:
    """Nearly always a sensible one."""
    return (
        draw.choice(("order.submit", "md.trade", "risk.check", "quote", "book.update"))
        if draw.random() < 0.8
        else odd(draw)
    )


def attributes(draw: random.Random) -> Any:
    """Half of them as they should be."""
    if draw.random() < 0.5:
        return {f"k{draw.randrange(6)}": odd(draw) for _ in range(draw.randrange(4))}
    return odd(draw)
