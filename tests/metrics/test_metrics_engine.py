"""Which engine records: chosen by a variable before anything is recorded, checked and told by init()."""

from __future__ import annotations

import pytest
from support import children

INIT = """
import otel_trading as ot
{before}
try:
    with ot.init("x", traces_exporter="none", metrics_exporter="none", logs_exporter="none"{more}):
        from otel_trading.metrics.engine import engine
        print(engine.NAME)
except ot.ConfigurationError as error:
    print(error)
"""
WITHOUT = """
import sys
sys.modules["otel_trading.hotpath._native"] = None
"""


@pytest.mark.parametrize(("wanted", "name"), [("auto", "native"), ("native", "native"), ("python", "python")])
def test_the_variable_chooses_and_init_says_which_engine_runs(wanted: str, name: str) -> None:
    """The native engine is there: the tests were installed where a compiler is."""
    ended = children.run(INIT.format(before="", more=""), OTEL_TRADING_HOTPATH=wanted)
    lines = {
        "native": "otel_trading: INFO: metrics are recorded by the native engine\n",
        "python": "otel_trading: INFO: metrics are recorded by the Python engine, as OTEL_TRADING_HOTPATH asks\n",
    }
    assert (ended.out, ended.engine, ended.err) == (f"{name}\n", lines[name], "")


def test_which_engine_runs_is_said_once_a_process() -> None:
    """However often it starts telemetry."""
    ended = children.run(2 * INIT.format(before="", more=""))
    assert ended.engine
    assert (ended.out.count("\n"), ended.err) == (2, "")


def test_which_engine_runs_is_not_told_where_nobody_wants_to_know() -> None:
    """The line is information, no warning."""
    ended = children.run(INIT.format(before="", more=', diagnostics_level="warning"'))
    assert ended.engine == ended.err == ""


def test_an_engine_that_is_missing_is_told_once_by_auto() -> None:
    """What to do stands beside it."""
    ended = children.run(WITHOUT + INIT.format(before="", more=""), OTEL_TRADING_HOTPATH="auto")
    assert ended.out == "python\n"
    assert ended.err.count("the native engine was not built, Python records metrics") == 1
    assert "set OTEL_TRADING_HOTPATH=python" in ended.err


@pytest.mark.parametrize(
    ("variable", "code", "said"),
    [
        ("native", WITHOUT, ["'hotpath' (from OTEL_TRADING_HOTPATH)", "Install otel-trading where a C compiler is"]),
        ("rust", "", ["'hotpath' (from OTEL_TRADING_HOTPATH)", "one of auto, native, python", "'rust'"]),
    ],
)
def test_an_engine_that_cannot_be_had_fails_at_init(variable: str, code: str, said: list[str]) -> None:
    """Knob, rule, value and fix."""
    ended = children.run(code + INIT.format(before="", more=""), OTEL_TRADING_HOTPATH=variable)
    assert [text for text in said if text not in ended.out] == []


def test_an_argument_cannot_change_the_engine_any_more() -> None:
    """Handles were made at import."""
    ended = children.run(INIT.format(before="", more=', hotpath="python"'), OTEL_TRADING_HOTPATH="native")
    assert "set OTEL_TRADING_HOTPATH=python before" in ended.out
