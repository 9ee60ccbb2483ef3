"""A seeded market: a random walk with spreads, bursts, lost messages and silent phases. Same seed, same market."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from otel_trading.demo.messages import Tick

VENUE = "SIMX"
SYMBOL = "BTC-USD"
STALE_S = 1.2
"""How long a silent phase lasts; market data calls a feed stale after half a second."""

_START_NS = 1_700_000_000 * 10**9
_TICK_SIZE = 0.1


@dataclass(frozen=True, slots=True)
class Paced:
    """A tick and how many seconds to wait before it."""

    delay_s: float
    tick: Tick


def generate(seed: int, rate: float) -> Iterator[Paced]:
    """Yields ticks without end.

    Args:
        seed: decides prices, sizes, bursts, gaps, silent phases and latencies.
        rate: ticks a second on average while the feed is neither bursting nor silent.
    """
    rng = random.Random(seed)
    mid, sequence, clock_ns = 60_000.0, 0, _START_NS
    burst_left = 0
    next_burst, next_gap = rng.randint(60, 160), rng.randint(200, 500)
    next_stale_ns = clock_ns + int(rng.uniform(3.5, 5.5) * 1e9)
    for number in range(1, 2**62):
        delay_s = rng.uniform(0.5, 1.5) / rate
        if number >= next_burst:
            burst_left, next_burst = rng.randint(15, 60), number + rng.randint(200, 500)
        if burst_left:
            burst_left -= 1
            delay_s /= 10
        if clock_ns >= next_stale_ns:  # by time, or a fast feed would be silent half of it
            delay_s, next_stale_ns = max(delay_s, STALE_S), clock_ns + int(rng.uniform(8, 14) * 1e9)
        previous, sequence = sequence, sequence + 1
        if number >= next_gap:
            previous = sequence = previous + rng.randint(2, 9)  # the venue sent these, nobody received them
            sequence, next_gap = sequence + 1, number + rng.randint(400, 900)
        mid = max(1.0, mid * (1 + rng.gauss(0, 2e-5)))
        clock_ns += int(delay_s * 1e9)
        yield Paced(delay_s, _tick(rng, mid, sequence, previous, clock_ns))


def _tick(rng: random.Random, mid: float, sequence: int, previous: int, clock_ns: int) -> Tick:
    spread = _TICK_SIZE * rng.choice((1, 1, 1, 2, 2, 3, 8))
    bid = round(mid - spread / 2, 1)
    latency_ns = int(rng.lognormvariate(0, 0.5) * 400_000)
    trade = rng.random() < 0.2
    return Tick(
        venue=VENUE,
        symbol=SYMBOL,
        message_type="trade" if trade else "bookTicker",
        sequence=sequence,
        previous_sequence=previous,
        exchange_ns=clock_ns,
        receive_ns=clock_ns + latency_ns,
        bid=bid,
        ask=round(bid + spread, 1),
        bid_quantity=round(rng.lognormvariate(0, 1), 3),
        ask_quantity=round(rng.lognormvariate(0, 1), 3),
        last=bid if trade else None,
    )
