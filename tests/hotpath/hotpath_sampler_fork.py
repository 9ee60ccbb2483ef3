"""Forks again and again while three threads ask a sampler; a child decides as its parent does, and waits for nobody.

python tests/hotpath/hotpath_sampler_fork.py ENGINE TIMES
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from typing import Any

from hotpath_fork import wait
from hotpath_sampling import HIGHEST, sampler

from otel_trading.hotpath import choose


def answers(made: Any) -> bool:
    """Whether it decides as it should."""
    good = made.decide("order.submit", 1, None, 0) == (True, 2, 0, "ot=th:0")
    good &= made.decide("child", 1, None, 0, (False, -2, "z=1")) == (False, 1, -1, "z=1")
    return bool(good and made.capped(0) >= 0)


def main() -> None:
    """Forks and says how often."""
    warnings.simplefilter("ignore")  # of forking with threads: that is the point
    made = sampler(traces_per_second=1000.0).native(choose(sys.argv[1]))  # type: ignore[arg-type]  # choose looks at it
    # names and states that are new are asked for in Python, where a child without a GIL inherits the locks of dicts
    assert answers(made)
    done = threading.Event()

    def ask(index: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            made.decide(f"work {index} {number % 1000}", 1, {"venue": "x"}, HIGHEST)
            made.decide("work", 1, None, 0, (True, -2, f"a={number % 1000}"))

    threads = [threading.Thread(target=ask, args=(index,), daemon=True) for index in range(3)]
    for thread in threads:
        thread.start()
    sys.setswitchinterval(1e-6)
    times = int(sys.argv[2])
    for _ in range(times):
        child = os.fork()
        if child == 0:
            os._exit(0 if answers(made) else 1)
        wait(child)
    done.set()
    for thread in threads:
        thread.join()
    print("forked", times)


if __name__ == "__main__":
    main()
