"""Where telemetry goes: exporters, addresses, headers, certificates."""

from __future__ import annotations

from otel_trading.config.kinds import Choice, Flag, Pairs, Text, Url, Words
from otel_trading.config.knob import SECONDS, SIGNALS, Knob


def exporters() -> list[Knob]:
    """The knobs of this group, in the order of the reference page."""
    group = "Where telemetry goes"
    knobs = [
        Knob(
            group,
            "traces_exporter",
            Words(),
            ("otlp",),
            "Exporters of spans: otlp, console, none or an entry point's name.",
            standard=("OTEL_TRACES_EXPORTER",),
        ),
        Knob(
            group,
            "metrics_exporter",
            Words(),
            ("otlp", "prometheus"),
            "Exporters of metrics: otlp, prometheus, console, none or an entry point's name.",
            standard=("OTEL_METRICS_EXPORTER",),
        ),
        Knob(
            group,
            "logs_exporter",
            Words(),
            ("otlp",),
            "Exporters of log records: otlp, console, none or an entry point's name.",
            standard=("OTEL_LOGS_EXPORTER",),
        ),
    ]
    for signal in ("", *SIGNALS):
        knobs += _otlp(group, signal)
    return knobs


def _otlp(group: str, signal: str) -> list[Knob]:
    ours = f"otlp_{signal}_" if signal else "otlp_"
    theirs = f"OTEL_EXPORTER_OTLP_{signal.upper()}_" if signal else "OTEL_EXPORTER_OTLP_"
    of = f" of {signal}" if signal else ""
    base: dict[str, object] = {
        "endpoint": "http://localhost:4318",
        "protocol": "http/protobuf",
        "headers": {},
        "timeout_s": 10.0,
        "compression": "none",
        "certificate": None,
        "client_key": None,
        "client_certificate": None,
        "insecure": False,
    }
    defaults = dict.fromkeys(base) if signal else base
    place = "Full address" if signal else "Base address, to which v1/traces, v1/metrics and v1/logs are added,"
    return [
        Knob(
            group,
            ours + "endpoint",
            Url(),
            defaults["endpoint"],
            f"{place} of the OTLP receiver{of}.",
            standard=(theirs + "ENDPOINT",),
        ),
        Knob(
            group,
            ours + "protocol",
            Choice(("http/protobuf", "grpc")),
            defaults["protocol"],
            f"Transport{of}; with grpc the default address is http://localhost:4317.",
            standard=(theirs + "PROTOCOL",),
        ),
        Knob(
            group,
            ours + "headers",
            Pairs(headers=True),
            defaults["headers"],
            f"Headers of requests{of}.",
            standard=(theirs + "HEADERS",),
            secret=True,
        ),
        Knob(
            group,
            ours + "timeout_s",
            SECONDS,
            defaults["timeout_s"],
            f"Whole limit of one request{of}, from connect to the last byte of the reply.",
            unit="s",
            standard=(theirs + "TIMEOUT",),
            standard_scale=0.001,
        ),
        Knob(
            group,
            ours + "compression",
            Choice(("none", "gzip", "deflate")),
            defaults["compression"],
            f"Compression of request bodies{of}; deflate needs HTTP.",
            standard=(theirs + "COMPRESSION",),
        ),
        Knob(
            group,
            ours + "certificate",
            Text(),
            defaults["certificate"],
            f"File with the certificates that the server{of} is checked against.",
            standard=(theirs + "CERTIFICATE",),
        ),
        Knob(
            group,
            ours + "client_key",
            Text(),
            defaults["client_key"],
            f"File with the client's private key{of}.",
            standard=(theirs + "CLIENT_KEY",),
        ),
        Knob(
            group,
            ours + "client_certificate",
            Text(),
            defaults["client_certificate"],
            f"File with the client's certificate{of}.",
            standard=(theirs + "CLIENT_CERTIFICATE",),
        ),
        Knob(
            group,
            ours + "insecure",
            Flag(),
            defaults["insecure"],
            f"gRPC without TLS{of} where the address has no scheme that tells.",
            standard=(theirs + "INSECURE",),
        ),
    ]
