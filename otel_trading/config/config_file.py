"""A declarative configuration file that was read: its data, its models, and the line of every entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otel_trading.config.kinds import without_credentials
from otel_trading.ground.errors import ConfigurationError, Problem

YamlPath = tuple[str | int, ...]
"""Keys and list positions from the top of the file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of our own node: `distribution: otel_trading: <key>`."""

    key: str
    value: Any
    source: str


@dataclass(frozen=True)
class ConfigFile:
    """A file that passed every check.

    Attributes:
        path: as the user wrote it.
        model: `opentelemetry.configuration.models.OpenTelemetryConfiguration`.
        data: the parsed mapping after substitution.
        own_node: the keys of our node.
        lines: line number by path into `data`.
    """

    path: str
    model: Any
    data: Mapping[str, Any]
    own_node: tuple[Entry, ...]
    lines: Mapping[YamlPath, int]

    @property
    def disabled(self) -> bool | None:
        """The top-level `disabled`, None if absent."""
        value = self.data.get("disabled")
        return value if isinstance(value, bool) else None

    def source(self, *path: str | int) -> str:
        """`file:line` of a path, or of its nearest parent that has a line."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{Path(self.path).name}:{self.lines.get(path, 1)}"

    def cannot_serve(self, error: Exception, *path: str | int) -> ConfigurationError:
        """The error of a section that passed the schema and cannot be built here, such as a plugin that is missing."""
        advice = "Install the package that brings it, or change the section."
        rule = "something that the installed packages can serve"
        return ConfigurationError([Problem(dotted(path), self.source(*path), rule, str(error), advice)])

    def rows(self) -> list[dict[str, Any]]:
        """The scalar entries of the standard sections, for `otel-trading config`; header values are masked."""
        return [
            {"name": dotted(path), "value": _masked(path, value), "unit": "", "source": self.source(*path)}
            for path, value in _leaves(self.data)
            if path[:1] != ("distribution",)
        ]


def dotted(path: YamlPath) -> str:
    """`tracer_provider.processors[0].batch` from its parts."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _masked(path: YamlPath, value: Any) -> Any:
    if ("headers" in path and path[-1] == "value") or path[-1] == "headers_list":
        return "***"
    return without_credentials(value) if isinstance(value, str) else value


def _leaves(value: Any, path: YamlPath = ()) -> Iterator[tuple[YamlPath, Any]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value
