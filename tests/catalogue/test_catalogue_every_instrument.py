"""Every instrument of the catalogue is recorded with all its attributes, and comes out as the registry says."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from support.registries import forgetting

from otel_trading.catalogue.model import Metric, Use
from otel_trading.catalogue.modules import keyword_list
from otel_trading.catalogue.reading import ours
from otel_trading.testing import capture
from otel_trading.testing.captured import Captured, Point

VALUES: dict[str, Any] = {"string": "word", "int": 7, "double": 1.5, "boolean": True}
CALLED = {"counter": "add", "updowncounter": "add", "gauge": "set", "histogram": "record"}


def value_of(use: Use) -> Any:
    """One that the attribute may have."""
    listed = use.attribute.closed or use.allow
    return listed[-1] if listed else VALUES[use.attribute.type]


def the_point(captured: Captured, metric: Metric, attributes: dict[str, Any]) -> Point:
    """The series with exactly these attributes."""
    found = [point for point in captured.metrics if (point.name, point.attributes) == (metric.name, attributes)]
    assert len(found) == 1, (metric.name, attributes)
    return found[0]


@pytest.mark.parametrize("area", ours().areas)
def test_each_comes_out_as_the_registry_says(area: str) -> None:
    """Name, unit, attributes, boundaries and magnitude; bound, unbound and by a callback."""
    module = import_module(f"otel_trading.catalogue.{area}")
    metrics = [metric for metric in ours().metrics if metric.area == area]
    with forgetting(module), capture() as captured:
        for metric in metrics:
            made = getattr(module, metric.python)
            given = {word: value_of(use) for use, word in zip(metric.uses, keyword_list(metric), strict=True)}
            attributes = {use.attribute.key: value_of(use) for use in metric.uses}
            getattr(made, CALLED[metric.instrument])(0.25, **given)
            getattr(made.bind(**given), CALLED[metric.instrument])(0.5)
            point = the_point(captured, metric, attributes)
            assert metric.unit == point.unit
            if metric.instrument == "histogram":
                assert (2, 0.75, metric.boundaries) == (point.count, point.sum, point.explicit_bounds)
                continue
            assert (0.5 if metric.instrument == "gauge" else 0.75) == point.value
            told = made.observation(0.125, **given)
            assert (0.125, attributes) == (told.value, told.attributes)


@pytest.mark.parametrize("area", ours().areas)
def test_each_begins_with_its_initial_series(area: str) -> None:
    """At 0, once it is used; a gauge's too."""
    module = import_module(f"otel_trading.catalogue.{area}")
    with forgetting(module), capture() as captured:
        for metric in ours().metrics:
            if metric.area == area:
                assert getattr(module, metric.python).enabled()
        found = {(point.name, *sorted(point.attributes.items())): point.value for point in captured.metrics}
    expected = {
        (metric.name, *sorted(labels.items())): 0
        for metric in ours().metrics
        for labels in metric.initial
        if metric.area == area and metric.instrument != "histogram"
    }
    assert expected == found
