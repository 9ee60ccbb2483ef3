"""One event as one line: JSON for machines, colours for a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from otel_trading.ground import values
from otel_trading.ground.values import AttributeValue
from otel_trading.logs.event import Event
from otel_trading.logs.levels import DEBUG, ERROR, INFO, WARNING

Render = Callable[[Event], bytes]
"""Turns an event into the bytes of its line, with the line end."""


def json_lines(service: str) -> Render:
    """Returns the renderer of JSON lines: fixed fields first, absent where there is no span, then the key-values."""

    def json_line(event: Event) -> bytes:
        line: dict[str, AttributeValue] = {
            "timestamp": rfc3339(event.time_ns),
            "level": event.level.name,
            "event": event.text,
            "logger": event.logger,
            "service": service,
        }
        if event.trace_id:
            line["trace_id"] = event.trace_id
            line["span_id"] = event.span_id
        for name, value in event.fields.items():
            line[name] = values.plain_json(name, value)
        rendered = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        return rendered if rendered.isascii() else _without_line_separators(rendered)

    return json_line


def _without_line_separators(line: bytes) -> bytes:
    """Spells out the three characters that JSON allows in a text and that readers such as `splitlines` split at."""
    line = line.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return line.replace(b"\xc2\x85", b"\\u0085")


def rfc3339(time_ns: int) -> str:
    """Returns UTC with all nine digits: `2024-08-08T23:54:15.030314667Z`. A float would lose the last three."""
    seconds, fraction = divmod(time_ns, 1_000_000_000)
    return f"{_to_the_second(seconds)}.{fraction:09d}Z"


@lru_cache(maxsize=4)
def _to_the_second(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError, OSError):  # before the year 1 or after 9999
        return "1970-01-01T00:00:00"


_COLOURS = ((ERROR.number, "31"), (WARNING.number, "33"), (INFO.number, "32"), (DEBUG.number, "36"), (0, "90"))
_PLAIN = re.compile(r"[\w.,:/+\-\[\]@%…]+\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def console_lines(colours: bool) -> Render:
    """Returns the renderer for people: time of day, level, event, key-values, logger, start of the trace id.

    Control characters are spelt out, so that no value can move the cursor or repaint the terminal.
    """

    def paint(code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if colours and text else text

    def console_line(event: Event) -> bytes:
        colour = next(code for number, code in _COLOURS if event.level.number >= number)
        fields = dict(event.fields)
        stacks = [fields.pop(name) for name in ("stack", "exception.stacktrace") if name in fields]
        if stacks:
            fields.pop("exception.type", None)
            fields.pop("exception.message", None)
        pairs = [f"{paint('36', _one_line(name))}={_shown(name, value)}" for name, value in fields.items()]
        words = [
            paint("90", rfc3339(event.time_ns)[11:26]),
            paint(colour, f"{event.level.name:<8}"),
            paint("1", _one_line(event.text)),
            *pairs,
            paint("90", _one_line(event.logger)),
            paint("90", f"trace={event.trace_id[:8]}" if event.trace_id else ""),
        ]
        line = " ".join(word for word in words if word)
        for stack in stacks:
            line += "\n" + _without_control(str(stack).rstrip("\n"))
        return (line + "\n").encode("utf-8", "backslashreplace")

    return console_line


def _shown(name: str, value: AttributeValue) -> str:
    plain = values.plain_json(name, value)
    if isinstance(plain, str) and _PLAIN.match(plain):
        return plain
    return _without_control(orjson.dumps(plain).decode())


def _one_line(text: str) -> str:
    return _without_control(text.replace("\n", "\\n"))


def _without_control(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
