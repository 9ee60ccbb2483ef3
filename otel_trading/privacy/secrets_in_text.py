"""Secrets inside running text: URLs, headers, exception messages, PEM keys, card and bank account numbers.

Every expression here is linear in the length of the text (possessive quantifiers, anchored starts): a log line of
an exchange's 64 KiB error page must not cost a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable

SUSPICIOUS = re.compile(r"[=:]|\d{4}|eyJ|earer |asic |BEARER |BASIC |-BEGIN|[A-Z]{2}\d{2}")
"""The pre-check: text without any of this holds no secret that the rules below would find."""

_PAIR = re.compile(r"""(?<![\w.\-])([\w.\-]++)(["']?+\s*+[=:]\s*+)""")
_PAIR_VALUE = re.compile(r""""(?:[^"\\]|\\.)*+"?|'(?:[^'\\]|\\.)*+'?|[^\s&"',;)}\]]++""", re.DOTALL)
_HEADER = re.compile(
    r"""(?i)((?:proxy-)?authorization["']?\s*[:=]\s*["']?|(?:set-)?cookie["']?\s*[:=]\s*["']?)[^\r\n"']+"""
)
_BEARER = re.compile(r"\b(bearer|basic)(\s++)(?=[\w.~+/-]*(?:[0-9=+/]|(?-i:[a-z][A-Z])))[\w.~+/-]{8,}=*", re.IGNORECASE)
_JWT = re.compile(r"(?<![\w\-])eyJ[\w-]{5,}+\.[\w-]{5,}+(?:\.[\w-]*+)?")
_USER_IN_URL = re.compile(r"://[^/\s?#]*@")
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL
)

_CARD_IN_GROUPS = re.compile(r"(?<![\w.\-])\d{4}([ \-])\d{4}\1\d{4}\1\d{4}(?![\w\-])")
_CARD = re.compile(r"(?<![\w.\-])(?:4\d{15}|5[1-5]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12})(?![\w.\-])")
_IBAN = re.compile(r"(?<![\w\-])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\w\-])")
_IBAN_COUNTRIES = frozenset(
    """AD AE AL AT AZ BA BE BG BH BR BY CH CR CY CZ DE DK DO EE EG ES FI FO FR GB GE GI GL GR GT HR HU IE IL IQ IS
    IT JO KW KZ LB LC LI LT LU LV LY MC MD ME MK MR MT MU NL NO PK PL PS PT QA RO RS SA SC SE SI SK SM ST SV TL TN
    TR UA VA VG XK""".split()  # noqa: SIM905  # a table of words reads better than quotes and commas
)
_AFTER_ID = re.compile(
    r"(?:order|ord|exec|execution|trade|fill|quote|client|id|seq|sequence|nonce|ts|ns|us|time)\W{0,3}$", re.I
)
"""A number right after one of these words is an id or a time: venues' ids pass Luhn one time in ten."""


def masked(text: str, mask: str, secret: Callable[[str], bool]) -> str:
    """Returns `text` with what looks like a secret replaced; `secret` decides about names in `name=value`."""
    if "-----BEGIN" in text:
        text = _PEM.sub(lambda _: mask, text)
    text = _HEADER.sub(lambda found: found[1] + mask, text)
    text = _BEARER.sub(lambda found: found[1] + found[2] + mask, text)
    text = _JWT.sub(lambda _: mask, text)
    if "://" in text:
        text = _USER_IN_URL.sub(lambda _: f"://{mask}@", text)
    text = _CARD_IN_GROUPS.sub(lambda found: _card(found, mask, text), text)
    text = _CARD.sub(lambda found: _card(found, mask, text), text)
    text = _IBAN.sub(lambda found: _iban(found, mask, text), text)
    return _pairs(text, mask, secret)


def _pairs(text: str, mask: str, secret: Callable[[str], bool]) -> str:
    parts: list[str] = []
    done = 0
    for pair in _PAIR.finditer(text):
        if pair.start() < done or not secret(pair[1]):
            continue
        value = _PAIR_VALUE.match(text, pair.end())
        if value is None or text.startswith(mask, pair.end()):
            continue
        quote = value[0][0] if value[0][0] in "\"'" else ""
        closed = quote if len(value[0]) > 1 and value[0].endswith(quote) else ""
        parts += (text[done : pair.end()], quote, mask, closed)
        done = value.end()
    return "".join((*parts, text[done:])) if parts else text


def _card(found: re.Match[str], mask: str, text: str) -> str:
    number = re.sub(r"\D", "", found[0])
    return mask if _luhn(number) and not _an_id(text, found.start()) else found[0]


def _iban(found: re.Match[str], mask: str, text: str) -> str:
    number = found[0].replace(" ", "")
    plausible = number[:2] in _IBAN_COUNTRIES and 15 <= len(number) <= 34 and not _an_id(text, found.start())
    return mask if plausible and _mod_97(number) else found[0]


def _an_id(text: str, start: int) -> bool:
    return _AFTER_ID.search(text, max(0, start - 24), start) is not None


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return sum(digits[::2] + [d * 2 - 9 * (d > 4) for d in digits[1::2]]) % 10 == 0


def _mod_97(number: str) -> bool:
    """ISO 13616: the first four characters moved to the end, letters as 10 to 35, must leave 1."""
    return int("".join(str(int(letter, 36)) for letter in number[4:] + number[:4])) % 97 == 1
