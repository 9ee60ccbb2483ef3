"""The trading sampler: orders survive, ticks are thinned, thresholds are told and passed on."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState
from support import children

import otel_trading as ot
from otel_trading.ground import clock
from otel_trading.hotpath import choose
from otel_trading.traces.sampler import RateCap, TradingSampler, create_sampler

SAMPLED, UNSAMPLED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(0)
LOWEST, HIGHEST = 0, (1 << 56) - 1


def parent(flags: TraceFlags = UNSAMPLED, state: str = "", remote: bool = True, trace_id: int = HIGHEST) -> object:
    context = SpanContext(trace_id, 7, remote, flags, TraceState.from_header([state]) if state else None)
    return trace.set_span_in_context(NonRecordingSpan(context))


def sampled(
    sampler: TradingSampler, name: str, context: object = None, randomness: int = LOWEST, **attributes: object
) -> bool:
    result = sampler.should_sample(context, randomness, name, attributes=attributes)  # type: ignore[arg-type]
    return result.decision is Decision.RECORD_AND_SAMPLE


@pytest.mark.parametrize(
    "name",
    [
        "order.submit binance",
        "order.fill",
        "order filled",
        "risk.check position_limit",
        "kill_switch.armed",
        "md.gap binance",
        "feed.gap",
        "execution.report",
    ],
)
def test_an_order_under_an_unsampled_tick_is_kept(name: str) -> None:
    """A parent-based sampler would drop it; the always-rules are outermost."""
    sampler = TradingSampler(tick_ratio=0.0, default_ratio=0.0)
    assert sampled(sampler, name, parent(UNSAMPLED))
    assert sampled(sampler, name, parent(UNSAMPLED, remote=False))
    assert not sampled(sampler, "md.receive binance", parent(UNSAMPLED))


@pytest.mark.parametrize(
    "key", ["trading.order.client_id", "trading.execution.id", "risk.result", "trading.kill_switch"]
)
def test_a_span_is_kept_for_its_attributes(key: str) -> None:
    """Whatever its name."""
    sampler = TradingSampler(0.0, 0.0)
    assert sampler.should_sample(None, LOWEST, "work", attributes={key: "x"}).decision is Decision.RECORD_AND_SAMPLE
    assert not sampled(sampler, "work", venue="x")


def test_patterns_of_the_user_are_kept_too() -> None:
    """`always_spans`."""
    assert sampled(TradingSampler(0.0, 0.0, always=["hedge.*"]), "hedge.unwind")


@pytest.mark.parametrize(
    ("name", "ratio"), [("md.receive binance", 0.25), ("book.update", 0.25), ("tick", 0.25), ("report.daily", 0.5)]
)
def test_roots_are_kept_by_ratio_and_tell_their_threshold(name: str, ratio: float) -> None:
    """Ticks by tick_ratio, the rest by default_ratio; consistent with the trace id's 56 random bits."""
    sampler = TradingSampler(tick_ratio=0.25, default_ratio=0.5)
    threshold = round((1 - ratio) * (1 << 56))
    assert sampled(sampler, name, randomness=threshold)
    assert not sampled(sampler, name, randomness=threshold - 1)
    state = sampler.should_sample(None, HIGHEST, name).trace_state
    assert state is not None
    assert state["ot"] == {0.25: "th:c", 0.5: "th:8"}[ratio]


def test_a_child_follows_its_parents_threshold_and_passes_vendors_on() -> None:
    """`ot=th:` of the parent, other members of `ot`, other vendors: all kept, local and remote."""
    sampler = TradingSampler(tick_ratio=1.0, default_ratio=1.0)
    for remote in (True, False):
        context = parent(SAMPLED, "ot=th:c;xx:1,vendor=abc", remote)
        result = sampler.should_sample(context, HIGHEST, "work")  # type: ignore[arg-type]
        assert result.decision is Decision.RECORD_AND_SAMPLE
        assert result.trace_state is not None
        assert dict(result.trace_state) == {"ot": "th:c;xx:1", "vendor": "abc"}
        assert not sampled(sampler, "work", context, LOWEST)


