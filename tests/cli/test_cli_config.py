"""`otel-trading config`: every value with its source, secrets masked, mistakes with exit code 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otel_trading.cli.main import main
from otel_trading.config.resolve import resolve


def test_each_value_is_printed_with_its_source(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a table and as JSON."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "risk")
    monkeypatch.setenv("OTEL_TRADING_TICK_RATIO", "0.5")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret")
    assert main(["config", "--set-only"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["service_name", "risk", "OTEL_SERVICE_NAME"],
        ["otlp_headers", "api-key=***", "OTEL_EXPORTER_OTLP_HEADERS"],
        ["tick_ratio", "0.5", "OTEL_TRADING_TICK_RATIO"],
    ]
    assert main(["config", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["tick_ratio"] == {"name": "tick_ratio", "value": 0.5, "unit": "", "source": "OTEL_TRADING_TICK_RATIO"}
    assert rows["otlp_timeout_s"]["unit"] == "s"


def test_mistakes_are_printed_and_the_exit_code_is_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """From the environment and from a file."""
    monkeypatch.setenv("OTEL_TRADING_TICK_RATIO", "7")
    assert main(["config"]) == 2
    assert "'tick_ratio' (from OTEL_TRADING_TICK_RATIO) must be" in capsys.readouterr().err
    path = tmp_path / "otel.yaml"
    path.write_text("file_format: 2\n")
    assert main(["config", "--file", str(path)]) == 2
    assert "'file_format' (from otel.yaml:1) must be a string; was 2" in capsys.readouterr().err


def test_warnings_go_to_standard_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The table stays usable."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "soon")
    assert main(["config", "--set-only"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(
        "warning: OTEL_BSP_SCHEDULE_DELAY must be a number above 0 and at most 86400000; was"
    )
    assert "the default 1.0 s is used" in captured.err


def test_the_example_is_a_file_that_can_be_used(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Write it, edit it, name it in OTEL_CONFIG_FILE."""
    assert main(["config", "--example"]) == 0
    path = tmp_path / "otel.yaml"
    path.write_text(capsys.readouterr().out)
    config, warnings = resolve({}, path, {})
    assert (warnings, config.file is not None) == ([], True)
    assert main(["config", "--file", str(path), "--set-only"]) == 0
    assert "tracer_provider.sampler.otel_trading.tick_ratio" in capsys.readouterr().out
