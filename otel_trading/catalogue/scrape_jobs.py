"""How Prometheus scrapes a system: jobs, intervals, labels and targets as its document says."""

from __future__ import annotations

from pathlib import Path

from otel_trading.catalogue.modules import NOTE
from otel_trading.config.knob import PROFILES
from otel_trading.metrics.profiles.model import Job, Profile
from otel_trading.metrics.profiles.reading import read

FOLDER = Path("collector-config/prometheus/profiles")


def files() -> dict[Path, str]:
    """The text of each profile's file by its path from the top of the checkout."""
    return {FOLDER / f"{name}.yml": jobs(read(name)) for name in PROFILES}


def jobs(profile: Profile) -> str:
    """A scrape file of Prometheus; it is a whole configuration as well."""
    lines = [f"# {NOTE} from profiles/{profile.name}.yaml; do not edit.", f"# {profile.brief}", "scrape_configs:"]
    for job in profile.jobs:
        lines += _job(job, profile.place.path)
    return "\n".join(lines) + "\n"


def _job(job: Job, path: str) -> list[str]:
    seconds = int(job.interval.removesuffix("s"))
    lines = [f"  - job_name: {job.name}", f"    scrape_interval: {job.interval}"]
    lines += [f"    scrape_timeout: {min(seconds, 10)}s", f"    metrics_path: {path}"]
    lines += ["    honor_labels: true"] if job.honor_labels else []
    lines += ["    static_configs:", "      - targets: [" + ", ".join(f'"{target}"' for target in job.targets) + "]"]
    labels = ", ".join(f"{name}: {value}" for name, value in job.labels.items())
    return [*lines, f"        labels: {{{labels}}}"] if labels else lines
