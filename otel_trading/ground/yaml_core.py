"""Plain scalars of YAML read by the core schema of YAML 1.2, and not as PyYAML does it.

`010` is ten; `yes`, `12:30:45` and dates are text; `1e-3` is a number. Merge keys (`<<`) work although YAML 1.2 dropped
them.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

TAG = "tag:yaml.org,2002:"
"""What the tags of the core schema begin with."""


class CoreLoader(yaml.SafeLoader):
    """Reads the core schema; under a name of our own, so that nobody else's resolvers are changed."""

    def construct_plain(self, node: Any) -> Any:
        """The value of a scalar whose tag is null, bool, int or float, written or resolved."""
        kind, text = node.tag.removeprefix(TAG), self.construct_scalar(node)
        if not CORE[kind][0].fullmatch(text) and not (kind == "float" and CORE["int"][0].fullmatch(text)):
            raise yaml.constructor.ConstructorError(None, None, f"{text!r} is no {kind}", node.start_mark)
        return None if kind == "null" else _VALUES[kind](text)


def _integer(text: str) -> int:
    return int(text[2:], {"0o": 8, "0x": 16}[text[:2]]) if text[:2] in ("0o", "0x") else int(text)


def _float(text: str) -> float:
    plain = text.lower().replace(".inf", "inf").replace(".nan", "nan")
    return float(_integer(plain) if plain.startswith(("0o", "0x")) else plain)


_VALUES = {"bool": lambda text: text.lower() == "true", "int": _integer, "float": _float}

CORE = {
    "null": (re.compile(r"null|Null|NULL|~|"), ["n", "N", "~", ""]),
    "bool": (re.compile(r"true|True|TRUE|false|False|FALSE"), list("tTfF")),
    "int": (re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"), list("-+0123456789")),
    "float": (
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
        list("-+.0123456789"),
    ),
}
"""YAML 1.2.2, chapter 10.3.2: what a plain scalar looks like, and how it may begin."""

# of its own instead of PyYAML's: !!timestamp, !!set, !!binary and the like are no JSON and unknown here
CoreLoader.yaml_constructors = {
    **{TAG + kind: CoreLoader.construct_plain for kind in CORE},
    TAG + "str": CoreLoader.construct_yaml_str,
    TAG + "merge": CoreLoader.construct_yaml_str,  # where it stands as a value
    TAG + "seq": CoreLoader.construct_yaml_seq,
    TAG + "map": CoreLoader.construct_yaml_map,
    None: CoreLoader.construct_undefined,
}
CoreLoader.yaml_implicit_resolvers = {}
for _kind, (_pattern, _beginnings) in CORE.items():
    CoreLoader.add_implicit_resolver(TAG + _kind, re.compile(rf"(?:{_pattern.pattern})\Z"), _beginnings)
CoreLoader.add_implicit_resolver(TAG + "merge", re.compile(r"<<\Z"), ["<"])
