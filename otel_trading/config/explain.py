"""What is wrong with a declarative file, in words: each mistake with path, line, rule, value and what to write."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from otel_trading import sdk
from otel_trading.config.config_file import ConfigFile, YamlPath, dotted
from otel_trading.ground.errors import Problem

SUPPORTED_MAJOR = 1


def schema_problems(file: ConfigFile) -> list[Problem]:
    """Every mistake that the standard's schema, its versioning rules and the installed plugins tell, by line."""
    schema = sdk.configuration_schema()
    found = list(_top_level(file, schema)) + list(_version(file))
    for error in Draft202012Validator(schema).iter_errors(file.data):
        found += _explain(file, error)
    found += _plugins(file)
    return sorted(found, key=lambda problem: int(problem.source.rpartition(":")[2]))


def _top_level(file: ConfigFile, schema: Mapping[str, Any]) -> Iterator[Problem]:
    known = list(schema["properties"])
    for key in file.data:
        if key not in known:
            yield unknown_key(file, (str(key),), known)


def _version(file: ConfigFile) -> Iterator[Problem]:
    text = file.data.get("file_format")
    if not isinstance(text, str):
        return
    found = re.fullmatch(r"(\d+)\.(\d+)(-.*)?", text)
    if not found or int(found.group(1)) != SUPPORTED_MAJOR:
        advice = 'Write file_format: "1.1".'
        yield Problem("file_format", file.source("file_format"), "a version 1.x", repr(text), advice)


def unknown_key(file: ConfigFile, path: YamlPath, known: list[str]) -> Problem:
    """The mistake of a key that nobody knows, with the nearest known one."""
    near = difflib.get_close_matches(str(path[-1]), known, n=1)
    advice = f"Did you mean '{near[0]}'?" if near else f"Known here: {', '.join(known[:12])}."
    return Problem(dotted(path), file.source(*path), "a known key", "unknown", advice)


def _explain(file: ConfigFile, error: ValidationError) -> list[Problem]:
    """One schema error in our words; an error of a union is told by its most relevant branch."""
    while error.validator in ("anyOf", "oneOf") and error.context:
        error = max(error.context, key=lambda branch: len(branch.absolute_path))
    path: YamlPath = tuple(error.absolute_path)
    given: Any = error.instance
    asked: Any = error.validator_value
    known = list(error.schema.get("properties", ())) if isinstance(error.schema, Mapping) else []
    if error.validator == "additionalProperties":
        return [unknown_key(file, (*path, key), known) for key in given if key not in known]
    if error.validator == "required":
        key = next(key for key in asked if key not in given)
        return [Problem(dotted((*path, key)), file.source(*path), "present", "missing", f"Add '{key}:'.")]
    rule, advice = _rule(str(error.validator), asked, given, known) or (error.message, "See the standard's schema.")
    return [Problem(dotted(path) or "file", file.source(*path), rule, repr(given), advice)]


def _rule(validator: str, asked: Any, given: Any, known: Sequence[str]) -> tuple[str, str] | None:
    """Rule and advice of one schema keyword; None for one that the standard's schema does not use."""
    if validator == "type":
        words = [word for word in ([asked] if isinstance(asked, str) else asked) if word != "null"]
        names = {"integer": "an integer", "object": "a mapping", "array": "a list"}
        rule = " or ".join(names.get(word, f"a {word}") for word in words)
        plain = words[0] in ("integer", "number", "boolean")
        return rule, "Write it without quotes." if plain else "Check the nesting."
    if validator == "enum":
        choices = [str(word) for word in asked if word is not None]
        near = difflib.get_close_matches(str(given), choices, n=1)
        return f"one of {', '.join(choices)}", f"Did you mean '{near[0]}'?" if near else "Write one of these words."
    if validator in ("minimum", "exclusiveMinimum", "maximum"):
        bound = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}[validator]
        return f"{bound} {asked}", "Choose a value within the bounds."
    if validator == "minItems":
        return "not empty", "Add an entry, or leave the key out."
    if validator in ("minProperties", "maxProperties"):
        return "exactly one component" if known else "not empty", f"Known here: {', '.join(known)}."
    return None


def _plugins(file: ConfigFile) -> Iterator[Problem]:
    """Components that the schema lets pass because they might be plugins, and that nobody has installed."""
    for path, group, known in _component_places(file.data):
        name = str(path[-1])
        if name not in known and name not in sdk.entry_point_names(*group):
            yield unknown_key(file, path, [*known, *sorted(sdk.entry_point_names(*group))])


def _component_places(data: Mapping[str, Any]) -> Iterator[tuple[YamlPath, tuple[str, ...], list[str]]]:
    places = {
        "SpanExporter": ("opentelemetry_traces_exporter",),
        "PushMetricExporter": ("opentelemetry_metrics_exporter",),
        "LogRecordExporter": ("opentelemetry_logs_exporter",),
        "Sampler": ("opentelemetry_sampler", "opentelemetry_traces_sampler"),
    }
    definitions = sdk.configuration_schema()["$defs"]
    sections = (
        ("tracer_provider", "SpanExporter"),
        ("meter_provider", "PushMetricExporter"),
        ("logger_provider", "LogRecordExporter"),
    )
    for section, definition in sections:
        known = list(definitions[definition]["properties"])
        for path, mapping in _mappings_named("exporter", data.get(section), (section,)):
            if "pull" not in path:
                for key in mapping:
                    yield (*path, str(key)), places[definition], known
    known = list(definitions["Sampler"]["properties"])
    provider = data.get("tracer_provider")
    sampler = provider.get("sampler") if isinstance(provider, Mapping) else None
    for key in sampler if isinstance(sampler, Mapping) else ():
        yield ("tracer_provider", "sampler", str(key)), places["Sampler"], known


def _mappings_named(name: str, value: Any, path: YamlPath) -> Iterator[tuple[YamlPath, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == name and isinstance(item, Mapping):
                yield (*path, key), item
            yield from _mappings_named(name, item, (*path, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _mappings_named(name, item, (*path, index))
