"""The sampler of both engines decides as the one in Python does, whose rules are made of the specification's parts."""

from __future__ import annotations

from typing import Any

import pytest
from hotpath.hotpath_cells import Clock, load
from hotpath.hotpath_sampling import HIGHEST, RULES, by_definition, by_engine, given, sampler
from hypothesis import given as tried
from hypothesis import settings
from hypothesis import strategies as st

from otel_trading.ground import clock as ground_clock
from otel_trading.hotpath.sampler_engine import HIGH, LOW, MOST_RULES, NEVER, NORMAL, Rule
from otel_trading.traces.sampler import TradingSampler

NAMES = st.sampled_from(
    ["order.submit x", "md.receive x", "md.trade x", "md.gap x", "hedge.unwind", "config.reload", "never.kept", "tick",
     "work", "", "risk.check \u20ac", "\udcff", "x" * 2000]
)  # fmt: skip
KEYS = st.sampled_from(
    [
        "trading.order.id",
        "trading.instrument.id",
        "risk.result",
        "http.route",
        "venue",
        "live",
        "levels",
        "\u20ac",
        "md.gap",
    ]
)
VALUES = st.one_of(
    st.sampled_from(["binance", "kraken", True, False, 1, 20, 20.0, 20.5, None, "True", float("nan")]),
    st.lists(st.integers(0, 20), max_size=2),
)
ATTRIBUTES = st.one_of(st.none(), st.dictionaries(KEYS, VALUES, max_size=4))
OURS = st.sampled_from(
    ["ot=th:8", "ot=th:0", "ot=th:c;rv:12345678abcdef", "ot=rv:ffffffffffffff", "ot=xx:1;th:4;yy:2", "ot=th:zz", "ot=xx:1",
     "ot=th:fffffffffffffff", "ot=th:;rv:", "ot=" + "a" * 256 + ";th:8", "ot=th:ffffffffffffff", "ot=th:-f", ""]
)  # fmt: skip
STATES = st.builds(
    lambda before, ours, after: ",".join(part for part in (before, ours, after) if part),
    st.sampled_from(["", "vendor=abc", "a=1,b=2", ",".join(f"v{n}=x" for n in range(31))]),
    OURS,
    st.sampled_from(["", "z=9"]),
)
PARENTS = st.one_of(st.none(), st.tuples(st.booleans(), STATES))
RANDOMNESS = st.one_of(st.integers(0, HIGHEST), st.sampled_from([0, HIGHEST, HIGHEST // 2, HIGHEST // 2 + 1]))


@settings(max_examples=600, deadline=None)
@tried(NAMES, st.integers(1, 5), ATTRIBUTES, RANDOMNESS, PARENTS, st.sampled_from([1.0, 0.5, 0.3, 1 / 64]))
def test_engines_decide_as_the_definition_does(
    name: str, kind: int, attributes: Any, randomness: int, parent: Any, scale: float
) -> None:
    """Decision and state, whatever is asked; where an engine will not say, it says None and nothing else."""
    for engine in ("native", "python"):
        made = MADE[engine]
        made.scale(scale)
        wanted = by_definition(made, name, kind, attributes, randomness, parent)
        for _ in range(2):  # the second time out of what is remembered
            answer = by_engine(made.native(load(engine)), name, kind, attributes, randomness, parent)
            own_randomness, own_parent = given(parent, randomness)
            again = made.native(load(engine)).decide(name, kind, attributes, own_randomness, own_parent)
            assert answer == again
            if answer is not None:
                assert (answer[0], answer[3]) == wanted
                assert f"th:{answer[2]:014x}".rstrip("0")[:3] in (answer[3] or "") or answer[2] <= 0
            else:
                assert any(isinstance(value, list) for value in attributes.values())


MADE = {name: sampler() for name in ("native", "python")}


@settings(max_examples=300, deadline=None)
@tried(
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0.01, 1),
    RANDOMNESS,
    st.sampled_from(["md.x", "work", "md.trade"]),
)
def test_ratios_and_scales_give_the_same_threshold(
    ticks: float, rest: float, own: float, scale: float, randomness: int, name: str
) -> None:
    """To the bit: `ot=th:` of native, twin and definition is one text."""
    made = TradingSampler(ticks, rest, rules=[{"names": "md.trade", "ratio": own, "lowerable": True}])
    answers = []
    for step in (1.0, scale, 1.0):
        made.scale(step)
        for engine in ("native", "python"):
            answer = made.native(load(engine)).decide(name, 1, None, randomness)
            assert answer is not None
            answers.append(answer)
            assert (answer[0], answer[3]) == by_definition(made, name, 1, None, randomness, None)
    assert answers[0] == answers[1] == answers[4] == answers[5]


@settings(max_examples=60, deadline=None)
@tried(
    st.lists(
        st.tuples(st.integers(0, 40_000_000), RANDOMNESS, st.sampled_from(["md.x", "work", "order.x"])), max_size=80
    ),
    st.sampled_from([1.0, 10.0, 250.0]),
)
def test_the_cap_moves_the_same_threshold_at_the_same_time(
    steps: list[tuple[int, int, str]], per_second: float
) -> None:
    """Over the same clock: definition, native and twin."""
    now = Clock()
    now.ns = 10**12
    was = ground_clock.monotonic_ns
    engines = [load("native"), load("python")]
    ground_clock.monotonic_ns = now
    for engine in engines:
        engine.set_clock(now, None)
    try:
        alone = sampler(traces_per_second=per_second)
        made = [sampler(traces_per_second=per_second).native(engine) for engine in engines]
        for wait_ns, randomness, name in steps:
            now.ns += wait_ns
            wanted = by_definition(alone, name, 1, None, randomness, None)
            answers = [one.decide(name, 1, None, randomness) for one in made]
            assert answers[0] == answers[1]
            assert answers[0] is not None
            assert (answers[0][0], answers[0][3]) == wanted
    finally:
        ground_clock.monotonic_ns = was
        for engine in engines:
            engine.set_clock(None, None)


def test_there_is_one_cap_for_both_ways(engine: Any) -> None:
    """What the engine counted lowers what Python decides."""
    now = Clock()
    engine.set_clock(now, None)
    made = TradingSampler(1.0, 1.0, traces_per_second=10)
    fast = made.native(engine)
    assert made.native(engine) is fast
    for _ in range(10_000):
        fast.decide("work", 1, None, HIGHEST)
    _, state = by_definition(made, "work", 1, None, HIGHEST, None)
    threshold = int((state or "").removeprefix("ot=th:").ljust(14, "0"), 16)
    assert 1 - threshold / NEVER == pytest.approx(10 / 20_002, rel=0.01)


@pytest.mark.parametrize(
    ("name", "attributes", "urgency"),
    [
        ("order.submit", None, HIGH),
        ("work", {"risk.result": "ok"}, HIGH),
        ("md.receive x", None, LOW),
        ("md.receive x", {"trading.order.id": 1}, HIGH),
        ("work", None, NORMAL),
    ],
)
@pytest.mark.parametrize("parent", [None, (True, -1, None), (False, -1, None)])
def test_urgency_is_that_of_the_kind_of_span(
    engine: Any, name: str, attributes: Any, urgency: int, parent: Any
) -> None:
    """Ticks are the first that a full arena gives up, what is kept always the last, whatever the parent did."""
    assert TradingSampler(1.0, 1.0).native(engine).decide(name, 1, attributes, 0, parent)[1] == urgency


class Odd(dict):  # type: ignore[type-arg]
    """No plain dict."""


class Name(str):
    """No plain text."""


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        (Name("work"), None),
        (b"work", None),
        ("work", Odd(venue="x")),
        ("work", [("a", 1)]),
        ("work", {Name("risk.result"): 1}),
        ("work", {1: 2}),
        ("work", {"venue": Name("binance")}),
    ],
)
def test_what_an_engine_does_not_know_is_decided_in_python(engine: Any, name: Any, attributes: Any) -> None:
    """It says None and raises nothing."""
    assert sampler().native(engine).decide(name, 1, attributes, 0) is None


