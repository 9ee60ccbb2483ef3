"""Which names of attributes and fields stand for secrets, for account numbers, and which never do.

A name is cut into words at dots, dashes, underscores and camel humps, and words are compared, not letters:
`apiKey`, `X-MBX-APIKEY` and `binance.api_key` are secrets; `token_bucket`, `secretary` and `order.type` are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")

_ANYWHERE = """
    password passwd passphrase secret secrets secretkey clientsecret credential credentials authorization cookie
    cookies apikey apikeys apisecret listenkey privatekey accesskey mnemonic cvv cvc iban ssn accountnumber
    accountno cardnumber acct
    private-key api-key api-keys access-key listen-key signing-key encryption-key master-key seed-phrase
    account-number account-no account-num account-id card-number card-no card-num routing-number sort-code
    tax-id social-security
""".split()  # noqa: SIM905  # a table of words reads better than quotes and commas
"""Words, and words in a row, that make a secret wherever they stand."""

_AT_THE_END = """
    token signature sig pwd jwt hmac otp totp card accesstoken refreshtoken sessiontoken idtoken bearer
    basic-auth session-key
""".split()  # noqa: SIM905  # a table of words reads better than quotes and commas
"""Words that make a secret as the last ones: an `auth.token` is one, a `token_bucket` is not."""

_NEVER = """
    order-id client-id root-client-id client-order-id root-client-order-id cl-ord-id orig-cl-ord-id exec-id
    execution-id trade-id quote-id trace-id span-id parent-id instrument-id sequence
    order-list-id orderid execid tradeid clordid
""".split()  # noqa: SIM905  # a table of words reads better than quotes and commas
"""Words that end the name of an id by which orders and events are found; their values are left alone."""


def words(name: str) -> tuple[str, ...]:
    """Returns the words of a name, lower case: `X-MBX-APIKEY` -> x, mbx, apikey."""
    return tuple(word.lower() for word in _WORD.findall(name))


class SecretNames:
    """Decides by name whether a value is a secret; keeps its answers for the names it saw."""

    __slots__ = ("_answers", "_anywhere", "_at_the_end", "_never", "_own")

    REMEMBERED = 4_096
    """Names kept; a program that invents names without end must not fill memory."""

    def __init__(self, own: Iterable[str] = ()) -> None:
        """Takes the user's names beside ours; theirs match wherever they stand in a name and beat `never`."""
        self._own = tuple(found for found in (words(name) for name in own) if found)
        self._anywhere = tuple(tuple(row.split("-")) for row in _ANYWHERE)
        self._at_the_end = tuple(tuple(row.split("-")) for row in _AT_THE_END)
        self._never = tuple(tuple(row.split("-")) for row in _NEVER)
        self._answers: dict[str, str] = {}

    @property
    def anywhere(self) -> tuple[tuple[str, ...], ...]:
        """Words, and words in a row, that make a secret wherever they stand in a name; the user's too."""
        return self._own + self._anywhere

    @property
    def at_the_end(self) -> tuple[tuple[str, ...], ...]:
        """Words, and words in a row, that make a secret at the end of a name."""
        return self._at_the_end

    def secret(self, name: str) -> bool:
        """True if the value under this name must not leave the process."""
        return self._answer(name) == "secret"

    def an_id(self, name: str) -> bool:
        """True if the value under this name is an id that must stay readable."""
        return self._answer(name) == "id"

    def _answer(self, name: str) -> str:
        answer = self._answers.get(name)
        if answer is None:
            answer = self._decide(words(name))
            if len(self._answers) >= self.REMEMBERED:
                self._answers.clear()
            self._answers[name] = answer
        return answer

    def _decide(self, name: tuple[str, ...]) -> str:
        if any(_contains(name, row) for row in self._own):
            return "secret"
        if any(name[-len(row) :] == row for row in self._never):
            return "id"
        if any(name[-len(row) :] == row for row in self._at_the_end):
            return "secret"
        return "secret" if any(_contains(name, row) for row in self._anywhere) else "other"


def _contains(name: tuple[str, ...], row: tuple[str, ...]) -> bool:
    return any(name[at : at + len(row)] == row for at in range(len(name) - len(row) + 1))
