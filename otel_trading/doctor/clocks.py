"""Do the clocks agree: this machine's with those of the collector and the stores. Pure: evidence in, finding out."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from otel_trading.doctor.finding import Finding, failed, ok, skipped, warning

NAME = "clocks"
WARNING_S = 2.0
"""A Date header has whole seconds, and a busy machine answers late: less is no evidence."""

FAILED_S = 30.0
"""From here on searches for the last minutes miss what was just stored."""


def diagnose(offsets: Mapping[str, float]) -> Finding:
    """The finding.

    Args:
        offsets: seconds by which each clock is ahead of ours, negative if behind, by name.
    """
    if not offsets:
        return skipped(NAME, "nobody told the time: give addresses of the collector or of stores")
    worst = max(offsets.values(), key=abs)
    if abs(worst) < WARNING_S:
        return ok(NAME, f"{', '.join(sorted(offsets))}: within {max(1.0, abs(worst)):.0f} s of this machine")
    middle = statistics.median(offsets.values())
    ours = abs(middle) >= WARNING_S
    if ours:
        far = {name: offset for name, offset in offsets.items() if abs(offset) >= WARNING_S}
        cause = f"This machine's clock is {duration(-middle)} compared with {', '.join(sorted(far))}."
        remedy = "Set it by NTP (timedatectl, chronyc tracking)."
    else:
        far = {name: offset for name, offset in offsets.items() if abs(offset) >= WARNING_S}
        told = ", ".join(f"{name} is {duration(offset)}" for name, offset in sorted(far.items()))
        cause = f"Others agree with this machine; {told}."
        remedy = "Set its clock by NTP."
    detail = ", ".join(f"{name} {offset:+.1f} s" for name, offset in sorted(offsets.items()))
    cause += (
        " What is sent is stamped with the sender's time: it is searched for in the wrong minutes, and order is lost."
    )
    make = failed if abs(worst) >= FAILED_S else warning
    return make(NAME, detail, cause, remedy, "clock_off")


def duration(seconds: float) -> str:
    """`1.0 h ahead`, `3 s behind`."""
    size = abs(seconds)
    text = f"{size / 3600:.1f} h" if size >= 3540 else f"{size / 60:.0f} min" if size >= 120 else f"{size:.0f} s"
    return f"{text} {'ahead' if seconds > 0 else 'behind'}"
