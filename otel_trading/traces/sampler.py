"""The trading sampler: an order is kept whatever happened to the tick before it.

Order of the rules (consistent probability sampling, OpenTelemetry specification, "Composable samplers"):
1. always: orders, risk checks, fills, kill switch, gaps, and patterns and rules of the user; outermost, so that an
   order under an unsampled tick survives
2. parent: a child follows its parent's threshold
3. rules of the user with a ratio, in their order, under the rate cap
4. ticks and books: `tick_ratio`, under the rate cap
5. the rest: `default_ratio`, under the rate cap
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from otel_trading import sdk
from otel_trading.config.kinds import Rejected
from otel_trading.config.sampling_rule import Rules, SamplingRule
from otel_trading.hotpath import sampler_engine
from otel_trading.traces import trace_state as trace_state_of
from otel_trading.traces.matching import Matching, NameOrKeys
from otel_trading.traces.rate_cap import RateCap
from otel_trading.traces.scaled_ratio import ScaledRatio

__all__ = ["ALWAYS_KEYS", "ALWAYS_NAMES", "TICK_NAMES", "NameOrKeys", "RateCap", "TradingSampler", "create_sampler"]

ALWAYS_NAMES = (
    "order",
    "order.*",
    "order *",
    "risk.*",
    "fill",
    "fill.*",
    "execution.*",
    "kill_switch*",
    "*.kill_switch*",
    "*.gap",
    "*.gap.*",
    "*.gap *",
)
"""Span name patterns that are kept always."""

ALWAYS_KEYS = (
    "trading.order.",
    "trading.execution.",
    "risk.result",
    "risk.check.",
    "trading.kill_switch",
    "md.gap",
)
"""Beginnings of attribute keys whose spans are kept always."""

TICK_NAMES = ("md.*", "book.*", "tick", "tick.*")
"""Span name patterns of ticks and books."""


class _Root(NamedTuple):
    """A rule for spans that begin a trace."""

    matching: Matching
    ratio: ScaledRatio
    ticks: bool = False


class TradingSampler(Sampler):
    """See the module. Thread-safe; a forked child goes on with its own copy of the rate."""

    def __init__(
        self,
        tick_ratio: float = 0.01,
        default_ratio: float = 1.0,
        always: Sequence[str] = (),
        traces_per_second: float = 0.0,
        rules: Sequence[SamplingRule | Mapping[str, Any]] = (),
    ) -> None:
        """Builds the rules.

        Args:
            tick_ratio: share of tick and book spans that is kept, 0 to 1.
            default_ratio: share of other root spans that is kept, 0 to 1.
            always: further span name patterns that are kept always.
            traces_per_second: cap on sampled traces that are not kept always; 0 is no cap.
            rules: further ones, see SamplingRule. Those that keep always stand beside `always`, those with a ratio
                before the ticks; the first that matches counts.

        Raises:
            ValueError: a ratio is outside of 0 to 1, or a rule cannot be read.
        """
        taken = _read(rules)
        self._always = [Matching((*ALWAYS_NAMES, *always)), Matching(keys=ALWAYS_KEYS)]
        self._always += [_matching(rule) for rule in taken if rule.always]
        self._roots = [
            *(_Root(_matching(rule), ScaledRatio(rule.ratio, rule.lowerable)) for rule in taken if not rule.always),
            _Root(Matching(TICK_NAMES), ScaledRatio(tick_ratio, True), ticks=True),
            _Root(Matching(), ScaledRatio(default_ratio, True)),
        ]
        self._per_second = traces_per_second
        roots = sdk.composable_rule_based([(root.matching, root.ratio) for root in self._roots])
        self._cap = RateCap(roots, traces_per_second) if traces_per_second > 0 else None
        follow = sdk.composable_parent_threshold(self._cap or roots)
        kept = [(matching, sdk.composable_always_on()) for matching in self._always]
        self._composite = sdk.composite_sampler(sdk.composable_rule_based([*kept, (Matching(), follow)]))
        self._engines: dict[str, sampler_engine.Sampler] = {}

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decides, reading `ot=` from the parent's tracestate and passing every vendor's entry on.

        The SDK's tracer hands no tracestate to samplers, so the parent's is taken from the context here.
        """
        if trace_state is None:
            trace_state = get_current_span(parent_context).get_span_context().trace_state
        result = self._composite.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        told = result.trace_state
        if told and result.decision is not Decision.RECORD_AND_SAMPLE:
            told = trace_state_of.without_threshold(told)
        # the SDK's tracer gives a span what the sampler returns, and the composite sampler returns its own only
        kept: dict[str, Any] = {**(attributes or {}), **dict(result.attributes or {})}
        return SamplingResult(result.decision, kept, told)

    def native(self, engine: sampler_engine.SamplerEngine) -> sampler_engine.Sampler:
        """The same decisions, taken by an engine in nanoseconds; one sampler an engine, made at the first call.

        From then on the cap counts there, so that it is one cap for both ways.

        Args:
            engine: as `hotpath.choose()` gives it.
        """
        name = getattr(engine, "NAME", "")
        made = self._engines.get(name)
        if made is None:
            made = engine.Sampler(
                self._rules_of_name, trace_state_of.told, trace_state_of.read, self._engine_rules(), self._per_second
            )
            if self._cap is not None:
                self._cap.count_by(made.capped)
            self._engines[name] = made
        return made

    def urgency(self, name: str, kind: SpanKind | None = None, attributes: Attributes = None) -> int:
        """How much it would cost to lose a span: high for what is kept always, low for ticks; as an engine tells."""
        if any(matching(None, name, kind, attributes, None, None) for matching in self._always):
            return sampler_engine.HIGH
        ticks = any(root.ticks and root.matching.match_name(name) for root in self._roots)
        return sampler_engine.LOW if ticks else sampler_engine.NORMAL

    def scale(self, by: float) -> None:
        """Keeps `by` of what may be lowered, 0 to 1: ticks, the default, rules that say so; 1 is what was asked for."""
        for root in self._roots:
            root.ratio.scale(by)
        for made in list(self._engines.values()):
            made.set_thresholds([rule.threshold for rule in self._engine_rules()])

    def _rules_of_name(self, name: str) -> int:
        matchings = [*self._always, *(root.matching for root in self._roots)]
        return sum(1 << i for i, matching in enumerate(matchings) if matching.match_name(name))

    def _engine_rules(self) -> list[sampler_engine.Rule]:
        always = [_engine_rule(matching, 0, always=True) for matching in self._always]
        return always + [_engine_rule(root.matching, root.ratio.threshold, ticks=root.ticks) for root in self._roots]

    def get_description(self) -> str:
        """What it is made of."""
        return f"TradingSampler{{{self._composite.get_description()}}}"


