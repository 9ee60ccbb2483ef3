"""Generated files: current in the checkout, formatted, and the same each time."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from support.registries import EMPTY_BASE, ROUTER, generated, placed

from otel_trading.catalogue import generate
from otel_trading.catalogue.instrument import Instrument
from otel_trading.catalogue.mistakes import RegistryError
from otel_trading.catalogue.reading import ours, read
from otel_trading.catalogue.reference import page
from otel_trading.catalogue.released import path_for

ROOT = Path(__file__).resolve().parents[2]
NASTY = ROUTER.replace(
    "brief: Orders that were held.",
    'brief: \'Orders held "for now"; a brief of a hundred and twenty columns and some more, which has to be put on lines '
    'of its own, or else\'\n    note: \'It\'\'s `a\\b`, """quoted""" | piped, <b>tagged</b> and "both\'\'"\'',
)


def test_committed_files_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    """As `make check` asks."""
    assert (0, "") == (generate.main(["--check"]), capsys.readouterr().err)


def test_every_metric_has_its_instrument() -> None:
    """Under its Python name in the module of its area, with the registry's name, unit and boundaries."""
    for metric in ours().metrics:
        made = getattr(import_module(f"otel_trading.catalogue.{metric.area}"), metric.python)
        assert isinstance(made, Instrument)
        assert (metric.name, metric.unit, metric.boundaries) == (made.name, made.unit, made.boundaries)
        assert metric.instrument == made.kind.replace("_", "")


def test_a_stale_file_is_listed_and_one_left_over_too(tmp_path: Path) -> None:
    """Writing mends both, and leaves alone what we did not generate."""
    registry = placed(tmp_path)
    files = generate.of_users(read(registry, EMPTY_BASE), registry, tmp_path / "instruments")
    out = tmp_path / "instruments"
    assert sorted(files) == [out / name for name in ("__init__.py", "dashboard.json", "reference.md", "router.py")] + [
        tmp_path / "registry.released.yaml"
    ]
    assert len(files) == len(generate.write(tmp_path, files, check=True).changed)
    assert not out.exists()
    assert len(files) == len(generate.write(tmp_path, files, check=False).changed)
    assert generate.Outcome((), ()) == generate.write(tmp_path, files, check=True)
    (out / "router.py").write_text(f"{(out / 'router.py').read_text()}\n")
    shutil.copy(ROOT / "otel_trading/catalogue/risk.py", out / "risk.py")
    (out / "mine.py").write_text('"""Mine."""\n')
    expected = generate.Outcome(((out / "router.py").as_posix(),), ((out / "risk.py").as_posix(),))
    assert expected == generate.write(tmp_path, files, check=True)
    assert expected == generate.write(tmp_path, files, check=False)
    assert ["__init__.py", "mine.py", "router.py"] == sorted(path.name for path in out.glob("*.py"))
    assert generate.Outcome((), ()) == generate.write(tmp_path, files, check=True)


def test_a_file_that_somebody_wrote_is_not_written_over(tmp_path: Path) -> None:
    """Nothing is written then; an empty `__init__.py` is nobody's."""
    registry, out = placed(tmp_path), tmp_path / "desk"
    files = generate.of_users(read(registry, EMPTY_BASE), registry, out)
    out.mkdir()
    (out / "__init__.py").touch()
    (out / "router.py").write_text("import this\n")
    with pytest.raises(generate.NotGenerated, match=r"not overwritten: .*desk/router\.py\. Choose another --out\."):
        generate.write(tmp_path, files, check=False)
    assert ("import this\n", "") == ((out / "router.py").read_text(), (out / "__init__.py").read_text())
    (out / "router.py").unlink()
    assert len(files) == len(generate.write(tmp_path, files, check=False).changed)


def test_a_release_that_breaks_the_last_one_is_refused(tmp_path: Path) -> None:
    """Until somebody removes the list."""
    registry = placed(tmp_path)
    generate.release(read(registry, EMPTY_BASE), registry)
    before = path_for(registry).read_text()
    broken = read(placed(tmp_path, ROUTER.replace("unit: s\n", "unit: ms\n")), EMPTY_BASE)
    with pytest.raises(RegistryError, match="must stay 's'; was 'ms'"):
        generate.release(broken, registry)
    assert before == path_for(registry).read_text()
    path_for(registry).unlink()
    generate.release(broken, registry)
    assert "unit: ms" in path_for(registry).read_text()


