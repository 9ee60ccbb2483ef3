"""Streams over both engines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from exposition.exposition_streams import Streams
from hotpath.hotpath_cells import load

from otel_trading.ground import diagnostics


@pytest.fixture(params=["native", "python"])
def streams(request: pytest.FixtureRequest) -> Iterator[Streams]:
    """Cells of the native module or of its twin; nothing was said before."""
    diagnostics.forget()
    yield Streams(load(request.param))
    diagnostics.forget()