def test_an_unsampled_child_passes_no_threshold_on() -> None:
    """It would claim a ratio that was not used; the vendors' entries stay."""
    result = TradingSampler(0.0, 0.0).should_sample(parent(UNSAMPLED, "ot=th:0,vendor=abc", trace_id=1), LOWEST, "work")  # type: ignore[arg-type]
    assert result.decision is Decision.RECORD_AND_SAMPLE  # th:0 says that the parent was kept
    result = TradingSampler(0.0, 0.0).should_sample(parent(UNSAMPLED, "ot=th:f,vendor=abc"), LOWEST, "work")  # type: ignore[arg-type]
    assert (result.decision, dict(result.trace_state or {})) == (Decision.DROP, {"vendor": "abc"})


def test_tracestate_survives_three_generations_through_the_real_tracer() -> None:
    """The SDK's tracer hands samplers no tracestate; children would lose all of it."""
    tracer = TracerProvider(sampler=TradingSampler(1.0, 0.5), shutdown_on_exit=False).get_tracer("t")
    with tracer.start_as_current_span("work", context=parent(SAMPLED, "ot=th:8,vendor=abc")):  # type: ignore[arg-type]
        with tracer.start_as_current_span("order.submit") as order:
            assert dict(order.get_span_context().trace_state) == {"ot": "th:0", "vendor": "abc"}
            with tracer.start_as_current_span("encode") as grandchild:
                assert dict(grandchild.get_span_context().trace_state) == {"ot": "th:0", "vendor": "abc"}
                assert grandchild.is_recording()


@given(st.floats(0, 1), st.integers(0, HIGHEST), st.sampled_from(["md.receive x", "work", "order.submit"]))
def test_sampled_means_randomness_reaches_the_told_threshold(ratio: float, randomness: int, name: str) -> None:
    """Whatever the ratio, the threshold on the span is the one that was used."""
    result = TradingSampler(ratio, ratio).should_sample(None, randomness, name)
    if result.decision is Decision.RECORD_AND_SAMPLE:
        text = dict(result.trace_state or {})["ot"].removeprefix("th:")
        assert int(text.ljust(14, "0"), 16) <= randomness
    else:
        assert "ot" not in dict(result.trace_state or {})


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(clock, "monotonic_ns", lambda: int(now[0] * 1e9))
    return now


@pytest.mark.parametrize("offered", [50, 1_000, 20_000])
def test_the_rate_cap_keeps_to_its_number(seconds: list[float], offered: int) -> None:
    """Ten seconds of ticks at a steady pace, at most 100 traces a second; the last five are counted."""
    generator = random.Random(1)
    sampler = TradingSampler(tick_ratio=1.0, default_ratio=1.0, traces_per_second=100)
    kept = 0
    for number in range(offered * 10):
        seconds[0] = 1000 + number / offered
        if sampled(sampler, "md.receive x", randomness=generator.getrandbits(56)) and number >= offered * 5:
            kept += 1
    expected = min(offered, 100) * 5
    assert 0.75 * expected <= kept <= 1.25 * expected


def test_the_rate_cap_never_touches_always_rules(seconds: list[float]) -> None:
    """Not one order is lost in a burst."""
    sampler = TradingSampler(1.0, 1.0, traces_per_second=1)
    for _ in range(1000):
        sampled(sampler, "md.receive x")
    assert all(sampled(sampler, "order.submit x") for _ in range(1000))


def test_the_rate_cap_tells_the_ratio_that_was_really_used(seconds: list[float]) -> None:
    """The threshold moves, so that counts can be made up for."""
    sampler = TradingSampler(1.0, 1.0, traces_per_second=10)
    for number in range(20000):
        seconds[0] = 1000 + number / 1000
        result = sampler.should_sample(None, HIGHEST, "work")
    text = dict(result.trace_state or {})["ot"].removeprefix("th:")
    ratio = 1 - int(text.ljust(14, "0"), 16) / (1 << 56)
    assert ratio == pytest.approx(0.01, rel=0.3)