def test_attributes_that_no_rule_asks_for_may_be_anything(engine: Any) -> None:
    """A name that is kept always needs no look at them."""
    assert sampler().native(engine).decide("order.submit", 1, object(), 0) == (True, HIGH, 0, "ot=th:0")


def broken(*_: Any) -> Any:
    """What an application's own mistake would do."""
    raise RuntimeError("not mine")


RULE = Rule(False, 0, (), (), NEVER // 2, False)


@pytest.mark.parametrize("answer", [broken, lambda _: "x", lambda _: -1, lambda _: 1 << 64])
def test_a_classifier_that_fails_leaves_the_decision_to_python(engine: Any, answer: Any) -> None:
    """No exception comes out, and nothing is remembered."""
    made = engine.Sampler(answer, lambda *_: None, broken, [RULE])
    assert made.decide("work", 1, None, HIGHEST) is None
    assert made.known == 0


@pytest.mark.parametrize("answer", [broken, lambda *_: 3])
def test_a_state_that_cannot_be_made_leaves_the_decision_to_python(engine: Any, answer: Any) -> None:
    """Both the text and what is read from a parent's."""
    made = engine.Sampler(lambda _: 1, answer, answer, [RULE])
    assert made.decide("work", 1, None, HIGHEST) is None
    assert made.decide("work", 1, None, HIGHEST, (True, -2, "a=1")) is None
    assert made.decide("work", 1, None, 0) == (False, NORMAL, -1, None)


@pytest.mark.parametrize(
    ("rules", "error"),
    [
        ([RULE] * (MOST_RULES + 1), ValueError),
        ([RULE._replace(threshold=NEVER + 1)], ValueError),
        ([RULE._replace(threshold=-1)], ValueError),
        ([RULE._replace(keys=["a"])], TypeError),
        ([RULE._replace(keys=(1,))], TypeError),
        ([RULE._replace(equals=(("a",),))], TypeError),
        ([list(RULE)], TypeError),
        (5, TypeError),
    ],
)
def test_rules_that_cannot_be_are_refused(engine: Any, rules: Any, error: type[Exception]) -> None:
    """When the sampler is made."""
    with pytest.raises(error):
        engine.Sampler(lambda _: 0, lambda *_: None, lambda _: (-1, -1), rules)
    with pytest.raises(TypeError):
        engine.Sampler(None, lambda *_: None, lambda _: (-1, -1), [])


def test_thresholds_are_set_all_or_none(engine: Any) -> None:
    """A wrong one changes nothing."""
    made = engine.Sampler(lambda _: 1, lambda *_: "x", lambda _: (-1, -1), [RULE])
    for wrong in ([], [0, 0], [NEVER + 1], [-1]):
        with pytest.raises(ValueError, match="threshold"):
            made.set_thresholds(wrong)
    assert made.decide("a", 1, None, 0)[0] is False
    made.set_thresholds([0])
    assert made.decide("a", 1, None, 0)[0] is True
    made.set_thresholds([NEVER])
    assert made.decide("a", 1, None, HIGHEST)[0] is False


def test_sixty_four_rules_can_be(engine: Any) -> None:
    """Each has its bit, the last too."""
    rules = [RULE._replace(threshold=NEVER)] * (MOST_RULES - 1) + [RULE._replace(threshold=0)]
    made = engine.Sampler(lambda _: 1 << (MOST_RULES - 1), lambda *_: "x", lambda _: (-1, -1), rules)
    assert made.decide("a", 1, None, 0) == (True, NORMAL, 0, "x")
    assert len(RULES) < MOST_RULES


def test_a_sampler_that_knows_no_name_is_not_nothing(engine: Any) -> None:
    """Whoever asks `if sampler` means whether there is one."""
    made = sampler().native(engine)
    assert made.known == 0
    assert made