def _read(rules: Sequence[SamplingRule | Mapping[str, Any]]) -> tuple[SamplingRule, ...]:
    try:
        return Rules().from_value(rules)
    except Rejected as error:
        raise ValueError(f"rules must be {error.rule}. {error.advice}") from None


def _matching(rule: SamplingRule) -> Matching:
    kinds = [SpanKind[kind.upper()] for kind in rule.kinds]
    return Matching(rule.names, kinds, rule.attribute_keys, rule.attributes)


def _engine_rule(
    matching: Matching, threshold: int, *, always: bool = False, ticks: bool = False
) -> sampler_engine.Rule:
    kinds = sum(1 << kind.value + 1 for kind in matching.kinds)  # OTLP counts kinds from 1
    return sampler_engine.Rule(always, kinds, matching.keys, tuple(matching.equals.items()), threshold, ticks)


def create_sampler(argument: str | float | None = None, **settings: Any) -> TradingSampler:
    """The entry point of `OTEL_TRACES_SAMPLER=otel_trading` and of the file's `sampler: otel_trading:`.

    Args:
        argument: OTEL_TRACES_SAMPLER_ARG, the default ratio; None leaves it.
        **settings: `tick_ratio`, `default_ratio`, `always`, `traces_per_second`, `rules`.

    Raises:
        ValueError: the argument is no number, a ratio is outside of 0 to 1, or a rule cannot be read.
        TypeError: an unknown setting.
    """
    if argument not in (None, ""):
        settings = {"default_ratio": float(argument), **settings}
    return TradingSampler(**settings)
