"""One thing that the doctor found out: the data that the table, the JSON document and the exit code are made of."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


class State(enum.StrEnum):
    """How it went."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check, or one hop of one signal.

    Attributes:
        name: stable; a hop's is `signal: from to place`.
        state: how it went.
        detail: what was seen, a clause.
        cause: why it is so, as likely as the evidence makes it; a sentence, empty if nothing is wrong.
        remedy: what to do; a sentence, empty if nothing is wrong.
        fault: a stable word for programs, such as `collector_down`; empty if nothing is wrong.
        seconds: how long the hop took; None where that means nothing.
    """

    name: str
    state: State
    detail: str
    cause: str = ""
    remedy: str = ""
    fault: str = ""
    seconds: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "state": self.state.value,
            "detail": self.detail,
            "cause": self.cause,
            "remedy": self.remedy,
            "fault": self.fault,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
        }


def ok(name: str, detail: str, seconds: float | None = None) -> Finding:
    """Nothing is wrong."""
    return Finding(name, State.OK, detail, seconds=seconds)


def skipped(name: str, why: str) -> Finding:
    """It was not looked at."""
    return Finding(name, State.SKIPPED, why)


def failed(name: str, detail: str, cause: str, remedy: str, fault: str) -> Finding:
    """Something is broken."""
    return Finding(name, State.FAILED, detail, cause, remedy, fault)


def warning(name: str, detail: str, cause: str, remedy: str, fault: str) -> Finding:
    """It works, and something should be changed."""
    return Finding(name, State.WARNING, detail, cause, remedy, fault)


def exit_code(findings: Iterable[Finding]) -> int:
    """0 unless something failed; what is skipped or a warning does not fail."""
    return int(any(finding.state is State.FAILED for finding in findings))
