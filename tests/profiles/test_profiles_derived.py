"""What is derived over time, over HTTP and with a clock that stands still."""

from __future__ import annotations

import itertools
import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles.profile_pages import example, head, profiled, record, scraped
from support.servers import wait_until

import otel_trading as ot
from otel_trading.metrics.profiles import sampling
from otel_trading.metrics.profiles.derived import Day, Derived, Window, quantile
from otel_trading.metrics.profiles.model import Derivation, Exported
from otel_trading.metrics.profiles.reading import read
from otel_trading.metrics.profiles.totals import Total
from otel_trading.testing.fixed import FixedClock

S = 10**9


def exported(profile: str, name: str) -> Exported:
    return next(one for one in read(profile).metrics if one.name == name)


def of_kind(kind: str) -> list[tuple[str, Exported]]:
    found = [(name, one) for name in ("waiver", "py_rt", "perf", "bog") for one in read(name).metrics]
    return [(name, one) for name, one in found if one.derive is not None and one.derive.kind == kind]


def test_no_kind_of_derivation_is_without_a_metric() -> None:
    """What these tests walk over is all there is."""
    kinds = ("rate", "peak", "mean", "ratio", "share", "max", "quantile", "daily")
    assert {kind: bool(of_kind(kind)) for kind in kinds} == dict.fromkeys(kinds, True)


@pytest.mark.parametrize(
    ("profile", "metric"),
    [pair for kind in ("rate", "mean", "peak") for pair in of_kind(kind)],
    ids=lambda x: str(x)[:60],
)
def test_a_rate_is_the_increase_a_second(profile: str, metric: Exported, still: FixedClock) -> None:
    """100 in 10 s are 10 a second, whatever the scrape interval is."""
    (source,) = metric.sources
    with profiled(profile) as telemetry:
        scraped(telemetry)
        record(source, example(source)[0], [100])
        still.advance(10)
        page = scraped(telemetry)
    assert head(metric)[0] in page.text
    assert head(metric)[1] in page.text
    assert page.value(metric.name) == 10


def test_a_rate_forgets_what_is_older_than_its_window_and_a_peak_does_not(still: FixedClock) -> None:
    """After the burst: now nothing, the mean a part of it, the peak all of it."""
    with profiled("waiver") as telemetry:
        orders = ot.meter().create_counter("trading.matching.orders", unit="{order}")
        scraped(telemetry)
        orders.add(1000)
        still.advance(10)
        scraped(telemetry)
        still.advance(10)
        scraped(telemetry)
        still.advance(80)
        page = scraped(telemetry)
        assert page.value("waiver_throughput_orders_per_second") == 0
        assert page.value("waiver_throughput_sustained_throughput") == 10
        assert page.value("waiver_throughput_peak_throughput") == 100
        still.advance(3600)
        scraped(telemetry)
        still.advance(10)
        assert scraped(telemetry).value("waiver_throughput_peak_throughput") == 0


def test_a_ratio_is_that_of_the_window(still: FixedClock) -> None:
    """Errors by events; nothing where there was neither."""
    with profiled("waiver") as telemetry:
        meter = ot.meter()
        errors = meter.create_counter("trading.errors", unit="{error}")
        events = meter.create_counter("trading.event.processed", unit="{event}")
        assert "waiver_system_error_rate" not in scraped(telemetry).samples
        errors.add(1)
        events.add(1000)
        still.advance(5)
        assert scraped(telemetry).value("waiver_system_error_rate") == 0.001
        still.advance(61)
        scraped(telemetry)
        still.advance(61)
        assert "waiver_system_error_rate" not in scraped(telemetry).samples


def test_a_share_counts_what_kept_its_target(still: FixedClock) -> None:
    """Each event has its own target; publish and handle count together."""
    metric = exported("perf", "perf_sla_compliance_ratio")
    with profiled("perf") as telemetry:
        scraped(telemetry)
        for source in metric.sources:
            within = source.within or 0.0
            record(source, example(source)[0], [within / 2, within, within * 2])
        still.advance(5)
        page = scraped(telemetry)
    assert head(metric)[1] in page.text
    shown = {labels["event"]: value for labels, value in page.samples[metric.name]}
    assert shown == dict.fromkeys(("candle_processing", "signal_generation", "order_execution", "event_bus"), 2 / 3)


