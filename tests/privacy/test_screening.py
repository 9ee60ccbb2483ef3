"""Encoded spans: what the redactor would change is never missed, what it would not is left alone, and the rest decoded."""

from __future__ import annotations

import threading
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span
from opentelemetry.sdk.resources import Resource
from privacy.encoded_spans import ATTRIBUTES, FRAGMENTS, TEXTS, encoded

from otel_trading.hotpath import choose, span_reading
from otel_trading.privacy import screening
from otel_trading.privacy.redaction import Redactor
from otel_trading.privacy.screening import Screening
from otel_trading.privacy.span_messages import redact_encoded
from otel_trading.privacy.spans import redact_span
from otel_trading.traces.readable import readable

MASK = "[redacted]"
REDACTORS = {"ours": Redactor(), "own names": Redactor(["desk", "börse", "pin 7"])}
SECRET = ["password=hunter2", "https://u:p@h/", "Bearer abcdef123456", "4111 1111 1111 1111", "DE89370400440532013000"]


@pytest.fixture(params=["native", "python"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Native module or twin."""
    loaded = choose(request.param)
    monkeypatch.setattr(screening, "engine", loaded)
    return loaded


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The native module, where only it can."""
    loaded = choose("native")
    monkeypatch.setattr(screening, "engine", loaded)
    return loaded


def screened(field: bytes, redactor: Redactor) -> Span:
    """The span that is left of one."""
    spans, lost = Screening(redactor).redacted(field)
    assert 0 == lost
    (span,) = ScopeSpans.FromString(spans).spans
    return span


def changed(message: bytes, redactor: Redactor) -> bool:
    """Whether the redactor finds something."""
    return Span.FromString(redact_encoded(message, redactor)) != Span.FromString(message)


@pytest.mark.parametrize("redactor", REDACTORS.values(), ids=REDACTORS)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXTS, attributes=ATTRIBUTES, event=st.tuples(TEXTS, ATTRIBUTES), link=ATTRIBUTES, status=TEXTS)
def test_whatever_the_redactor_changes_is_suspicious(
    engine: Any, redactor: Redactor, name: str, attributes: Any, event: Any, link: Any, status: str
) -> None:
    """In each place of a span that can hold a text, one at a time, so that none covers another."""
    for parts in ({"event": event}, {"link": link}, {"status": status}, {}):
        given_name, given_attributes = (name, attributes) if not parts else ("n", {})
        field, message = encoded(engine, given_name, given_attributes, **parts)
        assert Span.FromString(redact_encoded(message, redactor)) == screened(field, redactor)


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_text_that_the_redactor_changes_is_suspicious(engine: Any, text: str) -> None:
    """Many texts, as the name of a span."""
    redactor = REDACTORS["own names"]
    field, message = encoded(engine, text, None)
    if changed(message, redactor):
        assert Span.FromString(redact_encoded(message, redactor)) == screened(field, redactor)


@pytest.mark.parametrize(
    "text", [text + end for text in FRAGMENTS for end in ("", "=x", ": abcdefgh1", " abcdefgh1", "é")]
)
def test_each_fragment_alone_is_held_to_the_redactor(engine: Any, text: str) -> None:
    """And with something behind it."""
    for redactor in REDACTORS.values():
        field, message = encoded(engine, text, {"v": text, "order_id": text, "l": [[text, text], (text,)]})
        assert Span.FromString(redact_encoded(message, redactor)) == screened(field, redactor)


@pytest.mark.parametrize("text", SECRET)
@pytest.mark.parametrize("place", ["name", "value", "in list", "in mapping", "event", "event value", "link", "status"])
def test_secret_is_found_wherever_it_is(engine: Any, text: str, place: str) -> None:
    """Trace state is not looked at: it is a header of the protocol."""
    parts: dict[str, Any] = {
        "event": {"event": (text, {})}, "event value": {"event": ("e", {"k": text})}, "link": {"link": {"k": text}},
        "status": {"status": text},
    }.get(place, {})  # fmt: skip
    values = {"value": text, "in list": ["x", text], "in mapping": {"a": {"b": text}}}
    name = text if place == "name" else "n"
    field, _ = encoded(engine, name, {"k": values[place]} if place in values else {}, state="a=b", **parts)
    span = screened(field, REDACTORS["ours"])
    assert MASK in str(span)
    assert text not in str(span)
    assert "a=b" == span.trace_state


def test_clean_spans_are_neither_decoded_nor_copied(native: Any) -> None:
    """What traders write: ids that look like cards, times, instruments, addresses without users, messages."""
    arena = native.Arena()
    begin = native.Recorder(arena).begin
    for number in range(100):
        span = begin("order.submit", attributes={
            "trading.venue": "binance", "trading.order.id": "4111111111111111", "trading.order.side": "buy", "n": number,
            "price": "67250.5", "isin": "US0378331005", "ts.sent": 1732243200000000000, "at": "1732243200000000000",
            "url.full": "https://api.example/v3/order?symbol=BTCUSDT&side=BUY", "tags": ("a", "b"), "desk": "Zürich",
            "clOrdId": "DE89370400440532013000", "error": "ValueError: price 5 is below 6, at 12:30:05",
        })  # fmt: skip
        span.add_event("exception", {"exception.type": "ValueError", "exception.message": "no such order: 17"})
        span.set_status(2, "no such order: 17")
        span.end()
    spans = arena.take()[2]
    made = Screening(Redactor())
    assert made.redacted(spans)[0] is spans


def test_users_patterns_make_each_span_suspicious(engine: Any) -> None:
    """Nobody but Python knows what they match."""
    field, _ = encoded(engine, "order ACME-17", {"k": "ACME-18", "order_id": "ACME-19"})
    span = screened(field, Redactor(patterns=[r"ACME-\d+"]))
    assert f"order {MASK}" == span.name
    assert [MASK, MASK] == [pair.value.string_value for pair in span.attributes]


def test_span_that_cannot_be_redacted_is_lost_alone(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not leave; its neighbours do."""
    arena = engine.Arena()
    begin = engine.Recorder(arena).begin
    for name in ("a", "password=b", "c", "password=d"):
        begin(name).end()

    def fail(span: bytes, redactor: Redactor) -> bytes:
        if b"password=b" in span:
            raise ValueError("broken")
        return redact_encoded(span, redactor)

    monkeypatch.setattr(screening, "redact_encoded", fail)
    spans, lost = Screening(Redactor()).redacted(arena.take()[2])
    assert 1 == lost
    assert ["a", "c", f"password={MASK}"] == [span.name for span in ScopeSpans.FromString(spans).spans]


@pytest.mark.parametrize("broken", [b"\x12", b"\x12\x05a", b"\x0a\x01a", b"\x12\x02a", b"\xff" * 12])
def test_what_is_no_chunk_is_refused(engine: Any, broken: bytes) -> None:
    """It must not leave unseen."""
    with pytest.raises(ValueError, match="no encoded spans"):
        Screening(Redactor()).redacted(broken)


@pytest.mark.parametrize("inside", [b"\x2a\x05ab", b"\x4a\x03\x0a\x09a", b"\x4a\x02\x12\x07", b"\x5a\x01\xff", b"\x0f"])
def test_broken_span_is_suspicious(engine: Any, inside: bytes) -> None:
    """And is lost alone, since it cannot be decoded."""
    field, _ = encoded(engine, "good", {})
    bad = b"\x12" + bytes([len(inside)]) + inside
    spans, lost = Screening(Redactor()).redacted(field + bad + field)
    assert 1 == lost
    assert ScopeSpans.FromString(field + field) == ScopeSpans.FromString(spans)


def test_keys_beyond_the_memory_cost_time_only(engine: Any) -> None:
    """A program that invents keys without end."""
    arena = engine.Arena(1 << 20, 1 << 26)
    begin = engine.Recorder(arena).begin
    for number in range(2000):
        attributes = {f"k{number}.{i}": "x" for i in range(3)}
        begin("n", attributes={**attributes, "api_key": f"secret {number}"}).end()
    made, count = Screening(Redactor()), 0
    while (chunk := arena.take()) is not None:
        spans, lost = made.redacted(chunk[2])
        assert 0 == lost
        assert b"secret" not in spans
        count += len(ScopeSpans.FromString(spans).spans)
    assert 2000 == count


def test_taught_key_is_remembered_with_its_kind(native: Any) -> None:
    """0 any, 1 of an id, 2 a secret."""
    screen = native.Screen([("password",)], [])
    field, _ = encoded(native, "n", {"k": "password=x"})
    assert ([(0, len(field))], [b"k"]) == screen.look(field)
    for kind, suspects in ((0, 1), (1, 0), (2, 1), (1, 0)):
        screen.teach(b"k", kind)
        found, unknown = screen.look(field)
        assert (suspects, []) == (len(found), unknown)


def test_what_is_no_key_or_kind_is_refused(engine: Any) -> None:
    """With the same words by both engines."""
    screen = engine.Screen([("password",)], [])
    for kind in (-1, 3):
        with pytest.raises(ValueError, match="0 to 2"):
            screen.teach(b"k", kind)
    with pytest.raises(TypeError, match="as bytes"):
        screen.teach("k", 0)
    with pytest.raises(TypeError, match="look takes bytes"):
        screen.look(bytearray(b""))


def test_second_thread_is_turned_away(native_screen: Any) -> None:
    """Whatever it does meanwhile, nothing breaks."""
    screen, spans = native_screen
    done, refused = threading.Event(), []

    def teach() -> None:
        while not done.is_set():
            try:
                screen.teach(b"k", 0)
            except RuntimeError:
                refused.append(1)

    thread = threading.Thread(target=teach)
    thread.start()
    for _ in range(300):
        try:
            screen.look(spans)
        except RuntimeError:
            continue
    done.set()
    thread.join()


@pytest.fixture
def native_screen() -> tuple[Any, bytes]:
    """A screen and a chunk that takes a while."""
    loaded: Any = choose("native")
    arena = loaded.Arena()
    begin = loaded.Recorder(arena).begin
    for number in range(400):
        begin("n", attributes={"k": "x" * 80, f"k{number}": "a: b"}).end()
    return loaded.Screen([("password",)], [("token",)]), arena.take()[2]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=TEXTS, event=TEXTS, status=TEXTS,
    attributes=st.dictionaries(st.sampled_from(["a", "api_key", "token", "order_id", "cookie"]),
                               st.one_of(TEXTS, st.integers(-100, 100), st.booleans(), st.lists(TEXTS, max_size=3))),
)  # fmt: skip
def test_result_is_that_of_the_sdks_spans(engine: Any, name: str, event: str, status: str, attributes: Any) -> None:
    """The same span, redacted as an object and encoded then, is equal field by field."""
    redactor = REDACTORS["ours"]
    field, message = encoded(
        engine, name, attributes, event=(event, attributes), link={**attributes, "x": 1}, status=status
    )
    ours = screened(field, redactor)
    sdks = redact_span(readable(span_reading.read(message), Resource({}), None), redactor)
    theirs = encode_spans([sdks]).resource_spans[0].scope_spans[0].spans[0]
    for span in (ours, theirs):
        span.ClearField("flags")  # the stock encoder has no trace flags
        for link in span.links:
            link.ClearField("flags")
    assert theirs == ours


def test_screen_keeps_no_memory(native: Any) -> None:
    """Neither of what it looked through nor of what it was taught."""
    field, _ = encoded(native, "n", {"k": "password=x", "l": "y"})

    def use() -> None:
        screen = native.Screen([("password",), ("api", "key")], [("token",)])
        for number in range(100):
            screen.look(field)
            screen.teach(f"k{number}".encode(), number % 3)
        with suppress(ValueError):
            screen.look(b"\x12")

    use()
    tracemalloc.start()
    try:
        use()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20):
            use()
        assert tracemalloc.get_traced_memory()[0] - before < 2000
    finally:
        tracemalloc.stop()
