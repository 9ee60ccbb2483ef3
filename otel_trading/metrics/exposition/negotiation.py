"""What a client asks for by the headers Accept and Accept-Encoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from otel_trading.metrics.exposition.escaping import SCHEMES, Scheme

Kind = Literal["text", "openmetrics", "protobuf"]

_MOST_CLAUSES = 64
_PROTO = "io.prometheus.client.MetricFamily"


@dataclass(frozen=True, slots=True)
class Format:
    """What a page is.

    Attributes:
        kind: the engine's name of the format.
        escaping: of names.
        content_type: the header.
    """

    kind: Kind
    escaping: Scheme
    content_type: str


TEXT = Format("text", "underscores", "text/plain; version=0.0.4; charset=utf-8")


def negotiate(accept: str) -> Format:
    """The format with the highest weight that is known, the first of several; text 0.0.4 if none is.

    Escaping schemes count where the format has them: text and OpenMetrics 1.0.0, and protobuf.
    """
    best, weight = TEXT, 0.0
    for clause in accept.split(",")[:_MOST_CLAUSES]:
        media, *listed = (part.strip() for part in clause.split(";"))
        parameters = dict(_parameter(part) for part in listed)
        q = _weight(parameters.get("q", "1"))
        found = _format(media.lower(), parameters) if q > weight else None
        if found is not None:
            best, weight = found, q
    return best


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the answer may be compressed."""
    weights: dict[str, float] = {}
    for clause in accept_encoding.split(",")[:_MOST_CLAUSES]:
        coding, *listed = (part.strip().lower() for part in clause.split(";"))
        weights[coding] = _weight(dict(_parameter(part) for part in listed).get("q", "1"))
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _parameter(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0


def _format(media: str, parameters: dict[str, str]) -> Format | None:
    version = parameters.get("version", "")
    asked = parameters.get("escaping", "underscores")
    scheme: Scheme = next((known for known in SCHEMES if known == asked), "underscores")
    if media == "application/vnd.google.protobuf":
        if parameters.get("proto") != _PROTO or parameters.get("encoding") != "delimited":
            return None
        return Format("protobuf", scheme, f"{media}; proto={_PROTO}; encoding=delimited; escaping={scheme}")
    if media == "application/openmetrics-text" and version in ("", "1.0.0"):
        return Format("openmetrics", scheme, f"{media}; version=1.0.0; charset=utf-8; escaping={scheme}")
    if media == "application/openmetrics-text" and version == "0.0.1":
        return Format("openmetrics", "underscores", f"{media}; version=0.0.1; charset=utf-8")
    if media == "text/plain" and version == "1.0.0":
        return Format("text", scheme, f"{media}; version=1.0.0; charset=utf-8; escaping={scheme}")
    return TEXT if media in ("text/plain", "text/*", "*/*") and version in ("", "0.0.4") else None
