"""The types of knobs: each turns what was written into a value or says the rule that was broken.

A kind has two entrances: `from_text` for environment variables, where everything is a string, and `from_value` for
arguments and files, where a wrong type is a mistake and is not guessed at.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_CREDENTIALS = re.compile(r"://[^/@\s]*@")


class Rejected(ValueError):
    """A value breaks a rule.

    Attributes:
        rule: continues "must be".
        advice: a sentence that says what to write instead.
    """

    def __init__(self, rule: str, advice: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.advice = advice


class Kind(Protocol):
    """What a knob's type can do."""

    @property
    def label(self) -> str:
        """The type's name in the reference page."""

    def from_text(self, text: str) -> object:
        """The value an environment variable means; raises Rejected."""

    def from_value(self, value: object) -> object:
        """The value an argument or a file means; raises Rejected."""


@dataclass(frozen=True, slots=True)
class Text:
    """Any non-empty string."""

    label: str = "text"

    def from_text(self, text: str) -> str:
        """Returns the text as it stands."""
        return text

    def from_value(self, value: object) -> str:
        """Returns a non-empty string; raises Rejected for anything else."""
        if isinstance(value, str) and value:
            return value
        raise Rejected("a non-empty string", "Write it in quotes.")


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    label: str = "flag"

    def from_text(self, text: str) -> bool:
        """Returns True for `true`, False for `false`, in any case; raises Rejected otherwise."""
        word = text.strip().lower()
        if word in ("true", "false"):
            return word == "true"
        raise Rejected("true or false", "Write true or false.")

    def from_value(self, value: object) -> bool:
        """Returns a bool; 1 and 0 are rejected because they are usually a slip."""
        if isinstance(value, bool):
            return value
        raise Rejected("true or false", "Write True or False.")


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number within bounds, or an integer if `whole`."""

    low: float
    high: float = math.inf
    whole: bool = False
    low_excluded: bool = False

    @property
    def label(self) -> str:
        """`integer` or `number`, with the bounds."""
        noun = "integer" if self.whole else "number"
        above = f"> {self.low:g}" if self.low_excluded else f">= {self.low:g}"
        return f"{noun} {above}" if self.high == math.inf else f"{noun} {above}, <= {self.high:.10g}"

    def _rule(self) -> str:
        noun = "an integer" if self.whole else "a number"
        if self.high != math.inf:
            if self.low_excluded:
                return f"{noun} above {self.low:g} and at most {self.high:.10g}"
            return f"{noun} from {self.low:g} to {self.high:.10g}"
        return f"{noun} {'above' if self.low_excluded else 'of at least'} {self.low:g}"

    def from_text(self, text: str) -> float | int:
        """Returns the parsed number; raises Rejected."""
        try:
            value: float | int = int(text) if self.whole else float(text)
        except ValueError:
            raise Rejected(self._rule(), "Write digits.") from None
        return self.from_value(value)

    def from_value(self, value: object) -> float | int:
        """Returns an int if `whole`, else a float; raises Rejected."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            raise Rejected(self._rule(), "Write a number without quotes.")
        bounded = self.low <= value <= self.high and math.isfinite(value)
        if not bounded or (self.low_excluded and value == self.low):
            raise Rejected(self._rule(), "Choose a value within the bounds.")
        return value if self.whole else float(value)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a closed list of words."""

    words: tuple[str, ...]
    any_case: bool = True

    @property
    def label(self) -> str:
        """The words."""
        return " \\| ".join(self.words)

    def from_text(self, text: str) -> str:
        """Returns the word as the list spells it; raises Rejected."""
        for word in self.words:
            if word == text or (self.any_case and word.lower() == text.strip().lower()):
                return word
        raise Rejected(f"one of {', '.join(self.words)}", "Write one of these words.")

    def from_value(self, value: object) -> str:
        """As `from_text`, for a string."""
        if not isinstance(value, str):
            raise Rejected(f"one of {', '.join(self.words)}", "Write one of these words in quotes.")
        return self.from_text(value)


@dataclass(frozen=True, slots=True)
class Words:
    """A list of words: comma-separated in the environment."""

    label: str = "list of text"

    def from_text(self, text: str) -> tuple[str, ...]:
        """Returns the non-empty parts between commas."""
        return tuple(part.strip() for part in text.split(",") if part.strip())

    def from_value(self, value: object) -> tuple[str, ...]:
        """Returns a tuple of strings; a single string counts as a comma-separated list."""
        if isinstance(value, str):
            return self.from_text(value)
        if isinstance(value, Sequence) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise Rejected("a list of strings", "Write a list, or one string with commas.")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Words of a closed list, each once: comma-separated in the environment."""

    words: tuple[str, ...]

    @property
    def label(self) -> str:
        """The words."""
        return f"list of {', '.join(self.words)}"

    def from_text(self, text: str) -> tuple[str, ...]:
        """Returns the words between commas as the list spells them; raises Rejected for one that is not in it."""
        return self.from_value(tuple(part.strip() for part in text.split(",") if part.strip()))

    def from_value(self, value: object) -> tuple[str, ...]:
        """Returns a tuple of words; a single string counts as a comma-separated list."""
        if isinstance(value, str):
            return self.from_text(value)
        rule = f"some of {', '.join(self.words)}"
        if not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
            raise Rejected(rule, "Write a list, or one string with commas.")
        unknown = [item for item in value if item not in self.words]
        if unknown:
            near = difflib.get_close_matches(unknown[0], self.words, n=1)
            advice = f"Did you mean '{near[0]}' instead of '{unknown[0]}'?" if near else f"Take out '{unknown[0]}'."
            raise Rejected(rule, advice)
        return tuple(dict.fromkeys(value))


