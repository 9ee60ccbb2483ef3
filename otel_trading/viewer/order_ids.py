"""Which attributes of a span or a log line are ids of an order; the store indexes their values."""

from __future__ import annotations

from otel_trading.ground.order_ids import CLIENT_ORDER_ID, EXECUTION_ID, ORDER_ID, ROOT_CLIENT_ORDER_ID
from otel_trading.viewer.rows import Attributes

_IDS = (ORDER_ID, CLIENT_ORDER_ID, ROOT_CLIENT_ORDER_ID, EXECUTION_ID)

ID_KEYS = frozenset({row.attribute for row in _IDS} | {row.json_field for row in _IDS})
"""Span attributes and the fields that log lines use for the same ids; a symbol or venue has many orders."""


def order_id_values(attributes: Attributes) -> set[str]:
    """Returns the order ids among the attributes, as text; usually none or two."""
    found = set()
    for key in ID_KEYS & attributes.keys():
        value = attributes[key]
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            found.add(str(value))
    return found
