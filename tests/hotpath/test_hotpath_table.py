"""From attributes to their cell."""

from __future__ import annotations

import enum
import math
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hotpath.hotpath_cells import cell, load, refused
from hypothesis import given, settings
from hypothesis import strategies as st


class Factory:
    """Makes a counter for each set of attributes, as a metrics layer would; keeps what it was asked."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.asked: list[Any] = []

    def __call__(self, attributes: Any) -> Any:
        self.asked.append(attributes)
        return cell(self.engine, "counter")


@pytest.fixture
def factory(engine: Any) -> Factory:
    """Of the engine under test."""
    return Factory(engine)


@pytest.fixture
def table(engine: Any, factory: Factory) -> Any:
    """Remembers five sets."""
    return engine.Table(factory, 5, "orders")


def test_record_goes_to_the_cell_of_its_attributes(table: Any, factory: Factory) -> None:
    """Prebuilt, literal, none and empty."""
    prebuilt = {"venue": "binance", "side": "buy"}
    for amount in (1, 2, 3):
        table.add(amount, prebuilt)
        table.add(amount, {"venue": "binance", "side": "sell"})
        table.add(amount)
        table.record(amount, {})
        table.set(amount, None)
    assert 6 == table.find(prebuilt).snapshot()[1]
    assert 6 == table.find({"side": "sell", "venue": "binance"}).snapshot()[1]
    assert 18 == table.find(None).snapshot()[1]
    assert [prebuilt, {"venue": "binance", "side": "sell"}, {}] == factory.asked
    assert 2 == len(table)


def test_order_means_nothing(table: Any, factory: Factory) -> None:
    """Three attributes in six orders are one set."""
    a, b, c = ("a", 1), ("b", 2), ("c", 3)
    found = {
        id(table.find(dict(order))) for order in ((a, b, c), (a, c, b), (b, a, c), (b, c, a), (c, a, b), (c, b, a))
    }
    assert 1 == len(found) == len(factory.asked)


def test_equal_values_of_other_types_are_others(table: Any) -> None:
    """True, 1 and 1.0; also inside of tuples; 0.0 and -0.0."""
    values = [True, 1, 1.0, "1", (1,), (True,), (1.0,), ((1,),), 0.0, -0.0, False, 0]
    large = type(table)(Factory(load("python") if "twin" in type(table).__module__ else load("native")), 100)
    assert len(values) == len({id(large.find({"k": value})) for value in values})
    assert len(values) == len(large)


def test_equal_texts_and_numbers_need_not_be_identical(table: Any, factory: Factory) -> None:
    """Built at run time, as venues and prices are."""
    for _ in range(3):
        table.add(1, {"".join(["ven", "ue"]): "".join(["bin", "ance"]), "size": int("123456"), "px": float("1.25")})
        table.add(1, {"px": float("1.25"), "size": int("123456"), "venue": "binance", "nan": math.nan}.copy())
    assert 2 == len(factory.asked)


def test_dict_that_changed_is_another_set(table: Any) -> None:
    """The very object, known by identity, with a value replaced, a key replaced, one more and one less."""
    attributes: dict[str, Any] = {"venue": "a", "side": "b"}
    first = table.find(attributes)
    assert first is table.find(attributes)
    attributes["side"] = "c"
    assert first is not table.find(attributes)
    attributes["side"] = "b"
    assert first is table.find(attributes)
    attributes["more"] = 1
    assert first is not table.find(attributes)
    del attributes["more"]
    assert first is table.find(attributes)
    attributes.clear()
    assert table.find(None) is table.find(attributes)


class Side(enum.StrEnum):
    """As applications have it."""

    BUY = "buy"
    SELL = "sell"


def test_members_of_enumerations_are_known_by_identity(table: Any, factory: Factory) -> None:
    """They are texts, and no other text."""
    found = [table.find({"side": side}) for side in (Side.BUY, Side.SELL, "buy", Side.BUY)]
    assert found[0] is found[3]
    assert 3 == len(factory.asked) == len({id(one) for one in found})


class Rude:
    """Runs Python when hashed or compared."""

    def __hash__(self) -> int:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError


@pytest.mark.parametrize(
    "attributes",
    [
        {"k": [1, 2]},
        {"k": None},
        {"k": Rude()},
        {"k": {}},
        {"k": b"x"},
        {"k": 2**64},
        {"k": "x" * 1025},
        {"k" * 1025: 1},
        {"k": (1, [2])},
        {"k": (((1,),),)},
        {1: 2},
        {f"k{n}": n for n in range(33)},
        MappingProxyType({"a": 1}),
    ],
)
def test_odd_attributes_go_to_the_factory_each_time(table: Any, factory: Factory, attributes: Any) -> None:
    """It decides; nothing is remembered, and nothing of theirs is run."""
    for _ in range(3):
        table.add(1, attributes)
    assert 3 == len(factory.asked)
    assert 0 == len(table)
    assert list(attributes) == list(factory.asked[0])
    assert type(attributes) is not dict or factory.asked[0] is not attributes


def test_limit_bounds_what_is_remembered(table: Any, factory: Factory) -> None:
    """The others are asked for each time; the remembered ones stay."""
    for _ in range(2):
        for n in range(8):
            table.add(1, {"n": n})
    assert 5 == len(table)
    assert 8 + 3 == len(factory.asked)


def test_forget_asks_anew(table: Any, factory: Factory) -> None:
    """For a new init; records go on."""
    attributes = {"a": 1}
    first, plain = table.find(attributes), table.find(None)
    table.forget()
    assert 0 == len(table)
    assert first is not table.find(attributes)
    assert plain is not table.find(None)
    assert 4 == len(factory.asked)


@pytest.mark.parametrize("answer", [None, 5, "raise"])
def test_refused_attributes_are_counted(engine: Any, answer: Any) -> None:
    """The factory wants none, answers nonsense, or fails; each record counts, and the next may be taken."""
    told: list[Any] = []
    engine.set_refusal_hook(lambda *what: told.append(what))

    def factory(attributes: Any) -> Any:
        if answer == "raise":
            raise RuntimeError
        return answer

    table = engine.Table(factory, name="orders")
    table.add(1, {"a": 1})
    table.add(1, {"a": 1})
    table.record(1)
    assert table.find({"a": [1]}) is None
    assert {"no_series": 4} == refused(engine)
    assert [("no_series", "orders", {"a": 1})] == told
    assert 0 == len(table)


def test_wrong_calls_are_counted(engine: Any, table: Any) -> None:
    """No call raises."""
    table.record()
    table.record(1, {}, None, 4)
    table.record(1, amount=2)
    table.record(1, {}, attributes={})
    table.add(1, labels={})
    table.add(1, {}, None, context=None)
    assert {"invalid_arguments": 6} == refused(engine)
    table.record("x", {"a": 1})
    table.add(-1, {"a": 1})
    assert {"invalid_arguments": 6, "not_a_number": 1, "negative": 1} == refused(engine)


def test_arguments_by_name(table: Any) -> None:
    """As OpenTelemetry's instruments name them."""
    table.add(amount=2, attributes={"a": 1})
    table.add(3, attributes={"a": 1}, context=None)
    table.add(4, {"a": 1}, None)
    table.add(attributes={"a": 1})
    table.record(context=None, attributes={"a": 1}, amount=5)
    table.add()
    assert 15 == table.find({"a": 1}).snapshot()[1]
    assert 1 == table.find(None).snapshot()[1]


