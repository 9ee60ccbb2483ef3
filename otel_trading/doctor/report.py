"""The report for people: a table, and under what went wrong its cause and remedy."""

from __future__ import annotations

import textwrap

from otel_trading.doctor.examination import Report
from otel_trading.doctor.finding import Finding, State

_WIDTH = 110
_COLOURS = {State.OK: "32", State.WARNING: "33", State.FAILED: "31", State.SKIPPED: "2"}


def text(report: Report, *, colours: bool = False) -> str:
    """The whole report, ending in a newline."""
    name_width = max((len(one.name) for one in report.findings), default=0)
    lines: list[str] = []
    causes = ["", *[one.cause for one in report.findings]]
    for before, one in zip(causes, report.findings, strict=False):
        lines += _lines(one, name_width, colours, repeated=one.cause != "" and one.cause == before)
    if report.pages:
        lines += ["", "The canary:"]
        lines += [f"  {store}: {address}" for store, address in report.pages.items()]
    lines += ["", _summary(report)]
    return "\n".join(lines) + "\n"


def _lines(finding: Finding, name_width: int, colours: bool, *, repeated: bool) -> list[str]:
    state = f"{finding.state.value:7}"
    if colours:
        state = f"\033[{_COLOURS[finding.state]}m{state}\033[0m"
    took = f" ({finding.seconds:.2f} s)" if finding.seconds is not None else ""
    lines = [f"{state}  {finding.name:{name_width}}  {printable(finding.detail)}{took}"]
    if repeated:
        return [*lines, " " * 9 + "cause and what to do: as above"]
    for word, sentence in (("cause", finding.cause), ("what to do", finding.remedy)):
        if sentence:
            filled = textwrap.wrap(printable(f"{word}: {sentence}"), _WIDTH, subsequent_indent="  ")
            lines += [" " * 9 + line for line in filled]
    return lines


def printable(told: str) -> str:
    """Without control characters: parts of it came from servers."""
    return "".join(c if c.isprintable() else " " for c in told)


def _summary(report: Report) -> str:
    counts = {state: sum(one.state is state for one in report.findings) for state in State}
    words = ", ".join(f"{count} {state.value}" for state, count in counts.items() if count)
    return f"{words}; {report.seconds:.1f} s"