def test_the_highest_value_and_the_quantile_are_those_of_the_window(still: FixedClock) -> None:
    """In nanoseconds; the bucket's upper bound, and a place within it."""
    with profiled("bog") as telemetry:
        ticks = ot.meter().create_histogram("trading.md.processing.duration", unit="s")
        scraped(telemetry)
        for _ in range(98):
            ticks.record(400e-9)
        ticks.record(40e-6)
        ticks.record(40e-6)
        still.advance(5)
        page = scraped(telemetry)
        assert page.value("bog_tick_processing_max_ns") == 50_000
        assert page.value("bog_tick_processing_p99_ns") == pytest.approx(37_500)
        still.advance(61)
        scraped(telemetry)
        ticks.record(400e-9)
        still.advance(61)
        page = scraped(telemetry)
    assert page.value("bog_tick_processing_max_ns") == 500


def test_quantiles_of_each_latency_are_told_over_three_windows(still: FixedClock) -> None:
    """Twelve series; the second forgets what the minute still knows."""
    with profiled("perf") as telemetry:
        candles = ot.meter().create_histogram("trading.strategy.candle.duration", unit="s")
        scraped(telemetry)
        for _ in range(1000):
            candles.record(0.03)
        still.advance(20)
        scraped(telemetry)
        still.advance(4)
        scraped(telemetry)
        candles.record(0.2)
        still.advance(1)
        page = scraped(telemetry)
    name = "perf_candle_processing_quantile_seconds"
    shown = {(labels["window"], labels["quantile"]): value for labels, value in page.samples[name]}
    assert {(w, q) for w in ("1s", "5s", "1m") for q in ("0.5", "0.95", "0.99", "0.999")} == set(shown)
    assert shown["1s", "0.5"] == pytest.approx(0.175)  # the middle of 0.1 to 0.25
    assert shown["5s", "0.999"] == pytest.approx(0.1 + 0.15 * 0.999)
    assert shown["1m", "0.5"] == pytest.approx(0.025 + 0.025 * 500.5 / 1000)
    assert shown["1m", "0.999"] <= 0.05
    assert f"# TYPE {name} gauge" in page.text


def test_a_day_ends_at_midnight_utc(still: FixedClock) -> None:
    """TYPE counter without `_total`, by symbol, at zero after midnight."""
    still.wall_ns += 86_390 * S
    with profiled("py_rt") as telemetry:
        volume = ot.meter().create_counter("trading.volume.notional", unit="USD")
        volume.add(100.5, {"trading.symbol": "AAPL"})
        page = scraped(telemetry)
        assert "# TYPE trading_daily_volume_usd counter" in page.text
        assert page.value("trading_daily_volume_usd", symbol="AAPL") == 100.5
        still.advance(11)
        assert scraped(telemetry).value("trading_daily_volume_usd", symbol="AAPL") == 0
        volume.add(7, {"trading.symbol": "AAPL"})
        still.advance(100)
        assert scraped(telemetry).value("trading_daily_volume_usd", symbol="AAPL") == 7


def test_what_was_added_between_samples_around_midnight_belongs_to_the_new_day() -> None:
    """Where nobody looked at midnight itself."""
    day = Day(5 * S, 0.0)
    day.add(86_000 * S, 10.0)
    day.add(86_400 * S + 60 * S, 14.0)
    assert day.since() == 4.0


def test_a_counter_that_begins_anew_has_no_negative_rate() -> None:
    """Another provider, or a collection by delta."""
    window = Window(Derivation("rate", 10), 0, (50,))
    window.add(5 * S, (20,))
    assert window.increase() == (0.0, (0,))
    window.add(6 * S, (25,))
    assert window.increase() == (1.0, (5,))


