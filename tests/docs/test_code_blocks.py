"""Everything that README and docs show is run, parsed or looked up."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import PAGES, ROOT, blocks, name_of, program
from support.children import environment, without_engine
from support.servers import Receiver

from otel_trading.cli.main import parser
from otel_trading.config.plan_file import from_file
from otel_trading.config.resolve import resolve

# queries of Prometheus are tried by test_rules_ours.py
LANGUAGES = {"python", "yaml", "console", "text", "promql"}
WITH_PYTHON = [page for page in PAGES if any(b.language == "python" and not b.title for b in blocks(page))]
WITH_TESTS = [page for page in PAGES if any(b.title.startswith("test_") for b in blocks(page))]
WITH_YAML = [page for page in PAGES if any(b.language == "yaml" and not b.title for b in blocks(page))]


def commands(program_name: str) -> list[tuple[str, list[str]]]:
    """Every line of console blocks that calls a program, with its page."""
    found = []
    for page in PAGES:
        for block in blocks(page):
            if block.language == "console":
                for line in block.code.splitlines():
                    words = shlex.split(line, comments=True)
                    if words and words[0] == program_name:
                        found.append((name_of(page), words[1:]))
    return found


def test_every_block_has_a_language_that_is_checked() -> None:
    """A block in another language would be shown and never tried."""
    assert {(name_of(page), b.line) for page in PAGES for b in blocks(page) if b.language not in LANGUAGES} == set()


@pytest.mark.parametrize("page", WITH_PYTHON, ids=name_of)
def test_python_blocks_of_a_page_run_in_their_order(page: Path, otlp: Receiver, tmp_path: Path) -> None:
    """One process, one namespace; it ends well and says nothing on standard error."""
    script = tmp_path / page.name.replace(".md", ".py")
    script.write_text(program([b for b in blocks(page) if b.language == "python" and not b.title]), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env=environment(OTEL_EXPORTER_OTLP_ENDPOINT=otlp.url, OTEL_EXPORTER_PROMETHEUS_PORT="0"),
    )
    assert (done.returncode, without_engine(done.stderr)) == (0, "")
    if name_of(page) == "docs/signals.md":
        assert {"order.submit binance", "order.ack", "order.fill"} <= {span.name for span in otlp.spans}
        assert {"risk.check.duration", "risk.orders", "risk.exposure"} <= {metric.name for metric in otlp.metrics}
        bodies = [record.body.string_value for record in otlp.logs]
        assert bodies.count("order submitted") == bodies.count("order amended") == 1
        assert "tick" not in bodies


@pytest.mark.parametrize("page", WITH_TESTS, ids=name_of)
def test_test_blocks_of_a_page_pass(page: Path, tmp_path: Path) -> None:
    """Blocks titled test_*.py are run by pytest, with the fixture that the package brings."""
    for block in blocks(page):
        if block.title.startswith("test_"):
            (tmp_path / block.title).write_text(block.code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env=environment(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^[1-9]\d* passed", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("page", WITH_YAML, ids=name_of)
def test_yaml_blocks_are_declarative_files(page: Path, tmp_path: Path) -> None:
    """The real loader takes each without a title, without a warning, and a plan can be made of it."""
    for block in blocks(page):
        if block.language == "yaml" and not block.title:
            path = tmp_path / f"{block.line}.yaml"
            path.write_text(block.code, encoding="utf-8")
            config, warnings = resolve({}, path, {})
            assert warnings == []
            assert from_file(config).traces is not None


@pytest.mark.parametrize(("page", "arguments"), commands("otel-trading"), ids=lambda value: str(value))
def test_shown_commands_are_valid(page: str, arguments: list[str]) -> None:
    """Subcommand and options exist; Python's parser decides, nothing is run."""
    parser().parse_args(arguments)


def test_shown_make_targets_exist() -> None:
    """`make ...` in console blocks, tables and running text."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = {words[0] for _, words in commands("make")}
    for page in PAGES:
        shown |= set(re.findall(r"`make ([a-z-]+)`", page.read_text()))
    assert {"demo", "test"} <= shown
    assert shown - targets == set()


def test_tables_of_names_are_those_of_the_code() -> None:
    """The order ids on the page of signals are the one table."""
    from otel_trading.ground.order_ids import TABLE

    text = (ROOT / "docs/signals.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| `([\w.]+)` \| `(trading\.\w+)` \|$", text, re.MULTILINE)
    assert rows == [(row.json_field, row.attribute, row.alias) for row in TABLE]


def test_ready_made_boundaries_are_all_shown_with_their_units() -> None:
    """The table on the page of signals names each set and its unit."""
    from otel_trading.metrics import boundaries

    text = (ROOT / "docs/signals.md").read_text()
    shown = dict(re.findall(r"^\| `([A-Z]+)` \| [^|]+ \| (\S+) \|$", text, re.MULTILINE))
    sets = {name: item for name, item in vars(boundaries).items() if isinstance(item, boundaries.Boundaries)}
    assert shown == {name: item.unit for name, item in sets.items()}


def test_patterns_of_the_sampler_are_all_shown() -> None:
    """The rules on the page of signals name every pattern and key of the code."""
    from otel_trading.traces import sampler

    text = (ROOT / "docs/signals.md").read_text()
    assert [
        word for word in (*sampler.ALWAYS_NAMES, *sampler.ALWAYS_KEYS, *sampler.TICK_NAMES) if f"`{word}`" not in text
    ] == []


def test_reasons_for_losses_are_all_shown() -> None:
    """The closed list on the page of the house is that of the code."""
    from otel_trading.delivery.outcome import REASONS

    text = (ROOT / "docs/how-it-is-built.md").read_text()
    assert [reason for reason in REASONS if f"`{reason}`" not in text] == []


def test_knobs_and_variables_that_are_shown_exist() -> None:
    """Every OTEL_TRADING_* variable in the pages belongs to a knob."""
    from otel_trading.config.knobs import KNOBS

    known = {knob.environment for knob in KNOBS.values()}
    shown = {name for page in PAGES for name in re.findall(r"OTEL_TRADING_[A-Z_]*[A-Z]", page.read_text())}
    assert shown - known == set()


def test_relative_links_of_the_front_pages_lead_somewhere() -> None:
    """mkdocs checks the links of docs/; README and CONTRIBUTING stand outside of it."""
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (ROOT / target).exists(), f"{page.name}: {target}"


def test_files_that_are_named_exist() -> None:
    """Paths of the package, its tests and examples in running text."""
    for page in PAGES:
        text = page.read_text()
        for path in re.findall(r"`((?:otel_trading|tests|examples|benchmarks|changelog\.d)/[\w./-]*)`", text):
            assert (ROOT / path).exists(), f"{name_of(page)}: {path}"
    rooms = re.findall(
        r"`([a-z_]+/(?:[a-z_]+/?)*(?:\.py)?|[a-z_]+\.py)`", (ROOT / "docs/how-it-is-built.md").read_text()
    )
    assert [path for path in rooms if not any((base / path).exists() for base in (ROOT / "otel_trading", ROOT))] == []


def test_pages_name_no_place_of_one_machine() -> None:
    """Absolute paths mean nothing to a reader."""
    for page in PAGES:
        assert re.findall(r"(?<![\w.])/(?:home|root|work|tmp|Users)/\S*", page.read_text()) == [], name_of(page)
