"""All profiles at once in a real Prometheus, in each format, scraped by the jobs that are shipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from backend_stores import ask, wait_until
from backend_tools import CONFIG, free_addresses, running_program
from profiles.profile_pages import example, profiled, record, scraped

from otel_trading.config.knob import PROFILES
from otel_trading.metrics.profiles.reading import read

pytestmark = pytest.mark.backends

FORMATS = {"text": "PrometheusText0.0.4", "openmetrics": "OpenMetricsText1.0.0", "protobuf": "PrometheusProto"}
METRICS = [(name, metric) for name in PROFILES for metric in read(name).metrics]


@pytest.fixture
def scraping(programs: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """Address of a Prometheus that scraped everything, by a job for each format and by those of the profiles."""
    with profiled(*PROFILES) as telemetry:
        scraped(telemetry)
        for _, metric in METRICS:
            for source in metric.sources:
                amount = metric.buckets[0] / metric.scale if metric.buckets else 1
                record(source, example(source)[0], [amount])
        assert telemetry.metrics_url is not None
        jobs = list(_jobs(telemetry.metrics_url.split("/")[2]))
        timing = {"scrape_interval": "1s", "scrape_timeout": "1s", "metric_name_escaping_scheme": "underscores"}
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({"global": timing, "scrape_configs": jobs}))
        [address] = free_addresses(1)
        command = [
            programs["prometheus"],
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address={address}",
        ]
        with running_program(command, tmp_path, f"http://{address}/-/ready"):
            url = f"http://{address}"
            wait_until(lambda: len(found(url, "up == 1")) == len(jobs), 60)
            # rates are on the page once there were two scrapes
            wait_until(lambda: len(found(url, "waiver_throughput_peak_throughput")) == len(jobs), 60)
            yield url


def _jobs(target: str) -> Iterator[dict[str, Any]]:
    for name, protocol in FORMATS.items():
        yield {"job_name": name, "scrape_protocols": [protocol], "static_configs": [{"targets": [target]}]}
    for name in PROFILES:
        file = CONFIG / "prometheus/profiles" / f"{name}.yml"
        for job in yaml.safe_load(file.read_text(encoding="utf-8"))["scrape_configs"]:
            labels = job["static_configs"][0].get("labels", {})
            yield {
                **job,
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "static_configs": [{"targets": [target], "labels": labels}],
            }


def found(url: str, query: str) -> list[dict[str, str]]:
    """Labels of the series that a query gives."""
    return [one["metric"] for one in ask(f"{url}/api/v1/query", query=query)["data"]["result"]]


def test_every_metric_arrives_under_its_name_in_every_format(scraping: str) -> None:
    """With its type where the format has one; labels that a job sets too are the metric's own."""
    targets = ask(f"{scraping}/api/v1/targets")["data"]["activeTargets"]
    assert {one["lastError"] for one in targets} == {""}
    for profile, metric in METRICS:
        name = f"{metric.name}_count" if metric.type == "histogram" else metric.name
        jobs = {one["job"] for one in found(scraping, name)}
        assert jobs >= {*FORMATS, *(job.name for job in read(profile).jobs)}, name
    told = ask(f"{scraping}/api/v1/metadata")["data"]
    for _, metric in METRICS:
        assert metric.type in {one["type"] for one in told[metric.name]}, metric.name
    assert {one["service"] for one in found(scraping, 'system_cpu_usage_percent{job="market-data"}')} == {
        "risk_manager"
    }
    strategies = found(scraping, 'bog_strategy_calc_ns_count{job="bog-trading"}')
    assert {one["strategy"] for one in strategies} == {"strategy-0"}
    assert found(scraping, '{__name__=~".+",exported_service!=""}') == []
    assert found(scraping, '{__name__=~".+",exported_strategy!=""}') == []
