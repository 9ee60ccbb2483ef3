"""Our provider over an arena that nobody takes from but the test."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from otel_trading.hotpath.chosen import engine
from otel_trading.traces.recording import RecordingTracerProvider

LIMITS: dict[str, int | None] = {
    "attributes": 128, "events": 128, "links": 128, "event_attributes": 128, "link_attributes": 128,
    "attribute_length": None,
}  # fmt: skip


def place(message: Message) -> tuple[int, int, str]:
    return message.end_time_unix_nano, message.start_time_unix_nano, message.name


@dataclass
class Ours:
    """Our provider, and what ended on it."""

    sampler: Sampler = ALWAYS_ON
    ids: IdGenerator | None = None
    limits: dict[str, int | None] = field(default_factory=lambda: dict(LIMITS))

    def __post_init__(self) -> None:
        self.arena = engine.Arena()
        lane: Any = SimpleNamespace(arena=self.arena)
        self.provider = RecordingTracerProvider(Resource({}), self.sampler, self.limits, lane, self.ids)

    def messages(self) -> list[Message]:
        """In the order in which they ended."""
        found: list[Message] = []
        while (chunk := self.arena.take()) is not None:
            found += ScopeSpans.FromString(chunk[0] + chunk[2]).spans
        return sorted(found, key=place)
