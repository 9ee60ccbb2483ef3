"""Objectives become rules: the share of failures over several windows, and alerts on how fast the budget burns.

A budget of 30 days is used up in 30 days at a burn of 1. Somebody is called at 14.4 over 1 h (a fiftieth of the budget
is gone) and at 6 over 6 h; it is looked at the same day at 3 over 1 d and at 1 over 3 d. Each is confirmed by a window
of a twelfth, so that it ends soon after the failures do. The method is that of multi-window, multi-burn-rate alerts in
Google's Site Reliability Workbook.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from otel_trading.catalogue.rules.model import WINDOWS, Alert, Amount, Case, Cases, Group, Objective, Record, Series
from otel_trading.catalogue.rules.parameters import digits

PREFIX = "slo:errors:ratio_rate"
LONG_STEP = "2m"
"""How often windows of a day and more are recorded."""
EVENTS_PER_S = 1000
PLACES = 10
"""Of shares; more would show how floating point numbers are kept."""


@dataclass(frozen=True, slots=True)
class Burn:
    """One alert of an objective.

    Attributes:
        suffix: of its name.
        pairs: how many times the budget, over which window and which shorter one.
        least: of the pairs' times.
    """

    suffix: str
    severity: str
    says: str
    pairs: tuple[tuple[float, str, str], ...]

    @property
    def least(self) -> float:
        """The burn from which it fires if it goes on for long."""
        return min(times for times, _, _ in self.pairs)


BURNS = (
    Burn("BurnsFast", "critical", "within days", ((14.4, "1h", "5m"), (6.0, "6h", "30m"))),
    Burn("BurnsSlowly", "warning", "before its 30 days are over", ((3.0, "1d", "2h"), (1.0, "3d", "6h"))),
)


def groups(profile: str, objectives: tuple[Objective, ...]) -> Iterator[Group]:
    """Two groups that record, and one with the alerts."""
    if not objectives:
        return
    short = tuple(one for objective in objectives for one in _records(profile, objective, WINDOWS[:5]))
    goals = tuple(_goal(profile, objective) for objective in objectives)
    long = tuple(one for objective in objectives for one in _records(profile, objective, WINDOWS[5:]))
    left = tuple(_left(profile, objective) for objective in objectives)
    yield Group(f"{profile}_objectives", "30s", short + goals, ())
    yield Group(f"{profile}_objectives_long", LONG_STEP, long + left, ())
    alerts = tuple(_alert(profile, objective, burn) for objective in objectives for burn in BURNS)
    yield Group(f"{profile}_objectives_alerts", "30s", (), alerts)


def _selector(profile: str, objective: Objective) -> str:
    return f'{{profile="{profile}",slo="{objective.name}"}}'


def _records(profile: str, objective: Objective, windows: tuple[str, ...]) -> Iterator[Record]:
    labels = {"profile": profile, "slo": objective.name}
    for window in windows:
        expr = objective.errors.replace("WINDOW", window)
        yield Record(f"{PREFIX}{window}", expr, labels, objective.sources, objective.brief, objective.place)


def _goal(profile: str, objective: Objective) -> Record:
    labels = {"profile": profile, "slo": objective.name}
    return Record("slo:objective:ratio", f"vector({objective.goal})", labels, (), "The objective.", objective.place)


def _left(profile: str, objective: Objective) -> Record:
    """Of 30 days, each moment weighing the same, however many events it had."""
    spent = f"avg_over_time({PREFIX}5m{_selector(profile, objective)}[30d])"
    expr = f"1 - {spent} / {digits(1 - objective.goal, PLACES)}"
    brief = "Share of the budget of 30 days that is left; negative when overspent."
    labels = {"profile": profile, "slo": objective.name}
    return Record("slo:error_budget:left_ratio", expr, labels, (), brief, objective.place)


def _alert(profile: str, objective: Objective, burn: Burn) -> Alert:
    selector, budget = _selector(profile, objective), 1 - objective.goal
    both = [_pair(selector, digits(times * budget, PLACES), long, short) for times, long, short in burn.pairs]
    return Alert(
        f"{objective.alert}{burn.suffix}",
        " or ".join(both),
        "0s",
        burn.severity,
        objective.team,
        f"The error budget of {objective.name} burns: used up {burn.says}.",
        "{{ $value | humanizePercentage }} fail; "
        f"the objective allows {budget * 100:.6g} % of 30 days. {objective.brief}",
        objective.runbook,
        _cases(objective, burn),
        objective.sources,
        family=objective.alert,
        place=objective.place,
    )


def _pair(selector: str, share: str, long: str, short: str) -> str:
    return f"({PREFIX}{long}{selector} > {share} and {PREFIX}{short}{selector} > {share})"


def _cases(objective: Objective, burn: Burn) -> Cases:
    """With a share of failures that stays the same, each window shows it."""
    budget = 1 - objective.goal
    fires, below = min(1.0, burn.least * budget * 1.6), burn.least * budget * 0.9
    at = "45m"
    return Cases(
        Case(_series(objective.series, fires, EVENTS_PER_S), at, 1),
        Case(_series(objective.series, below, EVENTS_PER_S), at, 0),
        Case(_series(objective.series, 0.0, 0), at, 0),
        Case({}, at, 0),
        60,
    )


def _series(series: Series, share: float, per_s: float) -> dict[str, Amount]:
    return {name: _amount(amount, share, per_s) for name, amount in series.items()}


def _amount(amount: Amount, share: float, per_s: float) -> Amount:
    """A word or a histogram's good and bad value, at a share of failures."""
    if isinstance(amount, Mapping):
        return {"per_s": per_s, "at": {str(amount["good"]): 1 - share, str(amount["bad"]): share}}
    words: dict[str, Amount] = {
        "events": {"per_s": per_s},
        "failures": {"per_s": per_s * share},
        "successes": {"per_s": per_s * (1 - share)},
        "ratio": 1 - share,
        "reached": 1 - share,
    }
    return words[amount] if isinstance(amount, str) and amount in words else amount
