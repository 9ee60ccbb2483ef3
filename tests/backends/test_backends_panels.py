"""Every query of a dashboard on a real Prometheus, which scrapes all profiles and a service with canonical metrics.

The scrape jobs and the rules are those that are shipped, only their intervals are a second.
"""

from __future__ import annotations

import json
import math
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from backend_stores import ask, wait_until
from backend_tools import CONFIG, free_addresses, running_program
from conftest import service
from dashboards.dashboard_files import asked, committed, described
from panels_driver import SERVICE
from profiles.profile_pages import example, profiled, record, scraped
from support.children import without_engine

from otel_trading.catalogue.dashboards.model import Panel, Query
from otel_trading.config.knob import PROFILES
from otel_trading.metrics.profiles.model import Source
from otel_trading.metrics.profiles.reading import read

pytestmark = pytest.mark.backends

SECOND = {"scrape_interval": "1s", "scrape_timeout": "1s"}
OF_COLLECTORS = "otelcol_", "telemetry:"
"""Asked of real collectors in test_backends_grafana.py."""
_AMOUNTS = {"s": 0.001}
"""Of metrics without buckets; a second would be above the last bucket of those that are derived."""
_STATES = {"trading.risk.circuit_breaker.state": 2}
"""An alert fires then."""
OVER_TIME = ("timeseries", "heatmap", "timeline")


def _source(name: str) -> tuple[Source, ...]:
    [found] = [metric.sources for profile in PROFILES for metric in read(profile).metrics if metric.name == name]
    return found


@dataclass
class Scraping:
    """A Prometheus and the program behind its profiles."""

    url: str

    def drive(self) -> None:
        """Records once through every metric that a profile shows."""
        for name in PROFILES:
            for metric in read(name).metrics:
                for source in metric.sources:
                    amount = metric.buckets[0] / metric.scale if metric.buckets else _AMOUNTS.get(source.unit, 1)
                    record(source, example(source)[0], [_STATES.get(source.canonical, amount)])
        [submitted] = _source("execution_engine_orders_submitted_total")
        for result in ("success", "failure"):
            record(submitted, {**example(submitted)[0], "trading.order.submit.result": result}, [1])

    def values(self, panel: Panel, query: Query) -> list[float]:
        """What a panel gets, all its numbers."""
        expr, now = asked(query.expr), time.time()
        if panel.kind not in OVER_TIME:
            found = ask(f"{self.url}/api/v1/query", query=expr)["data"]["result"]
            return [float(one["value"][1]) for one in found]
        found = ask(f"{self.url}/api/v1/query_range", query=expr, start=str(now - 20), end=str(now), step="1")
        return [float(value) for one in found["data"]["result"] for _, value in one["values"]]


@pytest.fixture(scope="module")
def scraping(programs: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraping]:
    """Everything is scraped and the rules have been evaluated."""
    place = tmp_path_factory.mktemp("panels")
    with service(SERVICE) as canonical, profiled(*PROFILES, service="market-data") as telemetry:
        assert canonical.stdout is not None
        assert telemetry.metrics_url is not None
        try:
            scraped(telemetry)
            other = json.loads(canonical.stdout.readline())
            address, nobody = free_addresses(2)
            _remember(programs["promtool"], place)
            _configure(place, _target(telemetry.metrics_url), _target(other), address, nobody)
            command = [
                programs["prometheus"],
                f"--config.file={place / 'prometheus.yml'}",
                f"--storage.tsdb.path={place / 'data'}",
                f"--web.listen-address={address}",
                "--enable-feature=exemplar-storage",
            ]
            with running_program(command, place, f"http://{address}/-/ready"):
                yield Scraping(f"http://{address}")
        finally:
            _, complaints = canonical.communicate(timeout=30)
    assert (0, "") == (canonical.returncode, without_engine(complaints))


def _remember(promtool: str, place: Path) -> None:
    """Rates at this time of day a week back, so that there is something usual to compare with."""
    lines, now = [], int(time.time())
    for series in ("waiver:orders:rate1h", "waiver:volume:rate1h", 'waiver:symbol_orders:rate1h{symbol="symbol-0"}'):
        lines.append(f"# TYPE {series.partition('{')[0]} gauge")
        for day in range(7, 0, -1):
            lines += [f"{series} 1 {now - day * 86400 + minute * 60}" for minute in range(-5, 6)]
    (place / "past.txt").write_text("\n".join([*lines, "# EOF\n"]))
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(place / "past.txt"), str(place / "data")]
    subprocess.run(command, check=True, capture_output=True, timeout=30)


