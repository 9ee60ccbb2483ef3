"""The one table of names for the ids of an order, used by every signal and every back end.

A span attribute, a field of a JSON log line and an Elasticsearch alias name the same thing in the fashion of their
place. Whoever writes, reads or searches one of them asks here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OrderId:
    """The names of one id.

    Attributes:
        attribute: of spans and OTLP log records, such as `trading.order.client_id`.
        json_field: of JSON log lines and keyword arguments in log calls, such as `client_order_id`.
        alias: what a Kibana user types, such as `trading.client_order_id`.
        meaning: one sentence.
    """

    attribute: str
    json_field: str
    alias: str
    meaning: str


ORDER_ID = OrderId("trading.order.id", "order_id", "trading.order_id", "The id the venue gave the order.")
CLIENT_ORDER_ID = OrderId(
    "trading.order.client_id", "client_order_id", "trading.client_order_id",
    "The id we gave the order; it changes when the order is replaced.",
)  # fmt: skip
ROOT_CLIENT_ORDER_ID = OrderId(
    "trading.order.root_client_id", "root_client_order_id", "trading.root_client_order_id",
    "The first client order id of a chain of replacements; it never changes.",
)  # fmt: skip
EXECUTION_ID = OrderId("trading.execution.id", "exec_id", "trading.exec_id", "The id the venue gave one fill.")
SYMBOL = OrderId("trading.symbol", "symbol", "trading.symbol", "What is traded, as the venue spells it.")
VENUE = OrderId("trading.venue", "venue", "trading.venue", "Where it is traded.")
STRATEGY = OrderId("trading.strategy", "strategy", "trading.strategy", "Which strategy wanted it.")
ACCOUNT = OrderId("trading.account", "account", "trading.account", "A keyed hash of the account, never its number.")
SEQUENCE = OrderId("md.sequence", "sequence", "trading.sequence", "The venue's sequence number of a message.")

TABLE: tuple[OrderId, ...] = (
    ORDER_ID, CLIENT_ORDER_ID, ROOT_CLIENT_ORDER_ID, EXECUTION_ID, SYMBOL, VENUE, STRATEGY, ACCOUNT, SEQUENCE,
)  # fmt: skip
"""All of them, in the order in which they are shown."""

_BY_ATTRIBUTE = {row.attribute: row.json_field for row in TABLE}
_BY_FIELD = {row.json_field: row.attribute for row in TABLE}


def json_field(attribute: str) -> str:
    """Returns the JSON field for an attribute's name; a name that is not in the table stays as it is."""
    return _BY_ATTRIBUTE.get(attribute, attribute)


def attribute(json_field: str) -> str:
    """Returns the attribute's name for a JSON field; a name that is not in the table stays as it is."""
    return _BY_FIELD.get(json_field, json_field)
