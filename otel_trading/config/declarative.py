"""Reads an OpenTelemetry declarative configuration file (schema 1.1) and finds every mistake with its line.

The package opentelemetry-configuration carries the schema and the models; its loader stops at the first mistake,
knows no lines and lets misspelt top-level keys pass, so the YAML nodes are walked here.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from otel_trading import sdk
from otel_trading.config.config_file import ConfigFile, Entry, YamlPath, dotted
from otel_trading.config.explain import schema_problems, unknown_key
from otel_trading.ground.errors import ConfigurationError, Problem

NODE = "otel_trading"
_REFERENCE = re.compile(r"\$\$|\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}\n]*))?\}|(\$\{[^}\n]*\}?)")
_PROVIDERS = ("tracer_provider", "meter_provider", "logger_provider")


def load(
    path: str | os.PathLike[str], environment: Mapping[str, str], problems: list[Problem], warnings: list[str]
) -> ConfigFile:
    """Reads and checks one file.

    Args:
        path: a YAML or JSON file (JSON is YAML).
        environment: what `${NAME}` refers to.
        problems: mistakes are added here; the rest of the file is still read.
        warnings: things to say that are no mistake.

    Raises:
        ConfigurationError: if the file cannot be read or is no YAML mapping, so that nothing else can be checked.
    """
    name = os.fspath(path)
    root, lines = _nodes(name, environment, problems)
    data = _Loader("").construct_document(root)
    if not isinstance(data, dict):
        raise _unusable(name, "a YAML mapping", type(data).__name__, 'Begin with file_format: "1.1".')
    file = ConfigFile(name, None, data, (), lines)
    problems += schema_problems(file)
    own = _own_node(file, problems, warnings)
    if problems:
        return ConfigFile(name, None, data, own, lines)
    if not any(data.get(section) is not None for section in _PROVIDERS):
        warnings.append(
            f"{name} configures no tracer_provider, meter_provider or logger_provider, so nothing is sent: with a "
            "file an omitted section is a no-op, and OTEL_* variables count only through ${NAME:-default}."
        )
    return ConfigFile(name, sdk.configuration_model(data), data, own, lines)


class _Loader(yaml.SafeLoader):
    """SafeLoader under a name of our own, so that nobody else's constructors are changed."""


def _unusable(name: str, rule: str, value: str, advice: str) -> ConfigurationError:
    return ConfigurationError([Problem("config_file", name, rule, value, advice)])


def _nodes(name: str, environment: Mapping[str, str], problems: list[Problem]) -> tuple[yaml.Node, dict[YamlPath, int]]:
    """The composed tree with references substituted, and the line of each path."""
    try:
        text = Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise _unusable(name, "a readable file", error.strerror or "unreadable", "Check the path.") from error
    except UnicodeDecodeError:
        raise _unusable(name, "UTF-8 text", "other bytes", "Save it as UTF-8.") from None
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            raise _unusable(name, "a YAML mapping", "empty", 'Begin with file_format: "1.1".')
        lines: dict[YamlPath, int] = {}
        _walk(root, (), lines, _Substitution(name, environment, loader, problems), set())
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        source = f"{Path(name).name}:{line}"
        rule, advice = "valid YAML", "Mend the syntax at that line."
        raise ConfigurationError([Problem("config_file", source, rule, str(error.problem), advice)]) from None
    return root, lines


@dataclass(frozen=True)
class _Substitution:
    """Replaces `${NAME}` and `${NAME:-default}` in one scalar after parsing, as the specification says."""

    name: str
    environment: Mapping[str, str]
    loader: _Loader
    problems: list[Problem]

    def apply(self, node: yaml.ScalarNode, path: YamlPath) -> None:
        if node.tag != "tag:yaml.org,2002:str" or "$" not in node.value:
            return
        raw = node.value
        node.value = _REFERENCE.sub(lambda match: self._replace(match, node, path), raw)
        whole = _REFERENCE.fullmatch(raw)
        if node.style is None and whole and whole.group(1):
            # only a bare, unquoted reference changes its type with the value it stands for
            loader: Any = self.loader
            node.tag = loader.resolve(yaml.ScalarNode, node.value, (True, False))

    def repeated(self, key: yaml.Node, path: YamlPath) -> None:
        """Notes a key that stands twice, of which YAML would silently take the last."""
        source = f"{Path(self.name).name}:{key.start_mark.line + 1}"
        self.problems.append(Problem(dotted(path), source, "there once", "repeated", "Keep one of them."))

    def _replace(self, match: re.Match[str], node: yaml.ScalarNode, path: YamlPath) -> str:
        if match.group(0) == "$$":
            return "$"
        if match.group(3):
            source = f"{Path(self.name).name}:{node.start_mark.line + 1}"
            advice = "Write ${NAME} or ${NAME:-default}; a dollar sign itself is $$."
            problem = Problem(dotted(path), source, "a valid reference", repr(match.group(3)), advice)
            self.problems.append(problem)
            return ""
        value = self.environment.get(match.group(1)) or ""
        return value or (match.group(2) or "")


def _walk(node: yaml.Node, path: YamlPath, lines: dict[YamlPath, int], put: _Substitution, seen: set[int]) -> None:
    lines[path] = node.start_mark.line + 1
    if id(node) in seen:  # an alias: substituted where the anchor stands, and a cycle ends here
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        put.apply(node, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*path, index), lines, put, seen)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if (*path, str(key.value)) in lines and key.value != "<<":
                put.repeated(key, (*path, str(key.value)))
            _walk(value, (*path, str(key.value)), lines, put, seen)
            lines[(*path, str(key.value))] = key.start_mark.line + 1


def _own_node(file: ConfigFile, problems: list[Problem], warnings: list[str]) -> tuple[Entry, ...]:
    distribution = file.data.get("distribution")
    if not isinstance(distribution, Mapping):
        return ()
    for other in distribution:
        if other != NODE and difflib.get_close_matches(str(other), [NODE], n=1):
            problems.append(unknown_key(file, ("distribution", str(other)), [NODE]))
        elif other != NODE:
            warnings.append(f"{file.source('distribution', str(other))}: '{other}' is another distribution's; ignored.")
    node = distribution.get(NODE)
    if not isinstance(node, Mapping):
        return ()
    return tuple(Entry(str(key), value, file.source("distribution", NODE, str(key))) for key, value in node.items())
