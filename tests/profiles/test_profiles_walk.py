"""Each metric of each profile, recorded through its canonical instrument, as it comes over HTTP."""

from __future__ import annotations

import math
from typing import Any

import pytest
from exposition.exposition_messages import families as messages
from exposition.exposition_messages import labels as labels_of
from exposition.exposition_streams import OPEN, PROTOBUF
from profiles.profile_pages import example, fetched, head, profiled, record, scraped
from prometheus_client.openmetrics import parser as open_parser

from otel_trading.config.knob import PROFILES
from otel_trading.metrics.profiles.model import Exported
from otel_trading.metrics.profiles.reading import read
from otel_trading.testing.fixed import FixedClock

read_open: Any = open_parser.text_string_to_metric_families
ALL = [(name, exported) for name in PROFILES for exported in read(name).metrics]
PLAIN = [(name, exported) for name, exported in ALL if exported.derive is None]


def named(argument: Any) -> str:
    return argument.name if isinstance(argument, Exported) else str(argument)


@pytest.mark.parametrize(("profile", "exported"), PLAIN, ids=named)
def test_a_metric_is_spelled_and_scaled_as_its_system_does(profile: str, exported: Exported) -> None:
    """HELP, TYPE, labels, le and magnitude; no scope labels; every source of it."""
    for source in exported.sources:
        attributes, labels = example(source)
        with profiled(profile) as telemetry:
            if exported.type == "histogram":
                inside = (exported.buckets[0] + exported.buckets[1]) / 2
                amounts = [inside / exported.scale, exported.buckets[-1] * 2 / exported.scale]
            else:
                amounts = [3]
            record(source, attributes, amounts)
            page = scraped(telemetry)
        lines = page.text.splitlines()
        at = lines.index(head(exported)[0])
        assert head(exported) == lines[at : at + 2]
        assert set(labels) == set(exported.labels)
        if exported.type != "histogram":
            # a counter keeps its name with or without `_total`
            assert page.value(exported.name, **labels) == pytest.approx(3 * exported.scale, rel=1e-12)
            continue
        shown = {
            float(row.pop("le")): (row, value)
            for row, value in ((dict(row), value) for row, value in page.samples[f"{exported.name}_bucket"])
        }
        assert [*exported.buckets, math.inf] == list(shown)
        assert all(row == labels for row, _ in shown.values())
        assert [0, *(1 for _ in exported.buckets[1:]), 2] == [value for _, value in shown.values()]
        assert page.value(f"{exported.name}_count", **labels) == 2
        if exported.buckets[0] >= 0:  # a histogram that takes negative values shows no sum
            total = pytest.approx(sum(amounts) * exported.scale, rel=1e-12)
            assert total == page.value(f"{exported.name}_sum", **labels)


@pytest.mark.parametrize("profile", PROFILES)
def test_zero_series_are_there_before_anything_was_recorded(profile: str) -> None:
    """They and nothing else of the profile; `increase()` finds the first event."""
    metrics = [exported for exported in read(profile).metrics if exported.zero]
    assert metrics
    with profiled(profile) as telemetry:
        page = scraped(telemetry)
    for exported in metrics:
        name = f"{exported.name}_count" if exported.type == "histogram" else exported.name
        shown = {tuple(labels[key] for key in exported.labels): value for labels, value in page.samples[name]}
        assert dict.fromkeys(exported.zero, 0) == shown
    types = {line.split()[2] for line in page.text.splitlines() if line.startswith("# TYPE")}
    assert {exported.name for exported in metrics} == types - {"target_info"}


def test_every_metric_of_rust_trade_is_there_from_the_start() -> None:
    """As a registry has it that all of them were registered with."""
    assert all(exported.zero == ((),) for exported in read("rust_trade").metrics)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_other_formats_are_read(profile: str, still: FixedClock) -> None:
    """OpenMetrics and protobuf, of everything at once; a counter without `_total` has no type in OpenMetrics."""
    metrics = read(profile).metrics
    with profiled(profile) as telemetry:
        fetched(telemetry)
        for exported in metrics:
            for source in exported.sources:
                record(source, example(source)[0], [exported.buckets[0] / exported.scale if exported.buckets else 1])
        still.advance(11)
        opened = fetched(telemetry, OPEN)[2].decode()
        encoded = messages(fetched(telemetry, PROTOBUF)[2])
    # the parser wants a sum where there is a count; with negative bounds there is none
    signed = tuple(f"{exported.name}_count" for exported in metrics if exported.buckets and exported.buckets[0] < 0)
    opened = "".join(line for line in opened.splitlines(keepends=True) if not line.startswith(signed or "\n"))
    families = {family.name: family for family in read_open(opened)}
    types = {message.name: message.type for message in encoded}
    numbers = {"counter": 0, "gauge": 1, "histogram": 4}
    for exported in metrics:
        counter = exported.type == "counter"
        family = families[exported.name.removesuffix("_total") if counter else exported.name]
        unknown = counter and not exported.name.endswith("_total")
        assert family.type == ("unknown" if unknown else exported.type)
        assert family.documentation == exported.help
        assert types[exported.name] == numbers[exported.type]
        message = next(message for message in encoded if message.name == exported.name)
        assert all(set(labels_of(metric)) == set(exported.labels) for metric in message.metric)
