"""The one table of value conversions: what becomes of a Python value in an attribute, a JSON line, a measurement.

| value                     | attribute (span, log)             | JSON line                | measurement      |
| ------------------------- | --------------------------------- | ------------------------ | ---------------- |
| str, bool, float          | as it is                          | as it is; NaN -> "NaN"   | float as it is   |
| int                       | as it is within 64 bit, else text | text over 2**53 or `_ns` | int, float, None |
| Decimal, Fraction         | exact text                        | exact text               | float            |
| Enum                      | its name                          | its name                 | its number       |
| numpy scalar, array       | Python scalar, sequence           | likewise                 | int or float     |
| bytes                     | text if UTF-8, else base64 text   | likewise                 | None             |
| datetime                  | RFC 3339, offset as it was given  | likewise                 | None             |
| mapping, list, tuple, set | nested, bounded, cycles cut       | likewise                 | None             |
| None                      | None                              | null                     | None             |
| anything else             | `str(value)`                      | `str(value)`             | None             |

Lone surrogates are spelt out (backslash, u, dcff), texts over `TEXT_LIMIT` characters end in `…[truncated N]`, and
what cannot be rendered is `<unrepresentable ClassName>`. No function here raises an `Exception`, takes a lock or
keeps state, so all are safe in threads and after a fork.
"""

from __future__ import annotations

import base64
import datetime
import enum
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from typing import Any, TypeAlias, cast

AttributeValue: TypeAlias = (
    str | bool | int | float | bytes | tuple["AttributeValue", ...] | list["AttributeValue"]
    | dict[str, "AttributeValue"] | None
)  # fmt: skip
"""What OTLP can carry; the same shape as `opentelemetry.util.types.AnyValue`. Ours never contains bytes."""

TEXT_LIMIT = 65_536
"""Characters of one text, and of all texts in one container together."""

DEPTH_LIMIT = 8
"""Containers within containers; deeper ones become `<too deep>`."""

_NODE_COST = 8  # characters that each element is charged, so that a container holds TEXT_LIMIT / 8 elements at most
_INT64 = 2**63
_EXACT_IN_JAVASCRIPT = 2**53
_SCALARS = frozenset((str, bool, int, float, type(None)))


def attribute(value: object, limit: int = TEXT_LIMIT) -> AttributeValue:
    """Returns what a span or log attribute gets for `value`; the same object if nothing has to change.

    Args:
        value: anything.
        limit: characters of text kept.
    """
    kind = type(value)
    if kind is str:
        return clean(cast(str, value), limit)
    if kind is float or kind is bool or value is None:
        return cast(AttributeValue, value)
    if kind is int:
        return _integer(cast(int, value))
    try:
        return _Walk(limit).convert(value, 0)
    except Exception:
        return unrepresentable(value)


def json_value(key: str, value: object, limit: int = TEXT_LIMIT) -> AttributeValue:
    """Returns what a JSON line gets for `value` under `key`; always something that orjson renders on one line.

    Integers beyond 2**53, and all under names of nanosecond fields, become text: JavaScript readers, Kibana among
    them, round larger numbers.
    """
    return plain_json(key, attribute(value, limit))


def plain_json(key: str, value: AttributeValue) -> AttributeValue:
    """Returns the JSON form of a value that `attribute` converted already."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        number = cast(int, value)
        exact = -_EXACT_IN_JAVASCRIPT <= number <= _EXACT_IN_JAVASCRIPT and not is_nanoseconds(key)
        return number if exact else str(number)
    if kind is float:
        return _json_float(cast(float, value))
    if isinstance(value, dict):
        return {name: plain_json(name, element) for name, element in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(key, element) for element in value]
    return json_value(key, value)  # bytes, or a type that did not come from `attribute`


def is_nanoseconds(key: str) -> bool:
    """True for names such as `latency_ns`, `ts.receive`, `trading.ts.exchange`."""
    return key.endswith(("_ns", ".ns")) or key.startswith("ts.") or ".ts." in key


def measurement(value: object) -> int | float | None:
    """Returns the number to record, or None for what is no number; the caller counts that.

    NaN and infinities are returned as they are: whether an instrument takes them is the instrument's business.
    An int beyond 64 bits becomes a float (OTLP carries int64), and one beyond a float becomes None. A bool is None:
    recording True is a mistake far more often than a measurement.
    """
    kind = type(value)
    if kind is float:
        return cast(float, value)
    if kind is bool:
        return None
    try:
        if isinstance(value, int):
            return _measured_integer(int.__index__(value))
        if isinstance(value, float):
            return float.__float__(value)
        if isinstance(value, Decimal | Fraction):
            return _measured_ratio(value)
        if _is_numpy(kind):
            item = cast(Any, value).item()
            return None if type(item) is kind else measurement(item)
    except Exception:
        return None
    return None


def text(value: object, limit: int = TEXT_LIMIT) -> str:
    """Returns `str(value)`, cleaned and cut to `limit` characters; `<unrepresentable ClassName>` if that raises."""
    if type(value) is str:
        return clean(value, limit)
    try:
        return clean(str.__str__(str(value)), limit)  # an exact str, whatever __str__ returned
    except Exception:
        return unrepresentable(value)


def key(value: object) -> str:
    """Returns the name under which a mapping's entry is exported; `_` for an empty one, which SDKs drop."""
    return text(value, 256) or "_"


def clean(value: str, limit: int = TEXT_LIMIT) -> str:
    """Returns `value` as valid UTF-8 of at most `limit` characters and a mark; the same object if it was that."""
    if len(value) > limit:
        value = f"{value[:limit]}…[truncated {len(value) - limit}]"
    elif value.isascii():  # a flag of the string: costs nothing
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "backslashreplace").decode()
    return value if type(value) is str else str.__str__(value)


