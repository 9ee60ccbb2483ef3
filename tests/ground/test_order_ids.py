"""The table of names for an order's ids."""

from otel_trading.ground import order_ids


def test_names_translate_both_ways_and_are_unique():
    """Each attribute has one JSON field and back; no alias is used twice."""
    for row in order_ids.TABLE:
        assert row.json_field == order_ids.json_field(row.attribute)
        assert row.attribute == order_ids.attribute(row.json_field)
        assert row.alias.startswith("trading.")
        assert row.meaning.endswith(".")
    assert len(order_ids.TABLE) == len({row.alias for row in order_ids.TABLE})


def test_client_order_id_has_the_documented_names():
    """These names are in users' dashboards: no rename goes unseen."""
    expected = {
        "trading.order.id": ("order_id", "trading.order_id"),
        "trading.order.client_id": ("client_order_id", "trading.client_order_id"),
        "trading.order.root_client_id": ("root_client_order_id", "trading.root_client_order_id"),
        "trading.execution.id": ("exec_id", "trading.exec_id"),
        "trading.symbol": ("symbol", "trading.symbol"),
        "trading.venue": ("venue", "trading.venue"),
        "trading.strategy": ("strategy", "trading.strategy"),
        "trading.account": ("account", "trading.account"),
        "md.sequence": ("sequence", "trading.sequence"),
    }
    assert expected == {row.attribute: (row.json_field, row.alias) for row in order_ids.TABLE}


def test_other_names_stay():
    """What is not an order's id passes through."""
    assert "latency_ns" == order_ids.attribute("latency_ns") == order_ids.json_field("latency_ns")
