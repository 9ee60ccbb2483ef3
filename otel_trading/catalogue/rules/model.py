"""What a file of rules says: recorded series, alerts with their runbooks and cases, objectives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from otel_trading.catalogue.mistakes import Place
from otel_trading.catalogue.model import NOWHERE

SEVERITIES = ("critical", "high", "warning", "info")
"""Somebody is called; looks within 15 minutes; looks the same day; it is only noted."""
TEAMS = ("trading", "infrastructure", "ml", "data", "execution")
SHORT, DAY = ("5m", "30m", "1h", "2h", "6h"), ("1d", "3d")
_LABEL = re.compile(r"\$labels\.(\w+)")
WINDOWS = (*SHORT, *DAY)
"""Over which the share of failures of an objective is recorded."""

Amount: TypeAlias = "float | str | Mapping[str, object]"
"""What a series holds in a case: see `cases`."""
Series: TypeAlias = Mapping[str, Amount]


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Where a system's document asks for a rule: number of the system, section, and the row there."""

    seed: str
    section: str
    row: str

    def __str__(self) -> str:
        return f"{self.seed} {self.section}: {self.row}"


@dataclass(frozen=True, slots=True)
class Look:
    """One look during an alert.

    Attributes:
        where: `prometheus`, `kibana`, `jaeger` or `shell`.
        what: a query or a command.
    """

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Runbook:
    """What to do when an alert fires.

    Attributes:
        means: one or two sentences.
        look: queries and commands, in order.
        act: steps, in order.
        see: name of a page with more.
    """

    means: str
    look: tuple[Look, ...]
    act: tuple[str, ...]
    see: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """Series and the moment at which somebody looks.

    Attributes:
        series: what is there, by name and labels.
        at: how long it has gone on, such as `10m`.
        alerts: how many of the alert fire then.
    """

    series: Series
    at: str
    alerts: int


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases of an alert: it fires, does not just below, does not in a closed market; series missing is no data."""

    fires: Case
    below: Case
    closed: Case
    missing: Case
    step_s: int


@dataclass(frozen=True, slots=True)
class Repair:
    """Why an alert is not what its system's document says.

    Attributes:
        defect: what is wrong with the original.
        original: its expression.
        hold: its `for`.
        case: series that show it; None where it does not load.
        fires: `original` or `corrected`: which of the two alone fires in the case.
        annotation: of an original that does not load.
    """

    defect: str
    original: str
    hold: str = "0s"
    case: Case | None = None
    fires: str = ""
    annotation: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A recorded series."""

    name: str
    expr: str
    labels: Mapping[str, str]
    sources: tuple[Source, ...] = ()
    brief: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert.

    Attributes:
        name: unique among all files.
        hold: how long the expression is true before it fires; `for` in Prometheus.
        family: alerts of one family are silenced by their most severe one.
        cause: it silences what follows from it, the alerts of its profile that are a `consequence`.
        consequence: of a halted trading; see `cause`.
    """

    name: str
    expr: str
    hold: str
    severity: str
    team: str
    summary: str
    description: str
    runbook: Runbook
    cases: Cases
    sources: tuple[Source, ...] = ()
    repairs: tuple[Repair, ...] = ()
    family: str = ""
    cause: bool = False
    consequence: bool = False
    place: Place = NOWHERE

    @property
    def labels_shown(self) -> frozenset[str]:
        """Labels of its series that its annotations show."""
        return frozenset(_LABEL.findall(self.summary + self.description))


@dataclass(frozen=True, slots=True)
class Objective:
    """A service level objective: which share of failures is recorded, and how fast its budget burns is told.

    Attributes:
        name: label `slo` of what is recorded.
        alert: begin of its alerts' names.
        goal: share of good events, below 1.
        errors: share of failures over the window WINDOW.
        series: what a share of failures looks like, see `objectives`.
    """

    name: str
    alert: str
    brief: str
    goal: float
    errors: str
    team: str
    runbook: Runbook
    series: Series
    sources: tuple[Source, ...] = ()
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that Prometheus evaluates together; an empty interval is that of its configuration."""

    name: str
    interval: str
    records: tuple[Record, ...]
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """One file.

    Attributes:
        name: a profile, or `trading`; value of the label `profile`.
        title: of the runbook page.
        brief: what it is about.
        labels: that targets of the scrape job put on every series of a case.
        traffic: series of a market that is open; they stand in every case, and do not grow in a closed one.
        verbatim: rules of the system's document as they stand there, those that load.
        not_loaded: rules that do not, by name, with the reason.
        file: as mistakes show it.
    """

    name: str
    title: str
    brief: str
    groups: tuple[Group, ...]
    objectives: tuple[Objective, ...]
    labels: Mapping[str, str]
    traffic: Series
    verbatim: str = ""
    not_loaded: tuple[tuple[str, str], ...] = ()
    file: str = ""

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Of all groups."""
        return tuple(alert for group in self.groups for alert in group.alerts)

    @property
    def records(self) -> tuple[Record, ...]:
        """Of all groups."""
        return tuple(record for group in self.groups for record in group.records)
