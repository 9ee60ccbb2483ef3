"""Where things are kept, and how troubles are told."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[1]
CONFIG = TOOLS.parent / "collector-config"


class BackendError(Exception):
    """Something is missing or failed; the message says what to do."""


def say(text: str) -> None:
    """Writes a line of progress; whoever stopped listening, as `head` does, does not end the work."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (until the process ends)


def cache() -> Path:
    """Returns the folder of built servers, outside the checkout; made if it is not there."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "otel-trading" / "backends"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def demand_sha256(file: Path, name: str, wanted: str) -> None:
    """Raises BackendError if what was fetched under a name is not what was pinned."""
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != wanted:
        raise BackendError(f"{name} has the SHA-256 {found}, not {wanted}. Do not use it; find out who changed it.")


def default_run_directory() -> Path:
    """Returns the folder of a stack when none is named; another user's stack has another one."""
    return Path(tempfile.gettempdir()) / f"otel-trading-stack-{os.getuid()}"
