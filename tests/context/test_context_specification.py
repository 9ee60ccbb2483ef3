"""Rows of the specification's compliance matrix for context, propagators and baggage, over our spans and `init()`."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import baggage, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, attach, create_key, detach, get_current, get_value, set_value
from opentelemetry.propagators.textmap import Getter, Setter, default_getter
from opentelemetry.trace import SpanKind

import otel_trading as ot
from otel_trading.testing import capture


def test_values_of_the_context_stay_beside_our_spans() -> None:
    """Keys of one name differ; a context that is set is never changed; what was attached is detached."""
    first, second = create_key("k"), create_key("k")
    assert first != second
    with capture(), ot.tracer().start_as_current_span("outer") as outer:
        token = attach(set_value(first, 1))
        with ot.tracer().start_as_current_span("inner") as inner:
            inside = get_current()
            assert (get_value(first), get_value(second), trace.get_current_span()) == (1, None, inner)
            assert get_value(first, set_value(first, 2)) == 2
        assert (get_value(first), trace.get_current_span()) == (1, outer)
        detach(token)
        assert (get_value(first), trace.get_current_span()) == (None, outer)
        assert get_value(first, inside) == 1


KNOBS: dict[str, Any] = {
    "traces_exporter": "none", "metrics_exporter": "none", "logs_exporter": "none", "stdout": "off",
    "propagators": ["tracecontext", "baggage"],
}  # fmt: skip


class Headers(Getter[list[tuple[str, str]]], Setter[list[tuple[str, str]]]):
    """A carrier of pairs, as some clients have it."""

    def get(self, carrier: list[tuple[str, str]], key: str) -> list[str] | None:
        return [value for name, value in carrier if name == key] or None

    def keys(self, carrier: list[tuple[str, str]]) -> list[str]:
        return [name for name, _ in carrier]

    def set(self, carrier: list[tuple[str, str]], key: str, value: str) -> None:
        carrier.append((key, value))


def test_the_global_propagator_is_composed_of_those_that_were_asked_for() -> None:
    """Fields of both; a carrier of any kind by its getter and setter."""
    before = propagate.get_global_textmap()
    with ot.init("x", **KNOBS):
        assert propagate.get_global_textmap().fields == {"traceparent", "tracestate", "baggage"}
        carrier = [("traceparent", f"00-{0xABC:032x}-{0xDEF:016x}-01"), ("baggage", "desk=eu")]
        found = propagate.extract(carrier, Context(), Headers())
        context = trace.get_current_span(found).get_span_context()
        assert (context.trace_id, context.span_id, context.is_remote) == (0xABC, 0xDEF, True)
        assert baggage.get_all(found) == {"desk": "eu"}
        attributes = {"server.address": "127.0.0.1"}
        with ot.tracer().start_as_current_span("a", found, SpanKind.CLIENT, attributes):
            told: list[tuple[str, str]] = []
            propagate.inject(told, baggage.set_baggage("venue", "x"), Headers())
    assert sorted(name for name, _ in told) == ["baggage", "traceparent"]
    assert dict(told)["baggage"] == "venue=x"
    assert propagate.get_global_textmap() is before


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("b3", {"b3": f"{0xABC:032x}-{0xDEF:016x}-1"}),
        (
            "b3multi",
            {"x-b3-traceid": f"{0xABC:032x}", "x-b3-spanid": f"{0xDEF:016x}", "x-b3-sampled": "1"},
        ),
        ("jaeger", {"uber-trace-id": f"{0xABC:032x}:{0xDEF:016x}:0:01"}),
        (
            "ottrace",
            {"ot-tracer-traceid": f"{0xABC:016x}", "ot-tracer-spanid": f"{0xDEF:016x}", "ot-tracer-sampled": "true"},
        ),
    ],
)
def test_propagators_of_others_are_chosen_by_name(name: str, headers: dict[str, str]) -> None:
    """A header begins our span's trace, and our span's ids go out by the same headers, to allowed hosts only."""
    with ot.init("x", **{**KNOBS, "propagators": [name]}):
        context = propagate.extract(headers, Context())
        with ot.tracer().start_as_current_span(
            "asks", context, SpanKind.CLIENT, {"server.address": "127.0.0.1"}
        ) as span:
            told: dict[str, str] = {}
            propagate.inject(told)
            placed = span.get_span_context()
            read_back = trace.get_current_span(propagate.extract(told, Context())).get_span_context()
        with ot.tracer().start_as_current_span("asks", context, SpanKind.CLIENT, {"server.address": "api.venue.com"}):
            abroad: dict[str, str] = {}
            propagate.inject(abroad)
    assert (placed.trace_id, span.parent.span_id, placed.trace_flags.sampled) == (0xABC, 0xDEF, True)
    assert {key.lower() for key in told} >= set(headers)
    # read by the propagator: OT's headers leave out an id's leading zeros
    assert (read_back.trace_id, read_back.span_id, read_back.trace_flags.sampled) == (0xABC, placed.span_id, True)
    assert abroad == {}


def test_a_getter_lists_the_keys_of_a_carrier() -> None:
    """For propagators whose headers begin alike."""
    assert default_getter.keys({"uberctx-a": "1", "b": "2"}) == ["uberctx-a", "b"]


def test_baggage_goes_by_its_header_and_back() -> None:
    """Set, removed, cleared; the header is called `baggage`."""
    context = baggage.set_baggage("desk", "eu west", baggage.set_baggage("venue", "x", Context()))
    assert baggage.get_baggage("desk", context) == "eu west"
    assert baggage.get_all(baggage.remove_baggage("venue", context)) == {"desk": "eu west"}
    assert baggage.get_all(baggage.clear(context)) == {}
    carrier: dict[str, str] = {}
    W3CBaggagePropagator().inject(carrier, context)
    assert carrier == {"baggage": "venue=x,desk=eu+west"}
    assert baggage.get_all(W3CBaggagePropagator().extract(carrier, Context())) == {"venue": "x", "desk": "eu west"}


def test_a_child_process_is_given_its_parent_in_the_environment() -> None:
    """TRACEPARENT of the specification's carrier; what it begins is of the same trace."""
    carriers = pytest.importorskip("opentelemetry.propagators._envcarrier")
    header = {"TRACEPARENT": f"00-{0xABC:032x}-{0xDEF:016x}-01"}
    with capture():
        context = propagate.extract(header, Context(), carriers.EnvironmentGetter())
        with ot.tracer().start_as_current_span("child", context) as span:
            assert span.get_span_context().trace_id == 0xABC
