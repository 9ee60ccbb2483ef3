"""Everything that is deployed behind services and made from the catalogue: for who has no checkout, or other limits."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from otel_trading.catalogue import dashboards, rules, scrape_jobs, searches
from otel_trading.catalogue.reading import ours
from otel_trading.catalogue.rules.parameters import Parameters
from otel_trading.config.knob import PROFILES

DEPLOYED = Path("collector-config")
"""Whose files keep their places; runbooks, which are documentation in the checkout, come beside them."""


def in_checkout(parameters: Parameters) -> dict[Path, str]:
    """The text of each file by its path from the top of the checkout."""
    return {
        **rules.files(parameters),
        **dashboards.files(parameters),
        **searches.files(ours()),
        **scrape_jobs.files(),
    }


def files(parameters: Parameters, profiles: Collection[str] = PROFILES) -> dict[Path, str]:
    """The text of each file by its path below the directory that a user names.

    Args:
        parameters: what a user sets.
        profiles: whose files are wanted; those for everybody always come along.
    """
    unwanted = set(PROFILES) - set(profiles)
    found = {}
    for path, text in in_checkout(parameters).items():
        place = path.relative_to(DEPLOYED) if path.is_relative_to(DEPLOYED) else path.relative_to("docs")
        # a profile's file or folder is called like it, or like it behind otel-trading-
        if not unwanted & {part.partition(".")[0].removeprefix("otel-trading-") for part in place.parts}:
            found[place] = text
    return found
