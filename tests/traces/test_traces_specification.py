"""Rows of the specification's compliance matrix for traces that no other test shows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.context import Context
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from support.servers import Receiver, wait_until
from traces.traces_recorded import Ours

import otel_trading as ot
from otel_trading import sdk

REMOTE = SpanContext(0xABC, 0xDEF, True, TraceFlags(1), TraceState([("vendor", "a")]))


def under(context: SpanContext, **more: object) -> Context:
    """A context of its own with a span of another process, and baggage."""
    made = trace.set_span_in_context(NonRecordingSpan(context), Context())
    for key, value in more.items():
        made = baggage.set_baggage(key, value, made)
    return made


def chunks(ours: Ours) -> list[ScopeSpans]:
    found = []
    while (chunk := ours.arena.take()) is not None:
        found.append(ScopeSpans.FromString(chunk[0] + chunk[2]))
    return found


def test_providers_are_independent() -> None:
    """Each has the spans of its own tracers."""
    one, other = Ours(), Ours()
    one.provider.get_tracer("t").start_span("a").end()
    other.provider.get_tracer("t").start_span("b").end()
    assert [[message.name for message in each.messages()] for each in (one, other)] == [["a"], ["b"]]


def test_a_tracer_is_its_scope() -> None:
    """Name, version, schema URL and attributes, as they are sent."""
    ours = Ours()
    ours.provider.get_tracer("orders", "1.2", "https://example.org/1", {"desk": "eu"}).start_span("a").end()
    (sent,) = chunks(ours)
    assert (sent.scope.name, sent.scope.version, sent.schema_url) == ("orders", "1.2", "https://example.org/1")
    assert [(pair.key, pair.value.string_value) for pair in sent.scope.attributes] == [("desk", "eu")]


def test_tracers_are_got_by_many_threads() -> None:
    """Each works, also while a processor is added."""
    ours = Ours()
    barrier = threading.Barrier(5)

    def work(number: int) -> None:
        barrier.wait()
        for each in range(100):
            ours.provider.get_tracer(f"t{number}", str(each)).start_span(f"{number}.{each}").end()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    barrier.wait()
    for _ in range(3):
        ours.provider.add_span_processor(SpanProcessor())
    for each in threads:
        each.join()
    assert {f"{number}.{each}" for number in range(4) for each in range(100)} == {m.name for m in ours.messages()}


def test_a_flush_of_the_provider_delivers_and_says_so(otlp: Receiver) -> None:
    """False in time while the receiver does not answer."""
    quiet: dict[str, Any] = {"metrics_exporter": "none", "logs_exporter": "none", "stdout": "off"}
    over = threading.Event()

    def hang(path: str) -> tuple[int, dict[str, str], bytes]:
        over.wait(20)
        return 200, {}, b""

    with ot.init("x", otlp_endpoint=otlp.url, traces_schedule_delay_s=60, **quiet):
        provider: Any = trace.get_tracer_provider()
        ot.tracer().start_span("a").end()
        assert provider.force_flush(10_000) is True
        assert [span.name for span in otlp.spans] == ["a"]
        otlp.answer = hang
        ot.tracer().start_span("b").end()
        assert provider.force_flush(200) is False
        over.set()
        wait_until(lambda: len(otlp.spans) == 2)


def test_a_shut_down_provider_has_delivered_and_begins_nothing(otlp: Receiver) -> None:
    """Nor do tracers from before; another `init()` brings them back."""
    quiet: Any = {"otlp_endpoint": otlp.url, "metrics_exporter": "none", "logs_exporter": "none", "stdout": "off"}
    tracer = ot.tracer()
    with ot.init("x", traces_schedule_delay_s=60, **quiet):
        provider: Any = trace.get_tracer_provider()
        with tracer.start_as_current_span("before"):
            pass
        provider.shutdown()
        assert [span.name for span in otlp.spans] == ["before"]
        for each in (tracer, provider.get_tracer("new")):
            with each.start_as_current_span("after") as span:
                assert not span.is_recording()
    with ot.init("x", **quiet), tracer.start_as_current_span("again") as span:
        assert span.is_recording()
    assert [span.name for span in otlp.spans] == ["before", "again"]


def test_a_context_is_valid_with_both_ids_and_remote_only_if_it_came_from_elsewhere() -> None:
    """That of a child of a remote span is not remote; its parent is told to be."""
    ours = Ours()
    span = ours.provider.get_tracer("t").start_span("a", under(REMOTE))
    span.end()
    context = span.get_span_context()
    assert (context.is_valid, context.is_remote, context.trace_id) == (True, False, 0xABC)
    assert not SpanContext(context.trace_id, 0, False).is_valid
    assert not SpanContext(0, context.span_id, False).is_valid
    (message,) = ours.messages()
    assert (message.parent_span_id, message.flags & 0x300) == ((0xDEF).to_bytes(8, "big"), 0x300)


def test_a_context_goes_through_w3c_headers_and_back() -> None:
    """traceparent of version 00 with the flags of level 2; tracestate; ids as they were."""
    propagator, carrier = TraceContextTextMapPropagator(), {}
    span = Ours().provider.get_tracer("t").start_span("a")
    root = span.get_span_context()
    propagator.inject(carrier, trace.set_span_in_context(span, Context()))
    assert carrier == {"traceparent": f"00-{root.trace_id:032x}-{root.span_id:016x}-03"}
    header = {"traceparent": f"00-{0xABC:032x}-{0xDEF:016x}-01", "tracestate": "vendor=a"}
    child = Ours().provider.get_tracer("t").start_span("b", propagator.extract(header, Context()))
    told: dict[str, str] = {}
    propagator.inject(told, trace.set_span_in_context(child, Context()))
    assert told["traceparent"] == f"00-{0xABC:032x}-{child.get_span_context().span_id:016x}-01"
    assert told["tracestate"] == "vendor=a"


@pytest.mark.parametrize("given", [NonRecordingSpan(REMOTE), REMOTE])
def test_neither_a_span_nor_its_context_is_taken_for_a_parent(given: Any) -> None:
    """Only a Context is: the span that is current stays the parent."""
    ours = Ours()
    with ours.provider.get_tracer("t").start_as_current_span("a") as outer:
        span = ours.provider.get_tracer("t").start_span("b", given)
    assert span.get_span_context().trace_id == outer.get_span_context().trace_id
    assert span.parent.span_id == outer.get_span_context().span_id  # type: ignore[attr-defined]


class Told(SpanProcessor):
    """Contexts in which spans began; writes on spans that are about to end."""

    def __init__(self) -> None:
        self.began_in: list[Context | None] = []
        self.ended: list[ReadableSpan] = []

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        self.began_in.append(parent_context)

    def _on_ending(self, span: Any) -> None:
        span.set_attribute("recording", span.is_recording())
        span.update_name(f"{span.name} ending")

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append(span)


def test_a_processor_is_told_of_the_whole_parent_context() -> None:
    """That which the caller gave, baggage included."""
    ours, told, context = Ours(), Told(), under(REMOTE, desk="eu")
    ours.provider.add_span_processor(told)
    ours.provider.get_tracer("t").start_span("a", context).end()
    assert told.began_in == [context]
    assert baggage.get_baggage("desk", told.began_in[0]) == "eu"


def test_a_processor_writes_on_a_span_that_is_about_to_end() -> None:
    """What it writes is sent, and others see it at the end; afterwards the span is over."""
    ours, told = Ours(), Told()
    ours.provider.add_span_processor(told)
    span = ours.provider.get_tracer("t").start_span("a")
    span.end()
    (message,), (ended,) = ours.messages(), told.ended
    assert message.name == ended.name == "a ending"
    assert dict(ended.attributes or {}) == {"recording": True}
    assert not span.is_recording()


def test_attributes_stay_in_the_order_in_which_they_were_set() -> None:
    """A key that is set again counts from then on; any letters may be in keys and values."""
    ours = Ours()
    span = ours.provider.get_tracer("t").start_span("a", attributes={"z": "1", "価格": "ñ"})
    span.set_attribute("b", "3")
    span.set_attribute("z", "4")
    span.end()
    (message,) = ours.messages()
    told = [(pair.key, pair.value.string_value) for pair in message.attributes]
    assert told == [("価格", "ñ"), ("b", "3"), ("z", "4")]


class Asked(Sampler):
    """Notes what it is asked, and changes the trace state."""

    def __init__(self, decision: Decision = Decision.RECORD_AND_SAMPLE) -> None:
        self.decision = decision
        self.contexts: list[Context | None] = []

    def should_sample(self, parent_context: Context | None, *given: Any, **named: Any) -> SamplingResult:
        self.contexts.append(parent_context)
        return SamplingResult(self.decision, None, TraceState([("asked", "yes")]))

    def get_description(self) -> str:
        return "Asked"


def test_a_sampler_is_given_the_whole_context_and_may_change_the_trace_state() -> None:
    """What it returns is on the span, is sent, and is what children pass on."""
    sampler, context = Asked(), under(REMOTE, desk="eu")
    ours = Ours(sampler)
    span = ours.provider.get_tracer("t").start_span("a", context)
    span.end()
    (message,) = ours.messages()
    assert sampler.contexts == [context]
    assert message.trace_state == span.get_span_context().trace_state.to_header() == "asked=yes"


@pytest.mark.parametrize("sampler", [ALWAYS_OFF, Asked(Decision.DROP)])
def test_an_unsampled_span_has_an_id_of_its_own(sampler: Sampler) -> None:
    """In the trace of its parent, with the flag off; it is not sent."""
    ours = Ours(sampler)
    contexts = [ours.provider.get_tracer("t").start_span("a", under(REMOTE)).get_span_context() for _ in range(2)]
    assert {context.trace_id for context in contexts} == {0xABC}
    assert len({context.span_id for context in contexts} | {0xDEF, 0}) == 4
    assert [context.trace_flags.sampled for context in contexts] == [False, False]
    assert ours.messages() == []


def test_a_span_that_is_recorded_only_is_seen_by_processors_and_not_sent() -> None:
    """AlwaysRecord of the SDK makes one of each that its sampler drops."""
    sampling = pytest.importorskip("opentelemetry.sdk.trace.sampling")
    if not hasattr(sampling, "AlwaysRecordSampler"):
        pytest.skip("this SDK has no AlwaysRecord")
    ours, told = Ours(sampling.AlwaysRecordSampler(ALWAYS_OFF)), Told()
    ours.provider.add_span_processor(told)
    span = ours.provider.get_tracer("t").start_span("a")
    span.set_attribute("n", 1)
    assert (span.is_recording(), span.get_span_context().trace_flags.sampled) == (True, False)
    span.end()
    assert [dict(ended.attributes or {}) for ended in told.ended] == [{"n": 1, "recording": True}]
    assert ours.messages() == []


HALF = 1 << 55
Composed = Callable[[], Any]


@pytest.mark.parametrize(
    ("made", "states"),
    [
        (lambda: sdk.composable_always_on(), ("ot=th:0", "ot=th:0")),
        (lambda: sdk.composable_traceid_ratio_based(0.5), (None, "ot=th:8")),
        (lambda: sdk.composable_parent_threshold(sdk.composable_traceid_ratio_based(0.5)), (None, "ot=th:8")),
    ],
    ids=["always_on", "probability", "parent_threshold"],
)
def test_composed_samplers_decide_and_tell_their_threshold(made: Composed, states: Sequence[str | None]) -> None:
    """The lower half of all trace ids is dropped at a ratio of a half, and the span says so."""

    class Fixed(sdk.RandomIdGenerator):  # type: ignore[misc]
        def __init__(self, trace_id: int) -> None:
            self.trace_id = trace_id

        def generate_trace_id(self) -> int:
            return self.trace_id

    from opentelemetry.sdk.trace._sampling_experimental import composite_sampler

    for trace_id, state in zip(((1 << 64) + HALF - 1, (1 << 64) + HALF), states, strict=True):
        ours = Ours(composite_sampler(made()), Fixed(trace_id))
        span = ours.provider.get_tracer("t").start_span("a")
        span.end()
        assert [message.trace_state for message in ours.messages()] == ([state] if state else [])
        assert span.get_span_context().trace_flags.sampled is (state is not None)