def test_the_cap_of_zero_leaves_everything_alone() -> None:
    """No cap."""
    assert "RateCap" not in TradingSampler(traces_per_second=0).get_description()
    assert "RateCap" in TradingSampler(traces_per_second=5).get_description()
    assert RateCap.WINDOW_NS > 0


@pytest.mark.parametrize(
    ("argument", "settings", "ratio"), [(None, {}, "1.0"), ("0.25", {}, "0.25"), (None, {"default_ratio": 0.5}, "0.5")]
)
def test_the_entry_points_factory_takes_argument_and_settings(
    argument: str | None, settings: dict[str, float], ratio: str
) -> None:
    """OTEL_TRACES_SAMPLER_ARG, or the file's node."""
    assert f"ratio={ratio}" in create_sampler(argument, **settings).get_description()


def test_it_works_by_the_standard_variable_in_the_stock_sdk() -> None:
    """OTEL_TRACES_SAMPLER=otel_trading without a line of ours."""
    code = """
    from opentelemetry.sdk._configuration import _import_sampler
    import os
    print(_import_sampler(os.environ["OTEL_TRACES_SAMPLER"]).get_description())
    """
    ended = children.run(code, OTEL_TRACES_SAMPLER="otel_trading", OTEL_TRACES_SAMPLER_ARG="0.125")
    assert "TradingSampler" in ended.out
    assert "ratio=0.125" in ended.out


@pytest.mark.parametrize(
    ("variables", "description"),
    [
        ({"OTEL_TRACES_SAMPLER": "otel_trading", "OTEL_TRACES_SAMPLER_ARG": "0.5"}, "ratio=0.5"),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, "AlwaysOffSampler"),
        (
            {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"},
            "TraceIdRatioBased{0.5}",
        ),
    ],
)
def test_standard_samplers_can_be_chosen(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], description: str
) -> None:
    """By the specification's variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with ot.init("x", stdout="off"):
        assert description in trace.get_tracer_provider().sampler.get_description()  # type: ignore[attr-defined]


def test_an_unknown_sampler_is_a_warning_from_a_standard_variable_and_an_error_from_ours(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Forgiving where the specification demands it, strict where it is ours."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "nobody")
    with ot.init("x", stdout="off"):
        assert "TradingSampler" in trace.get_tracer_provider().sampler.get_description()  # type: ignore[attr-defined]
    assert "OTEL_TRACES_SAMPLER must be the name of a sampler; was 'nobody'." in caplog.text
    with pytest.raises(ot.ConfigurationError, match=r"'traces_sampler' \(from argument\).*Known are .*otel_trading"):
        ot.init("x", traces_sampler="nobody")


@pytest.mark.parametrize("name", ["order.submit x", "md.receive x", "work", "md.gap"])
@pytest.mark.parametrize("attributes", [None, {"risk.result": "ok"}, {"venue": "x"}])
def test_urgency_is_what_the_engine_tells(name: str, attributes: dict[str, str] | None) -> None:
    """Spans that begin in Python are given up in the same order."""
    sampler = TradingSampler(rules=[{"names": "md.*", "attributes": {"venue": "x"}, "always": True}])
    told = sampler.native(choose()).decide(name, 1, attributes, 0)
    assert told is not None
    assert sampler.urgency(name, None, attributes) == told[1]


def test_the_first_span_of_a_process_is_decided_about() -> None:
    """Also by a sampler that remembers no name yet."""
    with ot.init("x", stdout="off", default_ratio=0.0):
        tracer = ot.tracer()
        assert not tracer.start_span("work").get_span_context().trace_flags.sampled
        assert tracer.start_span("order.submit").is_recording()