def _target(url: str) -> str:
    return url.split("/")[2]


def _configure(place: Path, profiles: str, canonical: str, itself: str, nobody: str) -> None:
    """The shipped jobs of each profile, and one each for the canonical service, Prometheus, and a target that is gone."""
    jobs = [
        {"job_name": name, "static_configs": [{"targets": [target]}]}
        for name, target in {"services": canonical, "prometheus": itself, "gone": nobody}.items()
    ]
    for name in PROFILES:
        for job in yaml.safe_load((CONFIG / f"prometheus/profiles/{name}.yml").read_text())["scrape_configs"]:
            [static] = job["static_configs"]
            jobs.append({**job, **SECOND, "static_configs": [{**static, "targets": [profiles]}]})
    files = []
    for path in [CONFIG / "prometheus/rules.yml", *sorted((CONFIG / "prometheus/rules").glob("*.yml"))]:
        groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        quick = {"groups": [{**group, "interval": "1s"} for group in groups]}
        (place / f"rules-{path.name}").write_text(yaml.safe_dump(quick))
        files.append(f"rules-{path.name}")
    timing = {**SECOND, "evaluation_interval": "1s", "metric_name_escaping_scheme": "underscores"}
    document = {"global": timing, "rule_files": files, "scrape_configs": jobs}
    (place / "prometheus.yml").write_text(yaml.safe_dump(document))


def test_no_panel_is_empty_and_none_fails(scraping: Scraping) -> None:
    """Each query has at least one number within 20 seconds; the program records meanwhile."""
    waiting: dict[tuple[str, str, str], tuple[Panel, Query]] = {
        (board.title, panel.title, query.expr): (panel, query)
        for board in described()
        for panel, query in board.queries()
        if not any(word in query.expr for word in OF_COLLECTORS)
    }
    assert len(waiting) > 250

    def answered() -> bool:
        scraping.drive()
        for key, (panel, query) in list(waiting.items()):
            if any(map(math.isfinite, scraping.values(panel, query))):
                del waiting[key]
        return not waiting

    deadline = time.monotonic() + 60
    wait_until(lambda: answered() or time.monotonic() > deadline, 100)
    assert {} == dict.fromkeys(waiting, "empty")


def test_what_was_repaired_answered_wrongly(scraping: Scraping) -> None:
    """As many orders fail as succeed; the document's success rate is 100 all the same."""
    [(panel, query)] = [
        found for board in described() for found in board.queries() if found[0].title == "Order Success Rate"
    ]
    original = Query(query.was)

    def half_of_them() -> bool:
        scraping.drive()
        return any(0 < value < 60 for value in scraping.values(panel, query))

    wait_until(half_of_them, 60)
    assert {100.0} == {value for value in scraping.values(panel, original) if math.isfinite(value)}


def test_choices_of_a_dashboard_are_there(scraping: Scraping) -> None:
    """A variable's query finds values, as Grafana asks for them."""
    questions = {
        tuple(one["query"].removeprefix("label_values(").removesuffix(")").split(", "))
        for document in committed().values()
        for one in document["templating"]["list"]
        if one["type"] == "query"
    }
    assert len(questions) >= 4
    for metric, label in questions:

        def found(metric: str = metric, label: str = label) -> Any:
            scraping.drive()
            return ask(f"{scraping.url}/api/v1/label/{label}/values?{urlencode({'match[]': metric})}")["data"]

        wait_until(found, 60)


def test_a_dot_in_a_panel_leads_to_a_trace(scraping: Scraping) -> None:
    """The queries that Grafana asks for exemplars find some, with the label that the data source names."""
    [board] = [one for one in described() if one.title == "From Tick to Trade"]
    sources = yaml.safe_load((CONFIG / "grafana/provisioning/datasources/otel-trading.yaml").read_text())["datasources"]
    [named] = {one["name"] for one in sources[0]["jsonData"]["exemplarTraceIdDestinations"]}
    looked_at = 0
    for panel, query in board.queries():
        if panel.kind == "timeseries" and "_bucket" in query.expr:

            def found(expr: str = query.expr) -> list[str]:
                now = time.time()
                told = ask(
                    f"{scraping.url}/api/v1/query_exemplars", query=asked(expr), start=str(now - 60), end=str(now)
                )
                return [one["labels"][named] for series in told["data"] for one in series["exemplars"]]

            wait_until(found, 30)
            assert all(len(trace_id) == 32 for trace_id in found())
            looked_at += 1
    assert looked_at >= 12
