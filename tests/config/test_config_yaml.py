"""How the text of a declarative file is read: YAML 1.2's core schema, JSON, references, and files that break parsers."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

import otel_trading as ot
from otel_trading.config.config_file import ConfigFile
from otel_trading.config.declarative import load
from otel_trading.config.resolve import resolve
from otel_trading.ground.errors import ConfigurationError

HEAD = 'file_format: "1.1"\n'


def file_of(tmp_path: Path, text: str | bytes, **environment: str) -> ConfigFile:
    path = tmp_path / "otel.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    problems: list[Any] = []
    return load(path, environment, problems, [])


def value_of(tmp_path: Path, text: str, **environment: str) -> Any:
    return file_of(tmp_path, f"{HEAD}key: {text}\n", **environment).data["key"]


def refusal(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "otel.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError) as raised:
        resolve({}, path, {})
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resource: !foo\n", "(from otel.yaml:2) must be valid YAML; was could not determine a constructor"),
        ("resource: !!python/object:os.system\n", "(from otel.yaml:2) must be valid YAML; was could not determine"),
        ("resource: !!timestamp 2026-01-01\n", "(from otel.yaml:2) must be valid YAML; was could not determine"),
        ("resource:\n  a: \x01\n", "(from otel.yaml:3) must be valid YAML; was the character U+0001. Remove it"),
        ("disabled: !!int abc\n", "(from otel.yaml:2) must be valid YAML; was 'abc' is no int."),
        ("disabled: !!bool yes\n", "(from otel.yaml:2) must be valid YAML; was 'yes' is no bool."),
        ("disabled: !!float\n", "(from otel.yaml:2) must be valid YAML; was '' is no float."),
        ("resource:\n  <<: 3\n", "(from otel.yaml:3) must be valid YAML; was expected a mapping"),
        ("? [a, b]\n: 1\n", "(from otel.yaml:2) must be valid YAML; was found unhashable key"),
        ("a: &a [*a]\n", "(from otel.yaml:2) must be valid YAML; was an alias inside of its own anchor."),
        ("a: " + "[" * 3_000 + "]" * 3_000 + "\n", "(from otel.yaml:2) must be at most 100 levels deep; was deeper."),
        ("a: " + "[" * 120 + "]" * 120 + "\n", "(from otel.yaml:2) must be at most 100 levels deep; was deeper."),
        ("a: " + "9" * 5_000 + "\n", "(from otel.yaml:3) must be valid YAML; was ValueError: Exceeds the limit"),
        ("a: *nobody\n", "(from otel.yaml:2) must be valid YAML; was found undefined alias 'nobody'."),
        ("resource: !!map [a]\n", "(from otel.yaml:2) must be valid YAML; was expected a mapping node"),
    ],
)
def test_a_file_that_breaks_the_parser_is_a_mistake_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """Never a ConstructorError, ReaderError, ValueError, TypeError or RecursionError of somebody's code."""
    assert message in refusal(tmp_path, HEAD + text)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    """Latin-1, and UTF-16 without a mark."""
    assert "must be UTF-8 text; was other bytes" in refusal(tmp_path, b"a: \xff\xfe\n")
    assert "was the character U+0000" in refusal(tmp_path, b"a\0: b\0\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("010", 10),
        ("0o17", 15),
        ("0xFf", 255),
        ("-12", -12),
        ("+12", 12),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("True", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("12:30:45", "12:30:45"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00Z"),
        ("1e-3", 0.001),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5E+3", -1500.0),
        ("-.inf", -math.inf),
        ("inf", "inf"),
        ("1.2.3", "1.2.3"),
        ("~", None),
        ("Null", None),
        ("", None),
        ("none", "none"),
        ("=", "="),
        ("<<", "<<"),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("!!float 1", 1.0),
    ],
)
def test_plain_scalars_follow_the_core_schema_of_yaml_1_2(tmp_path: Path, text: str, expected: object) -> None:
    """Type and value; a reference to a variable with this text means the same."""
    read = value_of(tmp_path, text)
    assert (type(expected), expected) == (type(read), read)
    if text and text[0] not in "'!":
        read = value_of(tmp_path, "${A}", A=text)
        assert (type(expected), expected) == (type(read), read)


def test_not_a_number_is_read(tmp_path: Path) -> None:
    """It equals nothing."""
    assert math.isnan(value_of(tmp_path, ".NaN"))


def test_keys_are_text(tmp_path: Path) -> None:
    """`on`, a number and null, too: the data model has no others."""
    assert {"on": 1, "1": 2, "null": 3, "true": 4} == value_of(tmp_path, "{on: 1, 1: 2, null: 3, true: 4}")
    assert "'1' (from otel.yaml:2) must be a known key" in refusal(tmp_path, HEAD + "1: x\n")


def test_merge_keys_and_aliases_work(tmp_path: Path) -> None:
    """Files of before 1.2 use them."""
    read = file_of(tmp_path, HEAD + "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: [*a, *a]\n").data
    assert ({"x": 1, "y": 3}, [{"x": 1, "y": 2}] * 2) == (read["b"], read["c"])


def test_pyyaml_of_the_application_is_left_alone() -> None:
    """Resolvers and constructors are ours only."""
    read = yaml.safe_load("{a: yes, b: 010, c: 2026-01-01}")
    assert (True, 8, "date") == (read["a"], read["b"], type(read["c"]).__name__)


def test_json_with_tabs_and_surrogate_pairs_is_read_with_lines(tmp_path: Path) -> None:
    """As an editor or `json.dumps` writes it."""
    document = {
        "file_format": "1.1",
        "resource": {"attributes": [{"name": "desk", "value": "\U0001f600 / a\tb é"}]},
        "\U0001f600": 1,
    }
    for text in (json.dumps(document, indent="\t"), "\ufeff" + json.dumps(document, indent="\t", ensure_ascii=False)):
        file = file_of(tmp_path, text)
        assert document == file.data
        assert "otel.yaml:7" == file.source("resource", "attributes", 0, "value")
    lone = file_of(tmp_path, '{"file_format": "1.1", "a": "\\ud83d"}')
    assert "\ufffd" == lone.data["a"]


@pytest.mark.parametrize("path", [5, b"otel.yaml", [None], "", "a\0b", object])
def test_a_config_file_that_is_no_path_is_refused(path: Any) -> None:
    """By `init()`, as a mistake of the argument."""
    with pytest.raises(ConfigurationError, match=r"'config_file' \(from argument\) must be a path; was .+\. Give"):
        ot.init("x", config_file=path)


SPECIFIED = {
    "STRING_VALUE": "value",
    "BOOL_VALUE": "true",
    "INT_VALUE": "1",
    "FLOAT_VALUE": "1.1",
    "HEX_VALUE": "0xdeadbeef",
    "INVALID_MAP_VALUE": "value\nkey:value",
    "DO_NOT_REPLACE_ME": "Never use this value",
    "REPLACE_ME": "${DO_NOT_REPLACE_ME}",
    "VALUE_WITH_ESCAPE": "value$$",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${STRING_VALUE}", "value"),
        ("${BOOL_VALUE}", True),
        ("${INT_VALUE}", 1),
        ("${FLOAT_VALUE}", 1.1),
        ("${HEX_VALUE}", 3735928559),
        ('"${INT_VALUE}"', "1"),
        ("${env:STRING_VALUE}", "value"),
        ("${INVALID_MAP_VALUE}", "value\nkey:value"),
        ("foo ${STRING_VALUE} ${FLOAT_VALUE}", "foo value 1.1"),
        ("${UNDEFINED_KEY}", None),
        ("${UNDEFINED_KEY:-fallback}", "fallback"),
        ("${REPLACE_ME}", "${DO_NOT_REPLACE_ME}"),
        ("${UNDEFINED_KEY:-${STRING_VALUE}}", "${STRING_VALUE}"),
        ("$${STRING_VALUE}", "${STRING_VALUE}"),
        ("$$${STRING_VALUE}", "$value"),
        ("$$$${STRING_VALUE}", "$${STRING_VALUE}"),
        ("$${STRING_VALUE:-fallback}", "${STRING_VALUE:-fallback}"),
        ("$${STRING_VALUE:-${STRING_VALUE}}", "${STRING_VALUE:-value}"),
        ("${UNDEFINED_KEY:-$${UNDEFINED_KEY}}", "${UNDEFINED_KEY:-${UNDEFINED_KEY}}"),
        ("${VALUE_WITH_ESCAPE}", "value$$"),
        ("a $$ b", "a $ b"),
        ("a $ b", "a $ b"),
    ],
)
def test_references_do_what_the_table_of_the_specification_says(tmp_path: Path, text: str, expected: object) -> None:
    """The escape splits first, then each part is substituted."""
    read = value_of(tmp_path, text, **SPECIFIED)
    assert (type(expected), expected) == (type(read), read)


def test_a_reference_that_never_ends_is_a_mistake(tmp_path: Path) -> None:
    """Unless its end is beyond an escape."""
    message = "'log_level' (from otel.yaml:2) must be a valid reference; was '${NAME'. Write ${NAME}"
    assert message in refusal(tmp_path, HEAD + "log_level: ${NAME\n")
    assert "'log_level' (from otel.yaml:2) must be a valid reference; was '${1}'" in refusal(
        tmp_path, HEAD + "log_level: a$$b${1}\n"
    )