def test_attributes_of_any_type_never_raise(engine: Any) -> None:
    """Not even with a factory that takes what it is given for a mapping."""
    table = engine.Table(lambda attributes: dict(attributes) and None)
    for wrong in (5, "text", b"x", [1], {1}, object(), float, Rude()):
        table.record(1, wrong)
    assert {"no_series": 8} == refused(engine)


def test_factory_may_do_anything(engine: Any) -> None:
    """Record into the table, forget it, change what it was given, and change the caller's dict."""
    attributes: dict[str, Any] = {"a": 1}
    made = cell(engine, "counter")
    table: Any

    def factory(given: Any) -> Any:
        if len(attributes) < 3:
            attributes[f"more{len(attributes)}"] = 1
            table.add(1, dict(attributes))
            table.forget()
        given["changed"] = True
        return made

    table = engine.Table(factory)
    table.add(1, attributes)
    assert 3 == made.snapshot()[1]
    assert 1 == len(table)
    assert table.find({"a": 1}) is made


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((5,), TypeError, "factory of a table must be callable"),
        ((print, -1), ValueError, "limit must be 0 to 1000000; was -1"),
        ((print, 1_000_001), ValueError, "limit must be 0 to 1000000; was 1000001"),
        ((print, 1, 5), TypeError, "str"),
        ((), TypeError, "factory"),
    ],
)
def test_impossible_tables_are_rejected(
    engine: Any, arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    """At start-up."""
    with pytest.raises(error, match=message):
        engine.Table(*arguments)


def test_dict_that_changes_while_it_is_read_does_no_harm(engine: Any) -> None:
    """One thread swaps both values of a shared dict: no remembered set is one that the factory did not see so."""
    seen: dict[int, Any] = {}

    def factory(given: Mapping[str, Any]) -> Any:
        made = cell(engine, "counter")
        seen[id(made)] = (made, dict(given))
        return made

    table = engine.Table(factory, 100_000)
    shared = {"a": 0, "b": 0}
    done = threading.Event()

    def change() -> None:
        n = 0
        while not done.is_set():
            n += 1
            shared["a"] = n % 500
            shared["b"] = n % 500
            shared["c"] = n
            shared.pop("c")

    changing = threading.Thread(target=change)
    changing.start()
    for _ in range(20_000):
        table.add(1, shared)
    done.set()
    changing.join()
    for made, attributes in seen.values():
        assert table.find(attributes) is made or seen[id(table.find(attributes))][1] == attributes
    assert 20_000 == sum(made.snapshot()[1] for made, _ in seen.values())


VALUE = st.integers(-3, 3) | st.booleans() | st.sampled_from([0.0, -0.0, 1.0, 2.5]) | st.text("ab", max_size=2)
ATTRIBUTES = st.dictionaries(st.text("xyz", max_size=2), VALUE | st.tuples(VALUE, VALUE), max_size=4)


@settings(max_examples=100, deadline=None)
@given(sets=st.lists(ATTRIBUTES, max_size=40), limit=st.integers(0, 30))
def test_native_table_equals_twin(sets: list[dict[str, Any]], limit: int) -> None:
    """What is asked, remembered and told apart."""
    seen = []
    for name in ("native", "python"):
        engine = load(name)
        factory = Factory(engine)
        table = engine.Table(factory, limit)
        trace = []
        for attributes in sets:
            table.add(1, attributes)
            table.add(1, dict(reversed(attributes.items())))
            trace.append((len(table), repr(factory.asked[-1:]), len(factory.asked)))
        seen.append(trace)
    assert seen[0] == seen[1]
