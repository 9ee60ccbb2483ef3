"""Templates of Elasticsearch: how the fields of our log records and of the JSON lines on standard output are indexed.

Types come from the registry's attributes, the names of order ids from the one table of them.
"""

from __future__ import annotations

from typing import Any

from otel_trading.catalogue.model import Attribute, Registry
from otel_trading.ground.order_ids import TABLE

Mapping = dict[str, Any]
_WORD: Mapping = {"type": "keyword", "ignore_above": 1024}
# a value of another kind stays in the document and is not indexed: refused as a whole, the record would be lost
_TYPES: dict[str, Mapping] = {
    "string": _WORD,
    "string[]": _WORD,
    "enum": _WORD,
    "int": {"type": "long", "ignore_malformed": True},
    "double": {"type": "double", "ignore_malformed": True},
    "boolean": _WORD,
}
_NUMBER: Mapping = {"type": "double", "ignore_malformed": True}
LIFECYCLE = "otel-trading-lifecycle"


def alias(path: str) -> Mapping:
    """Another name for a field."""
    return {"type": "alias", "path": path}


def field(attribute: Attribute) -> Mapping:
    """How an attribute is indexed."""
    return dict(_TYPES[attribute.type])


def _indexed(registry: Registry) -> dict[str, Mapping]:
    # those of the resource stand elsewhere in a record, and a line of JSON has its own word for the service
    return {one.key: field(one) for one in registry.attributes if not one.is_template and not one.resource}


def _attributes(registry: Registry, more: Mapping | None = None) -> Mapping:
    """Attributes of an OTLP record, whose names are found without `attributes.` before them."""
    properties = _indexed(registry) | {"time_unix_nano": {"type": "long"}} | (more or {})
    return {"type": "passthrough", "dynamic": True, "priority": 20, "properties": properties}


def component(registry: Registry) -> Mapping:
    """The component template of OTLP records: every attribute of the registry, and short names for ids."""
    # the others are found by the names of their attributes
    short = {row.alias: row.attribute for row in TABLE if row.alias != row.attribute}
    names = {name.removeprefix("trading."): alias(f"attributes.{key}") for name, key in short.items()}
    properties = {"attributes": _attributes(registry), "trading": {"properties": names}}
    return {"template": {"mappings": {"properties": properties}}}


def stdout_template(registry: Registry) -> Mapping:
    """The index template of JSON lines that a shipper sends as they are, under the Kibana names of OTLP records.

    Names with dots are fields and no objects here, so that a line may have a key `log` or `trace` of its own.
    """
    properties: dict[str, Mapping] = {
        "@timestamp": {"type": "date_nanos"},
        "timestamp": {"type": "date_nanos"},
        "level": {"type": "keyword", "normalizer": "lowercase"},
        "log.level": alias("level"),
        # copied, not an alias: a line may have a key `message` of its own
        "event": {"type": "text", "copy_to": "message"},
        "message": {"type": "text"},
        "logger": dict(_WORD),
        "service": dict(_WORD),
        "service.name": alias("service"),
        "trace_id": {"type": "keyword"},
        "trace.id": alias("trace_id"),
        "span_id": {"type": "keyword"},
        "span.id": alias("span_id"),
    }
    properties |= _indexed(registry)
    for row in TABLE:
        properties[row.json_field] = properties.pop(row.attribute)
        properties |= {name: alias(row.json_field) for name in (row.attribute, row.alias)}
    texts = {"match_mapping_type": "string", "mapping": dict(_WORD)}
    return {
        "index_patterns": ["logs-otel_trading.stdout-*"],
        "priority": 140,
        "data_stream": {},
        "composed_of": [LIFECYCLE],
        "ignore_missing_component_templates": [LIFECYCLE],
        "template": {
            "settings": {"number_of_shards": 1, "auto_expand_replicas": "0-1", "index.refresh_interval": "1s"},
            "mappings": {
                "date_detection": False,
                "subobjects": False,
                "properties": dict(sorted(properties.items())),
                "dynamic_templates": [{"texts": texts}],
            },
        },
    }


def py_rt_component(registry: Registry) -> Mapping:
    """The component template that gives OTLP records the names of system 002, for queries that are written in them.

    Elasticsearch takes another name only where the field itself stands in the same component, and the last component
    that has `attributes` is the only one whose `attributes` count: so all of them stand here again.
    """
    own = {
        "rejection_reason": dict(_WORD),
        "error_message": {"type": "text"},
        "status_code": {"type": "long", "ignore_malformed": True},
        "latency_us": dict(_NUMBER),
        "filled_qty": dict(_NUMBER),
        "avg_price": dict(_NUMBER),
    }
    fields = {name: alias(f"attributes.{name}") for name in own}
    fields |= {row.json_field: alias(f"attributes.{row.attribute}") for row in TABLE}
    fields["message"] = alias("body.text")
    properties = {
        "@timestamp": {"type": "date_nanos"},
        "severity_text": {"type": "keyword", "normalizer": "lowercase"},
        "body": {"properties": {"text": {"type": "text"}}},
        "scope": {"properties": {"name": dict(_WORD)}},
        "attributes": _attributes(registry, own),
        "timestamp": alias("@timestamp"),
        "level": alias("severity_text"),
        "target": alias("scope.name"),
        "fields": {"properties": fields},
        "span": {"properties": {"order_id": alias("attributes.trading.order.id")}},
    }
    return {"template": {"mappings": {"properties": properties}}}
