"""The one adapter to names of OpenTelemetry for Python that carry an underscore or are not promised.

Whoever upgrades the SDK looks here first. Everything else in the house imports public names only; the test
`tests/test_house.py` holds that.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from typing import Any, cast

from opentelemetry._logs import (
    Logger,
    LoggerProvider,
    LogRecord,
    NoOpLogger,
    NoOpLoggerProvider,
    SeverityNumber,
    get_logger_provider,
    set_logger_provider,
)
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.metrics import _Gauge as ApiGauge
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk._configuration import _BaseConfigurator as BaseConfigurator
from opentelemetry.sdk._logs import (
    LoggerProvider as SdkLoggerProvider,
)
from opentelemetry.sdk._logs import (
    LogRecordDroppedAttributesWarning,
    LogRecordLimits,
    LogRecordProcessor,
    ReadableLogRecord,
    ReadWriteLogRecord,
)
from opentelemetry.sdk._logs.export import (
    ConsoleLogRecordExporter,
    InMemoryLogRecordExporter,
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace import _Span as RecordingSpan
from opentelemetry.sdk.trace._sampling_experimental import (
    ComposableSampler,
    SamplingIntent,
    composable_always_on,
    composable_parent_threshold,
    composable_rule_based,
    composable_traceid_ratio_based,
    composite_sampler,
)
from opentelemetry.sdk.trace._sampling_experimental._trace_state import OtelTraceState
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.util._decorator import _agnosticcontextmanager as context_manager_and_decorator

__all__ = [
    "ApiGauge",
    "BaseConfigurator",
    "ComposableSampler",
    "ConsoleLogRecordExporter",
    "InMemoryLogRecordExporter",
    "LogRecord",
    "LogRecordDroppedAttributesWarning",
    "LogRecordExportResult",
    "LogRecordExporter",
    "LogRecordLimits",
    "LogRecordProcessor",
    "Logger",
    "LoggerProvider",
    "NoOpLogger",
    "NoOpLoggerProvider",
    "OtelTraceState",
    "ReadWriteLogRecord",
    "ReadableLogRecord",
    "RecordingSpan",
    "SamplingIntent",
    "SdkLoggerProvider",
    "SdkSpan",
    "SeverityNumber",
    "SimpleLogRecordProcessor",
    "StreamView",
    "ViewSettings",
    "ViewsByInstrument",
    "composable_always_on",
    "composable_parent_threshold",
    "composable_rule_based",
    "composable_traceid_ratio_based",
    "composite_sampler",
    "configuration_model",
    "configuration_schema",
    "context_manager_and_decorator",
    "current_context",
    "encode_logs",
    "entry_point_names",
    "explicit_settings",
    "exponential_settings",
    "get_logger_provider",
    "has_processors",
    "has_readers",
    "in_memory_logs",
    "instrument_from_model",
    "is_unset",
    "load_entry_point",
    "logger_provider",
    "makes_random_ids",
    "measure_reader",
    "prefer_as",
    "propagator_from_model",
    "reader_preference",
    "register_reader",
    "resource_from_model",
    "resource_of",
    "sampler_from_model",
    "set_logger_provider",
    "tell_ending",
    "view_from_model",
    "view_matches",
    "view_reservoir",
    "view_settings",
]


@cache
def configuration_schema() -> Mapping[str, Any]:
    """The JSON schema of the declarative configuration that opentelemetry-configuration carries."""
    text = (files("opentelemetry.configuration") / "schema.json").read_text(encoding="utf-8")
    schema: Mapping[str, Any] = json.loads(text)
    return schema


# opentelemetry-configuration is imported only where there is a file: it costs a third of the start-up time.


def configuration_model(data: Mapping[str, Any]) -> Any:
    """The OpenTelemetryConfiguration of a mapping that already passed the schema."""
    from opentelemetry.configuration._conversion import _dict_to_dataclass
    from opentelemetry.configuration.models import OpenTelemetryConfiguration

    return _dict_to_dataclass(_chosen(data), OpenTelemetryConfiguration)


_COMPONENTS = frozenset(
    {
        "always_on",
        "always_off",
        "random",
        "tracecontext",
        "baggage",
        "b3",
        "b3multi",
        "console",
        "otlp_http",
        "otlp_grpc",
        "otlp_file/development",
        "prometheus/development",
        "default",
        "drop",
        "sum",
        "last_value",
        "explicit_bucket_histogram",
        "base2_exponential_bucket_histogram",
        "container",
        "host",
        "process",
        "service",
    }
)


def _chosen(value: Any) -> Any:
    """`console:` with nothing behind it chooses the component, as the specification says; 0.65b0 took it for absent."""
    if isinstance(value, Mapping):
        return {k: {} if v is None and k in _COMPONENTS else _chosen(v) for k, v in value.items()}
    return [_chosen(item) for item in value] if isinstance(value, list) else value


def view_from_model(model: Any) -> Any:
    """The SDK View of a `meter_provider.views` entry; raises Exception for impossible selectors."""
    from opentelemetry.configuration._meter_provider import _create_view

    stream = model.stream
    limit = stream.aggregation_cardinality_limit if stream is not None else None
    keys = stream.attribute_keys if stream is not None else None
    return StreamView(_create_view(model), limit, (keys.excluded or ()) if keys is not None else ())


def sampler_from_model(model: Any) -> Sampler:
    """The SDK sampler of a `tracer_provider.sampler` node with a built-in component."""
    from opentelemetry.configuration._tracer_provider import _create_sampler

    return _create_sampler(model)


def propagator_from_model(model: Any) -> TextMapPropagator:
    """The propagator of the `propagator` node; a no-op for None."""
    from opentelemetry.configuration._propagator import create_propagator

    return create_propagator(model)


def resource_from_model(model: Any) -> Resource:
    """The resource of the `resource` node, detectors run; the SDK's default for None."""
    from opentelemetry.configuration._resource import create_resource

    return create_resource(model)


