"""What the service itself says became of the canary: the books of one signal and the lines that it wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_GRPC_CODE = re.compile(r"StatusCode\.([A-Z_]+)")
_SIGNALS = {"traces": "trace", "logs": "log", "metrics": "metric"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """The books of one signal after the canary.

    Attributes:
        offered: spans, log records or data points that were handed over.
        delivered: acknowledged by the receiver.
        dropped: lost, by reason.
        queued: still waiting.
        seconds: from the handing over to the end of the first attempt.
        said: lines that the process wrote about it.
    """

    offered: int = 0
    delivered: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    queued: int = 0
    seconds: float | None = None
    said: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """All of it was acknowledged."""
        return self.delivered > 0 and not self.dropped and not self.queued

    def grpc_code(self, signal: str) -> str:
        """The status code in what the gRPC exporter of a signal wrote; empty for none."""
        own = [line for line in self.said if f"export {_SIGNALS[signal]}" in line.lower()]
        found = [_GRPC_CODE.search(line) for line in own]
        return next((match[1] for match in found if match), "")

    @classmethod
    def from_books(cls, books: Mapping[str, Any], said: tuple[str, ...]) -> Delivery:
        """From what the canary's process tells."""
        return cls(
            int(books.get("offered", 0)),
            int(books.get("delivered", 0)),
            dict(books.get("dropped", {})),
            int(books.get("queued", 0)),
            books.get("seconds"),
            said,
        )
