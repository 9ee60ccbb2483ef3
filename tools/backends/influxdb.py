"""Obtains InfluxDB 1 from Debian's archive, without installing it."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

from .places import BackendError, cache, say

PACKAGE = "influxdb"
VERSION = "1.6"

SETTINGS = """\
reporting-disabled = true
bind-address = "{rpc}"
[meta]
  dir = "{run}/meta"
[data]
  dir = "{run}/data"
  wal-dir = "{run}/wal"
[http]
  bind-address = "{http}"
  log-enabled = false
"""


def program() -> Path:
    """Returns where the program is, or will be."""
    return cache() / f"{PACKAGE}-{VERSION}" / "usr" / "bin" / "influxd"


def obtain() -> None:
    """Downloads and unpacks InfluxDB unless it is there.

    apt checks the signatures of Debian; its lists are kept in the cache, so that no privileges are needed.

    Raises:
        BackendError: this is no Debian, or the download fails.
    """
    target = program().parents[2]
    if target.exists():
        say(f"{PACKAGE}: ready")
        return
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise BackendError("apt-get and dpkg-deb are not here: InfluxDB 1 comes from Debian's archive.")
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        say(f"{PACKAGE}: downloading 5 MB from Debian")
        (unfinished / "lists" / "partial").mkdir(parents=True)
        (unfinished / "archives" / "partial").mkdir(parents=True)
        own = [f"-oDir::State::lists={unfinished / 'lists'}", f"-oDir::Cache={unfinished}", "-oAPT::Sandbox::User="]
        for command in (["update"], ["download", f"{PACKAGE}={VERSION}*"]):
            _apt([*own, "-qq", *command], unfinished)
        [archive] = unfinished.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", str(archive), str(unfinished / "unpacked")], check=True)
        (unfinished / "unpacked").rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    say(f"{PACKAGE}: ready")


def create_database(url: str) -> None:
    """Makes the database that `collector/influxdb.yaml` writes into unless told another one."""
    question = urllib.parse.urlencode({"q": "CREATE DATABASE trading"}).encode()
    urllib.request.urlopen(f"{url}/query", question, timeout=10).close()


def _apt(arguments: list[str], folder: Path) -> None:
    done = subprocess.run(["apt-get", *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise BackendError(f"apt-get could not fetch {PACKAGE} {VERSION}: {done.stderr.strip()}")
