"""The cases of alerts as a file for `promtool test rules`.

What a series holds is said in one of these ways: a number that stays; a text in promtool's own notation; a counter as
{per_s: 5}, {per_min: 5} or {per_h: 5}; a counter that jumps, {once: 1, after: 5m}; a histogram of values that are all
the same, {per_s: 100, at: 250}, or by share, {per_s: 100, at: {50: 0.98, 250: 0.02}}, in the metric's own buckets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from otel_trading.catalogue.rules.model import Alert, Amount, Case, Repair, Rules, Series
from otel_trading.catalogue.rules.objectives import groups
from otel_trading.catalogue.rules.parameters import digits
from otel_trading.catalogue.rules.reading_cases import seconds, still

Bounds = Callable[[str], tuple[float, ...]]
"""Bounds of a histogram's buckets by its name, ascending, without infinity."""
EVALUATION_S, SLOWEST_S = 15, 120
"""How often rules are evaluated; as often as a case has samples, between these."""
_PER = {"per_s": 1, "per_min": 60, "per_h": 3600}
_SERIES = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?")


def parts(rules: Rules) -> Iterator[Rules]:
    """The rules in parts that are tried by themselves, as each case costs an evaluation of all rules of its file.

    Each has the alerts of one group, or of one objective, and what is recorded for them.

    Args:
        rules: expanded.
    """
    own = rules.groups[: len(rules.groups) - sum(1 for _ in groups(rules.name, rules.objectives))]
    recorded = tuple(replace(group, alerts=()) for group in own if group.records)
    for group in own:
        if group.alerts:
            yield replace(rules, groups=(*recorded, replace(group, records=())), objectives=())
    for objective in rules.objectives:
        yield replace(rules, groups=tuple(groups(rules.name, (objective,))), objectives=(objective,))


def document(rules: Rules, files: list[str], bounds: Bounds) -> dict[str, Any]:
    """Four cases of each alert: it fires, does not just below, does not in a closed market nor without its series.

    Args:
        rules: expanded, or a part of them.
        files: with the rules, as promtool finds them beside the cases.
        bounds: of histograms.
    """
    tests = [one for alert in rules.alerts for one in _tests(rules, alert, bounds)]
    repairs = [
        made
        for alert in rules.alerts
        for number, repair in enumerate(alert.repairs)
        if (made := _repaired(rules, alert, number, repair, bounds))
    ]
    step_s = min((alert.cases.step_s for alert in rules.alerts), default=0)
    evaluation_s = max(EVALUATION_S, min(step_s, SLOWEST_S))
    return {"rule_files": files, "evaluation_interval": f"{evaluation_s}s", "tests": tests + repairs}


def originals(rules: Rules) -> dict[str, Any]:
    """The originals of all repairs as rules, under names of their own."""
    found = [
        {"alert": _original(alert, number), "expr": repair.original, "for": repair.hold}
        for alert in rules.alerts
        for number, repair in enumerate(alert.repairs)
        if repair.case
    ]
    return {"groups": [{"name": "originals", "rules": found}]}


def _tests(rules: Rules, alert: Alert, bounds: Bounds) -> Iterator[dict[str, Any]]:
    cases = alert.cases
    closed = {name: still(amount) for name, amount in rules.traffic.items()}
    named = {
        "fires": (cases.fires, rules.traffic),
        "does not fire just below": (cases.below, rules.traffic),
        "in a closed market": (cases.closed, closed),
        "without its series": (cases.missing, rules.traffic),
    }
    for name, (case, around) in named.items():
        series = {**around, **case.series}
        yield {
            "name": f"{alert.name} {name}",
            "interval": f"{cases.step_s}s",
            "input_series": _input(series, case.at, cases.step_s, rules.labels, bounds),
            "promql_expr_test": [_expected(alert, case)],
        }


def _expected(alert: Alert, case: Case, name: str = "") -> dict[str, Any]:
    """How many fire, with the labels that the alert has and those that its annotations show."""
    shown = sorted(alert.labels_shown)
    wanted = [f'alertname="{name or alert.name}"', 'alertstate="firing"']
    if not case.alerts:
        return {"expr": f"ALERTS{{{','.join(wanted)}}}", "eval_time": case.at}
    wanted += [f'severity="{alert.severity}"', f'team="{alert.team}"', *(f'{label}!=""' for label in shown)]
    samples = [{"labels": "{}", "value": case.alerts}]
    return {"expr": f"count(ALERTS{{{','.join(wanted)}}})", "eval_time": case.at, "exp_samples": samples}