def instrument_from_model(model: Any) -> None:
    """Activates what `instrumentation/development: python:` lists; its trouble is logged, not raised."""
    from opentelemetry.configuration.instrumentation import configure_instrumentation

    configure_instrumentation(model)


def entry_point_names(*groups: str) -> set[str]:
    """Names that installed packages register in any of the groups."""
    return {point.name for group in groups for point in entry_points(group=group)}


@cache
def load_entry_point(name: str, *groups: str) -> Callable[..., Any]:
    """What an entry point stands for, looked up in the groups in order; raises LookupError if nobody has it.

    What was found is remembered: to look takes longer than the rest of `init()`, which each forked child runs too.
    """
    for group in groups:
        for point in entry_points(group=group, name=name):
            loaded: Callable[..., Any] = point.load()
            return loaded
    raise LookupError(name)


def view_matches(view: Any, instrument: Any) -> bool:
    """True if an SDK View selects this SDK instrument."""
    return bool(view._match(instrument))


def has_processors(provider: Any) -> bool:
    """True if an SDK TracerProvider or LoggerProvider already has a processor; True too if that cannot be seen."""
    for attribute in ("_active_span_processor", "_multi_log_record_processor"):
        composite = getattr(provider, attribute, None)
        for inner in ("_span_processors", "_log_record_processors"):
            processors: Sequence[Any] | None = getattr(composite, inner, None)
            if processors is not None:
                return len(processors) > 0
    return True


def tell_ending(processor: Any, span: Any) -> None:
    """Tells an SDK SpanProcessor of a span that is about to end; the SDK has no public name for it."""
    processor._on_ending(span)


def has_readers(provider: Any) -> bool:
    """True if an SDK MeterProvider already has a reader; True too if that cannot be seen."""
    readers: Iterable[Any] | None = getattr(provider, "_metric_readers", None)
    return True if readers is None else bool(list(readers))


def explicit_settings(aggregation: Any) -> tuple[Sequence[float] | None, bool]:
    """Boundaries of an ExplicitBucketHistogramAggregation, None for the instrument's, and whether min and max count."""
    return aggregation._boundaries, bool(aggregation._record_min_max)


