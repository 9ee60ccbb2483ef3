"""Names: units, suffixes, the four strategies, and the escaping that clients ask for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics import exposition as client

from otel_trading.config.knob import STRATEGIES, Strategy
from otel_trading.metrics.exposition.escaping import SCHEMES, Scheme, escape
from otel_trading.metrics.exposition.names import naming, unit_word

UNITS = [
    ("", ""),
    ("s", "seconds"),
    ("us", "microseconds"),
    ("By", "bytes"),
    ("kBy", "kilobytes"),
    ("1", ""),
    ("%", "percent"),
    ("{order}", ""),
    ("{order}/s", "per_second"),
    ("By/s", "bytes_per_second"),
    ("m/{tick}", "m"),
    ("Cel/y", "celsius_per_year"),
    ("bps", "bps"),
    ("[bps]", "bps"),
    ("foo bar", "foo_bar"),
]


@pytest.mark.parametrize(("unit", "words"), UNITS)
def test_units_become_words(unit: str, words: str) -> None:
    """What stands in braces is no unit; unknown ones stay as far as they may be in a name."""
    assert words == unit_word(unit) or (unit, unit_word(unit)) == ("m/{tick}", "m")


METRICS = [
    ("http.server.duration", "s", "explicit", "http_server_duration_seconds"),
    ("http.server.duration.seconds", "s", "explicit", "http_server_duration_seconds"),
    ("orders", "{order}", "counter", "orders_total"),
    ("orders_total", "", "counter", "orders_total"),
    ("cpu.time", "s", "counter", "cpu_time_seconds_total"),
    ("cpu_total", "s", "counter", "cpu_seconds_total"),
    ("open.orders", "", "up_down", "open_orders"),
    ("cpu.load", "1", "gauge", "cpu_load_ratio"),
    ("cpu.load.ratio", "1", "gauge", "cpu_load_ratio"),
    ("cpu.load", "1", "explicit", "cpu_load"),
    ("a..b__c-d/e", "", "gauge", "a_b_c_d_e"),
    ("trailing.", "s", "gauge", "trailing_seconds"),
    ("9lives", "", "gauge", "_lives"),
    ("job:rate", "", "gauge", "job:rate"),
]


@pytest.mark.parametrize(("name", "unit", "kind", "shown"), METRICS)
def test_by_default_names_are_escaped_and_have_suffixes(name: str, unit: str, kind: str, shown: str) -> None:
    """The unit before `_total`, neither of them twice."""
    assert shown == naming("UnderscoreEscapingWithSuffixes").metric(name, unit, kind)


BY_STRATEGY = [
    ("UnderscoreEscapingWithSuffixes", "order_latency_µ_seconds_total".replace("_µ", ""), "trading_venue"),
    ("UnderscoreEscapingWithoutSuffixes", "order_latency", "trading_venue"),
    ("NoUTF8EscapingWithSuffixes", "order.latency_seconds_total", "trading.venue"),
    ("NoTranslation", "order.latency", "trading.venue"),
]


@pytest.mark.parametrize(("strategy", "metric", "label"), BY_STRATEGY)
def test_each_strategy_escapes_or_appends_or_neither(strategy: Strategy, metric: str, label: str) -> None:
    """Metrics and labels."""
    named = naming(strategy)
    assert (metric, label) == (named.metric("order.latency", "s", "counter"), named.label("trading.venue"))


def test_an_unknown_strategy_is_refused_with_the_known_ones() -> None:
    """At start-up."""
    with pytest.raises(ValueError, match="one of UnderscoreEscapingWithSuffixes, .*; was 'None'"):
        naming("None")  # type: ignore[arg-type]


def test_labels_that_prometheus_keeps_for_itself_are_not_made() -> None:
    """`__name__` would replace the metric's name."""
    for strategy in STRATEGIES:
        assert not naming(strategy).label("__name__").startswith("__")
        assert naming(strategy).label("") == "_"


@given(key=st.text(max_size=12))
def test_escaped_labels_are_such_that_were_always_allowed(key: str) -> None:
    """Whatever the attribute's key."""
    assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", naming("UnderscoreEscapingWithSuffixes").label(key))


@given(name=st.text(max_size=12), unit=st.text(max_size=8))
def test_escaped_metrics_are_such_that_were_always_allowed(name: str, unit: str) -> None:
    """Whatever the instrument's name and unit."""
    for kind in ("counter", "gauge", "explicit"):
        shown = naming("UnderscoreEscapingWithSuffixes").metric(name, unit, kind)
        assert re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", shown)
        assert "__" not in shown


ESCAPED = [
    ("underscores", "http.status_code", "http_status_code"),
    ("dots", "http.status_code", "http_dot_status__code"),
    ("values", "http.status_code", "U__http_2e_status__code"),
    ("values", "http_status", "http_status"),
    ("dots", "http_status", "http__status"),
    ("allow-utf-8", "http.ütf", "http.ütf"),
    ("underscores", "ü1", "_1"),
    ("underscores", "1a", "_a"),
]


@pytest.mark.parametrize(("scheme", "name", "shown"), ESCAPED)
def test_names_are_escaped_as_the_client_asks(scheme: Scheme, name: str, shown: str) -> None:
    """The schemes of Prometheus."""
    assert shown == escape(name, scheme)


@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10), scheme=st.sampled_from(SCHEMES))
def test_escaping_is_that_of_prometheus_client(name: str, scheme: Scheme) -> None:
    """An oracle; of `allow-utf-8` it gives the quoted form."""
    if scheme != "allow-utf-8":
        assert escape(name, scheme) == client.escape_metric_name(name, scheme)
