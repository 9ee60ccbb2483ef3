"""Adaptive sampling: lowers only what may be lowered, step by step, and puts back exactly that."""

from __future__ import annotations

import asyncio
import logging
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision
from opentelemetry.trace import SpanKind
from support import children
from support.servers import wait_until

import otel_trading as ot
from otel_trading.config.resolve import resolve
from otel_trading.delivery.books import Books, Load
from otel_trading.ground import clock
from otel_trading.ground.clock import Deadline
from otel_trading.hotpath import choose
from otel_trading.traces import adapting
from otel_trading.traces.adapting import FEWEST_CALM, LOWEST, MOST_CALM, QUEUE_LIMIT, Adapting, Steps
from otel_trading.traces.pressure import LoopLag, Pressure, Pressures
from otel_trading.traces.sampler import TradingSampler

LIMITS = Pressure(queue=0.5, processors=0.8, loop_lag_s=0.1)
CALM = Pressure()
FULL, BUSY, LATE = Pressure(queue=0.5), Pressure(processors=0.8), Pressure(loop_lag_s=0.1)
BETWEEN = Pressure(queue=0.3)
MOST = 1 << 56


def load(waiting: int = 0, capacity: int = 100, **dropped: int) -> Load:
    return Load("otlp_http", 0, Books(0, 0, dropped, waiting), waiting, 0, capacity)


class Way:
    """The way out, as full as a test says."""

    def __init__(self) -> None:
        self.now = [load()]

    def __call__(self) -> list[Load]:
        return self.now


@pytest.fixture
def way() -> Way:
    return Way()


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look but the test's own."""
    monkeypatch.setattr(adapting, "LOOK_S", 3600.0)


@pytest.fixture
def sampler() -> TradingSampler:
    rules = [{"names": "fixed", "ratio": 0.5}, {"names": "lowered", "ratio": 0.5, "lowerable": True}]
    return TradingSampler(0.5, 1.0, rules=rules)


@pytest.fixture
def adapted(sampler: TradingSampler, way: Way, still: None) -> Iterator[Adapting]:
    made = Adapting(sampler, Pressure(0.5), way)
    yield made
    made.stop(Deadline(5))


def threshold(sampler: TradingSampler, name: str) -> float:
    """The share that is kept, by what `ot=th:` tells."""
    state = sampler.should_sample(None, MOST - 1, name).trace_state
    assert state is not None
    return 1 - int(state["ot"].removeprefix("th:").ljust(14, "0"), 16) / MOST


@pytest.mark.parametrize("pressure", [FULL, BUSY, LATE])
def test_each_limit_lowers_by_a_half_a_look_down_to_a_sixty_fourth(pressure: Pressure) -> None:
    """And no further."""
    steps = Steps(LIMITS)
    assert [steps.step(pressure) for _ in range(8)] == [0.5, 0.25, 0.125, 1 / 16, 1 / 32, LOWEST, LOWEST, LOWEST]


def test_what_has_no_limit_is_not_looked_at() -> None:
    """A loop that polls uses a whole processor by design."""
    assert Steps(Pressure(queue=0.5)).step(Pressure(0.0, 64.0, 100.0)) == 1.0
    assert Steps(Pressure()).step(Pressure(1.0, 64.0, 100.0)) == 1.0


def test_it_is_raised_step_by_step_after_five_calm_looks_each() -> None:
    """Up to exactly 1."""
    steps = Steps(LIMITS)
    for _ in range(3):
        steps.step(FULL)
    assert [steps.step(CALM) for _ in range(15)] == [0.125] * 4 + [0.25] * 5 + [0.5] * 5 + [1.0]


def test_between_the_limit_and_its_half_nothing_moves() -> None:
    """Hysteresis: what is nearly full is no reason to keep more."""
    steps = Steps(LIMITS)
    steps.step(FULL)
    assert {steps.step(BETWEEN) for _ in range(100)} == {0.5}
    for _ in range(FEWEST_CALM - 1):
        steps.step(CALM)
    assert steps.step(BETWEEN) == 0.5
    assert [steps.step(CALM) for _ in range(FEWEST_CALM)][-1] == 1.0


