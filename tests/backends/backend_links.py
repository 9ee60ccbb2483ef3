"""The links that Jaeger's page makes of `linkPatterns`, made again: names are filled in, written as an address wants."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

Pattern = dict[str, Any]
Link = tuple[str, str]


def links_of_a_trace(patterns: list[Pattern], trace: dict[str, Any]) -> list[Link]:
    """Text and address of the links at the head of a trace; it must be one."""
    [pattern] = [one for one in patterns if one["type"] == "traces"]
    return [(pattern["text"], _filled(pattern["url"], _facts(trace)))]


def links_of_a_span(patterns: list[Pattern], trace: dict[str, Any], span: dict[str, Any]) -> list[Link]:
    """The links at the tags of a span and of its process, in the order of the patterns' types."""
    found = []
    process = trace["processes"][span["processID"]]
    for kind, tags in (("tags", span["tags"]), ("process", process["tags"])):
        values = {tag["key"]: tag["value"] for tag in tags}
        known = {**values, **{f"trace.{name}": value for name, value in _facts(trace).items()}}
        found += [
            (one["text"], _filled(one["url"], known))
            for one in patterns
            if one["type"] == kind and one["key"] in values
        ]
    return found


def _facts(trace: dict[str, Any]) -> dict[str, Any]:
    """What Jaeger's page knows of a trace; times are microseconds."""
    begin = min([span["startTime"] for span in trace["spans"]])
    end = max([span["startTime"] + span["duration"] for span in trace["spans"]])
    return {"traceID": trace["traceID"], "startTime": begin, "endTime": end, "duration": end - begin}


def _filled(template: str, known: dict[str, Any]) -> str:
    return re.sub(r"#\{([^}]+)\}", lambda part: quote(str(_value(part[1], known)), safe="-_.!~*'()"), template)


def _value(expression: str, known: dict[str, Any]) -> Any:
    name, *steps = [part.strip() for part in expression.split("|")]
    value = known[name]
    for step in steps:
        word, *arguments = step.split()
        match word:
            case "add":
                value += int(arguments[0])
            case "epoch_micros_to_date_iso":
                value = datetime.fromtimestamp(value / 1e6, UTC).isoformat(timespec="milliseconds")
            case _:
                raise AssertionError(f"Jaeger knows no {word}")
    return value
