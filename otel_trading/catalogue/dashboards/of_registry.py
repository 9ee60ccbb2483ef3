"""The dashboard of a user's own registry: a row an area, a panel or two a metric."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from otel_trading.catalogue.dashboards import by_kind
from otel_trading.catalogue.dashboards.model import Dashboard, Panel, Row
from otel_trading.catalogue.model import Registry

FILE = "dashboard.json"
_LONGEST_UID = 40
"""Characters that Grafana takes."""


def dashboard(registry: Registry) -> Dashboard:
    """All metrics that are not deprecated, by area."""
    words = registry.name.replace("_", " ")
    return Dashboard(
        PurePosixPath(FILE),
        re.sub("[^a-zA-Z0-9_-]", "-", registry.name)[:_LONGEST_UID],
        words[0].upper() + words[1:],
        " ".join(registry.description.split()) or f"Every metric of {registry.name}.",
        tuple(Row(area, panels, 3) for area in registry.areas if (panels := _panels(registry, area))),
    )


def _panels(registry: Registry, area: str) -> tuple[Panel, ...]:
    found = (one for one in registry.metrics if one.area == area and one.deprecated is None)
    return tuple(panel for one in found for panel in by_kind.panels(by_kind.of_registry(one)))
