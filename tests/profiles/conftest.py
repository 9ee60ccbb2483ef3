"""Fixtures of the tests of profiles."""

from __future__ import annotations

import pytest
from profiles.profile_pages import still

from otel_trading import providers

__all__ = ["still"]


@pytest.fixture(autouse=True)
def _instruments_of_the_test_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instruments live as long as the process; those of another test would be on the pages of this one."""
    monkeypatch.setattr(providers.meters, "_meters", {})
