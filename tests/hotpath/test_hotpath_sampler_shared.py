"""A sampler that threads share, that is inherited by children, and that sees names and states without end."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
from hotpath.hotpath_cells import FREE_THREADED
from hotpath.hotpath_sampling import HIGHEST, by_engine, sampler
from hotpath.test_hotpath_memory import LITTLE, growth
from hotpath.test_hotpath_threads import in_threads
from support.children import environment

from otel_trading.hotpath.sampler_engine import NEVER, Rule

FORK = Path(__file__).with_name("hotpath_sampler_fork.py")
TIMES = {"native": 20_000, "python": 2_000}
LONG = ",".join(f"v{number}=" + "x" * 230 for number in range(5))
"""Of a state that is not remembered."""
QUESTIONS = [
    ("order.submit x", 1, None, 0, None),
    ("md.receive x", 1, {"venue": "kraken", "live": True}, HIGHEST, None),
    ("md.trade", 5, {"levels": 20}, HIGHEST // 2 + 1, None),
    ("rpc", 2, {"http.route": "/"}, HIGHEST, None),
    ("work", 3, None, HIGHEST, (True, "ot=th:8,vendor=abc")),
    ("work", 3, None, 0, (True, "vendor=abc,ot=rv:fffffffffffff0;th:c")),
    ("work", 3, {"venue": "binance", "live": True}, 0, (False, "vendor=abc")),
]


@pytest.mark.usefixtures("_hasty")
def test_eight_threads_are_given_the_same_answers_as_one(engine: Any) -> None:
    """While names and states are remembered, forgotten, and thresholds are set to what they are."""
    slow = sampler()
    made = slow.native(engine)
    wanted = [by_engine(sampler().native(engine), *question) for question in QUESTIONS]
    times = TIMES[engine.NAME] // len(QUESTIONS)

    def ask(index: int) -> None:
        for number in range(times):
            assert [by_engine(made, *question) for question in QUESTIONS] == wanted
            if number % 50 == 0:
                made.decide(f"name {index} {number}", 1, {"a": number}, 0)
                made.decide("work", 1, None, 0, (True, -2, f"n={index}x{number},ot=th:0"))
                slow.scale(1.0)

    in_threads(ask)


@pytest.mark.usefixtures("_hasty")
def test_what_threads_remember_at_the_same_time_is_right(engine: Any) -> None:
    """Names beyond those that are kept, states that push each other out, and thresholds that change, of all at once."""
    rules = [
        Rule(True, 0, ("a",), (), 0, False),
        Rule(False, 0, (), (("b", 1),), NEVER, True),
        Rule(False, 0, (), (), 0, False),
    ]

    def tell(before: str | None, threshold: int, sampled: bool) -> str:
        return f"{before} {threshold} {sampled}"

    made = engine.Sampler(lambda name: int(name) % 4, tell, lambda text: (int(text), -1), rules)
    times = TIMES[engine.NAME] // 4

    def ask(index: int) -> None:
        for number in range(index, times + index):
            name, state = str(number % 6000), str(number % 900)
            answer = made.decide(name, 1, {"a": 1} if number % 3 else {"b": 1}, HIGHEST, (True, -2, state))
            assert answer is not None
            always = number % 3 and number % 6000 % 2
            assert answer[3] == f"{state} {0 if always else number % 900} True"
            assert made.decide("3", 1, {"b": 1}, HIGHEST)[2] in (-1, 5)
            if number % 7 == 0:
                made.set_thresholds([0, (NEVER, 5)[number % 2], 0])

    in_threads(ask)
    assert made.known <= 4096


@pytest.mark.usefixtures("_hasty")
def test_threads_share_one_cap(engine: Any) -> None:
    """Each candidate is counted once: thresholds only rise within a window of a clock that stands."""
    engine.set_clock(lambda: 1, None)
    made = sampler(traces_per_second=1.0).native(engine)
    times = TIMES[engine.NAME] // 10
    told: list[list[int]] = [[] for _ in range(8)]

    def ask(index: int) -> None:
        told[index] = [made.capped(0) for _ in range(times)]

    in_threads(ask)
    assert all(each == sorted(each) for each in told)
    together = sorted(threshold for each in told for threshold in each)
    engine.set_clock(lambda: 1, None)
    alone = sampler(traces_per_second=1.0).native(engine)
    assert together == [alone.capped(0) for _ in range(8 * times)]


def test_a_child_decides_while_threads_of_the_parent_did(engine: Any) -> None:
    """No lock is inherited held."""
    if FREE_THREADED and engine.NAME == "python":
        pytest.skip("a child inherits the lock of a dict that threads waited for, whoever made it")
    unmeasured = environment(measured=False)
    command = [sys.executable, str(FORK), engine.NAME, "60"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=unmeasured)
    assert (0, "forked 60\n") == (ran.returncode, ran.stdout), ran.stderr


def test_4096_names_are_remembered_and_the_next_ones_asked_for_each_time(engine: Any) -> None:
    """Short ones; a name with 1,025 letters is none of them."""
    asked: list[str] = []

    def classify(name: str) -> int:
        asked.append(name)
        return 0

    made = engine.Sampler(classify, lambda *_: None, lambda _: (-1, -1), [])
    made.decide("x" * 1025, 1, None, 0)
    assert made.known == 0
    for _ in range(2):
        for number in range(5000):
            assert made.decide(f"name {number}", 1, None, 0) == (False, 1, -1, None)
    assert made.known == 4096
    assert len(asked) == 1 + 5000 + (5000 - 4096)


def test_memory_is_bounded_whatever_is_asked(engine: Any) -> None:
    """Names, states of parents, thresholds under a cap: new ones without end."""
    made = sampler(traces_per_second=5.0).native(engine)
    numbers = iter(range(1 << 40))
    times = TIMES[engine.NAME] // 4

    def work() -> None:
        for _ in range(times):
            number = next(numbers)
            made.decide(f"name {number:010}", 1, {"venue": "x"}, HIGHEST)
            made.decide("work", 1, None, 0, (True, -2, f"a={number:010},ot=th:{number % 9}"))
            made.decide("work", 1, None, 0, (False, -2, f"{LONG},z={number:010}"))

    work()
    work()
    assert growth(work) < LITTLE + 256 * 512  # the twin forgets all states at once, and may be anywhere between


def test_a_sampler_goes_with_what_it_asks(engine: Any) -> None:
    """They lead to each other; the collector sees it."""
    slow = sampler()
    gone = weakref.ref(slow)
    assert slow.native(engine).decide("work", 1, None, HIGHEST) is not None
    del slow
    gc.collect()
    assert gone() is None


def test_nothing_is_kept_of_a_question(engine: Any) -> None:
    """Attributes and their values are looked at and left alone."""
    made = sampler().native(engine)
    value = "".join(["bin", "ance"])
    attributes = {"venue": value, "levels": 5}
    made.decide("md.trade", 1, attributes, 0)
    before = sys.getrefcount(attributes), sys.getrefcount(value)
    for _ in range(100):
        made.decide("md.trade", 1, attributes, 0)
    assert before == (sys.getrefcount(attributes), sys.getrefcount(value))
