"""What the pages about metrics list is what the code has."""

from __future__ import annotations

import re

import pytest
from blocks import ROOT
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from support.registry_files import load

from otel_trading.config.knobs import KNOBS
from otel_trading.health import limits
from otel_trading.health.http import HEAD_BYTES
from otel_trading.health.workers import THREADS
from otel_trading.metrics import cell_provider, instruments, own, provider
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.metrics.engine import engine
from otel_trading.metrics.exposition import Exposition
from otel_trading.metrics.scraping import ScrapeReader, of_cells
from otel_trading.testing.captured import points

ENGINE = (ROOT / "docs/metrics-engine.md").read_text()
COST = (ROOT / "docs/what-a-metric-costs.md").read_text()
MEASURED = (ROOT / "docs/reference/measured.md").read_text()


def test_own_metrics_are_all_shown_with_their_units() -> None:
    """The table is what a provider with a page tells of itself."""
    reader, scrape = InMemoryMetricReader(), ScrapeReader()
    made = CellMeterProvider([reader, scrape], shutdown_on_exit=False, views=own.VIEWS)
    pages = Exposition(engine, of_cells(made, scrape), Resource.get_empty())
    own.tell(made, [reader], pages)
    assert len(list(pages.render("")[1])) > 0
    reader.collect()  # its time is in the next collection
    told = {point.name: point.unit for point in points(reader.get_metrics_data())}
    shown = dict(re.findall(r"^\| `(otel[\w.]+)` \| [^|]+ \| `([^`]+)` \|", ENGINE, re.MULTILINE))
    of_the_convention = {name for name in shown if name.startswith("otel.sdk.")}
    assert {name: shown[name] for name in shown.keys() - of_the_convention} == {
        name: unit for name, unit in told.items() if not name.startswith("otel.sdk.")
    }
    listed = {entry["name"]: entry["unit"] for entry in load("referenced.yaml")["metrics"]}
    assert {name: shown[name] for name in of_the_convention} == {name: listed[name] for name in of_the_convention}
    assert len(of_the_convention) == 5  # the others stand in rows of several


def test_reasons_of_refusals_are_all_shown() -> None:
    """As `outcome` has them."""
    assert [reason for reason in engine.refusals() if f"`{reason}`" not in ENGINE] == []


def test_intended_differences_to_the_sdk_are_all_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that the oracle's test lists."""
    monkeypatch.syspath_prepend(str(ROOT / "tests"))
    from metrics.test_metrics_oracle import DIFFERENCES

    rows = re.findall(r"^\| ([^|`]+) \|", ENGINE, re.MULTILINE)
    assert [difference for difference in DIFFERENCES if difference not in rows] == []


def test_limits_of_the_endpoint_are_those_of_the_code() -> None:
    """Each with its number."""
    for row in (
        f"| connections at once | {limits.CONNECTIONS};",
        f"| a request line with all headers | {HEAD_BYTES:,} bytes,",
        f"| time for a request, and for each progress of an answer | {limits.REQUEST_TIMEOUT_S:g} s |",
        f"| time for a whole answer | {limits.ANSWER_TIMEOUT_S:g} s |",
        f"| between two requests of a kept connection | {limits.IDLE_TIMEOUT_S:g} s |",
        f"| answers in memory, all together | {limits.PENDING_BYTES // 2**20} MiB |",
    ):
        assert row in ENGINE
    assert (THREADS, "one waits for sockets, three make pages" in ENGINE) == (3, True)


def test_knobs_of_the_engine_are_shown_with_their_defaults() -> None:
    """Names and numbers of the table."""
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| `?([^|`]+)`? \| [^|]+ \|$", ENGINE, re.MULTILINE))
    numbers = {name: int(told) for name, told in rows.items() if told.strip().isdigit()}
    assert numbers == {name: KNOBS[name].default for name in ("cardinality_limit", "metrics_memory_limit_mib")}
    words = ("exemplar_filter", "own_metrics", "translation_strategy", "merge_prometheus_client")
    assert {name: rows[name].strip() for name in words} == {
        name: str(KNOBS[name].default).replace("True", "true").replace("False", "false") for name in words
    }


def test_bounds_of_memory_are_those_of_the_code() -> None:
    """As the page about costs has them."""
    told = " ".join(COST.split())
    for bound in (
        f"{cell_provider.CARDINALITY_LIMIT:,} series a metric",
        f"{cell_provider.MEMORY_LIMIT_BYTES // 2**20} MiB for all of them together",
        f"{provider.METERS:,} meters with {provider.INSTRUMENTS:,} instruments each",
        f"keeps {instruments.HANDLES:,} handles",
        f"the {instruments.REMEMBERED:,} sets that a table remembers",
    ):
        assert bound in told


def test_the_measured_page_has_every_promise_with_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the missed ones, and the command that wrote it."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from hotpath_targets import TARGETS

    rows = {
        row[0]: (row[1], row[3])
        for row in re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", MEASURED, re.MULTILINE)
    }
    for target in TARGETS:
        limit, said = rows[target.operation]
        assert limit == f"{'<=' if target.most else '>='} {target.limit:g}"
        assert said in ("met", "**missed**", "not measured")
    assert re.search(r"Generated by tools/measured\.py; do not edit\. Command: python tools/measured\.py", MEASURED)


def test_a_missed_promise_is_said_and_an_unmeasured_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the benchmarks print comes onto the page, and the command with its options."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import measured

    kept = {"distribution": "Pareto", "cell": "log-linear", "promised": 0.01, "worst": 0.02, "kept": False}
    sizes = {"recorded": 500.0, "shown": 600.0}
    resident = {
        "whole": 401.0,
        "whole_offered": 31.9,
        "whole_page": 9.0,
        "series": 399.0,
        "armed": 1.0,
        "offered": 33.0,
    }
    gap = {"scrapes by": "native: text", "gaps": 2, "all": 3, "longest_ms": 4.5, "scrapes": 9}
    promise = {"operation": "bound record, x abs", "target": "<= 1.3", "result": None, "met": None}
    call = {"operation": "native: now()", "x_abs": 3.14159}
    found = {
        "hotpath": {
            "python": "3.11",
            "promises": [promise],
            "rows": [call, {"operation": "python: now()", "x_abs": 12}],
        },
        "slow_paths": {"engine": "native", "rows": [call]},
        "scrape": {"pages": [{"page": "native: text", "ms": 1.0, "faster": 79.0}], "large": [], "gaps": [gap]},
        "footprint": {"series": 500, "offered": 1000, "resident": {"native": resident, "python": resident}},
        "series": {"bytes": {"ours": sizes}},
        "accuracy": [kept],
    }
    page = measured.page(found, measured.QUICK, True)
    for row in (
        "| bound record, x abs | <= 1.3 | - | not measured |",
        "| page of text, prometheus_client / ours | >= 80 | 79.0 | **missed** |",
        "| gaps over 2 ms during scrapes | 0 | 2 | **missed** |",
        "| bytes a series in all, 500 of them, page included | <= 400 | 401 | **missed** |",
        "| MiB more for 1,000 label values offered | <= 32 | 31.9 | met |",
        "| engine alone: bytes a series | <= 400 | 399 | met |",
        "| engine alone: MiB more for values offered | <= 32 | 33.0 | **missed** |",
        "| ours | 500 | 600 |",
        "| now() | 3.14 | 12.0 |",
        "| Pareto | log-linear | 1.00% | 2.00% | broken |",
        "Command: python tools/measured.py --quick",
        f"python benchmarks/hotpath.py {measured.QUICK['hotpath']}",
        "A quick run",
    ):
        assert row in page