def test_who_is_lowered_again_at_once_waits_twice_as_long() -> None:
    """A minute at most; a long calm forgets it."""
    steps = Steps(LIMITS)
    waits = []
    for _ in range(7):
        steps.step(FULL)
        waits.append(looks_until_raised(steps))
    assert waits == [5, 10, 20, 40, 60, 60, 60]
    for _ in range(MOST_CALM):
        steps.step(CALM)
    steps.step(FULL)
    assert looks_until_raised(steps) == FEWEST_CALM


def looks_until_raised(steps: Steps) -> int:
    number = 1
    while steps.step(CALM) < 1:
        number += 1
    return number


def test_only_what_may_be_lowered_is(adapted: Adapting, sampler: TradingSampler, way: Way) -> None:
    """Ticks, the default and lowerable rules; never orders, other rules, or children of what is kept."""
    way.now = [load(50)]
    adapted.look()
    adapted.look()
    assert (threshold(sampler, "md.x"), threshold(sampler, "work"), threshold(sampler, "lowered")) == (
        0.125,
        0.25,
        0.125,
    )
    assert (threshold(sampler, "fixed"), threshold(sampler, "order.submit")) == (0.5, 1.0)
    fast = sampler.native(choose())
    assert fast.decide("work", 1, None, 0, (True, -1, None)) == (True, 1, -1, None)
    assert fast.decide("work", 1, None, MOST // 4, (True, MOST // 4, "ot=th:4"))[0] is True  # type: ignore[index]


def test_what_was_lowered_is_put_back_exactly(adapted: Adapting, sampler: TradingSampler, way: Way) -> None:
    """Native and in Python: thresholds are those of before, to the bit."""
    names = ("md.x", "work", "lowered", "fixed", "order.submit")
    fast = sampler.native(choose())

    def all_of_them() -> list[Any]:
        return [fast.decide(name, 1, None, MOST - 1) for name in names] + [threshold(sampler, name) for name in names]

    before = all_of_them()
    way.now = [load(100)]
    for _ in range(9):
        adapted.look()
    assert adapted.scale == LOWEST
    assert all_of_them() != before
    way.now = [load(0)]
    for _ in range(6 * FEWEST_CALM):
        adapted.look()
    assert adapted.scale == 1
    assert all_of_them() == before


def test_a_stop_puts_back_what_was_lowered(adapted: Adapting, sampler: TradingSampler, way: Way) -> None:
    """The sampler may live on in a provider."""
    way.now = [load(100)]
    adapted.look()
    assert threshold(sampler, "work") == 0.5
    adapted.stop(Deadline(5))
    assert threshold(sampler, "work") == 1.0
    adapted.look()
    assert threshold(sampler, "work") == 1.0


def test_it_is_said_once_when_it_begins_and_once_when_it_is_over(
    adapted: Adapting, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    """With the reason, and not at each step."""
    caplog.set_level(logging.INFO, "otel_trading")
    assert adapted.troubles() == {}
    way.now = [load(80)]
    for _ in range(4):
        adapted.look()
    assert adapted.troubles() == {"sampling lowered": {"scale": 1 / 16, "why": "telemetry's queue is 80% full"}}
    way.now = [load(0)]
    for _ in range(4 * FEWEST_CALM):
        adapted.look()
    assert adapted.troubles() == {}
    said = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "otel_trading"]
    lowered, back = said
    assert lowered[0] == "WARNING"
    assert lowered[1].startswith(
        "telemetry's queue is 80% full: ticks and other traces that may be thinned are thinned"
    )
    assert back == ("INFO", "sampling is back at what was asked for")


def test_the_scale_is_a_metric(adapted: Adapting, way: Way) -> None:
    """`otel_trading.sampling.scale`, without a unit, 1 for all of it."""
    reader = InMemoryMetricReader()
    adapted.tell(MeterProvider([reader]).get_meter("t"))
    assert scale_of(reader) == ("otel_trading.sampling.scale", "1", 1.0)
    way.now = [load(100)]
    adapted.look()
    assert scale_of(reader) == ("otel_trading.sampling.scale", "1", 0.5)


def scale_of(reader: InMemoryMetricReader) -> tuple[str, str, float]:
    data: Any = reader.get_metrics_data()
    metric = data.resource_metrics[0].scope_metrics[0].metrics[0]
    return metric.name, metric.unit, metric.data.data_points[0].value


def test_a_queue_that_gave_spans_up_counts_as_full(way: Way) -> None:
    """It may be full in bytes, or between two looks; what was lost before the first look does not count."""
    way.now = [load(0, bytes_full=5)]
    pressures = Pressures(way)
    assert pressures.read().queue == 0.0
    way.now = [load(3, bytes_full=5), load(0, queue_full=1, refused_by_server=9)]
    assert pressures.read().queue == 1.0
    assert pressures.read().queue == 0.03
    way.now = []
    assert pressures.read().queue == 0.0


def test_processors_are_those_that_all_threads_used(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since the last look: 1.5 s of two seconds are three quarters of one."""
    now, used = [0], [0.0]
    monkeypatch.setattr(clock, "monotonic_ns", lambda: now[0])
    monkeypatch.setattr("otel_trading.traces.pressure.time.process_time", lambda: used[0])
    pressures = Pressures(way)
    now[0], used[0] = 2_000_000_000, 1.5
    assert pressures.read().processors == 0.75
    now[0], used[0] = 3_000_000_000, 4.5
    assert pressures.read().processors == 3.0
    assert pressures.read().processors == 0.0


def test_a_late_loop_is_seen_while_it_is_late_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it has not come to our call, what it is late by now; then what it was."""
    now = [0]
    monkeypatch.setattr(clock, "monotonic_ns", lambda: now[0])
    loop = asyncio.new_event_loop()
    try:
        lag = LoopLag(loop)
        now[0] = 1_000_000_000
        assert lag.read_s() == 0.0
        now[0] += 300_000_000
        assert lag.read_s() == 0.3
        now[0] += 200_000_000
        loop.run_until_complete(asyncio.sleep(0))
        assert lag.read_s() == 0.5
        loop.run_until_complete(asyncio.sleep(0))
        assert lag.read_s() == 0.0
    finally:
        loop.close()
    now[0] += 1
    lag.read_s()


def test_loops_are_watched_until_they_are_closed(adapted: Adapting, way: Way) -> None:
    """Each once; without one that runs, None is a mistake."""
    pressures = Pressures(way)
    loop = asyncio.new_event_loop()
    pressures.watch(loop)
    pressures.watch(loop)
    assert pressures.read().loop_lag_s == 0.0
    loop.close()
    assert pressures.read().loop_lag_s == 0.0
    assert pressures._loops == []
    with pytest.raises(RuntimeError):
        adapted.watch_loop()

    async def within() -> None:
        adapted.watch_loop()

    asyncio.run(within())


def test_the_thread_looks_by_itself(way: Way, sampler: TradingSampler, monkeypatch: pytest.MonkeyPatch) -> None:
    """And ends when it is told."""
    monkeypatch.setattr(adapting, "LOOK_S", 0.005)
    made = Adapting(sampler, Pressure(0.5), way)
    way.now = [load(100)]
    wait_until(lambda: made.scale == LOWEST)
    made.stop(Deadline(5))
    assert not any("adaptive" in thread.name for thread in threading.enumerate())
    assert threshold(sampler, "work") == 1.0


@pytest.mark.parametrize(
    ("knobs", "given", "loads", "begins"),
    [
        ({}, TradingSampler(), [load()], True),
        ({"adaptive_sampling": False}, TradingSampler(), [load()], False),
        ({}, ALWAYS_ON, [load()], False),
        ({}, TradingSampler(), [], False),
        ({"adaptive_cpu_limit": 0.5}, TradingSampler(), [], True),
        ({"adaptive_loop_lag_s": 0.5}, TradingSampler(), [], True),
    ],
)
def test_it_begins_where_there_is_something_to_lower_and_something_to_look_at(
    still: None, knobs: dict[str, Any], given: Any, loads: list[Load], begins: bool
) -> None:
    """The knob, a sampler of ours, and an input."""
    config, _ = resolve({"service_name": "x", **knobs}, None)
    made = adapting.begin(given, config, lambda: loads)
    assert (made is not None) == begins
    if made is not None:
        assert QUEUE_LIMIT == 0.5
        made.stop(Deadline(5))


def test_a_child_neither_looks_nor_waits_for_the_thread() -> None:
    """It exists in the parent only."""
    code = """
    import os
    from otel_trading.ground.clock import Deadline
    from otel_trading.traces import adapting
    from otel_trading.traces.pressure import Pressure
    from otel_trading.traces.sampler import TradingSampler
    made = adapting.Adapting(TradingSampler(), Pressure(0.5), lambda: [])
    if os.fork() == 0:
        made.after_fork_in_child()
        made.look()
        made.stop(Deadline(0.5))
        os._exit(7)
    print(os.waitstatus_to_exitcode(os.wait()[1]))
    """
    assert children.run(code).out.strip() == "7"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([{"names": "x"}], r"rules of which \[0\] is with a ratio or always"),
        ([{"ratio": 0.5}], r"\[0\] is about some spans"),
        ([{"names": "x", "ratio": 0.5}, {"names": "x", "ratio": 2}], r"\[1\] is with a number from 0 to 1 as ratio"),
        ([{"name": "x", "ratio": 0.5}], r"without 'name'.*Did you mean 'names'\?"),
        ([{"names": "x", "ratio": 0.5, "always": True}], "kept always or by a ratio"),
    ],
)
def test_a_rule_that_cannot_be_read_is_told_with_its_place(rules: Any, message: str) -> None:
    """As an argument, and by the class itself."""
    with pytest.raises(ot.ConfigurationError, match=message):
        ot.init("x", sampling_rules=rules)
    with pytest.raises(ValueError, match=message):
        TradingSampler(rules=rules)


