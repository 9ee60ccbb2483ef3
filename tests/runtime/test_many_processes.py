"""Many processes: each delivers its items once, and none hangs."""

from __future__ import annotations

import signal
from collections import Counter

import pytest
from support import children
from support.nursery import nursery
from support.servers import Receiver

KNOBS = 'otlp_endpoint={url!r}, metrics_exporter="none", logs_exporter="none", stdout="off", traces_schedule_delay_s=60'


def test_a_thousand_children_of_eight_workers_deliver_each_span_once(otlp: Receiver) -> None:
    """As a server forks workers and these fork children; half of all call init(), the others leave it to us."""
    code = f"""
    import os, sys
    import otel_trading as ot
    knobs = dict({KNOBS.format(url=otlp.url)}, diagnostics_level="error")
    ot.init("parent", **knobs)
    with ot.tracer().start_as_current_span("parent"): pass
    def bear(name, work):
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            work(name)
            code = 0 if ot.shutdown() else 2
        finally:
            os._exit(code)
    def child(name):
        if name.endswith(("1", "3", "5", "7", "9")): ot.init("child", **knobs)
        with ot.tracer().start_as_current_span(name): pass
    def worker(name):
        if name.endswith(("1", "3", "5", "7")): ot.init("worker", **knobs)
        with ot.tracer().start_as_current_span(name): pass
        for number in range(125):
            _, status = os.waitpid(bear(f"{{name}}.{{number}}", child), 0)
            assert status == 0, status
    workers = [bear(f"worker.{{number}}", worker) for number in range(8)]
    print(sum(os.waitpid(pid, 0)[1] for pid in workers))
    """
    ended = children.run(code, timeout_s=110, measured=False)
    assert (ended.out, ended.code) == ("0\n", 0), ended.err
    names = Counter(span.name for span in otlp.spans)
    assert set(names.values()) == {1}
    assert len(names) == 1 + 8 + 1000


def test_a_hundred_sigterms_lose_nothing(otlp: Receiver) -> None:
    """At any moment after the last span, and the exit status stays the signal's."""
    code = f"""
import os, signal, time
import otel_trading as ot
ot.init("x", {KNOBS.format(url=otlp.url)})
for number in range(10):
    with ot.tracer().start_as_current_span("order"): pass
os.kill(os.getpid(), signal.SIGTERM)
while True: time.sleep(1)
"""
    with nursery() as nest:
        codes = [nest.run(code, 20).code for _ in range(100)]
    assert set(codes) == {-signal.SIGTERM}
    assert len(otlp.spans) == 1000


@pytest.mark.parametrize("method", ["fork", "fork of a process with telemetry", "forkserver", "spawn"])
@pytest.mark.parametrize("kind", ["process", "pool", "executor"])
def test_children_of_multiprocessing_deliver_once(otlp: Receiver, tmp_path: object, method: str, kind: str) -> None:
    """Each way to start and each way to use them; such children leave by os._exit."""
    from pathlib import Path

    goes_on = method.endswith("telemetry")
    script = Path(str(tmp_path)) / "program.py"
    script.write_text(
        f"""
import multiprocessing as mp
from concurrent.futures import ProcessPoolExecutor
import otel_trading as ot
KNOBS = dict({KNOBS.format(url=otlp.url)})
def begin():
    if not {goes_on}: ot.init("child", **KNOBS)
def work(number):
    with ot.tracer().start_as_current_span(f"order.{{number}}"): pass
def both(number):
    begin(); work(number)
if __name__ == "__main__":
    if {goes_on}: ot.init("parent", **KNOBS)
    context = mp.get_context({method.split()[0]!r})
    if {kind!r} == "process":
        processes = [context.Process(target=both, args=(number,)) for number in range(2)]
        for process in processes: process.start()
        for process in processes: process.join()
    elif {kind!r} == "pool":
        pool = context.Pool(2, begin)
        pool.map(work, range(2)); pool.close(); pool.join()
    else:
        with ProcessPoolExecutor(2, context, begin) as executor:
            list(executor.map(work, range(2)))
    print("left", flush=True)
"""
    )
    ended = children.run(f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')", timeout_s=60)
    assert ended.out == "left\n", ended.err
    assert sorted(span.name for span in otlp.spans) == ["order.0", "order.1"]
