"""Where stores live when nobody names a place: one directory a run, under the user's cache directory.

A run's directory stays until a later run removes it, so that what the screen showed can still be read; `keep`
exempts it from that.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

STORE_NAME = "telemetry.sqlite"
_KEEP = "keep"
_LOCK = "lock"


@dataclass(slots=True)
class Run:
    """One run's directory; the lock says that the run is alive, also after kill -9 of others."""

    path: Path
    lock: IO[bytes]

    @property
    def run_id(self) -> str:
        """Name of the run: UTC time and process id."""
        return self.path.name

    @property
    def store_path(self) -> Path:
        """Where the run's store lies unless the user named a place."""
        return self.path / STORE_NAME

    def close(self) -> None:
        """Gives up the lock; from now on a later run may remove the directory."""
        self.lock.close()


def home() -> Path:
    """Returns the directory of all runs: `$XDG_CACHE_HOME/otel-trading/runs`, by default below `~/.cache`."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(cache) if os.path.isabs(cache) else Path.home() / ".cache"
    return base / "otel-trading" / "runs"


def create(*, keep: bool) -> Run:
    """Makes a directory for a new run and removes those of ended runs that nobody wanted to keep.

    Args:
        keep: exempts this run's directory from being removed by later runs.

    Raises:
        OSError: neither the cache directory nor the temporary directory can be written.
    """
    for base in (home(), _fallback_home()):
        try:
            base.mkdir(parents=True, exist_ok=True, mode=0o700)
            _remove_ended(base)
            return _create(base, keep)
        except OSError as error:
            problem = error
    raise problem


def newest_store() -> Path | None:
    """Returns the store of the run that began last and still has one, running or not; None if there is none."""
    stores = [path for base in (home(), _fallback_home()) for path in base.glob(f"*/{STORE_NAME}")]
    return max(stores, key=lambda path: path.parent.name, default=None)


def _fallback_home() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"otel-trading-{user}" / "runs"


def _create(base: Path, keep: bool) -> Run:
    # one reading for both parts: with two, a run that began at the turn of a second would sort before an older one
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    path = base / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(seconds))}-{nanoseconds:09d}-{os.getpid()}"
    path.mkdir(mode=0o700)
    lock = (path / _LOCK).open("wb")
    _try_lock(lock)
    if keep:
        (path / _KEEP).touch()
    return Run(path, lock)


def _remove_ended(base: Path) -> None:
    for path in base.iterdir():
        if not (path / _KEEP).exists() and _has_ended(path):
            shutil.rmtree(path, ignore_errors=True)


def _has_ended(path: Path) -> bool:
    try:
        with (path / _LOCK).open("rb") as lock:
            return _try_lock(lock)
    except OSError:
        return False  # not one of ours, or being made at this moment


def _try_lock(lock: IO[bytes]) -> bool:
    if sys.platform == "win32":
        return False  # a run's directory is then never removed by another run
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
