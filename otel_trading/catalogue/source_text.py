"""Pieces of Python source, laid out as `ruff format` leaves them at 120 columns."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 120
INDENT = "    "


class Named(str):
    """A name that `literal` leaves as it is."""


def quoted(text: str) -> str:
    """A text as a literal, in the quotes that need fewer escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote


def literal(value: object) -> str:
    """A plain value, a name, a tuple or a dict of them, on one line."""
    if isinstance(value, Named):
        return value
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(key)}: {literal(item)}' for key, item in value.items())}}}"
    return repr(value)


def laid_out(before: str, value: object, after: str, indent: int) -> list[str]:
    """A value between two texts: on one line, or one item a line where that is too long.

    Args:
        before: text before it, such as `boundaries=`.
        value: as `literal` takes it.
        after: such as a comma.
        indent: columns.
    """
    line = f"{' ' * indent}{before}{literal(value)}{after}"
    if len(line) <= WIDTH or not isinstance(value, (tuple, dict)):
        return [line]
    opening, closing = ("(", ")") if isinstance(value, tuple) else ("{", "}")
    lines = [f"{' ' * indent}{before}{opening}"]
    if isinstance(value, tuple):
        for item in value:
            lines += laid_out("", item, ",", indent + 4)
    else:
        for key, item in value.items():
            lines += laid_out(f"{literal(key)}: ", item, ",", indent + 4)
    return [*lines, f"{' ' * indent}{closing}{after}"]


def quoted_lines(text: str, indent: int) -> list[str]:
    """A text as an argument on lines of its own, with a comma: one literal, or several that belong together."""
    pad = " " * indent
    line = f"{pad}{quoted(text)},"
    if len(line) <= WIDTH:
        return [line]
    pieces: list[str] = []
    piece = ""
    for word in re.findall(r"\S+\s*", text):
        if piece and len(f"{pad}{quoted(piece + word)},") > WIDTH:
            pieces, piece = [*pieces, piece], ""
        piece += word
    return [*(f"{pad}{quoted(one)}" for one in pieces), f"{pad}{quoted(piece)},"]


def arguments(before: str, parts: Sequence[str], after: str, indent: int) -> list[str]:
    """Parameters or arguments in parentheses: on one line, or one a line."""
    pad = " " * indent
    line = f"{pad}{before}({', '.join(parts)}){after}"
    if len(line) <= WIDTH:
        return [line]
    return [f"{pad}{before}(", *(f"{pad}{INDENT}{part}," for part in parts), f"{pad}){after}"]


def subscripted(before: str, parts: Sequence[str]) -> list[str]:
    """`X = Literal[...]`: on one line, or one item a line."""
    line = f"{before}[{', '.join(parts)}]"
    return [line] if len(line) <= WIDTH else [f"{before}[", *(f"{INDENT}{part}," for part in parts), "]"]


def sentence(text: str) -> str:
    """A text that begins with a capital where it begins with a word, and ends with a full stop."""
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if not text or text[-1] in ".!?" else f"{text}."


def docstring(paragraphs: Iterable[str | list[str]], indent: int) -> list[str]:
    """A docstring of a summary and further paragraphs; a list is put down line by line, indented as it is."""
    pad = " " * indent
    shown = [paragraph for paragraph in paragraphs if paragraph]
    lines: list[str] = []
    for paragraph in shown:
        if lines:
            lines.append("")
        texts = [paragraph] if isinstance(paragraph, str) else paragraph
        for text in texts:
            lines += _wrapped(_escaped(text), pad, first=3 if not lines else 0)
    lines[0] = f'{pad}"""{lines[0].strip()}'
    if len(lines) == 1 and len(lines[0]) + 3 <= WIDTH:
        return [f'{lines[0]}"""']
    return [*lines, f'{pad}"""']


def _wrapped(text: str, pad: str, first: int) -> list[str]:
    """Lines of a paragraph; what goes on is indented as far as its first line, and one step more in a list."""
    own = text[: len(text) - len(text.lstrip())]
    further = f"{own}{INDENT}" if own else ""
    return textwrap.wrap(
        text.strip(),
        WIDTH - 1,  # a quote at the end of a docstring gets a space after it
        initial_indent=pad + own + " " * first,
        subsequent_indent=pad + further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
