"""How long to wait before a batch is sent once more."""

from __future__ import annotations

import random

from otel_trading.delivery.outcome import Outcome

FIRST_S, LONGEST_S, JITTER = 0.5, 5.0, 0.2


def backoff_s(outcome: Outcome, attempt: int) -> float:
    """What the receiver asked for; else half a second that doubles up to five, a fifth more or less by chance.

    Args:
        outcome: of the attempt that failed.
        attempt: 0 for the first.
    """
    if outcome.retry_after_s is not None:
        return outcome.retry_after_s
    return float(min(FIRST_S * 2 ** min(attempt, 16), LONGEST_S)) * random.uniform(1 - JITTER, 1 + JITTER)
