"""Where a person sees the canary."""

from __future__ import annotations

from otel_trading.doctor.second_look import SecondLook
from otel_trading.doctor.sending import Sent
from otel_trading.doctor.stored_metrics import selector
from otel_trading.stores.addresses import Addresses
from otel_trading.stores.pages import jaeger_trace, kibana_search, prometheus_graph

_MARGIN_NS = 5 * 60 * 1_000_000_000


def pages(addresses: Addresses, sent: Sent, second: SecondLook) -> dict[str, str]:
    """Addresses by store, of what was found."""
    found: dict[str, str] = {}
    if addresses.jaeger and second.spans is not None and second.spans.found:
        found["jaeger"] = jaeger_trace(addresses.jaeger, sent.trace_id)
    if addresses.kibana and sent.trace_id:
        line = f'trace.id : "{sent.trace_id}"'
        first, last = sent.began_ns - _MARGIN_NS, sent.began_ns + _MARGIN_NS
        found["kibana"] = kibana_search(addresses.kibana, line, first, last)
    counted = [one for one in (second.collected, second.scraped) if one is not None and one.found]
    if addresses.prometheus and counted:
        found["prometheus"] = prometheus_graph(addresses.prometheus, selector(sent.canary))
    return found
