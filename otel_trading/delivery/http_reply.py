"""Reads one reply of HTTP/1.1, and of it what an exporter needs.

`http.client` parses headers as mail, which held the GIL for 100 to 300 us a reply (benchmarks/span_gaps.py); this takes
a tenth. Bounded: a head of 64 KiB, a body of 4 MiB, in whichever way the sender frames it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from otel_trading.ground.breath import step

REPLY_LIMIT_BYTES = 4 * 1024 * 1024
"""The most of a reply that is read; the OTLP specification's own limit."""

_HEAD_LIMIT_BYTES = 64 * 1024
_MOST_INTERIM = 16
"""Replies of the kind `100 Continue` that may come first."""
_BODILESS = (204, 304)


class NotHttp(Exception):
    """What came is no reply of HTTP/1."""


class ReplyTooLarge(Exception):
    """The reply is larger than `REPLY_LIMIT_BYTES`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said.

    Attributes:
        status: 200 to 999.
        headers: names in lower case; of several with one name the last.
        body: all of it, still encoded as `content-encoding` says; less than announced if the server closed early.
        keeps: the connection can carry another request.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    keeps: bool


def read_reply(receive: Callable[[], bytes]) -> Reply:
    """Reads to the end of one reply.

    Args:
        receive: what came next, nothing at the end; what it raises passes through.

    Raises:
        ConnectionResetError: the server closed before it said anything.
        NotHttp: see there; a head without end is none either.
        ReplyTooLarge: see there.
    """
    coming = _Coming(receive)
    for _ in range(_MOST_INTERIM):
        version, status, headers = _head(coming)
        if status >= 200:
            break
    else:
        raise NotHttp("interim replies without end")
    lasting, body = _body(coming, status, headers)
    said = headers.get("connection", "keep-alive" if version == b"HTTP/1.1" else "close").lower()
    return Reply(status, headers, body, lasting and "close" not in said and not coming.waiting)


class _Coming:
    """What was received and not yet read."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._head_left = _HEAD_LIMIT_BYTES
        self.waiting = b""

    def more(self) -> bool:
        """Waits for more; False at the end."""
        came = self._receive()
        step()
        self.waiting += came
        return bool(came)

    def line(self) -> bytes:
        """The next line, without its end; raises NotHttp if there is none within the head's limit."""
        searched = 0
        while (end := self.waiting.find(b"\n", searched)) < 0:
            searched = len(self.waiting)
            if searched > self._head_left or not self.more():
                raise NotHttp("a line without end")
        self._head_left -= end
        if self._head_left < 0:
            raise NotHttp(f"a head of more than {_HEAD_LIMIT_BYTES} bytes")
        found, self.waiting = self.waiting[:end], self.waiting[end + 1 :]
        return found.rstrip(b"\r")

    def take(self, size: int | None, room: int) -> tuple[bytes, bool]:
        """The next bytes, None for all to the end; False if there were fewer.

        Raises:
            ReplyTooLarge: there is no room for them.
        """
        parts, left = [], REPLY_LIMIT_BYTES + 1 if size is None else size
        while True:
            part, self.waiting = self.waiting[:left], self.waiting[left:]
            parts.append(part)
            left, room = left - len(part), room - len(part)
            if room < 0:
                raise ReplyTooLarge(f"more than {REPLY_LIMIT_BYTES} bytes")
            if not left or not self.more():
                return b"".join(parts), not left


def _head(coming: _Coming) -> tuple[bytes, int, dict[str, str]]:
    """Version, status and headers."""
    if not coming.waiting and not coming.more():
        raise ConnectionResetError("the server closed the connection without an answer")
    version, _, rest = coming.line().partition(b" ")
    code = rest[:3]
    if not version.startswith(b"HTTP/1.") or len(code) < 3 or not code.isdigit():
        raise NotHttp(f"it begins with {version[:20].decode('latin-1')!r}")
    headers: dict[str, str] = {}
    while line := coming.line():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return version, int(code), headers


def _body(coming: _Coming, status: int, headers: Mapping[str, str]) -> tuple[bool, bytes]:
    """Whether its end was told before the connection's, and the body."""
    if status in _BODILESS:
        return True, b""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _chunks(coming)
    told = headers.get("content-length", "")
    size = int(told) if told.isascii() and told.isdigit() else None
    body, whole = coming.take(size, REPLY_LIMIT_BYTES)
    return whole and size is not None, body


def _chunks(coming: _Coming) -> tuple[bool, bytes]:
    parts, room = [], REPLY_LIMIT_BYTES
    while True:
        try:
            size = int(coming.line().partition(b";")[0], 16)
        except ValueError:
            raise NotHttp("a chunk without a size") from None
        if size <= 0:
            break
        part, whole = coming.take(size, room)
        parts.append(part)
        room -= len(part)
        if not whole:
            return False, b"".join(parts)
        coming.line()
    while coming.line():  # trailers
        pass
    return True, b"".join(parts)