def unrepresentable(value: object) -> str:
    """Returns the text for a value whose own rendering failed."""
    try:
        return clean(f"<unrepresentable {type(value).__name__}>", 256)
    except Exception:  # a metaclass may break even the name
        return "<unrepresentable>"


def _integer(value: int) -> AttributeValue:
    if -_INT64 <= value < _INT64:
        return value
    try:
        return clean(str(value))
    except ValueError:  # more digits than sys.set_int_max_str_digits allows
        return clean(hex(value))


def _json_float(value: float) -> AttributeValue:
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _measured_integer(value: int) -> int | float | None:
    return value if -_INT64 <= value < _INT64 else float(value)


def _measured_ratio(value: Decimal | Fraction) -> float | None:
    number = float(value)
    overflowed = math.isinf(number) and not (isinstance(value, Decimal) and value.is_infinite())
    return None if overflowed else number


def _is_numpy(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "numpy"


class _Walk:
    """One conversion of one value: keeps the room that is left, and the containers it stands in."""

    __slots__ = ("_limit", "_path", "_room")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._room = limit
        self._path: set[int] = set()

    def convert(self, value: object, depth: int) -> AttributeValue:
        """Returns the converted value; may raise for what is broken in a way that no branch expects."""
        self._room -= _NODE_COST
        kind = type(value)
        if kind is str:
            return self._text(cast(str, value))
        if kind in _SCALARS:
            return _integer(cast(int, value)) if kind is int else cast(AttributeValue, value)
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return self._container(value, depth)
        if isinstance(value, enum.Enum):
            return self._text(value.name if isinstance(value.name, str) else text(value))
        if isinstance(value, bytes | bytearray | memoryview):
            return self._bytes(value)
        if _is_numpy(kind):
            return self._numpy(value, depth)
        return self._scalar(value)

    def _scalar(self, value: object) -> AttributeValue:
        # the base types' own methods: a subclass may have broken or renamed its rendering
        if isinstance(value, str):
            return self._text(str.__str__(value))
        if isinstance(value, int):
            return _integer(int.__index__(value))
        if isinstance(value, float):
            return float.__float__(value)
        if isinstance(value, datetime.datetime):
            return self._text(value.isoformat().replace("+00:00", "Z"))
        return self._text(text(value, self._limit))

    def _text(self, value: str) -> str:
        result = clean(value, max(self._room, 64))
        self._room -= len(result)
        return result

    def _bytes(self, value: bytes | bytearray | memoryview) -> str:
        whole = memoryview(value).cast("B") if isinstance(value, memoryview) else value
        head = bytes(whole[: self._limit])
        cut = len(whole) - len(head)
        mark = f"…[truncated {cut}]" if cut else ""
        try:
            return self._text(head.decode()) + mark
        except UnicodeDecodeError as error:
            if cut and error.start >= len(head) - 3:  # the cut went through a character
                return self._text(head[: error.start].decode()) + mark
            return self._text(base64.b64encode(head[: self._limit * 3 // 4]).decode()) + mark

    def _numpy(self, value: Any, depth: int) -> AttributeValue:
        name = type(value).__name__
        if name in ("datetime64", "timedelta64") or getattr(value, "size", 1) * _NODE_COST > self._limit:
            return self._text(text(value, self._limit))  # item() of these would be a bare count of nanoseconds
        plain = value.tolist() if hasattr(value, "tolist") else text(value)
        if type(plain) is type(value):  # longdouble gives itself back
            return float(plain)
        return self.convert(plain, depth)

    def _container(self, value: Any, depth: int) -> AttributeValue:
        if id(value) in self._path:
            return "<cycle>"
        if depth >= DEPTH_LIMIT:
            return "<too deep>"
        self._path.add(id(value))
        try:
            return self._mapping(value, depth) if isinstance(value, Mapping) else self._sequence(value, depth)
        except Exception:
            return self._text(text(value, self._limit))
        finally:
            self._path.discard(id(value))

    def _mapping(self, value: Mapping[object, object], depth: int) -> dict[str, AttributeValue]:
        result: dict[str, AttributeValue] = {}
        for name, element in self._taken(value.items()):
            if self._room <= 0:
                result["…"] = f"[truncated {len(value) - len(result)}]"
                break
            place(result, key(name), self.convert(element, depth + 1))
        return result

    def _sequence(self, value: Any, depth: int) -> AttributeValue:
        result: list[AttributeValue] = []
        same = type(value) is tuple
        for element in self._taken(value):
            if self._room <= 0:
                result.append(f"…[truncated {len(value) - len(result)}]")
                same = False
                break
            converted = self.convert(element, depth + 1)
            same = same and converted is element
            result.append(converted)
        uniform = _uniform(result)
        return value if same and uniform is result else uniform

    def _taken(self, elements: Iterable[Any]) -> list[Any]:
        # copied in one step, so that another thread that changes the container meanwhile does no harm
        return list(islice(elements, self._limit // _NODE_COST + 1))


def place(fields: dict[str, AttributeValue], name: str, value: AttributeValue) -> None:
    """Puts `value` under `name`, with underscores appended while the name is taken, so that nothing is lost."""
    while name in fields:
        name += "_"
    fields[name] = value


def _uniform(elements: list[AttributeValue]) -> list[AttributeValue]:
    """Returns a sequence of one type: back ends give an array one mapping and reject or lose the rest."""
    kinds = {type(element) for element in elements} - {type(None)}
    if len(kinds) <= 1 or not kinds <= _SCALARS:
        return elements
    if kinds == {int, float} and all(abs(e) <= _EXACT_IN_JAVASCRIPT for e in elements if type(e) is int):
        return [float(e) if isinstance(e, int) else e for e in elements]
    return [e if e is None else text(e) for e in elements]
