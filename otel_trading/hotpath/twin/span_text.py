"""Whether a text may hold a secret: a condition that each rule of `privacy.secrets_in_text` needs.

More texts are told apart there; none that is changed there is missed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Rows = tuple[tuple[str, ...], ...]

_FOLDED = re.compile("[\u212a\u017f\u0130\u0131]")
"""What `lower` or `re.IGNORECASE` take for ASCII letters: the sign of Kelvin, long s, i with and without its dot."""
_NAME = re.compile(r"""(?<![\w.\-])([\w.\-]++)["']?+\s*+[=:]""")
_OTHERS = re.compile(
    r"""://[^/\s?#]*@|-----BEGIN|eyJ|(?i:bearer|basic)\s"""
    r"""|\d{4}(?:[ \-]\d{4}){3}|(?<![\w.\-])\d{15,16}(?![\w.\-])|[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11}"""
)


class Names:
    """Names of secrets, as rows of words in lower case: all of a row are in the name, the last one at its end."""

    def __init__(self, anywhere: Iterable[Iterable[str]], at_the_end: Iterable[Iterable[str]]) -> None:
        self._anywhere: Rows = tuple(map(tuple, anywhere))
        self._at_the_end: Rows = tuple(map(tuple, at_the_end))

    def suspicious(self, name: str) -> bool:
        """Whether it may be the name of a secret."""
        if _FOLDED.search(name):
            return True
        name = name.lower()
        if any(all(word in name for word in row) for row in self._anywhere):
            return True
        end = re.sub(r"[\W_]+\Z", "", name)
        return any(end.endswith(row[-1]) and all(word in name for word in row) for row in self._at_the_end)

    def text_suspicious(self, text: str) -> bool:
        """Whether something in the text may be a secret."""
        if _OTHERS.search(text) or _FOLDED.search(text):
            return True
        return any(self.suspicious(found[1]) for found in _NAME.finditer(text))
