"""Reads what a person types into Kibana, by Kibana's own parsers: they are modules of Node.js, obtained by npm."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .places import TOOLS, BackendError, cache, say

MODULE = TOOLS / "kql"
FILES = ("package.json", "package-lock.json", "convert.js")
NEEDED_NODE = 18
ATTEMPTS = 3


@dataclass(frozen=True)
class Query:
    """A line of Kibana's query language, understood.

    Attributes:
        dsl: what Kibana would send to Elasticsearch.
        fields: names of the fields that the line speaks of, `*` in them as it was typed.
    """

    dsl: dict[str, Any]
    fields: list[str]


def installed() -> Path:
    """Returns where the modules are, or will be: a folder known by the hash of what it was made from."""
    digest = hashlib.sha256()
    for name in FILES:
        digest.update(name.encode() + b"\0" + (MODULE / name).read_bytes())
    return cache() / f"kql-{digest.hexdigest()[:16]}"


def obtain() -> Path:
    """Installs the modules unless they are there, none of their own scripts run.

    Raises:
        BackendError: Node.js or npm is missing or too old, or npm could not fetch them.
    """
    target = installed()
    _check_node()
    if target.exists():
        say("kql: ready")
        return target
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        unfinished.mkdir()
        for name in FILES:
            shutil.copy2(MODULE / name, unfinished / name)
        _install(unfinished)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    say("kql: ready")
    return target


def convert(kql: str, field_caps: Mapping[str, Any] | None = None) -> Query:
    """Turns a line of Kibana's query language into Elasticsearch's.

    Args:
        kql: the line.
        field_caps: `fields` of what `_field_caps` answers; without it types of fields are not heeded.

    Raises:
        BackendError: the line cannot be parsed, or the modules have not been obtained.
    """
    found = _ask({"kql": kql, "fields": field_caps or {}})
    return Query(found["query"], found["fields"])


def rison(text: str) -> Any:
    """Returns the value of one parameter, such as `_a`, of the address of a page of Kibana.

    Raises:
        BackendError: it cannot be parsed, or the modules have not been obtained.
    """
    return _ask({"rison": text})["value"]


def _ask(question: dict[str, Any]) -> Any:
    folder = installed()
    if not folder.exists():
        raise BackendError("not built: kql. Run `make backends` first.")
    done = subprocess.run(
        ["node", str(folder / "convert.js")], input=json.dumps(question), capture_output=True, text=True, timeout=30
    )
    if done.returncode:
        raise BackendError(f"{question.get('kql') or question.get('rison')}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def _check_node() -> None:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise BackendError(f"{program} is not installed. Install Node.js 18 or newer (Debian: nodejs, npm).")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    found = re.match(r"v(\d+)\.", version)
    if not found or int(found[1]) < NEEDED_NODE:
        raise BackendError(f"Node.js 18 or newer is needed, {version} is here.")


def _install(folder: Path) -> None:
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    for _ in range(ATTEMPTS):
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode == 0:
            return
    raise BackendError(f"npm could not install the modules of tools/kql: {(done.stderr or done.stdout).strip()[-800:]}")
