"""As much of HTTP/1.1 as a scrape needs: a request without a body, and the head of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

HEAD_BYTES = 8192
"""Of a request line with all headers; more is refused."""

_MOST_HEADERS = 100
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """A request without a body.

    Attributes:
        method: GET or HEAD.
        path: without the query.
        headers: by names in lower case; of several the first one.
        keeps: the client wants to keep the connection.
        chunks: the client knows bodies in chunks.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    keeps: bool
    chunks: bool


class Refused(Exception):
    """A request that is not served; the connection ends with the answer."""

    def __init__(self, status: int, told: str, headers: Mapping[str, str] | None = None) -> None:
        """Takes what is answered."""
        super().__init__(told)
        self.status = status
        self.told = told
        self.headers = headers or {}


def take(received: bytearray) -> Request | None:
    """Takes the first request out of what was received; None while it is not whole.

    Raises:
        Refused: it is too long, malformed, has a body, or another method.
    """
    end = received.find(_END, 0, HEAD_BYTES)
    if end < 0:
        if len(received) >= HEAD_BYTES:
            raise Refused(431, f"A request has at most {HEAD_BYTES} bytes.")
        return None
    head = bytes(received[:end])
    del received[: end + len(_END)]
    return _parsed(head)


def _parsed(head: bytes) -> Request:
    line, *rows = head.decode("latin-1").split("\r\n")
    words = line.split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.0", "HTTP/1.1"):
        raise Refused(400, "This is no HTTP/1.1.")
    method, target, version = words
    if method not in ("GET", "HEAD"):
        raise Refused(405, "Only GET and HEAD are served.", {"Allow": "GET, HEAD"})
    headers = _headers(rows)
    if headers.get("content-length", "0").strip("0") or "transfer-encoding" in headers:
        raise Refused(413, "A request has no body.")
    connection = headers.get("connection", "").lower()
    keeps = "close" not in connection if version == "HTTP/1.1" else "keep-alive" in connection
    return Request(method, target.partition("?")[0], headers, keeps, version == "HTTP/1.1")


def _headers(rows: list[str]) -> dict[str, str]:
    if len(rows) > _MOST_HEADERS:
        raise Refused(431, f"A request has at most {_MOST_HEADERS} headers.")
    found: dict[str, str] = {}
    for row in rows:
        name, colon, value = row.partition(":")
        if not colon or not name or name != name.strip() or "\n" in row or "\0" in row:
            raise Refused(400, "A header is malformed.")
        found.setdefault(name.lower(), value.strip())
    return found


def head(status: int, headers: Mapping[str, str], keeps: bool) -> bytes:
    """The head of an answer."""
    shown = {"Server": "otel_trading", "Date": formatdate(usegmt=True), **headers}
    lines = [f"HTTP/1.1 {status} {_phrase(status)}", *(f"{name}: {value}" for name, value in shown.items())]
    lines.append(f"Connection: {'keep-alive' if keeps else 'close'}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
