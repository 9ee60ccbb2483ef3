"""Checks of what values refer to: exporters, samplers and propagators that are installed, files that can be read.

What an argument, `OTEL_TRADING_*` or a file names must be there. What a standard variable names and is not there is a
warning and the default, as the specification demands.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from otel_trading import sdk
from otel_trading.config.config import Setting
from otel_trading.config.knob import SIGNALS
from otel_trading.config.knobs import KNOBS
from otel_trading.ground.errors import Problem

_EXPORTERS = frozenset({"otlp", "console", "none"})
_SAMPLERS = frozenset({"otel_trading", "always_on", "always_off", "parentbased_always_on"})
_PROPAGATORS = frozenset({"tracecontext", "baggage", "none"})
_FILES = tuple(
    name
    for name in KNOBS
    if name.startswith(("otlp_", "prometheus_")) and name.endswith(("certificate", "client_key", "prometheus_key"))
)


@dataclass(frozen=True, slots=True)
class _Fault:
    name: str
    rule: str
    value: str
    advice: str


def check(settings: dict[str, Setting], problems: list[Problem], warnings: list[str]) -> None:
    """Adds a problem for each fault, or a warning and the default in `settings` where the source is a standard one."""
    for fault in (*_exporters(settings), *_names(settings), *_files(settings)):
        setting = settings[fault.name]
        if setting.origin in ("standard environment", "default"):
            warnings.append(
                f"{setting.source} must be {fault.rule}; was {fault.value}. {fault.advice} The default is used."
            )
            settings[fault.name] = Setting(KNOBS[fault.name].default, "default", "default")
        else:
            problems.append(Problem(fault.name, setting.source, fault.rule, fault.value, fault.advice))


def _exporters(settings: dict[str, Setting]) -> Iterator[_Fault]:
    for signal in SIGNALS:
        known = _EXPORTERS | ({"prometheus"} if signal == "metrics" else frozenset())
        group = f"opentelemetry_{signal}_exporter"
        for word in settings[f"{signal}_exporter"].value:
            if word.lower() not in known and word not in sdk.entry_point_names(group):
                rule = "otlp, console, none or the name of an installed exporter"
                advice = "Install the package that brings it, or choose another."
                yield _Fault(f"{signal}_exporter", rule, repr(word), advice)


def _names(settings: dict[str, Setting]) -> Iterator[_Fault]:
    groups = ("opentelemetry_traces_sampler", "opentelemetry_sampler")
    sampler: Any = settings["traces_sampler"].value
    if sampler not in _SAMPLERS and sampler not in (known := sdk.entry_point_names(*groups)):
        yield _Fault("traces_sampler", "the name of a sampler", repr(sampler), f"Known are {', '.join(sorted(known))}.")
    for word in settings["propagators"].value:
        if word.lower() not in _PROPAGATORS and word not in (
            known := sdk.entry_point_names("opentelemetry_propagator")
        ):
            advice = f"Known are {', '.join(sorted(known))}."
            yield _Fault("propagators", "names of installed propagators", repr(word), advice)


def _files(settings: dict[str, Setting]) -> Iterator[_Fault]:
    for name in _FILES:
        path = settings[name].value
        if path is not None and not (os.path.isfile(path) and os.access(path, os.R_OK)):
            yield _Fault(name, "a readable PEM file", repr(path), "Check the path.")
