"""Reads an OpenTelemetry declarative configuration file (schema 1.1) and finds every mistake with its line.

The package opentelemetry-configuration carries the schema and the models; its loader stops at the first mistake,
knows no lines and lets misspelt top-level keys pass, so the YAML nodes are walked here.

Plain scalars are read by the core schema of YAML 1.2, as the specification asks; see `ground/yaml_core.py`.
"""

from __future__ import annotations

import difflib
import json
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
from otel_trading.ground import values
from otel_trading.ground.errors import ConfigurationError, Problem
from otel_trading.ground.yaml_core import CORE, TAG, CoreLoader

NODE = "otel_trading"
_REFERENCE = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}\n]*))?\}|(\$\{[^}\n]*\}?)")
_MOST_LEVELS = 100
_SURROGATES = re.compile("[\ud800-\udfff]")
_PROVIDERS = ("tracer_provider", "meter_provider", "logger_provider")


def load(
    path: str | os.PathLike[str], environment: Mapping[str, str], problems: list[Problem], warnings: list[str]
) -> ConfigFile:
    """Reads and checks one file.

    Args:
        path: a YAML or JSON file.
        environment: what `${NAME}` refers to.
        problems: mistakes are added here; the rest of the file is still read.
        warnings: things to say that are no mistake.

    Raises:
        ConfigurationError: if `path` is no path, or the file cannot be read or is no YAML mapping, so that nothing
            else can be checked.
    """
    name = _path(path)
    data, lines = _parsed(name, _text(name), environment, problems)
    if not isinstance(data, dict):
        raise _unusable(name, "a YAML mapping", type(data).__name__, 'Begin with file_format: "1.1".')
    file = ConfigFile(name, None, data, (), lines)
    try:
        problems += schema_problems(file)
    except RecursionError:  # levels that aliases put together
        raise _too_deep(name) from None
    own = _own_node(file, problems, warnings)
    if problems:
        return ConfigFile(name, None, data, own, lines)
    if not any(data.get(section) is not None for section in _PROVIDERS):
        warnings.append(
            f"{name} configures no tracer_provider, meter_provider or logger_provider, so nothing is sent: with a "
            "file an omitted section is a no-op, and OTEL_* variables count only through ${NAME:-default}."
        )
    return ConfigFile(name, sdk.configuration_model(data), data, own, lines)


def _path(path: Any) -> str:
    try:
        name = os.fspath(path)
    except Exception:
        name = None
    if isinstance(name, str) and name and "\0" not in name:
        return name
    advice = "Give the path of a YAML or JSON file as text or as a pathlib.Path."
    shown = repr(path) if isinstance(path, str | bytes) else values.text(path)
    raise ConfigurationError([Problem("config_file", "argument", "a path", shown, advice)])


def _text(name: str) -> str:
    """The file's text; in JSON, whose tabs all stand between tokens, as YAML can read it."""
    try:
        text = Path(name).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _unusable(name, "a readable file", error.strerror or "unreadable", "Check the path.") from error
    except ValueError:  # a UnicodeDecodeError
        raise _unusable(name, "UTF-8 text", "other bytes", "Save it as UTF-8.") from None
    if not text.lstrip().startswith("{"):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text.replace("\t", " ")


def _unusable(name: str, rule: str, value: str, advice: str, line: int | None = None) -> ConfigurationError:
    source = name if line is None else f"{Path(name).name}:{line}"
    return ConfigurationError([Problem("config_file", source, rule, value, advice)])


def _too_deep(name: str, line: int | None = None) -> ConfigurationError:
    return _unusable(name, f"at most {_MOST_LEVELS} levels deep", "deeper", "Check brackets and indentation.", line)


