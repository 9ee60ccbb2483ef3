"""What otel_trading emits is in the registry, under the same name."""

from __future__ import annotations

import ast
import itertools
import json
from importlib import import_module
from importlib.resources import files
from pkgutil import iter_modules
from typing import Any, cast

import pytest
from opentelemetry.semconv._incubating import metrics as conventions
from support.registry_files import attributes, each, load, metrics

from otel_trading import resource
from otel_trading.catalogue.reading import ours
from otel_trading.catalogue.searches import mappings
from otel_trading.config.plan import from_knobs
from otel_trading.config.resolve import resolve
from otel_trading.demo.messages import Order
from otel_trading.doctor import canary
from otel_trading.ground import order_ids
from otel_trading.metrics import own
from otel_trading.metrics.engine import engine

INSTRUMENTS = {
    "create_observable_counter": "counter",
    "create_observable_up_down_counter": "updowncounter",
    "create_observable_gauge": "gauge",
}
NAMESPACES = ("trading.", "md.", "risk.", "signal.", "link.")


class Recording:
    """A provider and meter that remember which instruments are made."""

    def __init__(self) -> None:
        self.made: dict[str, tuple[str, str]] = {}

    def get_meter(self, *_: object) -> Recording:
        return self

    def __getattr__(self, create: str) -> Any:
        def made(name: str, callbacks: object, unit: str, description: str) -> None:
            self.made[name] = (INSTRUMENTS[create], unit)

        return made


def test_own_metrics_are_in_the_registry():
    """Names, instruments and units of the metrics about metrics are those of own.py, and none is missing."""
    recording = Recording()
    own.tell(cast(Any, recording), [], cast(Any, object()))
    assert len(recording.made) >= 8
    assert recording.made == {
        name: (entry["instrument"], entry["unit"])
        for name, entry in metrics().items()
        if name.startswith(("otel_trading.metrics.", "otel_trading.scrape"))
    }


def test_reasons_of_refusals_are_the_allowed_outcomes():
    """Each reason that the engine counts is an outcome of the registry."""
    refs = metrics()["otel_trading.metrics.measurements"]["attributes"]
    allowed = refs[0]["annotations"]["otel_trading"]["allow"]
    assert {"recorded", *engine.refusals()} == set(allowed)


def test_canary_is_in_the_registry():
    """What the doctor sends is known, too."""
    assert {canary.METRIC} <= set(metrics())
    assert {canary.ATTRIBUTE} <= set(attributes())
    assert "{canary}" == metrics()[canary.METRIC]["unit"]


def test_what_is_detected_is_in_the_registry(monkeypatch: pytest.MonkeyPatch):
    """Weaver's live check looks at the resource too: each attribute, of its type, and none of them on records."""
    for name in ("KUBERNETES_SERVICE_HOST", *itertools.chain(*resource._KUBERNETES.values())):
        monkeypatch.setenv(name, "x")
    config, _ = resolve({"environment": "prod", "version": "1", "namespace": "n"}, None)
    found = resource.create_resource(config, from_knobs(config)).attributes
    known = {one.key: one for one in ours().attributes}
    assert len(found) > 20
    for key, value in {**found, "container.id": "9c1f"}.items():
        assert {"string": str, "int": int}[known[key].type] is type(value), key
        assert known[key].resource or key.startswith("trading."), key
    indexed = json.dumps([mappings.component(ours()), mappings.py_rt_component(ours())])
    assert [] == [one.key for one in known.values() if one.resource and f'"{one.key}"' in indexed]
    assert {"type": "alias", "path": "service"} == mappings.stdout_template(ours())["template"]["mappings"][
        "properties"
    ]["service.name"]


def test_ids_of_an_order_are_in_the_registry():
    """The table of names and the registry speak of the same attributes."""
    assert set() == {row.attribute for row in order_ids.TABLE} - set(attributes())


def test_names_in_the_demo_are_in_the_registry():
    """Each attribute and event that a service of the demo writes is defined under that very name."""
    found = set()
    for place in files("otel_trading.demo").iterdir():
        if place.name.endswith(".py"):
            found |= attribute_names(ast.parse(place.read_text(encoding="utf-8")))
    assert len(found) > 30
    assert set() == found - set(attributes()) - {event.name for event in ours().events}


def test_values_of_the_demo_are_members():
    """An order of the demo speaks in the values of the enumerations."""
    order = Order("C1", "C1", "momentum", "BTC-USD", "buy", 1.0, 60_000.0, 60_000.0, 0, 0)
    told = order.span_attributes()
    for key in ("trading.order.side", "trading.order.type", "trading.order.tif"):
        assert told[key] in [member["value"] for member in attributes()[key]["type"]["members"]]


def test_spans_of_the_demo_are_in_the_registry():
    """First words of the demo's span names, against those the registry's patterns begin with."""
    known = {entry["name"]["note"].strip("`").split(" ")[0] for _, entry in each("spans")}
    emitted = {"md.receive", "signal.generate", "risk.check", "order", "order.submit"}
    assert emitted | {f"order.{kind}" for kind in ("ack", "reject", "fill", "cancel")} <= known


@pytest.mark.parametrize("entry", load("referenced.yaml")["metrics"], ids=lambda entry: entry["name"])
def test_referenced_metrics_are_those_of_the_conventions(entry: dict[str, Any]):
    """Names, instruments and units are the conventions', and our registry does not define them again."""
    assert entry["name"] not in metrics()
    assert {"name", "instrument", "unit", "stability", "brief", "attributes", "source"} <= set(entry)
    assert entry["brief"].endswith(".")
    boundaries = entry.get("boundaries", [])
    assert sorted(set(boundaries)) == boundaries
    assert ("histogram" == entry["instrument"]) == bool(boundaries)
    creators = {name: function for name, function in CREATORS.items() if name == entry["name"]}
    for function in creators.values():
        recording = Remembering()
        function(recording) if function.__code__.co_argcount == 1 else function(recording, None)
        assert (entry["name"], entry["instrument"], entry["unit"]) == recording.made


def test_most_referenced_metrics_are_known_to_the_installed_conventions():
    """Otherwise the comparison above would compare nothing."""
    named = {entry["name"] for entry in load("referenced.yaml")["metrics"]}
    assert len(named & set(CREATORS)) >= len(named) - 2


class Remembering:
    """A meter that remembers the one instrument that is made."""

    made: tuple[str, str, str]

    def __getattr__(self, create: str) -> Any:
        kind = create.removeprefix("create_").removeprefix("observable_").replace("_", "")

        def made(name: str, unit: str = "", **_: object) -> None:
            self.made = (name, kind, unit)

        return made


def creators() -> dict[str, Any]:
    """The conventions' functions that make an instrument, by the name of the metric."""
    found = {}
    for module in iter_modules(conventions.__path__, f"{conventions.__name__}."):
        for name, value in vars(import_module(module.name)).items():
            if name.isupper() and isinstance(value, str):
                function = getattr(import_module(module.name), f"create_{name.lower()}", None)
                if function is not None:
                    found[value] = function
    return found


CREATORS = creators()


def attribute_names(tree: ast.AST) -> set[str]:
    """Texts that look like attributes, without the names of instruments."""
    instruments = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.startswith("create_")
        and isinstance(node.args[0], ast.Constant)
    }
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {
        text
        for text in texts - instruments
        if text.startswith(NAMESPACES) and text.replace(".", "").replace("_", "").isalnum()
    }
