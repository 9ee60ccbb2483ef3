"""A forked child begins anew by itself, delivers its own once, and nothing of its parent's."""

from __future__ import annotations

from typing import Any

import pytest
from support import children
from support.servers import Receiver, free_port


def attribute(resource: Any, key: str) -> Any:
    """Of a resource in OTLP."""
    found = [pair.value for pair in resource.attributes if pair.key == key]
    return found[0].int_value or found[0].string_value


def test_a_forked_child_goes_on_by_itself(otlp: Receiver) -> None:
    """Spans under the span that was current at the fork, logs, and metrics from zero, as a process of its own."""
    code = f"""
    import os, sys, time
    import otel_trading as ot
    arguments = dict(otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off", own_metrics=False)
    telemetry = ot.init("parent", traces_schedule_delay_s=60, **arguments)
    counter, log, tracer = ot.meter().create_counter("c").bind(), ot.get_logger(), ot.tracer()
    counter.add(100)
    with tracer.start_as_current_span("before"): pass
    with tracer.start_as_current_span("around"):
        pid = os.fork()
        if pid == 0:
            with tracer.start_as_current_span("in child") as span: recording = span.is_recording()
            log.info("in child")
            counter.add(2)
            print(recording, ot.flush(5), flush=True)
            sys.exit(0)
        os.waitpid(pid, 0)
    with tracer.start_as_current_span("after"): pass
    print(pid, flush=True)
    """
    ended = children.run(code)
    assert ended.code == 0, ended.err
    pid = int(ended.out.splitlines()[-1])
    assert ended.out == f"True True\n{pid}\n"
    spans = {span.name: span for span in otlp.spans}
    assert sorted(spans) == sorted(span.name for span in otlp.spans) == ["after", "around", "before", "in child"]
    assert spans["in child"].parent_span_id == spans["around"].span_id
    assert spans["in child"].trace_id == spans["around"].trace_id
    resources = {attribute(resource, "process.pid"): resource for resource in otlp.resources}
    assert pid in resources
    assert len(resources) == 2
    assert len({attribute(resource, "service.instance.id") for resource in resources.values()}) == 2
    assert [record.body.string_value for record in otlp.logs] == ["in child"]
    assert {point.as_int for metric in otlp.metrics for point in metric.sum.data_points} == {2, 100}


def test_what_a_child_counts_at_once_is_told(otlp: Receiver) -> None:
    """By instruments, handles, and one that it creates, though it does nothing else and ends at once."""
    code = f"""
    import os, sys
    import otel_trading as ot
    ot.init("parent", otlp_endpoint={otlp.url!r}, metrics_exporter="otlp", stdout="off", own_metrics=False)
    orders, depth = ot.meter().create_counter("orders"), ot.meter().create_up_down_counter("depth").bind(venue="x")
    latency, margin = ot.meter().create_histogram("latency", "s").bind(), ot.meter().create_gauge("margin")
    orders.add(100), depth.add(100), latency.record(1.0), margin.set(100)
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            orders.add(1, {{"side": "buy"}})
            orders.add(2, {{"side": "buy"}})
            depth.add(3)
            depth.add(-1)
            latency.record(0.5)
            latency.record_since(ot.now())
            margin.set(7)
            ot.meter().create_counter("born").add(4)
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    """
    ended = children.run(code)
    assert ended.code == 0, ended.err
    told: dict[str, list[float]] = {}
    for metric in otlp.metrics:
        for point in [*metric.sum.data_points, *metric.gauge.data_points]:
            told.setdefault(metric.name, []).append(point.as_int)
        for point in metric.histogram.data_points:
            told.setdefault(metric.name, []).append(point.count)
    assert {name: sorted(values) for name, values in told.items()} == {
        "orders": [3, 3, 3, 100],
        "depth": [2, 2, 2, 100],
        "latency": [1, 2, 2, 2],
        "margin": [7, 7, 7, 100],
        "born": [4, 4, 4],
    }


