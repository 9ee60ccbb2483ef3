"""Is the environment free of variables that are misspelt, contradict each other or do not count."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from otel_trading.config.config import Config
from otel_trading.config.knob import PREFIX
from otel_trading.config.knobs import KNOBS
from otel_trading.doctor.finding import Finding, ok, warning
from otel_trading.doctor.route import Route

NAME = "environment"
_FILE = "OTEL_CONFIG_FILE"
# the specification's and OpenTelemetry Python's own, which no knob of ours stands for
_OTHERS = frozenset(
    {
        _FILE,
        "OTEL_EXPERIMENTAL_CONFIG_FILE",
        "OTEL_ENTITIES",
        "OTEL_SEMCONV_STABILITY_OPT_IN",
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        "OTEL_EXPORTER_JAEGER_ENDPOINT",
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
        "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
    }
)
_FOREIGN = ("OTEL_PYTHON_", "OTEL_INSTRUMENTATION_", "OTEL_JAVA", "OTEL_DOTNET", "OTEL_NODE", "OTEL_GO_")
_NEAR = 0.8
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")


def diagnose(
    environment: Mapping[str, str], config: Config, warnings: Sequence[str], routes: Sequence[Route]
) -> Finding:
    """The finding; everything that is wrong stands in one.

    Args:
        environment: the variables.
        config: what came of them.
        warnings: what the configuration said about standard variables.
        routes: the exporters.
    """
    told = [*warnings, *_misspelt(environment), *_without_effect(environment, config), *_overruled(environment, config)]
    told += [*_suspicious_port(routes), *_proxied(environment, routes)]
    if not told:
        count = sum(1 for name in environment if name.startswith("OTEL_"))
        return ok(NAME, f"{count} OTEL_ variables, no contradiction among them")
    detail = f"{len(told)} things to look at" if len(told) > 1 else "one thing to look at"
    remedy = "`otel-trading config --set-only` shows what counts and where it comes from."
    cause = " ".join(one if one.endswith((".", "?")) else f"{one}." for one in told)
    return warning(NAME, detail, cause, remedy, "environment")


def _misspelt(environment: Mapping[str, str]) -> list[str]:
    known = {name for knob in KNOBS.values() for name in knob.standard} | _OTHERS
    found = []
    for name in sorted(environment):
        if not name.startswith("OTEL_") or name.startswith((PREFIX, *_FOREIGN)) or name in known:
            continue
        near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=_NEAR)
        if near:
            found.append(f"{name} is no variable that is known here; did you mean {near[0]}?")
    return found


def _without_effect(environment: Mapping[str, str], config: Config) -> list[str]:
    if config.file is None:
        return []
    known = {name for knob in KNOBS.values() for name in (knob.environment, *knob.standard)}
    try:
        with open(config.file.path, encoding="utf-8") as file:
            text = file.read()
    except OSError:
        text = ""
    idle = [name for name in sorted(environment) if name in known and environment[name].strip() and name not in text]
    if not idle:
        return []
    return [f"{', '.join(idle)} do not count, because the configuration comes from {config.file.path}"]


def _overruled(environment: Mapping[str, str], config: Config) -> list[str]:
    """A variable of ours and a standard one for the same thing, with different values."""
    found = []
    for knob in KNOBS.values():
        own = environment.get(knob.environment, "").strip()
        for name in knob.standard:
            other = environment.get(name, "").strip()
            # units differ where there is a scale
            if config.file is None and own and other and own != other and knob.standard_scale == 1.0:
                found.append(f"{knob.environment} counts and {name}, which says something else, does not")
    return found


def _suspicious_port(routes: Sequence[Route]) -> list[str]:
    wrong = {4317: False, 4318: True}
    usual = {4317: "grpc", 4318: "http/protobuf"}
    places = {(one.place, one.port, one.protocol) for one in routes if wrong.get(one.port) is one.grpc}
    return [
        f"{place} is asked by {protocol}, and that port is usually for {usual[port]}"
        for place, port, protocol in sorted(places)
    ]


def _proxied(environment: Mapping[str, str], routes: Sequence[Route]) -> list[str]:
    """The gRPC library obeys proxies, our HTTP does not."""
    found = [name for name in _PROXIES if environment.get(name)]
    excepted = (environment.get("no_grpc_proxy") or environment.get("no_proxy") or "").split(",")
    suffixes = tuple(one.strip().lstrip(".") for one in excepted if one.strip())
    hosts = sorted({one.host for one in routes if one.grpc and not (suffixes and one.host.endswith(suffixes))})
    if not found or not hosts:
        return []
    return [
        f"gRPC goes to {', '.join(hosts)} through the proxy of {found[0]}; name the host in no_proxy if it should not"
    ]
