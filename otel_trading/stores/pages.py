"""Addresses of pages for people: a trace in Jaeger, a search in Kibana, a graph in Prometheus.

Pure functions: nobody is asked. Bases may end in a slash and may have a path (a proxy's prefix); credentials in them
are left out, because these addresses are printed.
"""

from __future__ import annotations

import datetime
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

DATA_VIEW = "otel-trading-logs"
"""The id of the data view that `collector-config/kibana` brings."""

COLUMNS = ("service.name", "log.level", "message")
_NANOSECONDS = 1_000_000_000
_MILLISECOND = 1_000_000
_RISON_SAFE = "!'()*,:@$-_.~"  # a fragment may hold these as they are, and rison is made of them


def jaeger_trace(base: str, trace_id: str) -> str:
    """The page of one trace.

    Args:
        base: Jaeger's base address.
        trace_id: 32 hexadecimal digits.
    """
    return f"{_base(base)}/trace/{quote(trace_id, safe='')}"


def kibana_search(base: str, kql: str, start_ns: int, end_ns: int, *, data_view: str = DATA_VIEW) -> str:
    """Kibana's Discover with a search typed in, oldest line first.

    Args:
        base: Kibana's base address; with a space, `https://host/s/SPACE`.
        kql: what one would type, such as `trace.id : "4bf9..."`.
        start_ns: begin of the period, nanoseconds since 1970; rounded down to a millisecond.
        end_ns: its end; rounded up.
        data_view: the id of a data view.
    """
    first, last = (_text(_iso(moment)) for moment in (start_ns, end_ns + _MILLISECOND - 1))
    columns = ",".join(_text(column) for column in COLUMNS)
    state = f"(filters:!(),refreshInterval:(pause:!t,value:0),time:(from:{first},to:{last}))"
    page = (
        f"(columns:!({columns}),filters:!(),index:{_text(data_view)},interval:auto,"
        f"query:(language:kuery,query:{_text(kql)}),sort:!(!(time_unix_nano,asc)))"
    )
    return f"{_base(base)}/app/discover#/?_g={quote(state, _RISON_SAFE)}&_a={quote(page, _RISON_SAFE)}"


def prometheus_graph(base: str, promql: str, range: str = "15m") -> str:
    """The graph of an expression, in the web pages of Prometheus 2 and 3.

    Args:
        base: Prometheus' base address.
        promql: the expression.
        range: how far back, as Prometheus writes durations.
    """
    # version 3 leads /graph to /query and understands the number of the tab
    return f"{_base(base)}/graph?{urlencode({'g0.expr': promql, 'g0.tab': '0', 'g0.range_input': range})}"


def _base(base: str) -> str:
    parts = urlsplit(base.rstrip("/"))
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _text(value: str) -> str:
    """A string in rison."""
    return "'" + value.replace("!", "!!").replace("'", "!'") + "'"


def _iso(moment_ns: int) -> str:
    moment = datetime.datetime.fromtimestamp(moment_ns // _NANOSECONDS, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment_ns % _NANOSECONDS // _MILLISECOND:03d}Z"
