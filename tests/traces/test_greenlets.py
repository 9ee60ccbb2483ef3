"""Greenlets have contexts of their own, and so current spans."""

from __future__ import annotations

from typing import Any

from greenlet import getcurrent, greenlet
from opentelemetry import trace

import otel_trading as ot
from otel_trading.testing import capture


def test_each_greenlet_has_its_own_current_span() -> None:
    """Interleaved, each finds its own, and no parent of another."""
    roots: list[Any] = []

    def work() -> None:
        with ot.tracer().start_as_current_span("greenlet") as span:
            roots.append(span)
            parent = getcurrent().parent
            assert parent is not None
            parent.switch()
            assert trace.get_current_span() is span
            with ot.tracer().start_as_current_span("inside"):
                parent.switch()
            assert trace.get_current_span() is span

    with capture() as captured:
        made = [greenlet(work) for _ in range(3)]
        for let in made + made + made:
            let.switch()
        assert trace.get_current_span() is trace.INVALID_SPAN
        inside = [span for span in captured.spans if span.name == "inside"]
    assert {span.get_span_context().trace_id for span in roots} == {span.context.trace_id for span in inside}
    assert len({span.get_span_context().trace_id for span in roots}) == 3
    assert [span.parent for span in captured.spans if span.name == "greenlet"] == [None, None, None]