def _repaired(rules: Rules, alert: Alert, number: int, repair: Repair, bounds: Bounds) -> dict[str, Any] | None:
    """The case of a repair: of the original and the corrected alert one fires, the other does not."""
    case = repair.case
    if case is None:
        return None
    fires = Case(case.series, case.at, 1)
    quiet = Case(case.series, case.at, 0)
    original = _original(alert, number)
    selector = f'ALERTS{{alertname="{original}",alertstate="firing"}}'
    silent: dict[str, Any] = {"expr": selector, "eval_time": case.at}
    one = {"expr": f"count({selector}) > bool 0", "exp_samples": [{"labels": "{}", "value": 1}], "eval_time": case.at}
    tests = [one, _expected(alert, quiet)] if repair.fires == "original" else [silent, _expected(alert, fires)]
    return {
        "name": f"{alert.name}: {repair.defect}",
        "interval": f"{alert.cases.step_s}s",
        "input_series": _input({**rules.traffic, **case.series}, case.at, alert.cases.step_s, rules.labels, bounds),
        "promql_expr_test": tests,
    }


def _original(alert: Alert, number: int) -> str:
    """What the original of a repair is called while both are tried."""
    return f"Original{number}Of{alert.name}"


def _input(series: Series, at: str, step_s: int, labels: Mapping[str, str], bounds: Bounds) -> list[dict[str, str]]:
    steps = seconds(at) // step_s + 1
    found: list[dict[str, str]] = []
    for name, amount in series.items():
        match = _SERIES.fullmatch(name)
        assert match is not None, name
        own = match[2] or ""
        rest = [f'{key}="{value}"' for key, value in labels.items() if f"{key}=" not in own]
        inner = ",".join([own, *rest] if own else rest)
        if isinstance(amount, Mapping) and "at" in amount:
            found += _histogram(match[1], inner, amount, step_s, steps, bounds)
        else:
            found.append({"series": f"{match[1]}{{{inner}}}", "values": _values(amount, step_s, steps)})
    return found


def _values(amount: Amount, step_s: int, steps: int) -> str:
    if isinstance(amount, str):
        return amount
    if not isinstance(amount, Mapping):
        return f"{digits(amount)}x{steps}"
    if "once" in amount:
        before = max(1, seconds(str(amount["after"])) // step_s)
        return f"0x{before - 1} {amount['once']}x{steps - before}"
    for key, unit in _PER.items():
        if key in amount:
            return f"0+{digits(_number(amount[key]) * step_s / unit)}x{steps}"
    raise ValueError(f"no amount: {amount!r}")


def _histogram(
    name: str, labels: str, amount: Mapping[str, object], step_s: int, steps: int, bounds: Bounds
) -> Iterator[dict[str, str]]:
    at = amount["at"]
    shares = (
        {float(value): _number(share) for value, share in at.items()} if isinstance(at, dict) else {_number(at): 1.0}
    )
    events = next((_number(amount[key]) * step_s / unit for key, unit in _PER.items() if key in amount), 0.0)
    comma = "," if labels else ""
    for bound in (*bounds(name), float("inf")):
        inside = sum(share for value, share in shares.items() if value <= bound)
        le = "+Inf" if bound == float("inf") else _le(bound)
        yield {
            "series": f'{name}_bucket{{{labels}{comma}le="{le}"}}',
            "values": f"0+{digits(events * inside)}x{steps}",
        }
    total = sum(value * share for value, share in shares.items())
    yield {"series": f"{name}_count{{{labels}}}", "values": f"0+{digits(events)}x{steps}"}
    yield {"series": f"{name}_sum{{{labels}}}", "values": f"0+{digits(events * total)}x{steps}"}


def _le(bound: float) -> str:
    """As Prometheus 3 stores it, however it is spelled on the page."""
    text = digits(bound)
    if "." in text:
        return repr(bound)
    return f"{text}.0" if abs(bound) < 1e21 else repr(bound)


def _number(value: object) -> float:
    assert isinstance(value, (int, float)), value
    return float(value)
