"""Fixtures of all tests: every test begins and ends with telemetry stopped, a clean environment and no troubles."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from support.servers import Receiver, receiver

import otel_trading as ot
from otel_trading.ground import diagnostics

pytest_plugins = ["otel_trading.testing.plugin"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a background job of a script ignores it, and so would every process that a test starts to interrupt it
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
