"""Writes rules as Prometheus reads them."""

from __future__ import annotations

from typing import Any

import yaml

from otel_trading.catalogue.modules import NOTE
from otel_trading.catalogue.rules.model import Alert, Group, Record, Rules
from otel_trading.catalogue.rules.parameters import Parameters
from otel_trading.catalogue.rules.runbooks import address

WIDTH = 120


def text(rules: Rules, parameters: Parameters, name: str) -> str:
    """A file of rules, those of objectives included.

    Args:
        rules: expanded and checked.
        parameters: tells where runbooks are.
        name: of the file that it is made from.
    """
    return f"# {NOTE} from {name}; do not edit.\n# {rules.brief}\n{dumped(document(rules, parameters))}"


def document(rules: Rules, parameters: Parameters) -> dict[str, Any]:
    """The content of a file of rules."""
    return {"groups": [_group(rules, group, parameters) for group in rules.groups]}


def dumped(content: object) -> str:
    """As YAML."""
    return yaml.safe_dump(content, sort_keys=False, width=WIDTH, allow_unicode=True)


def _group(rules: Rules, group: Group, parameters: Parameters) -> dict[str, Any]:
    records = [_record(record) for record in group.records]
    alerts = [_alert(rules, alert, parameters) for alert in group.alerts]
    interval = {"interval": group.interval} if group.interval else {}
    return {"name": group.name, **interval, "rules": [*records, *alerts]}


def _record(record: Record) -> dict[str, Any]:
    labels = {"labels": dict(record.labels)} if record.labels else {}
    return {"record": record.name, "expr": record.expr, **labels}


def _alert(rules: Rules, alert: Alert, parameters: Parameters) -> dict[str, Any]:
    labels = {"severity": alert.severity, "team": alert.team, "profile": rules.name}
    labels |= {"family": alert.family} if alert.family else {}
    labels |= {"role": "cause"} if alert.cause else {"role": "consequence"} if alert.consequence else {}
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **({"for": alert.hold} if alert.hold != "0s" else {}),
        "labels": labels,
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": address(parameters, rules.name, alert.name),
        },
    }


def verbatim(rules: Rules, name: str) -> str:
    """The rules of the system's own document, as they stand there, those that load."""
    left_out = "".join(f"# Left out: {alert}. {reason}\n" for alert, reason in rules.not_loaded)
    return (
        f"# {NOTE} from {name}; do not edit.\n"
        "# The rules of the system's document as they stand there, without the repairs. "
        f"Never load them together with ../{rules.name}.yml.\n"
        f"{left_out}{rules.verbatim}"
    )