def exponential_settings(aggregation: Any) -> tuple[int, int, bool]:
    """Size and scale of an ExponentialBucketHistogramAggregation; 1.44 has no choice about min and max."""
    return aggregation._max_size, aggregation._max_scale, bool(getattr(aggregation, "_record_min_max", True))


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """What an SDK View gives to a stream; None where it says nothing."""

    name: str | None
    description: str | None
    keys: Any
    aggregation: Any
    cardinality_limit: int | None
    reservoir: Any


def view_settings(view: Any) -> ViewSettings:
    """What an SDK View, or a StreamView, says."""
    wanted = view._aggregation
    return ViewSettings(
        view._name or None,
        view._description or None,
        view._attribute_keys,
        None if wanted is View._default_aggregation else wanted,
        view.cardinality_limit if isinstance(view, StreamView) else None,
        _reservoir_factory(view),
    )


def view_reservoir(view: Any, kind: str, settings: Mapping[str, Any]) -> Any:
    """A new reservoir of an SDK View that brings its own; None if it leaves that to us.

    Args:
        view: the SDK View.
        kind: explicit, exponential or another.
        settings: `boundaries` or `size`, as the SDK gives them to reservoirs of that kind.
    """
    from opentelemetry.sdk.metrics._internal import aggregation

    factory = _reservoir_factory(view)
    if factory is None:
        return None
    kinds = {
        "explicit": aggregation._ExplicitBucketHistogramAggregation,
        "exponential": aggregation._ExponentialBucketHistogramAggregation,
        "gauge": aggregation._LastValueAggregation,
    }
    return factory(kinds.get(kind, aggregation._SumAggregation))(**settings)


def _reservoir_factory(view: Any) -> Any:
    from opentelemetry.sdk.metrics._internal.view import _default_reservoir_factory

    factory = view._exemplar_reservoir_factory
    return None if factory is _default_reservoir_factory else factory


def reader_preference(reader: Any, instrument: Any) -> tuple[Any, Any]:
    """Temporality and aggregation that a MetricReader prefers for an SDK instrument."""
    kind = type(instrument)
    return reader._instrument_class_temporality[kind], reader._instrument_class_aggregation[kind]


def prefer_as(reader: Any, other: Any) -> None:
    """Gives a MetricReader the preferences of another."""
    reader._instrument_class_temporality = other._instrument_class_temporality
    reader._instrument_class_aggregation = other._instrument_class_aggregation


def register_reader(reader: Any, collect: Callable[..., Any] | None, provider: Any) -> None:
    """Makes `reader.collect()` call `collect(reader, timeout_millis=...)`; None for nothing."""
    reader._set_collect_callback(collect)
    if provider is not None and hasattr(reader, "_set_meter_provider"):  # 1.44 has none
        reader._set_meter_provider(provider)


def measure_reader(reader: Any, provider: Any) -> None:
    """Records how long the collections of a MetricReader take, under the semantic convention's name."""
    try:
        from opentelemetry.sdk.metrics._internal.export._metric_reader_metrics import create_metric_reader_metrics
    except ImportError:  # 1.44
        return
    reader._metrics = create_metric_reader_metrics(reader._otel_component_type, provider, True)


def current_context() -> tuple[Any, str | None, tuple[str, int] | None]:
    """How the current span is found without calling it.

    Returns:
        The ContextVar of the context, None if it is kept elsewhere; the key of the span in it; and the attribute of
        spans that holds their context, with the place of the trace flags in that tuple, None if it is none.
    """
    from opentelemetry.context import _RUNTIME_CONTEXT
    from opentelemetry.trace.propagation import _SPAN_KEY

    variable = getattr(_RUNTIME_CONTEXT, "_current_context", None)
    flags = TraceFlags(0x5A)
    known = SpanContext(1, 2, False, flags)
    held = getattr(NonRecordingSpan(known), "_context", None)
    places = [at for at, part in enumerate(held) if part is flags] if isinstance(held, tuple) else []
    return variable, _SPAN_KEY, ("_context", places[0]) if places else None


