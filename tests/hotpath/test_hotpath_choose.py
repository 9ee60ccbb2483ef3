"""Which engine runs."""

from __future__ import annotations

import sys

import pytest

from otel_trading.hotpath import EngineMissing, choose


@pytest.fixture
def _unbuilt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "otel_trading.hotpath._native", None)


def test_python_is_the_twin() -> None:
    """It is always there."""
    assert "python" == choose("python").NAME


@pytest.mark.usefixtures("_unbuilt")
def test_auto_falls_back_to_the_twin() -> None:
    """Without a compiler everything works, only slower."""
    assert "python" == choose().NAME


@pytest.mark.usefixtures("_unbuilt")
def test_native_that_is_wanted_and_missing_is_an_error() -> None:
    """Two sentences: the problem, and what to do."""
    with pytest.raises(EngineMissing, match="cannot be loaded .*Install otel-trading where a C compiler is"):
        choose("native")


def test_unknown_engine_is_rejected() -> None:
    """The message names the three."""
    with pytest.raises(ValueError, match="auto, native or python; was 'rust'"):
        choose("rust")  # type: ignore[arg-type]


def test_both_engines_have_the_same_names() -> None:
    """What one offers, the other does."""
    native = pytest.importorskip("otel_trading.hotpath._native")
    for name in choose("python").__all__:  # type: ignore[attr-defined]
        assert hasattr(native, name), name
    for kind in ("Cell", "Table", "Bounds"):
        twin = {name for name in dir(getattr(choose("python"), kind)) if not name.startswith("_")}
        assert twin == {name for name in dir(getattr(native, kind)) if not name.startswith("_")}
