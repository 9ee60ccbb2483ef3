"""The redactor: what looks like a secret is replaced before a span or a log line leaves the process."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar, cast

from otel_trading.ground import values
from otel_trading.ground.diagnostics import trouble
from otel_trading.ground.values import AttributeValue
from otel_trading.privacy import secrets_in_text
from otel_trading.privacy.keys import SecretNames

_T = TypeVar("_T", bound=AttributeValue)


class Redactor:
    """Masks secrets by name and by look. It converts values as `ground.values.attribute` does on the way.

    Stateless but for a bounded memory of names, so one redactor serves all threads and survives a fork. Nothing but
    the constructor raises: a value that cannot be checked is replaced by the mask and counted.
    """

    __slots__ = ("_mask", "_names", "_patterns")

    def __init__(self, keys: Iterable[str] = (), patterns: Iterable[str] = (), mask: str = "[redacted]") -> None:
        """Adds the user's rules to ours.

        Args:
            keys: names of fields whose values are masked; `desk_pin` also covers `risk.deskPin` and `desk_pin_2`.
            patterns: regular expressions; each match in any text is replaced as a whole.
            mask: what stands in the place of a secret.

        Raises:
            ValueError: a pattern is no regular expression, or matches the empty text.
        """
        self._names = SecretNames(keys)
        self._patterns = tuple(compiled_pattern(pattern) for pattern in patterns)
        self._mask = mask

    @property
    def names(self) -> SecretNames:
        """Which names stand for secrets."""
        return self._names

    @property
    def has_patterns(self) -> bool:
        """The user has rules for texts."""
        return bool(self._patterns)

    def text(self, text: str) -> str:
        """Returns `text` without secrets; the same object if it held none."""
        try:
            return self._text(values.clean(text))
        except Exception as error:
            return self._failed(error)

    def value(self, key: str, value: object) -> AttributeValue:
        """Returns what may be exported for `value` under `key`; the same object if nothing has to change."""
        try:
            if self._names.secret(key):
                return self._masked(values.attribute(value))
            return self._value(key, values.attribute(value))
        except Exception as error:
            return self._failed(error)

    def mapping(self, fields: Mapping[str, object]) -> dict[str, AttributeValue]:
        """Returns a new dictionary with every key a text, every value converted and redacted."""
        result: dict[str, AttributeValue] = {}
        try:
            for name, value in fields.items():
                name = values.key(name)
                values.place(result, name, self.value(name, value))
        except Exception as error:  # a mapping that fails while it is read
            self._failed(error)
        return result

    def _value(self, key: str, value: AttributeValue) -> AttributeValue:
        if isinstance(value, str):
            return value if self._names.an_id(key) and not self._patterns else self._text_under(key, value)
        if isinstance(value, dict):
            return _same_or(value, {name: self._entry(name, element) for name, element in value.items()})
        if isinstance(value, list | tuple):
            changed = [self._element(key, element) for element in value]
            return value if all(a is b for a, b in zip(changed, value, strict=True)) else changed
        return value

    def _entry(self, name: str, value: AttributeValue) -> AttributeValue:
        return self._masked(value) if self._names.secret(name) else self._value(name, value)

    def _element(self, key: str, value: AttributeValue) -> AttributeValue:
        # headers often come as pairs: [("X-MBX-APIKEY", "...")]
        if (
            isinstance(value, list | tuple)
            and len(value) == 2
            and isinstance(value[0], str)
            and self._names.secret(value[0])
        ):
            return [value[0], self._masked(value[1])]
        return self._value(key, value)

    def _masked(self, value: AttributeValue) -> AttributeValue:
        """Returns the mask in the shape of the value: back ends reject a text where they know an array."""
        if value is None or isinstance(value, bool):
            return value  # whether there is a token tells nobody which
        if isinstance(value, dict):
            return {name: self._masked(element) for name, element in value.items()}
        if isinstance(value, list | tuple):
            return [self._masked(element) for element in value]
        return self._mask

    def _text_under(self, key: str, text: str) -> str:
        return self._own_patterns(text) if self._names.an_id(key) else self._text(text)

    def _text(self, text: str) -> str:
        if secrets_in_text.SUSPICIOUS.search(text) is not None:
            found = secrets_in_text.masked(text, self._mask, self._names.secret)
            text = text if found == text else found  # callers tell by identity that nothing changed
        return self._own_patterns(text) if self._patterns else text

    def _own_patterns(self, text: str) -> str:
        for pattern in self._patterns:
            text = pattern.sub(lambda _: self._mask, text)
        return text

    def _failed(self, error: Exception) -> str:
        trouble(
            "privacy.redaction", "a value could not be checked for secrets and was masked: %s", type(error).__name__
        )
        return self._mask


def compiled_pattern(pattern: str) -> re.Pattern[str]:
    """Returns the user's pattern, compiled.

    Raises:
        ValueError: it is no regular expression, or it matches the empty text and would fill every line with masks.
    """
    try:
        compiled = re.compile(pattern)
    except (re.error, TypeError, RecursionError, OverflowError) as error:
        raise ValueError(f"the pattern {pattern!r} is not a regular expression: {error}") from error
    if compiled.search("") is not None:
        raise ValueError(f"the pattern {pattern!r} matches the empty text, so it would mask everything")
    return compiled


def _same_or(old: _T, new: dict[str, AttributeValue]) -> _T:
    unchanged = all(new[name] is element for name, element in cast("dict[str, AttributeValue]", old).items())
    return old if unchanged else cast(_T, new)