@given(st.lists(st.integers(1, 20 * S), min_size=1, max_size=200), st.integers(1, 60))
def test_a_window_is_bounded_and_looks_back_far_enough(steps: list[int], window_s: int) -> None:
    """As many samples as steps fit in, and the base is no younger than the window unless there is none."""
    window, now_ns, seen = Window(Derivation("peak", window_s), 0, (0,)), 0, [(0, 0)]
    for count, step in enumerate(steps, 1):
        now_ns += step
        window.add(now_ns, (count,))
        seen.append((now_ns, count))
        assert len(window) <= 2 * (window_s + 2)
        elapsed_s, (grown,) = window.increase()
        base_ns = now_ns - round(elapsed_s * S)
        assert elapsed_s >= min(window_s, now_ns / S) - 1e-6
        assert grown == count - max(value for at, value in seen if at <= base_ns)


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any), st.floats(0, 1))
def test_a_quantile_lies_in_the_bucket_of_its_rank(counts: list[int], share: float) -> None:
    """Between the bounds of the bucket, the last bound at most."""
    found = quantile(share, (1.0, 2.0, 4.0), tuple(counts))
    assert found is not None
    cumulative = list(itertools.accumulate(counts))
    index = next(i for i, total in enumerate(cumulative) if counts[i] and total >= share * cumulative[-1])
    assert (0.0, 1.0, 2.0, 4.0)[index] <= found <= (1.0, 2.0, 4.0, 4.0)[index]
    assert quantile(share, (1.0, 2.0, 4.0), (0, 0, 0, 0)) is None


def test_labels_that_went_away_are_forgotten() -> None:
    """Nothing is kept for what nobody shows any more."""
    derived = Derived(Derivation("rate", 10), 0)
    derived.sample({("a",): Total(sum=1)}, S, S)
    assert derived.values({("b",): Total(sum=1)}, (), 2 * S, 2 * S).keys() == {("b",)}


def test_what_an_application_counted_before_is_no_rate() -> None:
    """Numbers of others do not begin at zero: a machine has sent bytes since it started."""
    derived = Derived(Derivation("rate", 10), 0)
    assert derived.values({(): Total(sum=10**12, fresh=False)}, (), 5 * S, 5 * S) == {(): 0}
    assert derived.values({(): Total(sum=10**12 + 50, fresh=False)}, (), 10 * S, 10 * S) == {(): 10}


def test_highest_value_above_the_last_bound_is_infinite() -> None:
    """It is not known how high."""
    derived = Derived(Derivation("max", 10), 0)
    assert derived.values({(): Total(counts=[0, 1])}, (1.0,), S, S) == {(): math.inf}


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "otel_trading profiles"]


def test_a_thread_samples_between_scrapes_where_something_is_derived(
    still: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins with the first scrape that shows something derived, and ends at shutdown."""
    monkeypatch.setattr(sampling, "LEAST_S", 0.01)
    with profiled("waiver") as telemetry:
        scraped(telemetry)
        assert threads() == []
        orders = ot.meter().create_counter("trading.matching.orders", unit="{order}")
        orders.add(1)
        scraped(telemetry)
        assert len(threads()) == 1
        pages = telemetry._metrics.profile_pages  # type: ignore[union-attr]
        assert pages is not None
        output = next(one for one in pages.outputs if one.exported.name == "waiver_throughput_peak_throughput")
        orders.add(500)
        still.advance(10)
        wait_until(lambda: output.derived is not None and len(output.derived._windows[()]) == 3)
        still.advance(10)
        assert scraped(telemetry).value("waiver_throughput_peak_throughput") == 50.1
    assert threads() == []


def test_no_thread_where_nothing_is_derived() -> None:
    """rust_trade asks for nothing that needs time."""
    with profiled("rust_trade") as telemetry:
        ot.meter().create_counter("trading.md.received", unit="{message}").add(1)
        scraped(telemetry)
        assert threads() == []


def test_a_sample_that_fails_does_not_end_the_thread(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once, and the next one is taken."""
    monkeypatch.setattr(sampling, "LEAST_S", 0.01)
    taken: list[int] = []

    def sample() -> float:
        taken.append(1)
        if len(taken) == 1:
            raise RuntimeError("no")
        return 0.0

    sampler = sampling.Sampler(sample)
    sampler.start()
    wait_until(lambda: len(taken) > 2)
    sampler.stop()
    wait_until(lambda: not sampler.running)
    assert "could not be sampled: RuntimeError('no')" in caplog.text