def test_a_release_is_not_written_over(tmp_path: Path) -> None:
    """Generating again leaves the list of what was released."""
    registry = placed(tmp_path)
    found = read(registry, EMPTY_BASE)
    generate.release(found, registry)
    assert path_for(registry) not in generate.of_users(found, registry, tmp_path / "out")
    assert "acme.router.held" in path_for(registry).read_text()


LEGS = [f"acme.leg_{number}.of_an_order_with_many_legs" for number in range(9)]
MANY = "\n".join(
    [
        "file_format: definition/2\nattributes:",
        *(f"  - {{key: {key}, type: string, stability: development, brief: Leg.}}" for key in LEGS),
        "metrics:",
        *(
            f"  - {{name: acme.legs_{most}, instrument: gauge, unit: '1', stability: development, brief: Legs.,\n"
            f"     attributes: [{', '.join(f'{{ref: {key}}}' for key in LEGS[:most])}]}}"
            for most in range(1, 10)
        ),
    ]
)


@pytest.mark.parametrize("text", [ROUTER, NASTY, MANY], ids=["plain", "nasty", "many"])
def test_modules_are_as_ruff_formats_them(text: str, tmp_path: Path) -> None:
    """So that a commit hook of a user with our settings changes nothing, and no line is too long."""
    out = generated(tmp_path, text)
    settings = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--diff", *settings, str(out)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (0, "") == (done.returncode, done.stdout)
    assert [] == [line for path in out.glob("*.py") for line in path.read_text().splitlines() if len(line) > 120]
    compile((out / "router.py").read_text(), "router.py", "exec")


def test_the_reference_page_has_everything(tmp_path: Path) -> None:
    """Metrics with unit, instrument, attributes, allowed values and boundaries; spans, events, attributes."""
    told = page(read(placed(tmp_path, NASTY), EMPTY_BASE), "instruments")
    for words in (
        "`from instruments import router`",
        "| `acme.router.held`<br>`router.held` | counter | `{order}` | `acme.router.reason`\\*: `reason`<br>"
        "`acme.venue`: `venue`, one of `XNAS`, `XLON` |",
        "Buckets: 0.001, 0.01, 0.1.",
        "At 0 from the start: `acme.router.reason=no_venue`. Source: `desk: held`.",
        "(`acme.router.hop`): `hop`",
        "| `acme.route` | route {acme.venue} | internal | `acme.venue` | An order is routed. |",
        "| `acme.router.stopped` | `acme.router.reason` | Routing stopped. |",
        "| `acme.router.reason` | enum | `no_venue`, `closed` | Why an order was held. |",
        '"""quoted""" \\| piped, &lt;b>tagged&lt;/b>',
    ):
        assert words in told
    rows = [line for line in told.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows if "acme.router.held" in line} == {6}


def test_deprecated_metrics_say_so(tmp_path: Path) -> None:
    """In the docstring and on the page, with the new name."""
    words = "    deprecated: {reason: renamed, renamed_to: acme.router.open, note: Since 1.2}\n"
    text = ROUTER.replace("  - name: acme.router.state\n", f"  - name: acme.router.state\n{words}")
    said = "Deprecated: renamed to `acme.router.open`. Since 1.2."
    assert said in (generated(tmp_path, text) / "router.py").read_text()
    assert said in (tmp_path / "instruments/reference.md").read_text()


def test_a_break_with_the_last_release_fails_the_check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of our own registry, in `make check`."""
    listed = tmp_path / "registry.released.yaml"
    listed.write_text("version: 0.0.9\nmetrics:\n- {name: trading.risk.gone, instrument: counter, unit: '1'}\n")
    monkeypatch.setattr(generate, "OURS", tmp_path / "registry")
    monkeypatch.setattr(generate, "_first_release", lambda *_: {})
    assert 1 == generate.main(["--check"])
    assert "registry.released.yaml:3: metrics[0].name: must still be there; was removed: 'trading.risk.gone'." in (
        capsys.readouterr().err
    )
