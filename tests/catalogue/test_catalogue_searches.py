"""Saved searches: each log query of the systems has one, and the grep that it stands for finds our lines."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from otel_trading.catalogue.reading import ours
from otel_trading.catalogue.searches import files
from otel_trading.catalogue.searches.reading import SETS, read

SHARED = Path(__file__).resolve().parents[3] / "shared/catalogue/seed-catalogue.yaml"
SOURCES = [search.source for name in SETS for search in read(name).searches if search.source]
GREPS = [source.query for source in SOURCES if source.query.startswith("grep")]


def test_ids_are_used_once_and_every_line_is_json() -> None:
    """Over all import files; a column is a field and stands once."""
    ids = [search.id for name in SETS for search in read(name).searches]
    assert len(set(ids)) == len(ids) > 20
    for path, text in files(ours()).items():
        for line in text.splitlines() if path.suffix == ".ndjson" else [text]:
            assert isinstance(json.loads(line), dict)
    for search in [search for name in SETS for search in read(name).searches]:
        assert len(set(search.columns)) == len(search.columns) > 0


def test_a_panel_shows_a_search_that_is_there() -> None:
    """Or counts by a field."""
    found = read("ours")
    assert found.dashboard is not None
    for panel in found.dashboard.panels:
        assert bool(panel.search) != bool(panel.over_time)
        assert not panel.search or panel.search in {search.id for search in found.searches}


@pytest.mark.parametrize("command", [one for one in GREPS if "Circuit" not in one or "bog" in one])
def test_a_grep_of_the_document_finds_our_lines(command: str, tmp_path: Path) -> None:
    """On the file that standard output is sent to, as the document greps it."""
    words = shlex.split(command)
    sentence, file = words[1], tmp_path / words[2]
    file.parent.mkdir()
    lines = [json.dumps({"level": "warning", "event": event}) for event in (f"{sentence} 3", "something else")]
    file.write_text("\n".join(lines) + "\n")
    done = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [f"{sentence} 3"] == [json.loads(line)["event"] for line in done.stdout.splitlines()]


@pytest.mark.shared
def test_each_log_query_of_the_systems_has_a_saved_search() -> None:
    """By the list of all that they contain, letter for letter."""
    listed = yaml.safe_load(SHARED.read_text())["log_queries"]
    assert len(listed) == 17
    theirs = {(one["seed"], one["name"], one.get("lucene") or one["grep"]) for one in listed}
    assert theirs == {(source.seed, source.name, source.query) for source in SOURCES}
