"""Resource and scope, as the fields that stand before what came from them."""

from __future__ import annotations

from typing import Any

from otel_trading.delivery.any_value import attributes, text
from otel_trading.ground.protobuf import sized


def resource_field(resource: Any) -> bytes:
    """The field `resource` of ResourceLogs and ResourceMetrics."""
    return sized(b"\x0a", attributes(b"\x0a", resource.attributes))


def scope_field(scope: Any) -> bytes:
    """The field `scope` of ScopeLogs and ScopeMetrics; an empty one for None."""
    if scope is None:
        return b"\x0a\x00"
    name, version = text(b"\x0a", scope.name), text(b"\x12", scope.version)
    return sized(b"\x0a", name + version + attributes(b"\x1a", scope.attributes))


def schema_field(origin: Any) -> bytes:
    """The field `schema_url` of either, of a resource or a scope; nothing for None."""
    return b"" if origin is None else text(b"\x1a", origin.schema_url)
