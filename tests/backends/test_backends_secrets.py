"""Secrets that reach the collector unmasked are in no store."""

from __future__ import annotations

import secrets
import time

import pytest
from backend_senders import text_attribute
from backend_stores import Stack, ask, wait_until
from conftest import service
from support.children import without_engine

pytestmark = pytest.mark.backends

SERVICE = """
    import sys
    import otel_trading as ot

    endpoint, secret = sys.argv[1:]
    with ot.init("gateway", otlp_endpoint=endpoint, metrics_exporter=["none"], stdout="off") as telemetry:
        with ot.tracer().start_as_current_span("order.submit binance") as span:
            span.set_attribute("api_key", secret)
            span.set_attribute("url.full", f"https://venue.example/order?symbol=X&signature={secret}")
            span.add_event(f"sent signature={secret}")
            ot.get_logger().info(f"posted token={secret}", api_key=secret, order_id="V-secret")
        assert telemetry.flush(10)
"""


def test_a_service_masks_before_anything_leaves(stack: Stack) -> None:
    """The first line of defence, seen at the far end."""
    secret = f"first{secrets.token_hex(8)}"
    with service(SERVICE, stack.otlp, secret) as gateway:
        _, complaints = gateway.communicate(timeout=60)
    assert (gateway.returncode, without_engine(complaints)) == (0, "")
    wait_until(lambda: stack.logs('trading.order_id:"V-secret"'), 20)
    wait_until(lambda: "gateway" in ask(f"{stack.servers['jaeger']['url']}/api/services")["data"], 20)
    assert secret not in stack.everything()


def test_the_collector_masks_what_others_send(stack: Stack) -> None:
    """The second line of defence: OTLP of a program that masks nothing."""
    secret = f"second{secrets.token_hex(8)}"
    account, key = f"ACC-{secrets.randbelow(10**9):09d}", f"sk_live_{secrets.token_hex(8)}"
    now, trace_id = time.time_ns(), secrets.token_hex(16)
    resource = {"attributes": [text_attribute("service.name", "stranger"), text_attribute("api.key", secret)]}
    attributes = [
        text_attribute("api_key", secret),
        text_attribute("http.request.header.authorization", f"Bearer {secret}"),
        text_attribute("url.full", f"https://venue.example/order?symbol=X&signature={secret}"),
        text_attribute("note", f"account {account} with {key}"),
        text_attribute("order.token_bucket", "kept"),
    ]
    span = {
        "traceId": trace_id,
        "spanId": secrets.token_hex(8),
        "name": f"GET /order?signature={secret} {account}",
        "kind": 3,
        "startTimeUnixNano": str(now - 1_000_000),
        "endTimeUnixNano": str(now),
        "attributes": attributes,
        "events": [{"timeUnixNano": str(now), "name": f"token={secret}", "attributes": attributes}],
        "status": {"code": 2, "message": f"refused for {account}, password={secret}"},
    }
    record = {
        "timeUnixNano": str(now),
        "severityText": "error",
        "traceId": trace_id,
        "body": {"stringValue": f"login with password={secret} for {account} by {key}"},
        "attributes": attributes,
    }
    # one without events: what is done to events must not be all that is done
    bare = {**span, "spanId": secrets.token_hex(8), "name": f"login Bearer {secret}", "events": []}
    spans = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {}, "spans": [span, bare]}]}]}
    records = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {}, "logRecords": [record]}]}]}
    ask(f"{stack.otlp}/v1/traces", spans)
    ask(f"{stack.otlp}/v1/logs", records)
    wait_until(lambda: len(stack.trace(trace_id)) == 2, 20)
    wait_until(lambda: stack.logs(f'trace.id:"{trace_id}"'), 20)

    stored = stack.everything()
    assert [one for one in (secret, account, key) if one in stored] == []
    found, bare_found = sorted(stack.trace(trace_id), key=lambda one: one["name"])
    assert (found["name"], bare_found["name"]) == ("GET /order?**** ****", "login ****")
    assert bare_found["status"]["message"] == "refused for ****, ****"
    assert found["values"]["url.full"] == "https://venue.example/order?symbol=X&****"
    assert found["values"]["order.token_bucket"] == "kept"
    [line] = stack.logs(f'trace.id:"{trace_id}"')
    assert line["body"]["text"] == "login with **** for **** by ****"
