"""Content negotiation: formats, weights, versions, escaping, compression."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_trading.metrics.exposition.negotiation import TEXT, accepts_gzip, negotiate

PROTO = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
OPEN = "application/openmetrics-text"
# what Prometheus 3.5 sends by default, and with native histograms
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
NATIVE = f"{PROTO};q=0.7,{PROMETHEUS}"

CASES = [
    ("", "text", "underscores", "version=0.0.4"),
    ("*/*", "text", "underscores", "version=0.0.4"),
    ("text/html,application/xhtml+xml,*/*;q=0.8", "text", "underscores", "version=0.0.4"),
    ("application/json", "text", "underscores", "version=0.0.4"),
    (PROMETHEUS, "openmetrics", "allow-utf-8", "version=1.0.0"),
    (NATIVE, "protobuf", "underscores", "encoding=delimited"),
    (f"{PROTO};escaping=allow-utf-8", "protobuf", "allow-utf-8", "escaping=allow-utf-8"),
    (f"{PROTO};q=0.1,text/plain;q=0.2", "text", "underscores", "version=0.0.4"),
    (f"{PROTO};q=0", "text", "underscores", "version=0.0.4"),
    (f"{PROTO};q=2", "text", "underscores", "version=0.0.4"),
    ("application/vnd.google.protobuf;encoding=text", "text", "underscores", "version=0.0.4"),
    (f"{OPEN};version=2.0.0", "text", "underscores", "version=0.0.4"),
    (f"{OPEN};version=0.0.1;escaping=dots", "openmetrics", "underscores", "version=0.0.1"),
    (f"{OPEN}; version=1.0.0; escaping=values", "openmetrics", "values", "escaping=values"),
    (f"{OPEN}; version=1.0.0; escaping=runes", "openmetrics", "underscores", "escaping=underscores"),
    (OPEN, "openmetrics", "underscores", "version=1.0.0"),
    ("text/plain;version=1.0.0;escaping=dots", "text", "dots", "version=1.0.0"),
    ("text/plain;version=0.0.4;escaping=allow-utf-8", "text", "underscores", "version=0.0.4"),
    ("TEXT/PLAIN;q=0.5, APPLICATION/openmetrics-text;Q=0.4", "text", "underscores", "version=0.0.4"),
    (f"text/plain;q=0.5,{OPEN};q=0.5", "text", "underscores", "version=0.0.4"),
]


@pytest.mark.parametrize(("accept", "kind", "escaping", "told"), CASES)
def test_the_heaviest_known_format_is_chosen(accept: str, kind: str, escaping: str, told: str) -> None:
    """The first of equals; text 0.0.4 where nothing is known."""
    found = negotiate(accept)
    assert (kind, escaping) == (found.kind, found.escaping)
    assert told in found.content_type


@given(
    accept=st.text(max_size=60)
    | st.lists(st.sampled_from([PROTO, OPEN, ";", ",", "q=", "0.5", "version="])).map("".join)
)
def test_any_header_gives_a_format(accept: str) -> None:
    """Never an error."""
    assert negotiate(accept).kind in ("text", "openmetrics", "protobuf")


def test_a_header_of_many_clauses_costs_little() -> None:
    """Those beyond the first 64 are not looked at."""
    assert negotiate("a/b," * 64 + OPEN) == TEXT


GZIP = [
    ("", False),
    ("gzip", True),
    ("deflate, GZIP;q=0.5", True),
    ("gzip;q=0", False),
    ("*", True),
    ("*;q=0", False),
    ("gzip;q=0,*", False),
    ("identity", False),
    ("br;q=1,gzip;q=x", False),
]


@pytest.mark.parametrize(("header", "accepted"), GZIP)
def test_compression_is_used_when_asked_for(header: str, accepted: bool) -> None:
    """By weight."""
    assert accepted is accepts_gzip(header)
