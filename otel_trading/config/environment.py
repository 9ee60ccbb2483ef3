"""Reads the environment: `OTEL_TRADING_*` strictly, the specification's `OTEL_*` forgivingly.

A mistake in one of our variables fails `init()`. A mistake in a standard variable is a warning and the default,
because the specification demands it (Environment Variable Specification, "Parsing"). An empty variable is not set.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from otel_trading.config.config import Setting
from otel_trading.config.kinds import Number, Rejected, without_credentials
from otel_trading.config.knob import PREFIX, Knob
from otel_trading.config.knobs import KNOBS
from otel_trading.ground.errors import Problem

# Ours, but read by other parts than the table.
_OTHER_NAMES = frozenset({PREFIX + "DEMO_STORE"})


def own_settings(environment: Mapping[str, str], problems: list[Problem]) -> dict[str, Setting]:
    """The settings from `OTEL_TRADING_*`; unknown names and bad values are added to `problems`."""
    by_variable = {knob.environment: knob for knob in KNOBS.values()}
    found: dict[str, Setting] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable in _OTHER_NAMES or not text.strip():
            continue
        knob = by_variable.get(variable)
        if knob is None:
            problems.append(_unknown(variable, by_variable))
            continue
        try:
            found[knob.name] = Setting(knob.kind.from_text(text), "own environment", variable)
        except Rejected as rejected:
            problems.append(Problem(knob.name, variable, rejected.rule, masked(knob, text), rejected.advice))
    return found


def _unknown(variable: str, known: Mapping[str, Knob]) -> Problem:
    near = difflib.get_close_matches(variable, known, n=1)
    advice = f"Did you mean {near[0]}?" if near else "`otel-trading config` prints all names."
    return Problem(variable, "environment", "a known variable", "unknown", advice)


def masked(knob: Knob, value: object) -> str:
    """The value for a message; secrets never appear in one."""
    return "***" if knob.secret else without_credentials(repr(value))


def standard_settings(environment: Mapping[str, str], warnings: list[str]) -> dict[str, Setting]:
    """The settings from the specification's variables; what cannot be used is described in `warnings`."""
    found: dict[str, Setting] = {}
    for knob in KNOBS.values():
        for variable in knob.standard:
            text = environment.get(variable, "").strip()
            if not text:
                continue
            try:
                value = _standard_value(knob, variable, text, warnings)
            except Rejected as rejected:
                unit = f" {knob.unit}" if knob.unit else ""
                warnings.append(
                    f"{variable} must be {rejected.rule}; was {masked(knob, text)}. It is ignored and the default "
                    f"{knob.default!r}{unit} is used."
                )
                continue
            if value is not None:
                found[knob.name] = Setting(value, "standard environment", variable)
                break
    return found


def _standard_value(knob: Knob, variable: str, text: str, warnings: list[str]) -> object:
    if knob.name.endswith("_exporter"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if knob.name == "diagnostics_level":
        text = {"warn": "warning", "fatal": "critical"}.get(text.lower(), text)
    if knob.name.endswith("_protocol") and text == "http/json":
        raise Rejected("http/protobuf or grpc", "HTTP with JSON is not there yet.")
    if isinstance(knob.kind, Number) and knob.standard_scale != 1.0:
        milliseconds = Number(0, 86_400_000, low_excluded=True).from_text(text)
        if variable.endswith("_TIMEOUT") and milliseconds < 100:
            warnings.append(
                f"{variable}={text} is {milliseconds:g} milliseconds by the specification. If seconds were meant, "
                f"write {milliseconds * 1000:g}."
            )
        return round(milliseconds * knob.standard_scale, 9)
    return knob.kind.from_text(text)