def makes_random_ids(ids: Any) -> bool:
    """Whether an id generator makes random trace ids; 1.44 does not ask it."""
    asked = getattr(ids, "is_trace_id_random", None)
    return bool(asked()) if callable(asked) else type(ids) is RandomIdGenerator


def resource_of(provider: Any) -> Resource | None:
    """The resource of an SDK MeterProvider; None if that cannot be seen."""
    found = getattr(getattr(provider, "_sdk_config", None), "resource", None)
    return found if isinstance(found, Resource) else None


def logger_provider(
    resource: Resource, limits: Mapping[str, int | None], processors: LogRecordProcessor | None = None
) -> SdkLoggerProvider:
    """An SDK LoggerProvider with explicit limits, so that it reads no environment; 1.44 takes no limits.

    Args:
        resource: of all records.
        limits: `attributes` and `attribute_length`; None for none.
        processors: takes the place of the SDK's list of processors; None for that.
    """
    arguments: dict[str, Any] = {"resource": resource, "shutdown_on_exit": False}
    arguments["multi_log_record_processor"] = processors
    if "log_record_limits" in inspect.signature(SdkLoggerProvider.__init__).parameters:
        length = LogRecordLimits.UNSET if limits["attribute_length"] is None else limits["attribute_length"]
        count = limits["attributes"]
        wanted = {
            "max_attributes": count,
            "max_log_record_attributes": count,
            "max_attribute_length": length,
            "max_log_record_attribute_length": length,
        }
        known = inspect.signature(LogRecordLimits.__init__).parameters
        arguments["log_record_limits"] = LogRecordLimits(**{k: v for k, v in wanted.items() if k in known})
    return SdkLoggerProvider(**arguments)


def is_unset(provider: object) -> bool:
    """True for the placeholder that OpenTelemetry gives while nobody has set a provider."""
    return type(provider).__name__ in ("ProxyTracerProvider", "_ProxyMeterProvider", "ProxyLoggerProvider")


def in_memory_logs() -> InMemoryLogRecordExporter:
    """The SDK's in-memory exporter, whose constructor has no types."""
    make: Callable[[], InMemoryLogRecordExporter] = InMemoryLogRecordExporter
    return make()


class StreamView(View):
    """An SDK View with what the declarative file can say besides: a cardinality limit and excluded keys."""

    def __init__(self, view: View, cardinality_limit: int | None, excluded: Sequence[str]) -> None:
        """Takes an SDK View, the most series, and patterns of attribute keys that are dropped."""
        self.__dict__.update(view.__dict__)
        self.cardinality_limit = cardinality_limit
        if excluded:
            self._attribute_keys = cast("set[str]", Keys(self._attribute_keys, excluded))


class Keys:
    """Attribute keys that stay, by `in`."""

    def __init__(self, included: Container[str] | None, excluded: Sequence[str]) -> None:
        """Takes those that stay, None for all, and patterns of those that do not."""
        self._included = included
        self._excluded = tuple(excluded)

    def __contains__(self, key: str) -> bool:
        """Whether the key stays."""
        if any(fnmatchcase(key, pattern) for pattern in self._excluded):
            return False
        return self._included is None or key in self._included


class ViewsByInstrument(Sequence[View]):
    """What the SDK's provider takes for its list of Views: it is made anew for each instrument.

    The SDK asks each View whether it matches, one after the other; the first only learns from that which instrument
    it is about.
    """

    def __init__(self, choose: Callable[[Any], Sequence[View]]) -> None:
        """Takes the function from an SDK instrument to its Views, each of which matches."""
        self._choose = choose

    def __iter__(self) -> Iterator[View]:
        """The Views of the instrument that the SDK is asking for."""
        asker = _Asker()
        yield asker
        if asker.instrument is not None:
            yield from self._choose(asker.instrument)

    def __len__(self) -> int:
        """Without an instrument there is the asking one only."""
        return 1

    def __getitem__(self, index: Any) -> Any:
        """As of a list."""
        return list(self)[index]


class _Asker(View):
    def __init__(self) -> None:
        super().__init__(instrument_name="*")
        self.instrument: Any = None

    def _match(self, instrument: Any) -> bool:
        self.instrument = instrument
        return False
