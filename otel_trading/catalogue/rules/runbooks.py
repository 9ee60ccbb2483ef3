"""Writes the page with the runbooks of a file of rules: one section an alert."""

from __future__ import annotations

from collections.abc import Iterator

from otel_trading.catalogue.modules import NOTE
from otel_trading.catalogue.rules.model import Alert, Look, Rules, Source
from otel_trading.catalogue.rules.parameters import Parameters

SEVERITY = {
    "critical": "critical: somebody is called",
    "high": "high: within 15 minutes",
    "warning": "warning: the same day",
    "info": "info: it is only noted",
}
_LANGUAGES = {"prometheus": "promql", "kibana": "text", "jaeger": "text", "shell": "console"}
_TITLES = {"prometheus": "Prometheus", "kibana": "Kibana", "jaeger": "Jaeger, field Tags", "shell": "Shell"}


def address(parameters: Parameters, page: str, alert: str = "") -> str:
    """Where a page of runbooks is read, or what it says of one alert."""
    top = f"{parameters.values['runbooks_url']}/{page}/"
    return f"{top}#{alert.lower()}" if alert else top


def page(rules: Rules, name: str) -> str:
    """The page; the anchor of a section is the alert's name in lower case.

    Args:
        rules: expanded.
        name: of the file that it is made from.
    """
    lines = [f"<!-- {NOTE} from {name}; do not edit. -->\n", f"# Runbooks: {rules.title}\n", f"{rules.brief}\n"]
    for alert in rules.alerts:
        lines += _section(alert)
    return "\n".join([*lines, *_objectives(rules), *_recorded(rules)])


def _objectives(rules: Rules) -> Iterator[str]:
    if rules.objectives:
        yield "## Objectives\n"
        yield "Recorded as `slo:errors:ratio_rate5m` to `3d` and `slo:error_budget:left_ratio`, by the label `slo`.\n"
        yield "| slo | goal | what | asked for by |\n|---|---|---|---|"
        for one in rules.objectives:
            yield f"| `{one.name}` | {one.goal * 100:g} % | {one.brief} | {_asked(one.sources)} |"
        yield ""


def _recorded(rules: Rules) -> Iterator[str]:
    own = [record for record in rules.records if "slo" not in record.labels]
    if own:
        yield "## Recorded series\n\n| series | what | asked for by |\n|---|---|---|"
        yield from (f"| `{record.name}` | {record.brief} | {_asked(record.sources)} |" for record in own)
        yield ""


def _asked(sources: tuple[Source, ...]) -> str:
    return "; ".join(str(source).replace("|", "\\|") for source in sources)


def _section(alert: Alert) -> Iterator[str]:
    yield f"## {alert.name}\n"
    for_team = f"team {alert.team}"
    hold = f", after {alert.hold}" if alert.hold != "0s" else ""
    yield f"{SEVERITY[alert.severity].capitalize()}; {for_team}{hold}.\n"
    yield f"**Means.** {alert.runbook.means}\n"
    yield "**Look.**\n"
    yield from _look(Look("prometheus", alert.expr))
    for look in alert.runbook.look:
        yield from _look(look)
    yield "**Act.**\n"
    yield from (f"{number}. {step}" for number, step in enumerate(alert.runbook.act, 1))
    yield ""
    if alert.runbook.see:
        yield f"More: [{alert.runbook.see.replace('-', ' ')}]({alert.runbook.see}.md).\n"
    if alert.repairs:
        yield "**Not as in the document.**\n"
        yield from (f"- {repair.defect}" for repair in alert.repairs)
        yield ""
    if alert.sources:
        yield f"Asked for by: {_asked(alert.sources)}.\n"


def _look(look: Look) -> Iterator[str]:
    yield f"{_TITLES[look.where]}:\n"
    yield f"```{_LANGUAGES[look.where]}\n{look.what}\n```\n"
