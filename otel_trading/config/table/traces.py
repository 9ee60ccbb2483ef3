"""Sampling, propagation and limits of spans."""

from __future__ import annotations

from otel_trading.config.kinds import Flag, Number, Text, Words
from otel_trading.config.knob import LIMIT, RATIO, Knob
from otel_trading.config.sampling_rule import Rules
from otel_trading.config.table.batches import batches


def traces() -> list[Knob]:
    """The knobs of this group, in the order of the reference page."""
    group = "Traces"
    return [
        Knob(
            group,
            "traces_sampler",
            Text(),
            "otel_trading",
            "Sampler: otel_trading, a standard one (always_on, parentbased_traceidratio ...) or an entry point's name.",
            standard=("OTEL_TRACES_SAMPLER",),
        ),
        Knob(
            group,
            "traces_sampler_arg",
            Text(),
            None,
            "Argument of the sampler; of otel_trading the default ratio.",
            standard=("OTEL_TRACES_SAMPLER_ARG",),
        ),
        Knob(
            group,
            "tick_ratio",
            RATIO,
            0.01,
            "Share of tick and book spans (`md.*`, `book.*`) that is kept.",
            own_node=True,
        ),
        Knob(
            group,
            "default_ratio",
            RATIO,
            1.0,
            "Share of root spans that is kept when no rule names them.",
            own_node=True,
        ),
        Knob(
            group,
            "always_spans",
            Words(),
            (),
            "Span name patterns that are always kept, beside orders, risk, fills, kill switch and gaps.",
            own_node=True,
        ),
        Knob(
            group,
            "traces_per_second",
            Number(0),
            0.0,
            "Cap on sampled traces that are not kept always; 0 is no cap.",
            unit="1/s",
            own_node=True,
        ),
        Knob(
            group,
            "sampling_rules",
            Rules(),
            (),
            "Further rules of the sampler: names, kinds, attributes, and a ratio or always; JSON in the environment.",
            own_node=True,
        ),
        Knob(
            group,
            "adaptive_sampling",
            Flag(),
            True,
            "Lowers what may be lowered (ticks, the default ratio, lowerable rules) while telemetry's queue fills, and "
            "at the two limits below, and puts it back.",
            own_node=True,
        ),
        Knob(
            group,
            "adaptive_cpu_limit",
            Number(0),
            0.0,
            "Adaptive sampling lowers while the process uses more processors than this; 0 does not look, since a loop "
            "that polls is busy by design.",
            unit="processors",
            own_node=True,
        ),
        Knob(
            group,
            "adaptive_loop_lag_s",
            Number(0, 3600),
            0.0,
            "Adaptive sampling lowers while a loop given to `watch_loop` is late by more than this; 0 does not look.",
            unit="s",
            own_node=True,
        ),
        Knob(
            group,
            "keep_errors",
            Flag(),
            True,
            "Spans that end in error are kept although unsampled, with what is still there of their trace.",
            own_node=True,
        ),
        Knob(
            group,
            "keep_slower_than_s",
            Number(0, 86400),
            0.0,
            "And those that last so long; 0 keeps none for that.",
            unit="s",
            own_node=True,
        ),
        Knob(
            group,
            "keep_ticks",
            Flag(),
            False,
            "Both count for unsampled ticks and books too, and what is below them, each of which costs more then.",
            own_node=True,
        ),
        Knob(
            group,
            "kept_memory_mib",
            Number(0, 1024),
            4.0,
            "Memory of unsampled spans that have ended and wait whether something goes wrong.",
            unit="MiB",
            own_node=True,
        ),
        Knob(
            group,
            "propagators",
            Words(),
            ("tracecontext",),
            "Propagators of outgoing and incoming headers; baggage only if listed.",
            standard=("OTEL_PROPAGATORS",),
        ),
        Knob(
            group,
            "propagation_hosts",
            Words(),
            (),
            "Hosts beside loopback and private ones that may receive trace headers: names, `*.suffix` or networks.",
            own_node=True,
        ),
        Knob(
            group,
            "span_attribute_count_limit",
            LIMIT,
            128,
            "Attributes of a span.",
            standard=("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"),
        ),
        Knob(
            group,
            "span_attribute_value_length_limit",
            LIMIT,
            None,
            "Length of a span attribute's text; without it no limit.",
            unit="characters",
            standard=("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
        ),
        Knob(
            group,
            "span_event_count_limit",
            LIMIT,
            128,
            "Events of a span.",
            standard=("OTEL_SPAN_EVENT_COUNT_LIMIT",),
        ),
        Knob(group, "span_link_count_limit", LIMIT, 128, "Links of a span.", standard=("OTEL_SPAN_LINK_COUNT_LIMIT",)),
        Knob(
            group,
            "event_attribute_count_limit",
            LIMIT,
            128,
            "Attributes of a span event.",
            standard=("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",),
        ),
        Knob(
            group,
            "link_attribute_count_limit",
            LIMIT,
            128,
            "Attributes of a link.",
            standard=("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",),
        ),
        *batches(group, "traces", "BSP", 1.0),
    ]
