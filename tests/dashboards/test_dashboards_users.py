"""The dashboard of a user's own registry: a row an area, panels by kind of instrument, units, a missing extra."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from support.registries import EMPTY_BASE, ROUTER, placed, read_text

from otel_trading.catalogue import dashboards, generate
from otel_trading.catalogue.dashboards import extra
from otel_trading.catalogue.dashboards.grafana import JSONEncoder
from otel_trading.catalogue.dashboards.grafana import dashboard as models
from otel_trading.catalogue.dashboards.of_registry import dashboard
from otel_trading.catalogue.dashboards.units import per_second, scaled, unit
from otel_trading.catalogue.reading import read
from otel_trading.cli.main import main

MINE = """\
file_format: definition/2
metrics:
  - {name: acme.cost, instrument: counter, unit: USD, stability: development, brief: What it costs.}
"""
OLD = """\
file_format: definition/2
metrics:
  - name: acme.gone
    instrument: gauge
    unit: "1"
    stability: development
    brief: Gone.
    deprecated: {reason: obsoleted, note: Nobody read it.}
"""


def written(directory: Path, **more: str) -> dict[str, Any]:
    [(path, text)] = dashboards.files_of_users(read_text(directory, **more), Path("out")).items()
    assert Path("out/dashboard.json") == path
    found: dict[str, Any] = json.loads(text)
    return found


def test_each_kind_of_instrument_has_its_panel(tmp_path: Path) -> None:
    """Rates of a counter by its attributes, quantiles and buckets of a histogram, values of the rest."""
    panels = {panel["title"]: panel for panel in written(tmp_path)["panels"]}
    asked = {title: [one["expr"] for one in panel.get("targets") or []] for title, panel in panels.items()}
    window = "$__rate_interval"
    buckets = f"acme_router_wait_duration_seconds_bucket[{window}]"
    assert asked == {
        "router": [],
        "acme.router.held": [f"sum by (acme_router_reason, acme_venue) (rate(acme_router_held_total[{window}]))"],
        "acme.router.wait.duration": [
            f"histogram_quantile({of}, sum by (le) (rate({buckets})))" for of in ("0.5", "0.95", "0.99")
        ],
        "acme.router.wait.duration: buckets": [f"sum by (le) (increase({buckets}))"],
        "acme.router.open": ["acme_router_open"],
        "acme.router.state": ["acme_router_state_ratio"],
    }
    shown = {
        title: (panel["type"], panel["fieldConfig"]["defaults"]["unit"])
        for title, panel in panels.items()
        if "fieldConfig" in panel
    }
    assert shown == {
        "acme.router.held": ("timeseries", "cps"),
        "acme.router.wait.duration": ("timeseries", "s"),
        "acme.router.wait.duration: buckets": ("heatmap", "s"),
        "acme.router.open": ("timeseries", "short"),
        "acme.router.state": ("timeseries", "none"),
    }
    [held] = panels["acme.router.held"]["targets"]
    assert "{{acme_router_reason}} {{acme_venue}}" == held["legendFormat"]
    assert "Orders that were held. Series: `acme_router_held_total`." == panels["acme.router.held"]["description"]


def test_each_area_has_its_row(tmp_path: Path) -> None:
    """In the order of their names; one of deprecated metrics alone has none."""
    document = written(tmp_path, costs=MINE, old=OLD)
    assert ["costs", "router"] == [panel["title"] for panel in document["panels"] if panel["type"] == "row"]
    assert ("acme_desk", "Acme desk") == (document["uid"], document["title"])
    assert document == json.loads(json.dumps(models.Dashboard.from_json(document), cls=JSONEncoder))


def test_a_registry_without_metrics_has_no_dashboard(tmp_path: Path) -> None:
    """There is nothing to show."""
    router = ROUTER[: ROUTER.index("metrics:")]
    assert {} == dashboards.files_of_users(read_text(tmp_path, router), tmp_path)


def test_names_are_short_enough_for_grafana(tmp_path: Path) -> None:
    """An uid has 40 characters at most."""
    manifest = f"schema_url: https://example.com/schemas/{'a' * 60}.b/1.0.0\n"
    board = dashboard(read(placed(tmp_path, manifest=manifest), EMPTY_BASE))
    assert "a" * 40 == board.uid


def test_units_are_ones_that_grafana_knows() -> None:
    """Those that the SDK lists, and free text behind a number."""
    source = Path(models.__file__ or "").with_name("units.py").read_text(encoding="utf-8")
    for ucum in ("s", "ms", "us", "ns", "min", "h", "d", "By", "KiBy", "MiBy", "GiBy", "TiBy", "kBy", "MBy", "GBy", "TBy", "bit",
                 "By/s", "bit/s", "Hz", "%", "1", "Cel", "m", "g", "W", "J", "V", "A", "USD", "EUR", "GBP", "JPY", "CHF", "BTC"):  # fmt: skip
        assert f'= "{unit(ucum)}"' in source, ucum
    for shown in (
        unit("{order}"),
        unit("{order}/s"),
        unit("1", "a.utilization"),
        per_second("By"),
        per_second("{order}"),
        per_second("1"),
    ):
        assert f'= "{shown}"' in source, shown


@pytest.mark.parametrize(
    ("ucum", "name", "shown"),
    [
        ("us", "", "µs"),
        ("{order}", "", "short"),
        ("{order}/s", "", "cps"),
        ("{bps}", "", "suffix: bps"),
        ("1", "trading.queue.utilization", "percentunit"),
        ("1", "trading.risk.kill_switch.state", "none"),
        ("USD", "", "currencyUSD"),
        ("SEK", "", "suffix: SEK"),
        ("kW", "", "suffix: kW"),
    ],
)
def test_units_are_translated(ucum: str, name: str, shown: str) -> None:
    """From UCUM; a number without unit is a share if its name says so."""
    assert shown == unit(ucum, name)


def test_rates_and_scales_have_units_of_their_own() -> None:
    """Bytes a second, dollars a second; a second that was multiplied by a thousand million is in ns."""
    assert ("binBps", "suffix: USD/s", "cps") == (per_second("By"), per_second("USD"), per_second("{order}"))
    assert ("ns", "us", "ms", "%", "MBy", "s") == (
        scaled("s", 1e9), scaled("s", 1e6), scaled("s", 1e3), scaled("1", 100), scaled("By", 1e-6), scaled("s", 1),
    )  # fmt: skip


@pytest.fixture
def without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grafana_foundation_sdk", None)


@pytest.mark.usefixtures("without_the_extra")
def test_without_the_extra_the_rest_is_written_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What to install, once; exit code 0, also with --check, and a dashboard that is there stays."""
    said = (
        "otel-trading generate: dashboards are left out: grafana-foundation-sdk is not installed. "
        "Run: pip install 'otel-trading[dashboards]'\n"
    )
    registry = placed(tmp_path)
    (tmp_path / "instruments").mkdir()
    (tmp_path / "instruments/dashboard.json").write_text("{}\n")
    assert 0 == main(["generate", str(registry)])
    assert said == capsys.readouterr().err
    assert (tmp_path / "instruments/router.py").exists()
    assert 0 == main(["generate", str(registry), "--check"])
    assert ("everything is current\n", said) == capsys.readouterr()
    assert 0 == main(["generate", str(registry), "--json"])
    assert said.removeprefix("otel-trading generate: ") == json.loads(capsys.readouterr().out)["note"] + "\n"
    assert "{}\n" == (tmp_path / "instruments/dashboard.json").read_text()


@pytest.mark.usefixtures("without_the_extra")
def test_our_own_files_are_checked_without_the_extra(capsys: pytest.CaptureFixture[str]) -> None:
    """All but the dashboards."""
    assert 0 == generate.main(["--check"])
    assert f"{extra.missing()}\n" == capsys.readouterr().err
    assert "dashboards" in extra.missing()


def test_a_json_that_somebody_wrote_is_not_written_over(tmp_path: Path) -> None:
    """As for every other file."""
    registry, out = placed(tmp_path), tmp_path / "desk"
    files = generate.of_users(read(registry, EMPTY_BASE), registry, out)
    out.mkdir()
    (out / "dashboard.json").write_text('{"title": "mine"}\n')
    with pytest.raises(generate.NotGenerated, match=r"desk/dashboard\.json"):
        generate.write(tmp_path, files, check=False)
    (out / "dashboard.json").unlink()
    generate.write(tmp_path, files, check=False)
    assert generate.Outcome((), ()) == generate.write(tmp_path, files, check=False)
