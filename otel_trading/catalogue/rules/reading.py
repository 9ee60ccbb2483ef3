"""Reads files of rules: every mistake of all files at once, each by file and line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from otel_trading.catalogue.document import parsed
from otel_trading.catalogue.mistakes import Notes, Place, RegistryError, shown
from otel_trading.catalogue.rules.model import SEVERITIES, TEAMS, Alert, Group, Objective, Record, Rules, Source
from otel_trading.catalogue.rules.parameters import Parameters, unknown_fix
from otel_trading.catalogue.rules.reading_cases import amounts, cases, repairs
from otel_trading.catalogue.rules.reading_runbook import runbook
from otel_trading.catalogue.section import Section, word_for

OURS = Path(__file__).parent
"""The directory of our own files."""
PARAMETERS = "parameters.yaml"
TOP = ("rules", "title", "brief", "labels", "traffic", "groups", "objectives", "verbatim", "not_loaded")
ALERT = ("alert", "expr", "for", "severity", "team", "summary", "description", "sources", "runbook", "cases",
         "repairs", "family", "cause", "consequence")  # fmt: skip
RECORD = ("record", "expr", "labels", "sources", "brief")
OBJECTIVE = ("name", "alert", "brief", "goal", "errors", "team", "series", "sources", "runbook")
FASTEST = 14.4
"""Times its budget that the fastest alert of an objective waits for."""
_DURATION = re.compile(r"(\d+[smhd])+")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_SERIES = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def read(paths: Iterable[str | os.PathLike[str]], parameters: Parameters) -> tuple[Rules, ...]:
    """Reads files of rules, in the order given.

    Args:
        paths: YAML files.
        parameters: what `${name}` in an expression may refer to; written into what comes back.

    Raises:
        RegistryError: they have mistakes. Expressions are not looked into here, see `checking`.
    """
    notes = Notes()
    found = [one for path in paths for one in _file(Path(path), parameters, notes)]
    if notes.mistakes:
        raise RegistryError(notes.mistakes)
    return tuple(found)


def _file(path: Path, parameters: Parameters, notes: Notes) -> Iterator[Rules]:
    named = f"{path.parent.name}/{path.name}"
    node = parsed(path, named, notes)
    if node is None:
        return
    if not isinstance(node.value, dict):
        notes.add(Place(named, node.line), "be a mapping", word_for(node.value), "Begin with rules: and a name.")
        return
    yield _Reader(Section(node.value, node.line, named, "", notes), parameters).rules()


class _Reader:
    """Reads one file, with the values of parameters."""

    def __init__(self, top: Section, parameters: Parameters) -> None:
        self._top, self._parameters = top, parameters

    def rules(self) -> Rules:
        top = self._top
        top.only(*TOP)
        top.need("rules", "title", "brief")
        return Rules(
            top.text("rules"),
            top.text("title"),
            top.text("brief"),
            tuple(self._group(one) for one in top.sections("groups")),
            tuple(self._objective(one) for one in top.sections("objectives")),
            _labels(top),
            amounts(top, "traffic", self._parameters),
            top.raw_text("verbatim"),
            tuple((one.text("alert"), one.text("reason")) for one in top.sections("not_loaded")),
            top.file,
        )

    def _group(self, section: Section) -> Group:
        section.only("name", "interval", "rules")
        section.need("name", "rules")
        records, alerts = [], []
        for one in section.sections("rules"):
            if "record" in one.entries:
                records.append(self._record(one))
            else:
                alerts.append(self._alert(one))
        return Group(section.text("name"), _duration(section, "interval", ""), tuple(records), tuple(alerts))

    def _record(self, section: Section) -> Record:
        section.only(*RECORD)
        section.need("record", "expr")
        name = section.text("record")
        if not _SERIES.fullmatch(name):
            section.wrong("record", "be the name of a series", shown(name), "Write it as level:metric:operation.")
        return Record(
            name,
            self._text(section, "expr"),
            _labels(section),
            sources(section),
            section.text("brief"),
            section.place("record"),
        )

    def _alert(self, section: Section) -> Alert:
        section.only(*ALERT)
        section.need("alert", "expr", "severity", "team", "summary", "description", "runbook", "cases")
        name = section.text("alert")
        if not _WORD.fullmatch(name):
            section.wrong("alert", "be one word of letters and digits", shown(name), "Write it as QueueFills.")
        hold = _duration(section, "for", "0s")
        return Alert(
            name,
            self._text(section, "expr"),
            hold,
            section.choice("severity", SEVERITIES, "warning"),
            section.choice("team", TEAMS, "trading"),
            self._text(section, "summary"),
            self._text(section, "description"),
            runbook(section, self._parameters),
            cases(section, self._parameters, hold),
            sources(section),
            repairs(section, self._parameters),
            section.text("family"),
            section.flag("cause"),
            section.flag("consequence"),
            section.place("alert"),
        )

    def _objective(self, section: Section) -> Objective:
        section.only(*OBJECTIVE)
        section.need("name", "alert", "brief", "goal", "errors", "team", "series", "runbook")
        return Objective(
            section.text("name"),
            section.text("alert"),
            section.text("brief"),
            self._goal(section),
            self._text(section, "errors"),
            section.choice("team", TEAMS, "trading"),
            runbook(section, self._parameters),
            amounts(section, "series", self._parameters),
            sources(section),
            section.place("name"),
        )

    def _goal(self, section: Section) -> float:
        node = section.entries.get("goal")
        value = node.value if node else None
        if not isinstance(value, float) or not 1 - 1 / FASTEST < value < 1:
            rule = (
                f"be a share between {1 - 1 / FASTEST:.3f} and 1, so that its budget can burn {FASTEST} times as fast"
            )
            section.wrong("goal", rule, word_for(value), "Write it as 0.999.")
            return 0.999
        return value

    def _text(self, section: Section, key: str) -> str:
        text = section.text(key)
        unknown = self._parameters.unknown(text)
        for name in unknown:
            section.wrong(key, "refer to parameters that are there", shown(name), unknown_fix(name, self._parameters))
        return text if unknown else self._parameters.render(text)


def sources(section: Section) -> tuple[Source, ...]:
    """Lists of three: number of the system, section, row."""
    found = []
    for index, node in enumerate(section.items("sources")):
        parts = node.plain()
        if isinstance(parts, list) and len(parts) == 3 and all(isinstance(part, str) for part in parts):
            found.append(Source(*parts))
            continue
        place = Place(section.file, node.line, f"{section.place('sources').path}[{index}]")
        fix = 'Write it as ["002", "4.1", "Memory Leak"].'
        section.notes.add(place, "be a list of three texts", word_for(node.value), fix)
    return tuple(found)


def _labels(section: Section) -> dict[str, str]:
    found = section.section("labels")
    return {key: found.text(key) for key in found.entries} if found else {}


def _duration(section: Section, key: str, default: str) -> str:
    text = section.text(key)
    if text and not _DURATION.fullmatch(text):
        section.wrong(key, "be a duration", shown(text), "Write it as 30s, 5m or 1h.")
        return default
    return text or default
