"""What is written of the profiles' data: scrape jobs and the reference page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from otel_trading.config.knob import PROFILES
from otel_trading.metrics.profiles.reading import read

ROOT = Path(__file__).parents[2]


def test_generated_files_are_current() -> None:
    """They are committed, so that nobody has to generate them."""
    ended = subprocess.run(
        [sys.executable, ROOT / "tools/profiles.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_scrape_files_say_what_the_data_says() -> None:
    """Job, interval, targets, labels and whose labels win."""
    for profile in map(read, PROFILES):
        file = ROOT / "collector-config/prometheus/profiles" / f"{profile.name}.yml"
        (listed,) = yaml.safe_load(file.read_text(encoding="utf-8")).values()
        assert len(profile.jobs) == len(listed)
        for job, told in zip(profile.jobs, listed, strict=True):
            assert (job.name, job.interval, profile.place.path) == (
                told["job_name"],
                told["scrape_interval"],
                told["metrics_path"],
            )
            (static,) = told["static_configs"]
            assert (list(job.targets), dict(job.labels)) == (static["targets"], static.get("labels", {}))
            assert job.honor_labels is told.get("honor_labels", False)
            assert int(told["scrape_timeout"][:-1]) <= int(told["scrape_interval"][:-1])


def test_labels_that_a_job_sets_and_a_metric_has_are_the_metrics() -> None:
    """Otherwise Prometheus calls the metric's own label `exported_...`."""
    looked_at = 0
    for profile in map(read, PROFILES):
        own = {label for metric in profile.metrics for label in metric.labels}
        for job in profile.jobs:
            assert job.honor_labels is bool(own & set(job.labels))
            looked_at += job.honor_labels
    assert looked_at == 5


def test_each_dropped_label_and_departure_is_on_the_page() -> None:
    """With its reason."""
    page = (ROOT / "docs/reference/profiles.md").read_text(encoding="utf-8")
    for profile in map(read, PROFILES):
        assert profile.departures
        for departure in profile.departures:
            assert f"| {departure.about} | {' '.join(departure.reason.split())} |" in page
        for metric in profile.metrics:
            assert f"| `{metric.name}` | {metric.type} |" in page
            assert all(f"label `{label}` of `{metric.name}` is dropped" in page for label in metric.dropped or {})
