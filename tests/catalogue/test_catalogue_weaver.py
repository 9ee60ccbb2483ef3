"""What we read is what Weaver reads: its schemas take our forms, and its minimal registry is read here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from support.registries import MANIFEST, ROUTER

from otel_trading.catalogue.reading import read

SHARED = Path(__file__).resolve().parents[3] / "shared" / "catalogue"

pytestmark = pytest.mark.shared


def told(schema: str, document: Any) -> list[str]:
    """What a schema of Weaver's has against a document."""
    validator = Draft202012Validator(json.loads((SHARED / "schemas" / schema).read_text(encoding="utf-8")))
    return [error.message for error in validator.iter_errors(document)]


def test_the_forms_of_our_tests_are_weavers() -> None:
    """Each kind of entry; a manifest's URL is text, which the schema's own definition does not say."""
    assert [] == told("semconv.schema.v2.json", yaml.safe_load(ROUTER))
    assert {"schema_url"} == set(yaml.safe_load(MANIFEST))
    broken = yaml.safe_load(ROUTER.replace("kind: internal", "kinds: internal"))
    assert told("semconv.schema.v2.json", broken)


def test_weavers_minimal_registry_is_read() -> None:
    """Without a mistake, and with what is in it."""
    found = read(SHARED / "example-registry")
    assert [("trading.order.ack.duration", "s")] == [(metric.name, metric.unit) for metric in found.metrics]
    assert (("buy", "sell"), "0.1.0") == (found.metrics[0].uses[1].attribute.closed, found.version)
    assert (["producer"], ["trading.kill_switch.engaged"]) == (
        [span.kind for span in found.spans],
        [event.name for event in found.events],
    )
