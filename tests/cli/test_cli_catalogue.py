"""`otel-trading generate` and `otel-trading check`: what they write, print and exit with."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support.registries import ROUTER, placed

from otel_trading.catalogue.reading import ours
from otel_trading.cli.main import main

BROKEN = ROUTER.replace("unit: s\n", "unit: usec\n")
MESSAGE = (
    "metrics[1].unit: must be a UCUM unit or an annotation in braces; was 'usec'. "
    "Use 'us', or 's' with a scale in the profile."
)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as end:
        code = int(end.code or 0)
    output = capsys.readouterr()
    return code, output.out, output.err


def test_a_package_is_written_beside_the_registry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Modules, page, list of the release; a second time nothing changes."""
    registry = placed(tmp_path)
    code, output, errors = run(capsys, "generate", registry)
    assert (0, "") == (code, errors)
    names = ["router.py", "__init__.py", "reference.md", "dashboard.json", "../registry.released.yaml"]
    assert [
        f"written: {Path(os.path.normpath(tmp_path / 'instruments' / name))}" for name in names
    ] == output.splitlines()
    assert (0, "everything is current\n", "") == run(capsys, "generate", registry)
    assert (0, "everything is current\n", "") == run(capsys, "generate", registry, "--check")


def test_a_file_that_is_not_current_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` writes nothing and exits with 1; --json says the same."""
    registry, out = placed(tmp_path), tmp_path / "desk"
    assert 1 == run(capsys, "generate", registry, "--out", out, "--check")[0]
    assert not out.exists()
    assert 0 == run(capsys, "generate", registry, "--out", out)[0]
    (out / "router.py").write_text(f"{(out / 'router.py').read_text()}\n")
    assert (1, f"not current: {out / 'router.py'}\n", "") == run(capsys, "generate", registry, "--out", out, "--check")
    code, output, _ = run(capsys, "generate", registry, "--out", out, "--json")
    assert (0, {"changed": [str(out / "router.py")], "removed": [], "released": None, "current": True}) == (
        code,
        json.loads(output),
    )


def test_a_file_of_the_users_is_in_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit code 1."""
    registry, out = placed(tmp_path), tmp_path / "desk"
    out.mkdir()
    (out / "router.py").write_text("import this\n")
    code, output, errors = run(capsys, "generate", registry, "--out", out)
    assert (1, "") == (code, output)
    assert errors == (
        f"otel-trading: not written by the generator, so not overwritten: {out / 'router.py'}. Choose another --out.\n"
    )
    code, output, errors = run(capsys, "generate", registry, "--out", out, "--json")
    assert (1, "") == (code, errors)
    [mistake] = json.loads(output)["mistakes"]
    assert str(out / "router.py") in mistake["message"]


def test_mistakes_are_told_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1."""
    registry = placed(tmp_path, BROKEN)
    line = BROKEN[: BROKEN.index("unit: usec")].count("\n") + 1
    assert (1, "", f"registry/router.yaml:{line}: {MESSAGE}\n") == run(capsys, "generate", registry)
    code, output, _ = run(capsys, "generate", registry, "--json")
    assert (1, f"registry/router.yaml:{line}: {MESSAGE}") == (code, json.loads(output)["mistakes"][0]["message"])
    assert ["registry"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate", "{}/none"], "none is no directory"),
        (["generate", "{}/registry", "--out", "{}/my-desk"], "cannot name a package"),
        (["generate", "--out", "{}/desk"], "--out needs a DIRECTORY"),
        (["generate", "{}/registry", "--check", "--release"], "--check writes nothing"),
        (["check", "{}/none"], "none is no directory"),
    ],
)
def test_wrong_usage_is_one_line(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2."""
    placed(tmp_path)
    code, output, errors = run(capsys, *[argument.format(tmp_path) for argument in arguments])
    assert (2, "", 1) == (code, output, errors.count("\n"))
    assert words in errors


def test_our_own_files_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a directory, in the checkout."""
    assert (0, "everything is current\n", "") == run(capsys, "generate", "--check")


def test_check_counts_what_it_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A user's registry with the environment's configuration; our own where none is named."""
    registry = placed(tmp_path)
    expected = (
        "registry: no mistakes. 4 metrics, 1 spans, 1 events, 3 attributes. Nothing was released yet, so nothing can "
        "break.\nconfiguration: no mistakes. From the environment.\n"
    )
    assert (0, expected, "") == run(capsys, "check", registry)
    code, output, _ = run(capsys, "check")
    assert (0, f"{len(ours().metrics)} metrics" in output) == (code, True)


def test_check_tells_mistakes_of_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Registry, file and environment; exit code 1."""
    registry, config = placed(tmp_path, BROKEN), tmp_path / "otel.yaml"
    config.write_text('file_format: "1.1"\ntracer_providr: {}\n')
    line = BROKEN[: BROKEN.index("unit: usec")].count("\n") + 1
    code, output, errors = run(capsys, "check", registry, "--config", config)
    assert (1, "") == (code, errors)
    assert output.splitlines() == [
        "registry: 1 mistake.",
        f"  registry/router.yaml:{line}: {MESSAGE}",
        "configuration: 1 mistake.",
        "  'tracer_providr' (from otel.yaml:2) must be a known key; was unknown. Did you mean 'tracer_provider'?",
    ]
    code, output, _ = run(capsys, "check", registry, "--config", config, "--json")
    told = json.loads(output)
    assert (1, False, ["metrics[1].unit"], ["tracer_providr"]) == (
        code,
        told["ok"],
        [one["path"] for one in told["registry"]["mistakes"]],
        [one["knob"] for one in told["configuration"]["mistakes"]],
    )
    monkeypatch.setenv("OTEL_TRADING_TICK_RATIO", "7")
    code, output, _ = run(capsys, "check", placed(tmp_path))
    assert (1, True) == (code, "'tick_ratio' (from OTEL_TRADING_TICK_RATIO) must be" in output)


def test_check_compares_with_the_release(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After `generate --release` a changed unit is a mistake."""
    registry = placed(tmp_path)
    assert 0 == run(capsys, "generate", registry, "--release")[0]
    assert "Compared with release 1.2.0." in run(capsys, "check", registry)[1]
    placed(tmp_path, ROUTER.replace("unit: s\n", "unit: ms\n"))
    code, output, _ = run(capsys, "check", registry)
    assert (1, True) == (code, "metrics[1].unit: must stay 's'; was 'ms'." in output)


def test_assets_are_written_with_limits_that_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For one system and everybody; the limit stands in its rule and on its dashboard, and nowhere is the default."""
    limits = tmp_path / "limits.yaml"
    limits.write_text("parameters:\n  max_position_btc: 7.5\n")
    wanted = ("generate", "--assets", tmp_path / "assets", "--profile", "bog")
    code, output, errors = run(capsys, *wanted)
    assert (0, "") == (code, errors)
    written = {line.removeprefix("written: ") for line in output.splitlines()}
    assert {
        "prometheus/rules/bog.yml",
        "prometheus/profiles/bog.yml",
        "grafana/dashboards/bog/production.json",
    } < written
    assert {"kibana/otel-trading-bog.ndjson", "runbooks/bog.md", "prometheus/rules/trading.yml"} < written
    assert not [path for path in written if any(name in path for name in ("waiver", "py_rt", "perf", "rust_trade"))]

    code, output, _ = run(capsys, *wanted, "--parameters", limits)
    changed = {line.removeprefix("written: ") for line in output.splitlines()}
    assert (0, {"prometheus/rules/bog.yml", "runbooks/bog.md", "grafana/dashboards/bog/production.json"}) == (
        code,
        changed,
    )
    assert "bog_position_btc * 0 + 7.5)" in (tmp_path / "assets/prometheus/rules/bog.yml").read_text()
    assert (1, ["not current"] * 3) == (
        (told := run(capsys, *wanted, "--check"))[0],
        [line.partition(":")[0] for line in told[1].splitlines()],
    )


def test_assets_with_an_unknown_limit_are_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the name that is meant; neither is a file that is not there, or a system nobody knows."""
    (tmp_path / "limits.yaml").write_text("parameters: [{name: max_positio_btc, default: 7}]\n")
    wanted = ("generate", "--assets", tmp_path / "assets", "--parameters")
    code, _, errors = run(capsys, *wanted, tmp_path / "limits.yaml")
    assert (1, True) == (code, "was max_positio_btc. Did you mean 'max_position_btc'?" in errors)
    code, _, errors = run(capsys, *wanted, tmp_path / "nowhere.yaml")
    assert (1, True) == (code, f"{tmp_path}/nowhere.yaml:1: must be a readable file" in errors)
    code, _, errors = run(capsys, "generate", "--assets", tmp_path / "assets", "--profile", "dog")
    assert (2, True) == (code, "--profile must be one of waiver, rust_trade, py_rt, perf, bog; was 'dog'" in errors)
    code, _, errors = run(capsys, "generate", "--profile", "bog")
    assert (2, True) == (code, "go with --assets" in errors)
    assert not (tmp_path / "assets").exists()
