"""What the engine of this process tells about measurements that it refused, and which engine it is."""

from __future__ import annotations

import logging
from collections import Counter

from otel_trading.config.config import Config
from otel_trading.ground import diagnostics
from otel_trading.ground.errors import ConfigurationError, Problem
from otel_trading.hotpath.chosen import VARIABLE, engine, trouble

__all__ = ["VARIABLE", "announce", "engine", "now", "trouble"]

_told_once = False

now = engine.now

_MESSAGES = {
    "not_a_number": ("metrics.invalid_value", "%s takes numbers; a %s was not recorded"),
    "not_finite": ("metrics.not_finite", "%s: a value that is not finite was not recorded"),
    "negative": ("metrics.negative_value", "%s takes no negative values; one was not recorded"),
    "invalid_start": ("metrics.invalid_start", "%s: the start of a duration must come from otel_trading.now()"),
    "not_a_time": (
        "metrics.not_a_time",
        "%s is in no unit of time; record_since and time were not recorded",
    ),
    "invalid_arguments": ("metrics.record_failed", "%s: a call with arguments that no method has was not recorded"),
    "forward_failed": ("metrics.record_failed", "%s: the application's own provider failed; one was not recorded"),
    "no_memory": ("metrics.no_memory", "%s: there was no memory for a measurement"),
}


def _told(reason: str, name: str, value: object) -> None:
    """Says the first refusal of a kind; records before `init()` and after `shutdown()` are meant to do nothing."""
    if reason not in _MESSAGES:
        return
    kind, message = _MESSAGES[reason]
    arguments = (name, type(value).__name__) if reason == "not_a_number" else (name,)
    diagnostics.say_once(kind, message, *arguments)


def _refused() -> dict[str, int]:
    """Refusals by the kind that they are said as."""
    found: Counter[str] = Counter()
    for reason, count in engine.refusals().items():
        if reason in _MESSAGES:
            found[_MESSAGES[reason][0]] += count
    return found


engine.set_refusal_hook(_told)
diagnostics.count_too(_refused, engine.forget_refusals)


def announce(config: Config) -> None:
    """Says which engine runs, once a process, at the level `info`.

    Raises:
        ConfigurationError: another one was asked for.
    """
    setting = config.settings["hotpath"]
    wanted = setting.value
    if trouble or wanted not in ("auto", engine.NAME):
        rule = f"the engine that this process has, {engine.NAME}, or auto"
        advice = (
            f"{trouble[:1].upper()}{trouble[1:]}"
            or f"It is chosen when otel_trading is imported: set {VARIABLE}={wanted} before."
        )
        raise ConfigurationError([Problem("hotpath", setting.source, rule, repr(wanted), advice)])
    global _told_once
    if config["disabled"] or _told_once:
        return
    _told_once = True
    if engine.NAME == "native":
        diagnostics.say(logging.INFO, "metrics are recorded by the native engine")
    elif wanted == "python":
        diagnostics.say(logging.INFO, "metrics are recorded by the Python engine, as %s asks", VARIABLE)
    else:
        diagnostics.say(
            logging.INFO,
            "the native engine was not built, Python records metrics; install where a C compiler is, or set %s=python",
            VARIABLE,
        )
