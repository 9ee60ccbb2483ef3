"""Puts the sources together in their order of precedence and reports every mistake at once.

Without a file: argument > `OTEL_TRADING_*` > the specification's `OTEL_*` > default.
With a file: argument > file > default; the environment counts only through `${NAME:-default}` in the file.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from otel_trading.config import components
from otel_trading.config.config import Config, Setting
from otel_trading.config.environment import masked, own_settings, standard_settings
from otel_trading.config.kinds import Rejected
from otel_trading.config.knobs import KNOBS
from otel_trading.ground.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from otel_trading.config.config_file import ConfigFile

FILE_VARIABLE = "OTEL_CONFIG_FILE"


def resolve(
    arguments: Mapping[str, Any],
    config_file: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[Config, list[str]]:
    """Works out the configuration.

    Args:
        arguments: the keyword arguments of `init()`; None means not given.
        config_file: a declarative file; without it `OTEL_CONFIG_FILE` is looked at.
        environment: the variables; `os.environ` unless given.

    Returns:
        The frozen Config, and warnings to say (bad standard variables, a file that configures nothing).

    Raises:
        ConfigurationError: with every mistake found in arguments, `OTEL_TRADING_*` and the file.
    """
    environment = os.environ if environment is None else environment
    problems: list[Problem] = []
    warnings: list[str] = []
    settings = {name: Setting(knob.default, "default", "default") for name, knob in KNOBS.items()}
    path = config_file if config_file is not None else environment.get(FILE_VARIABLE) or None
    file: ConfigFile | None = None
    if path is None:
        settings |= standard_settings(environment, warnings)
        settings |= own_settings(environment, problems)
    else:
        from otel_trading.config.declarative import load  # yaml and jsonschema are slow to import

        file = load(path, environment, problems, warnings)
        settings |= _file_settings(file, problems)
    settings |= _argument_settings(arguments, problems)
    components.check(settings, problems, warnings)
    _impossible_together(settings, problems, warnings)
    if problems:
        raise ConfigurationError(problems)
    frozen = {name: replace(setting, value=_frozen(setting.value)) for name, setting in settings.items()}
    return Config(MappingProxyType(frozen), file), warnings


def _frozen(value: Any) -> Any:
    """A copy that nobody can change; defaults are shared by every `init()`."""
    return MappingProxyType(dict(value)) if isinstance(value, Mapping) else value


def _argument_settings(arguments: Mapping[str, Any], problems: list[Problem]) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for name, value in arguments.items():
        if value is None:
            continue
        knob = KNOBS.get(name)
        if knob is None:
            problems.append(_unknown_argument(name))
            continue
        try:
            found[name] = Setting(knob.kind.from_value(value), "argument", "argument")
        except Rejected as rejected:
            problems.append(Problem(name, "argument", rejected.rule, masked(knob, value), rejected.advice))
    return found


def _unknown_argument(name: str) -> Problem:
    near = difflib.get_close_matches(name, KNOBS, n=1)
    advice = f"Did you mean '{near[0]}'?" if near else "`otel-trading config` prints all names."
    return Problem(name, "argument", "a known argument of init()", "unknown", advice)


def _file_settings(file: ConfigFile, problems: list[Problem]) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for entry in file.own_node:
        knob = KNOBS.get(entry.key)
        if knob is None:
            near = difflib.get_close_matches(entry.key, [n for n, k in KNOBS.items() if k.own_node], n=1)
            advice = f"Did you mean '{near[0]}'?" if near else "`otel-trading config --example` shows all."
            problems.append(Problem(entry.key, entry.source, "a known key", "unknown", advice))
        elif not knob.own_node:
            advice = "Write it in the standard's own section of the file, or pass it to init()."
            problems.append(Problem(entry.key, entry.source, "outside of our node", repr(entry.value), advice))
        elif entry.value is not None:
            try:
                found[entry.key] = Setting(knob.kind.from_value(entry.value), "file", entry.source)
            except Rejected as rejected:
                shown = masked(knob, entry.value)
                problems.append(Problem(entry.key, entry.source, rejected.rule, shown, rejected.advice))
    if file.disabled is not None:
        found["disabled"] = Setting(file.disabled, "file", file.source("disabled"))
    return found


def _impossible_together(settings: dict[str, Setting], problems: list[Problem], warnings: list[str]) -> None:
    """Adds combinations of values that are each possible and not together."""
    for signal in ("traces", "logs"):
        queue, batch = settings[f"{signal}_queue_items"], settings[f"{signal}_batch_items"]
        if batch.value > queue.value and batch.origin != "default" and _ours(batch, queue):
            problems.append(
                Problem(
                    f"{signal}_batch_items",
                    batch.source,
                    f"at most {signal}_queue_items ({queue.value})",
                    repr(batch.value),
                    "Lower it, or raise the queue.",
                )
            )
    certificate, key = settings["prometheus_certificate"], settings["prometheus_key"]
    if bool(certificate.value) != bool(key.value):
        given = certificate if certificate.value else key
        name, other = ("prometheus_certificate", "prometheus_key")[:: 1 if certificate.value else -1]
        advice = f"Give '{other}' too."
        problems.append(Problem(name, given.source, f"given together with {other}", repr(given.value), advice))
    _open_endpoint(settings, problems, warnings)


def _ours(*settings: Setting) -> bool:
    """True if at least one comes from a source that we may reject; two standard variables are mended instead."""
    return any(setting.origin in ("argument", "file", "own environment") for setting in settings)


def _open_endpoint(settings: dict[str, Setting], problems: list[Problem], warnings: list[str]) -> None:
    host = settings["prometheus_host"]
    safe = settings["prometheus_certificate"].value or settings["prometheus_token"].value
    if is_loopback(host.value) or safe or settings["allow_insecure"].value:
        return
    rule = "a loopback address, or protected by prometheus_token or prometheus_certificate and prometheus_key"
    advice = "Positions and P&L may be read there: protect it, or set allow_insecure=True if the network is trusted."
    if host.origin == "standard environment":
        warnings.append(f"{host.source} must be {rule}; was {host.value!r}. {advice} localhost is used.")
        settings["prometheus_host"] = Setting("localhost", "default", "default")
        return
    problems.append(Problem("prometheus_host", host.source, rule, repr(host.value), advice))


def is_loopback(host: str) -> bool:
    """True for localhost and the addresses of the loopback network; names are not resolved."""
    import ipaddress

    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def running_under_pytest() -> bool:
    """True inside a pytest run, collection included, and not in a process that a test starts without pytest."""
    return "pytest" in sys.modules and ("PYTEST_VERSION" in os.environ or "PYTEST_CURRENT_TEST" in os.environ)
