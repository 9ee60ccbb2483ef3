"""What a record may cost, as ratios of medians taken in one run: the promise, and what came of it."""

from __future__ import annotations

from interleaved import YARDSTICK, Target

RECORD = "native: record(float), 20 bounds"


def _peer(operation: str, peer: str, ours: str, limit: float) -> Target:
    return Target(operation, peer, ours, limit)


TARGETS = [
    Target("bound record, x abs", RECORD, YARDSTICK, 1.3, most=True),
    Target("bound add, x abs", "native: counter add(1)", YARDSTICK, 1.3, most=True),
    _peer("bound record, SDK with 2 attributes / ours", "SDK: histogram.record, 2 attributes", RECORD, 400),
    _peer("bound add, SDK with 2 attributes / ours", "SDK: counter.add, 2 attributes", "native: counter add(1)", 400),
    _peer("bound record, prometheus_client / ours", "prometheus_client: bound observe", RECORD, 60),
    *(
        _peer(f"unbound, {how} dict of 2, {peer} / ours", name, f"native: unbound, {how} dict of 2", limit)
        for how in ("prebuilt", "literal")
        for peer, name, limit in (
            ("SDK", "SDK: histogram.record, 2 attributes", 40),
            ("pytracingx", f"pytracingx: histogram, {how} dict of 2", 1.8),
        )
    ),
    Target("t = now(); record_since(t), x abs", "native: t = now(); record_since(t)", YARDSTICK, 7, most=True),
    _peer("with time(), prometheus_client / ours", "prometheus_client: with bound time()", "native: with time()", 13),
    Target("@timed, added, x abs", "native: timed f(x)", YARDSTICK, 3, most=True, plain="f(x)"),
    Target("@timed async, added, x abs", "native: timed await f(x)", YARDSTICK, 6, most=True, plain="await f(x)"),
    Target(
        "@timed, added, Python wrapper / ours",
        "native: Python wrapper f(x)",
        "native: timed f(x)",
        6,
        plain="f(x)",
        plain_over="f(x)",
    ),
    Target(
        "@timed async, added, Python wrapper / ours",
        "native: Python wrapper await f(x)",
        "native: timed await f(x)",
        4,
        plain="await f(x)",
        plain_over="await f(x)",
    ),
    _peer(
        "Python twin, bound record, prometheus_client / ours",
        "prometheus_client: bound observe",
        "python: record(float), 20 bounds",
        1,
    ),
]
