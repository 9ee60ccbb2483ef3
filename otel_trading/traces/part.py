"""Builds the traces signal from its plan: sampler, limits, provider, lane."""

from __future__ import annotations

import logging
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Sampler

from otel_trading import sdk
from otel_trading.config.config import Config
from otel_trading.config.plan import TracesPlan
from otel_trading.delivery.joining import Joining
from otel_trading.ground import diagnostics
from otel_trading.ground.errors import ConfigurationError, Problem
from otel_trading.privacy.redaction import Redactor
from otel_trading.traces.export import SpanDelivery
from otel_trading.traces.keeping import NOTHING_KEPT, Keeping
from otel_trading.traces.lane import SpanLane
from otel_trading.traces.recording import RecordingTracerProvider
from otel_trading.traces.sampler import TradingSampler

_KNOB = {"always": "always_spans", "rules": "sampling_rules"}
_STANDARD_WITH_RATIO = ("traceidratio", "parentbased_traceidratio")


join = Joining("add_span_processor", SpanDelivery).join
"""Delivers the spans of an application's own provider too; see `Joining.join`."""


def create_lane(plan: TracesPlan, config: Config, redactor: Redactor, resource: Resource) -> SpanLane:
    """Where spans wait, and the workers that deliver them; raises ConfigurationError."""
    return SpanLane(plan, config, redactor, resource)


def create_provider(
    plan: TracesPlan, config: Config, resource: Resource, lane: SpanLane, id_generator: IdGenerator | None
) -> RecordingTracerProvider:
    """A tracer provider that delivers to `lane`.

    Raises:
        ConfigurationError: an argument or a file names a sampler that does not exist or cannot be made.
    """
    keeping = Keeping(config["keep_errors"], config["keep_slower_than_s"], config["keep_ticks"])
    if not plan.batches:
        keeping = NOTHING_KEPT  # there is nobody to get it
    sampler = create_sampler(plan, config)
    return RecordingTracerProvider(resource, sampler, plan.limits, lane, id_generator, keeping)


def create_sampler(plan: TracesPlan, config: Config) -> Sampler:
    """The sampler of the plan: ours, the file's, a standard one or a plugin."""
    if plan.sampler_model is not None:
        try:
            return sdk.sampler_from_model(plan.sampler_model)
        except Exception as error:
            if config.file is None:
                raise
            raise config.file.cannot_serve(error, "tracer_provider", "sampler") from error
    name = plan.sampler or "otel_trading"
    try:
        if name == "otel_trading":
            return _ours(plan, config)
        factory = sdk.load_entry_point(name, "opentelemetry_traces_sampler", "opentelemetry_sampler")
        if plan.sampler_settings:
            made: Any = factory(**plan.sampler_settings)
        else:
            argument: Any = plan.sampler_argument
            made = factory(float(argument or 1.0) if name in _STANDARD_WITH_RATIO else argument)
        if not isinstance(made, Sampler):
            raise TypeError(f"it made {made!r}, which is no sampler")
        return made
    except Exception as error:
        return _rejected(name, plan, config, error)


def _ours(plan: TracesPlan, config: Config) -> TradingSampler:
    settings = _settings(config)
    if plan.sampler_argument and not config.explicit("default_ratio"):
        settings["default_ratio"] = float(plan.sampler_argument)
    argued = {
        name: value for name, value in settings.items() if config.settings[_KNOB.get(name, name)].origin == "argument"
    }
    return TradingSampler(**{**settings, **plan.sampler_settings, **argued})


def _settings(config: Config) -> dict[str, Any]:
    return {
        "tick_ratio": config["tick_ratio"],
        "default_ratio": config["default_ratio"],
        "always": config["always_spans"],
        "traces_per_second": config["traces_per_second"],
        "rules": config["sampling_rules"],
    }


def _rejected(name: str, plan: TracesPlan, config: Config, error: Exception) -> Sampler:
    """A bad standard variable is a warning and the default; anything else fails."""
    setting = config.settings["traces_sampler"]
    argument = config.settings["traces_sampler_arg"]
    reason = f"no sampler is called {name!r}" if isinstance(error, LookupError) else str(error)
    strict = {setting.origin, argument.origin} & {"argument", "own environment"} or config.file is not None
    if not strict:
        diagnostics.say(
            logging.WARNING,
            "OTEL_TRACES_SAMPLER=%s with OTEL_TRACES_SAMPLER_ARG=%s cannot be used: %s. The default is used.",
            name,
            plan.sampler_argument,
            reason,
        )
        return TradingSampler(**_settings(config))
    known = ", ".join(sorted(sdk.entry_point_names("opentelemetry_traces_sampler", "opentelemetry_sampler")))
    if argument.origin in ("argument", "own environment"):
        setting = argument
    source = setting.source if config.file is None else config.file.source("tracer_provider", "sampler", name)
    rule = "a sampler that can be made with its argument"
    raise ConfigurationError(
        [Problem("traces_sampler", source, rule, f"{name!r} ({reason})", f"Known are {known}.")]
    ) from error
