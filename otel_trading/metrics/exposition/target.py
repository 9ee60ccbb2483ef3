"""The series target_info: the resource, once on a page."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.resources import Resource

from otel_trading.ground.protobuf import delimited, varint
from otel_trading.hotpath.twin.render_family import label as label_text
from otel_trading.hotpath.twin.render_protobuf import pair
from otel_trading.metrics.exposition.family import encoded_head
from otel_trading.metrics.exposition.labels import joined
from otel_trading.metrics.exposition.negotiation import Kind

_HELP = "Target metadata"


def target_info(resource: Resource, kind: Kind, named: Callable[[str], str]) -> bytes:
    """The family in a format; nothing for an empty resource.

    Args:
        resource: its attributes are the labels.
        kind: of the page.
        named: the name of the label of a key.
    """
    pairs: list[tuple[str, Any]] = list(resource.attributes.items())
    labels = joined(pairs, named)
    if not labels:
        return b""
    if kind == "protobuf":
        encoded = b"".join(pair(name, value) for name, value in labels.items())
        value = delimited(2, bytes((1 << 3 | 1,)) + struct.pack("<d", 1.0))
        content = encoded_head("target_info", "gauge", _HELP, "") + delimited(4, encoded + value)
        return varint(len(content)) + content
    name, type = ("target", "info") if kind == "openmetrics" else ("target_info", "gauge")
    shown = ",".join(label_text(key, value) for key, value in labels.items())
    return f"# HELP {name} {_HELP}\n# TYPE {name} {type}\ntarget_info{{{shown}}} 1\n".encode()
