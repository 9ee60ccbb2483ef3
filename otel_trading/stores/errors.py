"""Why a store could not be asked, in words that a diagnosis can be made from."""

from __future__ import annotations

import enum

from otel_trading.ground.errors import OtelTradingError

MALFORMED = (AttributeError, KeyError, IndexError, TypeError, ValueError)
"""What reading JSON of another shape than expected raises."""


class Cause(enum.Enum):
    """What went wrong, one word each."""

    UNRESOLVED = "the host name is not known"
    REFUSED = "nobody listens there"
    UNREACHABLE = "there is no way to it"
    TIMEOUT = "no whole answer in time"
    CUT = "the connection was cut without an answer"
    NOT_HTTP = "the answer is no HTTP/1.1"
    TLS = "TLS failed"
    REDIRECTED = "it sends elsewhere"
    STATUS = "it answers with an error"
    NOT_JSON = "the answer is not what was asked for"
    TOO_LARGE = "the answer is too large"


class StoreError(OtelTradingError):
    """A store gave no usable answer.

    Attributes:
        place: scheme, host and port that were asked; never credentials.
        cause: the kind of failure.
        detail: what the system or the server said about it, cut to some words; may be empty.
        status: the HTTP status, 0 if there was none.
    """

    def __init__(self, place: str, cause: Cause, detail: str = "", status: int = 0) -> None:
        self.place = place
        self.cause = cause
        self.detail = detail
        self.status = status
        super().__init__(f"{place}: {self.why}")

    @property
    def why(self) -> str:
        """Cause and detail without the place."""
        return f"{self.cause.value}: {self.detail}" if self.detail else self.cause.value