def _parsed(
    name: str, text: str, environment: Mapping[str, str], problems: list[Problem]
) -> tuple[Any, dict[YamlPath, int]]:
    """The data with references substituted, and the line of each path."""
    loader: CoreLoader | None = None
    rule, advice = "valid YAML", "Mend the syntax at that line."
    try:
        loader = CoreLoader(text)
        root = loader.get_single_node()
        if root is None:
            raise _unusable(name, "a YAML mapping", "empty", 'Begin with file_format: "1.1".')
        lines: dict[YamlPath, int] = {}
        _walk(root, (), lines, _Substitution(name, environment, loader, problems), {})
        return loader.construct_document(root), lines
    except ConfigurationError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _unusable(name, rule, str(error.problem), advice, mark.line + 1 if mark else 1) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        value = f"the character U+{ord(text[error.position]):04X}"
        raise _unusable(name, rule, value, "Remove it, or escape it in double quotes.", line) from None
    except RecursionError:
        raise _too_deep(name, None if loader is None else loader.get_mark().line + 1) from None
    except Exception as error:  # whatever else a parser may think of; a file must not end init() with a traceback
        line = 1 if loader is None else loader.get_mark().line + 1
        raise _unusable(name, rule, f"{type(error).__name__}: {error}", advice, line) from None


@dataclass(frozen=True)
class _Substitution:
    """Replaces `${NAME}` and `${NAME:-default}` in one scalar after parsing, as the specification says."""

    name: str
    environment: Mapping[str, str]
    loader: CoreLoader
    problems: list[Problem]

    def apply(self, node: yaml.ScalarNode, path: YamlPath) -> None:
        if node.tag != TAG + "str" or "$" not in node.value:
            return
        raw = node.value
        parts = raw.split("$$")  # the escape comes first: no reference reaches over it
        last = len(parts) - 1
        node.value = "$".join(self._replaced(part, node, path, number == last) for number, part in enumerate(parts))
        whole = _REFERENCE.fullmatch(raw) if last == 0 else None
        if node.style is None and whole and whole.group(1):
            # only a bare, unquoted reference changes its type with the value it stands for
            loader: Any = self.loader
            node.tag = loader.resolve(yaml.ScalarNode, node.value, (True, False))

    def repeated(self, key: yaml.Node, path: YamlPath) -> None:
        """Notes a key that stands twice, of which YAML would silently take the last."""
        source = f"{Path(self.name).name}:{key.start_mark.line + 1}"
        self.problems.append(Problem(dotted(path), source, "there once", "repeated", "Keep one of them."))

    def _replaced(self, part: str, node: yaml.ScalarNode, path: YamlPath, last: bool) -> str:
        def replace(match: re.Match[str]) -> str:
            if not match.group(3):
                return self.environment.get(match.group(1)) or match.group(2) or ""
            if not last and not match.group(3).endswith("}"):
                return match.group(3)  # its end is beyond an escape, so it is no reference
            source = f"{Path(self.name).name}:{node.start_mark.line + 1}"
            advice = "Write ${NAME} or ${NAME:-default}; a dollar sign itself is $$."
            self.problems.append(Problem(dotted(path), source, "a valid reference", repr(match.group(3)), advice))
            return ""

        return _REFERENCE.sub(replace, part)


def _walk(
    node: yaml.Node, path: YamlPath, lines: dict[YamlPath, int], put: _Substitution, seen: dict[int, bool]
) -> None:
    """Notes lines, substitutes and joins surrogates; `seen` is True by id for nodes around this one."""
    lines[path] = node.start_mark.line + 1
    if len(path) > _MOST_LEVELS:
        raise _too_deep(put.name, node.start_mark.line + 1)
    if id(node) in seen:  # an alias: substituted where the anchor stands
        if seen[id(node)]:
            raise yaml.constructor.ConstructorError(None, None, "an alias inside of its own anchor", node.start_mark)
        return
    seen[id(node)] = True
    if isinstance(node, yaml.ScalarNode):
        _join_surrogates(node)
        put.apply(node, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*path, index), lines, put, seen)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _key(key)
            if (*path, str(key.value)) in lines and key.value != "<<":
                put.repeated(key, (*path, str(key.value)))
            _walk(value, (*path, str(key.value)), lines, put, seen)
            lines[(*path, str(key.value))] = key.start_mark.line + 1
    seen[id(node)] = False


def _key(key: yaml.Node) -> None:
    """Makes keys such as `on: `, `1:` and `null:` text, as they are in the data model."""
    if isinstance(key, yaml.ScalarNode):
        _join_surrogates(key)
        if key.tag.removeprefix(TAG) in CORE:
            key.tag = TAG + "str"


def _join_surrogates(node: yaml.ScalarNode) -> None:
    """JSON writes a character beyond U+FFFF as a pair of escapes, which YAML reads as two."""
    if _SURROGATES.search(node.value):
        node.value = node.value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


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
