"""Saved searches of Kibana and templates of Elasticsearch, from data and the registry."""

from __future__ import annotations

import json
from pathlib import Path

from otel_trading.catalogue.model import Registry
from otel_trading.catalogue.modules import NOTE
from otel_trading.catalogue.searches import mappings
from otel_trading.catalogue.searches.kibana import ndjson
from otel_trading.catalogue.searches.reading import SETS, read

ELASTICSEARCH = Path("collector-config/elasticsearch")
KIBANA = Path("collector-config/kibana")


def files(registry: Registry) -> dict[Path, str]:
    """The text of each file, by path from the top of the checkout."""
    templates = {
        "otel-trading-orders": mappings.component(registry),
        "otel-trading-py_rt": mappings.py_rt_component(registry),
        "logs-otel-trading-stdout": mappings.stdout_template(registry),
    }
    found = {ELASTICSEARCH / f"{name}.json": _text(template) for name, template in templates.items()}
    for name in SETS:
        file = "otel-trading" if name == "ours" else f"otel-trading-{name}"
        found[KIBANA / f"{file}.ndjson"] = ndjson(read(name))
    return found


def _text(template: mappings.Mapping) -> str:
    """JSON whose first line says what made it, as Elasticsearch allows."""
    said = json.dumps({"description": f"{NOTE} from the registry; do not edit."})
    return f'{{"_meta": {said},{json.dumps(template, indent=2)[1:]}\n'
