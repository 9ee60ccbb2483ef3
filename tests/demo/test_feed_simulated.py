# the house puts the expected value on the left

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_trading.demo import feed
from otel_trading.demo.feed import Paced
from otel_trading.demo.gaps import GapDetector
from otel_trading.demo.messages import Tick


def first(count: int, seed: int = 7, rate: float = 200.0) -> list[Paced]:
    return list(islice(feed.generate(seed, rate), count))


def test_the_same_seed_makes_the_same_market() -> None:
    """Ticks and pauses are equal, number for number."""
    assert first(3000) == first(3000)


def test_another_seed_makes_another_market() -> None:
    """Otherwise the seed would do nothing."""
    assert first(10) != first(10, seed=8)


def test_the_market_has_gaps_bursts_and_silent_phases() -> None:
    """Each happens in the first 2,500 ticks, and none is the rule."""
    ticks = first(2500)
    detector = GapDetector()
    gaps = sum(detector.missed(paced.tick) for paced in ticks)
    silent = [paced for paced in ticks if paced.delay_s == feed.STALE_S]
    bursts = [paced for paced in ticks if paced.delay_s < 0.5 / 200]
    assert 2 <= gaps <= 12
    assert 1 <= len(silent) <= 4
    assert 60 <= len(bursts) <= 600


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(), rate=st.floats(0.1, 1e5))
def test_every_tick_is_sound(seed: int, rate: float) -> None:
    """Bid below ask, positive sizes, rising numbers, times as they should be, whatever seed and rate."""
    last = 0
    for paced in first(300, seed, rate):
        tick = paced.tick
        assert tick.bid is not None
        assert tick.ask is not None
        assert 0 < tick.bid < tick.ask
        assert tick.bid_quantity >= 0 <= tick.ask_quantity  # type: ignore[operator]
        assert tick.sequence > last
        assert tick.feed_latency_ns > 0
        assert 0 < paced.delay_s <= max(feed.STALE_S, 1.5 / rate)
        last = tick.sequence


def test_the_rate_is_about_what_was_asked() -> None:
    """Bursts and silences aside, pauses average one over the rate."""
    usual = [paced.delay_s for paced in first(2000) if 0.5 / 200 <= paced.delay_s <= 1.5 / 200]
    assert 1 / 200 == pytest.approx(sum(usual) / len(usual), rel=0.05)


def test_a_tick_survives_its_frame() -> None:
    """Encoded and decoded it is equal."""
    tick = first(1)[0].tick
    assert tick == Tick.decode(tick.encode())


@pytest.mark.parametrize("frame", [b"", b"{}", b"[]", b"7", b'{"venue": 1}', b"\xff"])
def test_a_frame_that_is_no_tick_is_refused(frame: bytes) -> None:
    """With the two exceptions that the services expect."""
    with pytest.raises((ValueError, TypeError)):
        Tick.decode(frame)
