"""The pytest fixture; pytest finds it by the entry point `pytest11`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from otel_trading.testing.captured import Captured


@pytest.fixture
def captured_telemetry() -> Iterator[Captured]:
    """Telemetry in memory for one test; see `otel_trading.testing.capture`."""
    from otel_trading.testing.capturing import capture  # late, so that coverage sees the package's import

    with capture() as captured:
        yield captured
