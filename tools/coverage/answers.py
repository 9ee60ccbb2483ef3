"""What of ours stands for an item, asked of the same data that rules, dashboards, profiles and searches are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from otel_trading.catalogue import dashboards, rules
from otel_trading.catalogue.dashboards.model import Dashboard
from otel_trading.catalogue.rules import settings
from otel_trading.catalogue.rules.model import Alert, Objective, Record
from otel_trading.catalogue.searches.reading import SETS
from otel_trading.catalogue.searches.reading import read as searches_of
from otel_trading.config.knob import PROFILES
from otel_trading.metrics.profiles.model import Exported
from otel_trading.metrics.profiles.reading import read as profile_of

from .emitted import metrics as recorded_by
from .items import Item

ROOT = Path(__file__).resolve().parents[2]
BY_HAND = ROOT / "docs/reference/coverage.yaml"
SYSTEMS = {profile_of(name).seed: name for name in PROFILES}
"""Name of the profile by the number of the system."""
FOLDERS = (("the demo", ROOT / "otel_trading/demo"), ("an example", ROOT / "examples"))
RULES_TEST, DASHBOARDS_TEST = "backends/test_backends_rules.py", "backends/test_backends_panels.py"
OTHER_TITLES = {
    "(unnamed, future work)": "Rust Trade - Trading Core",
    "(unnamed)": "Performance Metrics System",
    "Main Trading Dashboard": "Bog Trading - Production",
    'Main Trading Dashboard / "Bog Trading - Production"': "Bog Trading - Production",
}
"""Of our dashboards, where a document has no title or two."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands for an item.

    Attributes:
        ours: names.
        file: where it is, from the top of the checkout.
        test: what shows it, below tests/.
        note: what is different, or not shown by a running example.
    """

    ours: str
    file: str
    test: str
    note: str = ""


class Answers:
    """Everything that is read once for all items."""

    def of(self, item: Item) -> Answer | None:
        """What stands for an item; None if nothing is found."""
        by_kind: Mapping[str, Callable[[Item], Answer | None]] = {
            "metrics": self._metric,
            "dashboards": self._dashboard,
            "panels": self._panel,
            "dashboard_queries": self._query,
            "runbooks": self._runbook,
            "baseline": self._baseline,
            "log_queries": self._search,
        }
        asked = self._rule if item.kind in self._RULED else by_kind.get(item.kind, self._by_hand)
        return asked(item)

    _RULED = ("alert_rules", "recording_rules", "alert_table", "slo")

    @cached_property
    def _exported(self) -> dict[tuple[str, str], Exported]:
        profiles = [profile_of(name) for name in PROFILES]
        return {(profile.seed, metric.name): metric for profile in profiles for metric in profile.metrics}

    @cached_property
    def _recorded(self) -> dict[str, str]:
        return {name: who for who, folder in reversed(FOLDERS) for name in recorded_by(folder)}

    def _metric(self, item: Item) -> Answer | None:
        metric = self._exported.get((item.seed, item.name))
        if metric is None:
            return None
        names = sorted({source.canonical for source in metric.sources})
        derived = "derived" if metric.derive is not None else "walk"
        by = sorted({self._recorded[name] for name in names if name in self._recorded})
        told = f"recorded by {' and '.join(by)}" if by else "not recorded by a running example yet"
        file = f"otel_trading/catalogue/profiles/{SYSTEMS[item.seed]}.yaml"
        return Answer(_code(names), file, f"profiles/test_profiles_{derived}.py", told)

    @cached_property
    def _rules(self) -> dict[tuple[str, str, str], list[tuple[str, str]]]:
        """File and name of each rule by who asked for it."""
        found: dict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
        for one in rules.ours():
            made: list[Alert | Record | Objective] = [*one.alerts, *one.records, *one.objectives]
            for rule in made:
                for source in rule.sources:
                    at = found[source.seed, source.section, source.row]
                    if (one.name, rule.name) not in at:
                        at.append((one.name, rule.name))
        return found

    def _rule(self, item: Item) -> Answer | None:
        section = item.kind if item.kind in ("alert_rules", "recording_rules") else item.section
        found = self._rules.get((item.seed, section, item.name))
        if not found:
            return self._by_hand(item)
        names = sorted({name for _, name in found})
        files = sorted({f"collector-config/prometheus/rules/{file}.yml" for file, _ in found})
        return Answer(_code(names), ", ".join(files), RULES_TEST)

    def _baseline(self, item: Item) -> Answer:
        """A rule where one was asked for, else the series to compare with."""
        # rules name a row without its quantile
        name, _, value = item.name.partition(": ")
        asked = Item(item.kind, item.seed, item.section, f"{name.removesuffix(' P99').removesuffix(' max')}: {value}")
        file = f"otel_trading/catalogue/profiles/{SYSTEMS[item.seed]}.yaml"
        compared = Answer(f"`{item.about}`", file, "profiles/test_profiles_walk.py", "a value to compare with")
        return self._rule(asked) or compared

    @cached_property
    def _boards(self) -> tuple[Dashboard, ...]:
        return dashboards.ours(settings.ours())

    def _of_system(self, item: Item) -> Iterator[Dashboard]:
        """Dashboards in the folder of the item's system, and those for everybody."""
        for board in self._boards:
            if board.path.parent.name in (SYSTEMS[item.seed], "trading"):
                yield board

    def _dashboard(self, item: Item) -> Answer | None:
        title = OTHER_TITLES.get(item.name, item.name)
        for board in self._of_system(item):
            if board.title == title:
                note = "" if title == item.name else f"called {title}"
                return Answer(board.title, _file(board), DASHBOARDS_TEST, note)
        return None

    def _panel(self, item: Item) -> Answer | None:
        for board in self._of_system(item):
            for panel in board.panels():
                if any(
                    (one.seed, one.section, one.panel) == (item.seed, item.section, item.name) for one in panel.sources
                ):
                    repaired = any(query.was for query in panel.queries)
                    note = "a query is repaired, see its description" if repaired else ""
                    return Answer(f"{board.title}: {panel.title}", _file(board), DASHBOARDS_TEST, note)
        return self._dashboard(item) or self._by_hand(item)

    def _query(self, item: Item) -> Answer | None:
        asked = item.name.partition(": ")[2]
        for board in self._of_system(item):
            for panel, query in board.queries():
                if asked in (query.was, query.expr):
                    note = f"repaired: {query.why}" if query.was else "verbatim"
                    return Answer(f"{board.title}: {panel.title}", _file(board), DASHBOARDS_TEST, note)
        return self._by_hand(item)

    def _runbook(self, item: Item) -> Answer | None:
        found = self._rules.get((item.seed, "runbooks", item.name), [])
        pages = sorted({alert.runbook.see for one in rules.ours() for alert in one.alerts
                        if (one.name, alert.name) in found and alert.runbook.see})  # fmt: skip
        if not pages:
            return self._by_hand(item)
        files = ", ".join(f"docs/runbooks/{page}.md" for page in pages)
        return Answer(_code(name for _, name in found), files, "backends/test_backends_runbooks.py")

    def _search(self, item: Item) -> Answer | None:
        for name in SETS:
            for search in searches_of(name).searches:
                if search.source and item.name == f"{search.source.name}: {search.source.query}":
                    file = f"collector-config/kibana/otel-trading-{name}.ndjson"
                    return Answer(f"`{search.id}`", file, "backends/test_backends_kibana.py", search.source.repair)
        return None

    @cached_property
    def _hand(self) -> dict[tuple[str, str], Answer]:
        kinds = yaml.safe_load(BY_HAND.read_text(encoding="utf-8"))
        return {
            (kind, row["item"]): Answer(row["ours"], row["file"], row["test"], row.get("note", ""))
            for kind, rows in kinds.items()
            for row in rows
        }

    def _by_hand(self, item: Item) -> Answer | None:
        return self._hand.get((item.kind, item.key))


def _code(names: Iterator[str] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _file(board: Dashboard) -> str:
    return f"{dashboards.FOLDER.as_posix()}/{board.path}"