def test_a_daemon_that_forks_twice_goes_on(otlp: Receiver) -> None:
    """The child in between is gone before its own telemetry has begun."""
    code = f"""
    import os, sys
    import otel_trading as ot
    ot.init("daemon", otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off", metrics_exporter="none")
    done = os.pipe()
    if os.fork() == 0:
        if os.fork() == 0:
            with ot.tracer().start_as_current_span("in daemon"): pass
            ot.get_logger().info("in daemon")
            flushed = ot.shutdown()
            os.write(done[1], b"yes" if flushed else b"no")
        os._exit(0)
    print(os.read(done[0], 3).decode())
    """
    ended = children.run(code)
    assert ended.out == "yes\n", ended.err
    assert [span.name for span in otlp.spans] == ["in daemon"]
    assert [record.body.string_value for record in otlp.logs] == ["in daemon"]


def test_a_child_that_does_nothing_of_telemetry_ends_without_it(otlp: Receiver) -> None:
    """It sends nothing and waits for nothing."""
    code = f"""
    import os
    import otel_trading as ot
    ot.init("parent", otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off", metrics_exporter="none")
    for _ in range(20):
        pid = os.fork()
        if pid == 0: os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    ot.shutdown()
    """
    ended = children.run(code)
    assert ended.code == 0, ended.err
    assert otlp.requests == []


def test_sigterm_delivers_what_a_child_buffered(otlp: Receiver) -> None:
    """The handler is inherited with the telemetry."""
    code = f"""
    import os, signal, time
    import otel_trading as ot
    ot.init("parent", otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off", metrics_exporter="none",
            traces_schedule_delay_s=60)
    ready = os.pipe()
    pid = os.fork()
    if pid == 0:
        with ot.tracer().start_as_current_span("in child"): pass
        os.write(ready[1], b"x")
        time.sleep(60)
    os.read(ready[0], 1)
    os.kill(pid, signal.SIGTERM)
    print(os.waitpid(pid, 0)[1])
    """
    ended = children.run(code)
    assert ended.out == "15\n", ended.err
    assert [span.name for span in otlp.spans] == ["in child"]


def test_a_forked_child_is_silent_if_that_is_wanted(otlp: Receiver) -> None:
    """Nothing of the parent is sent twice; the child cannot hold the parent's port."""
    code = f"""
    import os, socket, sys
    import otel_trading as ot
    telemetry = ot.init("parent", otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off", traces_schedule_delay_s=60,
                        forked_children=False)
    counter, log, tracer = ot.meter().create_counter("c").bind(), ot.get_logger(), ot.tracer()
    with tracer.start_as_current_span("before"): counter.add(1)
    listener = telemetry._server.socket.fileno()
    pid = os.fork()
    if pid == 0:
        with tracer.start_as_current_span("in child") as span:
            counter.add(1); log.info("in child")
        try: os.fstat(listener); closed = False
        except OSError: closed = True
        print(span.is_recording(), closed, ot.flush(1), ot.shutdown(), flush=True)
        sys.exit(0)
    os.waitpid(pid, 0)
    with tracer.start_as_current_span("after"): pass
    """
    ended = children.run(code)
    assert ended.code == 0, ended.err
    assert ended.out == "False True True True\n"
    assert [line for line in ended.err.splitlines() if "forked process" in line] == [
        "otel_trading: INFO: forked process: telemetry is off here until it calls otel_trading.init()"
    ]
    assert sorted(span.name for span in otlp.spans) == ["after", "before"]


def test_a_forked_child_that_calls_init_sends_its_own(otlp: Receiver) -> None:
    """Handles inherited from the parent come to life there, starting from zero."""
    code = f"""
    import os, sys
    import otel_trading as ot
    arguments = dict(otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off", own_metrics=False)
    ot.init("parent", **arguments)
    counter = ot.meter().create_counter("c").bind()
    counter.add(100)
    pid = os.fork()
    if pid == 0:
        with ot.init("child", **arguments) as telemetry:
            counter.add(2)
            with ot.tracer().start_as_current_span("in child"): pass
        sys.exit(0)
    print(os.waitpid(pid, 0)[1])
    """
    ended = children.run(code)
    assert ended.out == "0\n", ended.err
    assert [span.name for span in otlp.spans] == ["in child"]
    totals = sorted(point.as_int for metric in otlp.metrics for point in metric.sum.data_points)
    assert totals == [2, 100]


