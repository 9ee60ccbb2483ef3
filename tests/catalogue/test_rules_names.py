"""What the rules take for a metric's name is what the product's page shows."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from catalogue.test_catalogue_every_instrument import CALLED, value_of
from profiles.profile_pages import SERVED, Page, scraped
from support.registries import forgetting

import otel_trading as ot
from otel_trading.catalogue.modules import keyword_list
from otel_trading.catalogue.reading import ours
from otel_trading.catalogue.rules.vocabulary import Family, of_registry

OF_TARGETS = {"job", "instance", "service_name", "__name__"}


def test_every_metric_of_the_registry_is_shown_as_the_rules_spell_it() -> None:
    """Name, suffixes of unit and type, labels; recorded through the typed instruments."""
    modules = {area: import_module(f"otel_trading.catalogue.{area}") for area in ours().areas}
    with forgetting(*modules.values()), ot.init("desk", **SERVED) as telemetry:
        for metric in ours().metrics:
            made: Any = getattr(modules[metric.area], metric.python)
            given = {word: value_of(use) for use, word in zip(metric.uses, keyword_list(metric), strict=True)}
            getattr(made, CALLED[metric.instrument])(0.25, **given)
        page = scraped(telemetry)
    for family in of_registry(ours()):
        assert family.labels - OF_TARGETS <= labels(page, family), family.name


def labels(page: Page, family: Family) -> set[str]:
    """Names of the labels of a family's series on the page; of all of them, as some begin at 0 with fewer."""
    name = f"{family.name}_bucket" if family.type == "histogram" else family.name
    assert name in page.samples, name
    return {label for shown, _ in page.samples[name] for label in shown}
