"""Lines: JSON for machines, console for people; times and levels."""

# the house puts the expected value on the left

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context

from otel_trading.logs import levels, render
from otel_trading.logs.event import event_of
from otel_trading.logs.record import Record
from otel_trading.privacy.redaction import Redactor

REDACTOR = Redactor()
JSON = render.json_lines("risk")
TIME = 1723161255030314667


def event(text="x", failure=None, **fields):
    return event_of(Record(TIME, levels.ERROR, text, (), "a", fields, Context(), failure), REDACTOR)


@pytest.mark.parametrize(
    ("time_ns", "expected"),
    [
        (TIME, "2024-08-08T23:54:15.030314667Z"),
        (0, "1970-01-01T00:00:00.000000000Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (999_999_999, "1970-01-01T00:00:00.999999999Z"),
        (10**30, "1970-01-01T00:00:00.000000000Z"),
    ],
)
def test_times_are_exact_to_the_nanosecond(time_ns, expected):
    """All nine digits, before 1970 too; a time that no calendar has does not raise."""
    assert expected == render.rfc3339(time_ns)


@given(st.text(st.characters()), st.dictionaries(st.text(st.characters()), st.text(st.characters())))
def test_a_json_line_is_one_line_for_every_reader(text, fields):
    """Also for those that split at U+2028 or U+0085."""
    line = JSON(event(text, **{f"k{name}": value for name, value in fields.items()}))
    assert 1 == len(line.splitlines()) == len(line.decode().splitlines())
    assert line.endswith(b"\n")
    orjson.loads(line)


def test_a_console_line_is_for_people():
    """Time of day, level, event, key-values, logger; no colours unless asked for."""
    shown = render.console_lines(False)(event("order rejected", size=2, why="too big", latency_ns=5)).decode()
    assert '23:54:15.030314 error    order rejected size=2 why="too big" latency_ns=5 a\n' == shown
    assert "\x1b[31merror" in render.console_lines(True)(event()).decode()


def test_control_characters_cannot_reach_a_terminal():
    """No value moves the cursor or forges a line."""
    shown = render.console_lines(False)(event("a\x1b[2Jb\nc\x9b", **{"k\x07": "v\x1b[1m", "n": "x\ny"})).decode()
    assert "a\\x1b[2Jb\\nc\\x9b" in shown
    assert 1 == shown.count("\n")
    assert not any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in shown.rstrip("\n"))


def test_an_exception_follows_its_console_line():
    """The stack trace is readable, and its parts are not repeated as key-values."""
    error = ValueError("bad")
    shown = render.console_lines(False)(event(failure=(ValueError, error, None))).decode()
    assert "ValueError: bad" == shown.splitlines()[-1]
    assert "exception.type" not in shown


@pytest.mark.parametrize(
    ("number", "severity"),
    [(1, 1), (5, 1), (9, 1), (10, 5), (11, 6), (14, 8), (15, 8), (16, 8), (20, 9), (25, 12), (30, 13), (35, 16),
     (40, 17), (50, 21), (51, 22), (53, 24), (99, 24), (-5, 1)],
)  # fmt: skip
def test_numbers_between_the_standard_ones_keep_their_place(number, severity):
    """hummingbot has levels 14, 15 and 16."""
    assert SeverityNumber(severity) is levels.of(number).severity
    assert number == levels.of(number).number


@pytest.mark.parametrize(
    ("name", "number"), [("TRACE", 5), ("warn", 30), ("Fatal", 50), ("exception", 40), ("nope", 20)]
)
def test_names_of_any_case_are_levels(name, number):
    """And what is none is info."""
    assert number == levels.of(name).number