@pytest.mark.parametrize("wanted", ["own", "none"])
def test_a_forked_child_serves_its_own_metrics_or_none(wanted: str) -> None:
    """On the next port though the parent's was asked for explicitly, with nothing of the parent's totals."""
    port = free_port()
    code = f"""
    import os, sys, urllib.request
    import otel_trading as ot
    arguments = dict(prometheus_port={port}, metrics_exporter="prometheus", forked_endpoint={wanted!r}, stdout="off",
                     traces_exporter="none", logs_exporter="none", diagnostics_level="warning")
    telemetry = ot.init("parent", **arguments)
    counter = ot.meter().create_counter("fills").bind()
    counter.add(100)
    asked, answered = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        with ot.init("child", **arguments) as telemetry:
            counter.add(2)
            os.write(asked[1], (telemetry.metrics_url or "nowhere").encode())
            os.read(answered[0], 1)
        sys.exit(0)
    where = os.read(asked[0], 100).decode()
    for url in (telemetry.metrics_url, where):
        if url == "nowhere":
            print(url)
            continue
        page = urllib.request.urlopen(url, timeout=10).read().decode()
        print(0 <= int(url.split(":")[2].split("/")[0]) - {port} <= 100, [line.split()[-1] for line in page.splitlines()
                                                             if line.startswith("fills_total")])
    os.write(answered[1], b"x")
    print(os.waitpid(pid, 0)[1])
    """
    done = children.run(code)
    child = "nowhere" if wanted == "none" else "True ['2']"
    assert done.out.splitlines() == ["True ['100']", child, "0"], done.err


def test_a_fork_while_other_threads_record_does_not_hang_the_child(otlp: Receiver) -> None:
    """Locks held by threads that do not exist in the child are replaced."""
    code = f"""
    import os, sys, threading
    import otel_trading as ot
    ot.init("parent", otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off")
    counter, log, tracer = ot.meter().create_counter("c").bind(), ot.get_logger(), ot.tracer()
    over = threading.Event()
    def work():
        while not over.is_set():
            with tracer.start_as_current_span("order"): counter.add(1); log.info("x")
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads: thread.start()
    codes = []
    for _ in range(30):
        pid = os.fork()
        if pid == 0:
            for _ in range(20):
                with tracer.start_as_current_span("order"): counter.add(1); log.info("x"); ot.meter("m").create_counter("n")
            os._exit(0)
        codes.append(os.waitpid(pid, 0)[1])
    over.set()
    for thread in threads: thread.join()
    print(set(codes))
    """
    ended = children.run(code, measured=False)
    assert ended.out == "{0}\n", ended.err


def test_a_childs_copy_of_everything_is_empty_and_answers_at_once(otlp: Receiver) -> None:
    """Books, flushes and an application's own provider, though another thread held the locks at the fork."""
    code = f"""
    import os
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    provider = TracerProvider(); trace.set_tracer_provider(provider)
    import otel_trading as ot
    telemetry = ot.init("x", otlp_endpoint={otlp.url!r}, metrics_exporter="none", stdout="off", traces_schedule_delay_s=60)
    tracer = trace.get_tracer("theirs")
    with tracer.start_as_current_span("before"): pass
    import threading
    held, go_on = threading.Event(), threading.Event()
    def hold():
        with telemetry._lanes["traces"].workers[0]._changed: held.set(); go_on.wait(30)
    threading.Thread(target=hold, daemon=True).start(); held.wait(10)
    pid = os.fork()
    if pid == 0:
        with tracer.start_as_current_span("in child"): pass
        books = telemetry.books()["traces"]
        print(books.offered, books.delivered, books.dropped, books.queued, provider.force_flush(1000), flush=True)
        os._exit(0)
    print(os.waitpid(pid, 0)[1], flush=True)
    go_on.set()
    """
    ended = children.run(code, timeout_s=30)
    assert ended.out == "1 0 {'after_shutdown': 1} 0 False\n0\n", ended.err
    assert [span.name for span in otlp.spans] == ["before"]
