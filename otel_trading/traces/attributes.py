"""Attributes as given by callers, made what OTLP can carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from opentelemetry.util.types import Attributes

from otel_trading.ground import diagnostics, values


def converted(attributes: object) -> Attributes:
    """Attributes as OTLP can carry them; anything but a mapping is counted and left out."""
    if attributes is None:
        return None
    if not isinstance(attributes, Mapping):
        diagnostics.trouble("traces.invalid_attributes", "attributes must be a mapping; was %s", type(attributes))
        return None
    try:
        return cast(Attributes, {values.key(key): values.attribute(value) for key, value in attributes.items()})
    except Exception as error:  # a mapping that fails while it is read
        diagnostics.trouble("traces.invalid_attributes", "attributes cannot be read: %r", error)
        return None
