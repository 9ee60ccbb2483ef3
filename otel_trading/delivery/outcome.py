"""What became of one attempt to send a batch, and the closed list of reasons for a loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

QUEUE_FULL = "queue_full"
BYTES_FULL = "bytes_full"
ENCODE_ERROR = "encode_error"
REFUSED = "refused_by_server"
PARTIAL_SUCCESS = "partial_success"
DEADLINE = "deadline"
UNREACHABLE = "unreachable"
AFTER_SHUTDOWN = "after_shutdown"
EXPORTER_FAILED = "exporter_failed"
NO_MEMORY = "no_memory"
REASONS = (
    QUEUE_FULL,
    BYTES_FULL,
    ENCODE_ERROR,
    REFUSED,
    PARTIAL_SUCCESS,
    DEADLINE,
    UNREACHABLE,
    AFTER_SHUTDOWN,
    EXPORTER_FAILED,
    NO_MEMORY,
)
"""Every reason that a book may name."""

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one attempt.

    Attributes:
        dropped: how much was lost, by reason; the rest of the batch was delivered unless `retry`.
        retry: nothing was delivered and the attempt may be repeated.
        reason: why an attempt with `retry` failed; what is booked if it is given up.
        retry_after_s: how long the server asked to wait; None if it did not say.
        divide: the server refused the batch for something in it; it may take the rest in smaller parts.
    """

    dropped: Mapping[str, int] = field(default_factory=dict)
    retry: bool = False
    reason: str = UNREACHABLE
    retry_after_s: float | None = None
    divide: bool = False


class Transport(Protocol[T_contra]):
    """Sends batches; used by one thread at a time, except `close`, which may cut a `send` short."""

    def send(self, items: Sequence[T_contra], timeout_s: float) -> Outcome:
        """Tries once to send the items within `timeout_s` seconds, from connect to the last byte of the reply."""

    def close(self) -> None:
        """Frees connections and returns at once; a `send` under way may fail."""


class Keeping(Transport[T_contra], Protocol[T_contra]):
    """A transport that may keep what it was given for a while."""

    @property
    def keeps(self) -> bool:
        """Whether it is one; what is around another transport is what that is."""

    def flush(self, timeout_s: float) -> bool:
        """Sends what it keeps; False if it could not. For the thread that calls `send`."""
