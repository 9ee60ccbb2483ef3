"""The extra that writes Grafana's JSON, which not everybody needs."""

from __future__ import annotations

from importlib.util import find_spec

_LIBRARY = "grafana_foundation_sdk"


def missing() -> str:
    """What to install, a sentence; empty if it is there."""
    if find_spec(_LIBRARY) is not None:
        return ""
    return (
        "dashboards are left out: grafana-foundation-sdk is not installed. Run: pip install 'otel-trading[dashboards]'"
    )