@dataclass(frozen=True, slots=True)
class Patterns:
    """Regular expressions: one in the environment, or a JSON list, because a comma is part of many expressions."""

    label: str = "list of regular expressions"

    def from_text(self, text: str) -> tuple[str, ...]:
        """Returns one pattern, or the strings of a JSON list; raises Rejected."""
        if not text.lstrip().startswith("["):
            return self.from_value((text,))
        try:
            return self.from_value(json.loads(text))
        except json.JSONDecodeError:
            # a character class at the beginning of one expression
            return self.from_value((text,))

    def from_value(self, value: object) -> tuple[str, ...]:
        """Returns the patterns; a single string is one pattern. Raises Rejected for one that cannot be compiled."""
        patterns = (value,) if isinstance(value, str) else value
        if not isinstance(patterns, Sequence) or not all(isinstance(item, str) for item in patterns):
            raise Rejected("a list of regular expressions", "Write a list of strings; in the environment a JSON list.")
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise Rejected("valid regular expressions", f"{pattern!r}: {error}. Mend it.") from None
        return tuple(patterns)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Keys with string values: `key=value,key=value` in the environment, percent-decoded by specification.

    With `headers` they are names and values of HTTP headers: names become lower case, control characters are refused.
    """

    label: str = "key=value pairs"
    headers: bool = False

    def from_text(self, text: str) -> dict[str, Any]:
        """Returns the pairs; raises Rejected if a part has no `=` or no key."""
        pairs: dict[str, Any] = {}
        for part in text.split(","):
            if not part.strip():
                continue
            key, equals, value = part.partition("=")
            if not equals or not key.strip():
                raise Rejected("key=value pairs separated by commas", "Write key=value,key=value.")
            pairs[unquote(key.strip())] = unquote(value.strip())
        return self.from_value(pairs)

    def from_value(self, value: object) -> dict[str, Any]:
        """Returns a dictionary with string keys; a string is read as in the environment."""
        if isinstance(value, str):
            return self.from_text(value)
        if not isinstance(value, Mapping) or not all(isinstance(key, str) and key for key in value):
            raise Rejected("a mapping with string keys", 'Write {"key": "value"}.')
        if not self.headers:
            return dict(value)
        if not all(_HEADER_NAME.fullmatch(key) and _HEADER_VALUE.fullmatch(str(item)) for key, item in value.items()):
            raise Rejected("names and values of HTTP headers", "Leave out control characters and what is no Latin-1.")
        return {key.lower(): str(item) for key, item in value.items()}


def without_credentials(text: str) -> str:
    """The text with user and password in addresses masked: `https://***@host`."""
    return _CREDENTIALS.sub("://***@", text)


@dataclass(frozen=True, slots=True)
class Url:
    """An http or https address."""

    label: str = "URL"

    def from_text(self, text: str) -> str:
        """Returns the address without surrounding blanks; raises Rejected."""
        rule = "an http:// or https:// address"
        advice = "Write for example http://localhost:4318."
        text = text.strip()
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise Rejected(rule, advice) from None
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise Rejected(rule, advice)
        return text

    def from_value(self, value: object) -> str:
        """As `from_text`, for a string."""
        if not isinstance(value, str):
            raise Rejected("an http:// or https:// address", "Write for example 'http://localhost:4318'.")
        return self.from_text(value)


@dataclass(frozen=True, slots=True)
class Items:
    """A list of objects that another room understands (views): checked there, carried here."""

    label: str = "list of objects"

    def from_text(self, text: str) -> object:
        """Always raises Rejected: objects cannot be written in the environment."""
        raise Rejected("given as an argument or in the file", "Use init(views=[...]) or the configuration file.")

    def from_value(self, value: object) -> tuple[object, ...]:
        """Returns the objects as a tuple; raises Rejected if it is no list."""
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Sequence):
            raise Rejected("a list", "Write [...] around it.")
        return tuple(value)