def test_rules_of_the_user_stand_before_ticks_and_behind_the_parent() -> None:
    """Unless they keep always: then they stand outermost."""
    rules: list[Any] = [
        {"names": "md.trade*", "kinds": "consumer", "attributes": {"venue": "binance"}, "ratio": 1.0},
        {"names": "md.trade*", "ratio": 0.0},
        {"attribute_keys": ["hedge."], "always": True},
    ]
    with ot.init("x", stdout="off", tick_ratio=0.5, sampling_rules=rules):
        made: Any = trace.get_tracer_provider().sampler  # type: ignore[attr-defined]
        venue = {"venue": "binance"}
        kept = Decision.RECORD_AND_SAMPLE
        assert made.should_sample(None, 0, "md.trade", SpanKind.CONSUMER, venue).decision is kept
        assert (
            made.should_sample(None, MOST - 1, "md.trade", SpanKind.CONSUMER, {"venue": "x"}).decision is Decision.DROP
        )
        assert made.should_sample(None, MOST - 1, "md.trade", SpanKind.SERVER, venue).decision is Decision.DROP
        assert made.should_sample(None, MOST - 1, "md.quote").decision is kept
        assert made.should_sample(None, 0, "md.trade", attributes={"hedge.id": 1}).decision is kept


def test_telemetry_shows_that_it_lowers_and_why(still: None) -> None:
    """In `/health`, as a metric, and in the tracer's own decisions; a loop can be handed over."""
    with ot.init("x", stdout="off", prometheus_port=0, adaptive_cpu_limit=1e-9, traces_exporter="console") as telemetry:
        adapted: Any = telemetry._adapting  # type: ignore[attr-defined]
        assert scraped(telemetry) == "1"
        adapted.look()
        assert scraped(telemetry) == "0.5"
        lowered = telemetry.telemetry_troubles()["sampling lowered"]
        assert lowered["scale"] == 0.5
        assert "processors are used" in lowered["why"]
        kept = sum(ot.tracer().start_span("work").get_span_context().trace_flags.sampled for _ in range(400))
        assert 100 < kept < 300
        assert all(ot.tracer().start_span("order.submit").is_recording() for _ in range(50))
        with pytest.raises(RuntimeError):
            telemetry.watch_loop()
        loop = asyncio.new_event_loop()
        telemetry.watch_loop(loop)
        loop.close()
    assert not any("adaptive" in thread.name for thread in threading.enumerate())


def scraped(telemetry: ot.Telemetry) -> str:
    assert telemetry.metrics_url is not None
    page = urllib.request.urlopen(telemetry.metrics_url, timeout=5).read().decode()
    return next(line for line in page.splitlines() if line.startswith("otel_trading_sampling_scale")).rpartition(" ")[2]


def test_nothing_adapts_where_it_is_switched_off() -> None:
    """No thread; a loop that is handed over is left alone."""
    with ot.init("x", stdout="off", adaptive_sampling=False, adaptive_cpu_limit=1.0) as telemetry:
        assert telemetry._adapting is None
        loop = asyncio.new_event_loop()
        telemetry.watch_loop(loop)
        loop.close()
