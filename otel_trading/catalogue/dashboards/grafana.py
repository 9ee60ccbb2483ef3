"""The parts of grafana-foundation-sdk that are used, imported once and only when dashboards are written."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # the first format of dashboards is the one that every Grafana reads; the SDK would rather have the second
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.cog.variants import Dataquery
    from grafana_foundation_sdk.models import (
        bargauge,
        common,
        dashboard,
        elasticsearch,
        gauge,
        heatmap,
        logs,
        prometheus,
        stat,
        statetimeline,
        table,
        timeseries,
    )

# so that panels and queries of a file become objects of their own kind
register_default_plugins()

__all__ = [
    "Dataquery",
    "JSONEncoder",
    "bargauge",
    "common",
    "dashboard",
    "elasticsearch",
    "gauge",
    "heatmap",
    "logs",
    "prometheus",
    "stat",
    "statetimeline",
    "table",
    "timeseries",
]
