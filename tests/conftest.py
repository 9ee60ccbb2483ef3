"""Fixtures of all tests: every test begins and ends with telemetry stopped, a clean environment and no troubles."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from support.servers import Receiver, receiver

import otel_trading as ot
from otel_trading.ground import diagnostics

pytest_plugins = ["otel_trading.testing.plugin"]


@pytest.fixture(autouse=True)
def _stopped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)
    diagnostics.forget()
    yield
    ot.shutdown(0.5)


@pytest.fixture
def otlp() -> Iterator[Receiver]:
    """A real HTTP server that decodes OTLP."""
    with receiver() as made:
        yield made
