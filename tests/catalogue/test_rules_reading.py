"""Files of rules are read whole; each mistake is told with file and line, those of expressions included."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from otel_trading.catalogue.mistakes import RegistryError
from otel_trading.catalogue.rules import settings, vocabulary
from otel_trading.catalogue.rules.checking import check
from otel_trading.catalogue.rules.model import Rules
from otel_trading.catalogue.rules.promql import ParserMissing
from otel_trading.catalogue.rules.reading import read

FILE = """\
rules: desk
title: a desk
brief: Alerts of a desk.
labels: {job: desk}
traffic: {}
groups:
  - name: desk
    interval: 15s
    rules:
      - record: desk:rejected:rate5m
        expr: sum by (trading_venue) (rate(trading_order_rejected_total[5m]))
      - alert: DeskRejects
        expr: desk:rejected:rate5m > 1
        for: 1m
        severity: warning
        team: trading
        summary: Orders are rejected.
        description: "{{ $value }} a second at {{ $labels.trading_venue }}."
        sources: [["000", "4.1", Error Rate]]
        runbook:
          means: The venue rejects.
          look: [{prometheus: trading_order_rejected_total}]
          act: [Ask the venue.]
        cases:
          fires: {'trading_order_rejected_total{trading_venue="x"}': {per_s: 2}}
          below: {'trading_order_rejected_total{trading_venue="x"}': {per_s: 0.5}}
objectives:
  - name: acks
    alert: DeskAcks
    brief: Orders are acknowledged.
    goal: 0.99
    errors: sum(rate(trading_order_rejected_total[WINDOW])) / (sum(rate(trading_order_submitted_total[WINDOW])) > 0)
    team: trading
    series: {trading_order_rejected_total: failures, trading_order_submitted_total: events}
    runbook: {means: Few are., look: [], act: [Ask the venue.]}
