"""Log lines, log records and redaction."""

from __future__ import annotations

from otel_trading.config.kinds import Choice, Flag, Patterns, Words
from otel_trading.config.knob import LEVELS, LIMIT, Knob
from otel_trading.config.table.batches import batches


def logs() -> list[Knob]:
    """The knobs of this group, in the order of the reference page."""
    group = "Logs"
    return [
        Knob(
            group,
            "stdout",
            Choice(("auto", "json", "console", "off")),
            "auto",
            "Form of log lines on standard output; auto is console on a terminal and JSON otherwise.",
            own_node=True,
        ),
        Knob(group, "log_level", LEVELS, "info", "Lowest level of log events that are kept.", own_node=True),
        Knob(
            group,
            "bridge_standard_library",
            Flag(),
            True,
            "Takes the standard library's log records along.",
            own_node=True,
        ),
        Knob(
            group,
            "redact_keys",
            Words(),
            (),
            "Further key names whose values are masked in spans, log records and log lines.",
            own_node=True,
        ),
        Knob(
            group,
            "redact_patterns",
            Patterns(),
            (),
            "Further regular expressions whose matches are masked in spans, log records and log lines.",
            own_node=True,
        ),
        Knob(
            group,
            "log_attribute_count_limit",
            LIMIT,
            128,
            "Attributes of a log record.",
            standard=("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"),
        ),
        Knob(
            group,
            "log_attribute_value_length_limit",
            LIMIT,
            None,
            "Length of a log attribute's text; without it no limit.",
            unit="characters",
            standard=("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
        ),
        *batches(group, "logs", "BLRP", 1.0),
    ]
