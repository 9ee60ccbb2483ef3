"""Rows of the specification's compliance matrix for resources that no other test shows."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.resources import Resource

import otel_trading as ot

QUIET: dict[str, Any] = {
    "traces_exporter": "none", "metrics_exporter": "none", "logs_exporter": "none", "stdout": "off",
}  # fmt: skip


def test_a_resource_is_made_of_attributes_or_of_none_and_read() -> None:
    """Ours is the SDK's, and cannot be changed."""
    with ot.init("risk", resource_attributes={"team": "alpha", "ports": [1, 2]}, **QUIET) as telemetry:
        found = telemetry.resource
    assert isinstance(found, Resource)
    assert (found.attributes["team"], found.attributes["ports"]) == ("alpha", (1, 2))
    assert found.schema_url == "https://opentelemetry.io/schemas/1.38.0"
    assert dict(Resource.get_empty().attributes) == {}


def test_of_two_resources_the_newer_wins_and_schema_urls_that_differ_are_none() -> None:
    """What the specification says of merging."""
    with ot.init("risk", resource_attributes={"team": "alpha"}, **QUIET) as telemetry:
        found = telemetry.resource
    merged = found.merge(Resource({"team": "beta", "new": 1}))
    assert (merged.attributes["team"], merged.attributes["new"]) == ("beta", 1)
    assert (merged.attributes["service.name"], merged.schema_url) == ("risk", found.schema_url)
    assert Resource({}, found.schema_url).merge(found).schema_url == found.schema_url
