"""A free-threaded CPython, built from Debian's copy of the source into the cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tools.backends.places import BackendError, cache, demand_sha256, say

VERSION = "3.13.5"
"""That of Debian 13: its archive keeps what a release has."""

ADDRESS = f"http://deb.debian.org/debian/pool/main/p/python3.13/python3.13_{VERSION}.orig.tar.xz"
SHA256 = "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640"
OPTIONS = ("--disable-gil", "--disable-test-modules", "--with-ensurepip=install")
SANITIZED_OPTIONS = (*OPTIONS, "--with-thread-sanitizer")
JOBS = 2
ATTEMPTS = 3
SAY_EVERY_S = 15.0


def options_of(sanitized: bool) -> tuple[str, ...]:
    """Arguments of `configure`."""
    return SANITIZED_OPTIONS if sanitized else OPTIONS


def home(sanitized: bool) -> Path:
    """Returns where this Python is, or will be once it is built; `sanitized`: with ThreadSanitizer."""
    digest = hashlib.sha256("\0".join([SHA256, *options_of(sanitized)]).encode()).hexdigest()
    return cache() / f"python-{VERSION}t-{digest[:16]}"


def obtain(sanitized: bool = False) -> Path:
    """Builds the interpreter unless it is there, and returns it; an interrupted build leaves none behind.

    Raises:
        BackendError: gcc or make is missing, the source cannot be had or is not what was pinned, or the build fails.
    """
    target = home(sanitized)
    python = target / "bin" / "python3"
    if python.exists():
        say(f"python {VERSION}t: ready")
        return python
    for program in ("gcc", "make"):
        if shutil.which(program) is None:
            raise BackendError(f"{program} is not installed. Install it (Debian: apt-get install build-essential).")
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    began = time.monotonic()
    try:
        source = _unpacked(_archive(), unfinished / "source")
        _build(source, target, unfinished / "root", options_of(sanitized))
        (unfinished / "root" / target.relative_to("/")).rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    say(f"python {VERSION}t: built in {time.monotonic() - began:.0f} s")
    return python


def suppressions() -> Path:
    """What CPython itself asks ThreadSanitizer not to report."""
    return home(sanitized=True) / "suppressions_free_threading.txt"


def _archive() -> Path:
    """The source as Debian has it, kept in the cache."""
    archive = cache() / f"python-{VERSION}-{SHA256[:16]}.tar.xz"
    if archive.exists():
        return archive
    unfinished = archive.with_name(f"{archive.name}.{os.getpid()}.tmp")
    say(f"python {VERSION}t: downloading 23 MB from {ADDRESS}")
    try:
        _download(unfinished)
        demand_sha256(unfinished, ADDRESS, SHA256)
        unfinished.rename(archive)
    finally:
        unfinished.unlink(missing_ok=True)
    return archive


def _download(to: Path) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(ADDRESS, timeout=60) as answer, to.open("wb") as file:
                shutil.copyfileobj(answer, file)
            return
        except (urllib.error.URLError, OSError) as error:
            say(f"python {VERSION}t: attempt {attempt} of {ATTEMPTS} failed: {error}")
    raise BackendError(f"{ADDRESS} cannot be fetched. Look at the network, or put a proxy into http_proxy.")


def _unpacked(archive: Path, into: Path) -> Path:
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="data")
    return into / f"Python-{VERSION}"


def _build(source: Path, target: Path, root: Path, options: tuple[str, ...]) -> None:
    """Installs below `root` what is to lie at `target`."""
    log = cache() / "python-free-threaded.log"
    say(f"python {VERSION}t: building without its global lock; its log is {log}")
    log.write_bytes(b"")
    _watched(["./configure", "-q", f"--prefix={target}", *options], source, log)
    _watched(["make", "-s", f"-j{JOBS}"], source, log)
    _watched(["make", "-s", "install", f"DESTDIR={root}"], source, log)
    wanted = source / "Tools" / "tsan" / "suppressions_free_threading.txt"
    shutil.copy(wanted, root / target.relative_to("/"))


def _watched(command: list[str], folder: Path, log: Path) -> None:
    """Runs a step and says every quarter of a minute that it goes on."""
    began = time.monotonic()
    # a Python with ThreadSanitizer builds the rest of itself, and what it finds there is not ours to look at
    environment = {**os.environ, "TSAN_OPTIONS": "exitcode=0:report_bugs=0"}
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, env=environment)
        try:
            while process.poll() is None:
                try:
                    process.wait(SAY_EVERY_S)
                except subprocess.TimeoutExpired:
                    say(f"python {VERSION}t: {command[0]} for {time.monotonic() - began:.0f} s")
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if process.returncode:
        ends = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BackendError(f"{' '.join(command[:2])} failed. {log} ends:\n{ends}")