"""


def checked(folder: Path, text: str = FILE, name: str = "desk.yaml") -> tuple[Rules, ...]:
    path = folder / "rules" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return check(read([path], settings.ours()), vocabulary.ours())


def line_of(text: str, words: str) -> int:
    return text[: text.index(words)].count("\n") + 1


def test_a_file_is_read(tmp_path: Path) -> None:
    """Its groups, and those of its objectives."""
    [rules] = checked(tmp_path)
    assert ["desk", "desk_objectives", "desk_objectives_long", "desk_objectives_alerts"] == [
        group.name for group in rules.groups
    ]
    assert ["DeskRejects", "DeskAcksBurnsFast", "DeskAcksBurnsSlowly"] == [alert.name for alert in rules.alerts]
    [record, *_] = rules.records
    assert ("desk:rejected:rate5m", "1m", "360s") == (record.name, rules.alerts[0].hold, "360s")
    assert "420s" == rules.alerts[0].cases.fires.at


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("desk:rejected:rate5m > 1", "desk:rejectd:rate5m > 1", "was the metric desk:rejectd:rate5m. Did you mean 'desk:rejected:rate5m'?"),
        ("by (trading_venue) (rate", "by (trading_venu) (rate", "was the label trading_venu where it is summed up by it. Did you mean 'trading_venue'?"),
        ("desk:rejected:rate5m > 1", "sum(desk:rejected:rate5m > 1", "must have an expression (DeskRejects) of what exists; was"),
        ("prometheus: trading_order_rejected_total", "prometheus: trading_order_rejected", "was the metric trading_order_rejected. Did you mean"),
        ("$labels.trading_venue", "$labels.venue", "must show labels that its expression has; was $labels.venue. Its expression has: trading_venue."),
        ("goal: 0.99", "goal: 0.9", "so that its budget can burn 14.4 times as fast"),
        ("severity: warning", "severity: warn", "Did you mean 'warning'?"),
        ("team: trading\n        summary", "team: traders\n        summary", "must be one of trading, infrastructure, ml, data, execution"),
        ("for: 1m", "for: soon", "must be a duration; was 'soon'. Write it as 30s, 5m or 1h."),
        ("desk:rejected:rate5m > 1", "desk:rejected:rate5m > ${reject_ration}", "Did you mean 'reject_ratio'?"),
        ("alert: DeskRejects", "alert: desk rejects", "must be one word of letters and digits"),
        ("{per_s: 2}", "{per_second: 2}", "must have keys of per_s"),
        ('["000", "4.1", Error Rate]', '["000", "4.1"]', "must be a list of three texts"),
        ("alert: DeskAcks", "alert: DeskRejects\n    brief2: x", "must be a known key"),
        ("record: desk:rejected:rate5m", "record: desk rejected", "must be the name of a series"),
        ("        summary: Orders are rejected.\n", "", "summary: must be present"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    """File, line, what it must be, what was found, what to write instead."""
    assert right in FILE
    with pytest.raises(RegistryError) as raised:
        checked(tmp_path, FILE.replace(right, wrong, 1))
    told = str(raised.value)
    assert message in told
    assert "rules/desk.yaml:" in told


def test_the_line_is_that_of_the_alert(tmp_path: Path) -> None:
    """An expression may stand on many lines."""
    text = FILE.replace("desk:rejected:rate5m > 1", "nothing > 1")
    with pytest.raises(RegistryError) as raised:
        checked(tmp_path, text)
    assert [line_of(text, "alert: DeskRejects")] == [one.place.line for one in raised.value.mistakes]


def test_two_alerts_of_one_name_are_refused(tmp_path: Path) -> None:
    """Silences and runbooks go by the name."""
    alert = FILE[FILE.index("      - alert:") : FILE.index("objectives:")]
    with pytest.raises(RegistryError, match="must have a name of its own; was DeskRejects, as at rules/desk.yaml:12"):
        checked(tmp_path, FILE.replace("objectives:", f"{alert}objectives:", 1))


def test_without_the_parser_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing else of the catalogue needs it."""
    monkeypatch.setitem(sys.modules, "promql_parser", None)
    with pytest.raises(ParserMissing, match=r"Install otel-trading\[rules\]\.$"):
        checked(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "parameters: [{name: Big, default: 1}]",
            "parameters.yaml:1: parameters[0].default: must have a name in lower case; was 'Big'",
        ),
        ("parameters: {Big: 1}", "parameters.yaml:1: parameters.Big: must have a name in lower case; was 'Big'"),
        ("parameters: {big: [1]}", "must be a number or text; was a list"),
        (
            "parameters: {max_drawdown: much}",
            "parameters.yaml:1: parameters.max_drawdown: must be a number; was 'much'",
        ),
        ("parameters: {runbooks_url: 5}", "must be text; was 5. The default is 'http://127.0.0.1:8000/runbooks'."),
        ("parameters: [{name: big}]", "must be present"),
        ("parameters: [{name: big, default: [1]}]", "must be a number or text; was a list"),
        ("parameters: [{name: big, default: 1}, {name: big, default: 2}]", "must be there once"),
        ("big: 1", "must be a known key"),
        ("[]", "must be a mapping; was a list. Begin with parameters:."),
    ],
)
def test_a_mistake_in_parameters_is_told(tmp_path: Path, text: str, message: str) -> None:
    """By file and line, too."""
    (tmp_path / "parameters.yaml").write_text(text)
    with pytest.raises(RegistryError) as raised:
        settings.read(tmp_path / "parameters.yaml", settings.ours())
    assert message in str(raised.value)


def test_parameters_are_written_as_plain_numbers(tmp_path: Path) -> None:
    """Also where a file changes them."""
    (tmp_path / "parameters.yaml").write_text("parameters: [{name: tick_to_trade_s, default: 0.00005}]")
    changed = settings.read(tmp_path / "parameters.yaml", settings.ours())
    assert "x > 0.00005 and y > 5000" == changed.render("x > ${tick_to_trade_s} and y > ${max_daily_loss_usd}")
    assert ("nothing",) == changed.unknown("${nothing} ${tick_to_trade_s}")
    assert "x > 1" == changed.with_values({"mine": 1}).render("x > ${mine}")
