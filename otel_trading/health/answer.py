"""An answer: made on a worker, part by part, as the client takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from otel_trading.ground import diagnostics
from otel_trading.health.http import Request, head

Page = Callable[[Mapping[str, str]], tuple[int, bytes | Iterator[bytes], Mapping[str, str]]]
"""From the request's headers, by names in lower case, to status, body and headers of the answer."""

_TEXT = {"Content-Type": "text/plain; charset=utf-8"}


def told(status: int, text: str, headers: Mapping[str, str], *, keeps: bool, with_body: bool = True) -> bytes:
    """A whole answer of one line."""
    body = f"{text}\n".encode()
    start = head(status, {**_TEXT, **headers, "Content-Length": str(len(body))}, keeps)
    return start + body if with_body else start


class Answer:
    """To one request; `next` is called by one thread at a time."""

    def __init__(self, page: Page, request: Request) -> None:
        """Makes nothing yet.

        Args:
            page: what is asked for.
            request: its headers are the page's argument.
        """
        self._page = page
        self._request = request
        self._parts: Iterator[bytes] | None = None
        self._chunked = False
        self.keeps = request.keeps
        self.done = False

    def next(self) -> bytes:
        """The next bytes to send; the last ones when `done` is set. Never raises."""
        try:
            return self._first() if self._parts is None else self._further()
        except Exception as error:
            diagnostics.trouble("endpoint.page_failed", "%s could not be served: %r", self._request.path, error)
            self.done = True
            if self._parts is not None:  # the client must see that something is missing
                self.keeps = False
                return b""
            return told(500, "See the service's log.", {}, keeps=self.keeps, with_body=self._request.method == "GET")

    def close(self) -> None:
        """Lets go of a page that nobody waits for."""
        close = getattr(self._parts, "close", None)
        if close is not None:
            try:
                close()
            except ValueError:  # a worker is at it, and will find that nobody waits
                return

    def _first(self) -> bytes:
        status, body, headers = self._page(self._request.headers)
        parts = iter((body,)) if isinstance(body, bytes) else iter(body)
        first = next(parts, b"")
        second = None if isinstance(body, bytes) else next(parts, None)
        self._parts = parts
        with_body = self._request.method == "GET"
        if second is None:
            self.done = True
            start = head(status, {**headers, "Content-Length": str(len(first))}, self.keeps)
            return start + first if with_body else start
        self._chunked = self._request.chunks
        self.keeps &= self._chunked
        self.done = not with_body
        start = head(status, {**headers, **({"Transfer-Encoding": "chunked"} if self._chunked else {})}, self.keeps)
        return start + self._framed(first) + self._framed(second) if with_body else start

    def _further(self) -> bytes:
        part = next(self._parts, None) if self._parts is not None else None
        if part is not None:
            return self._framed(part)
        self.done = True
        return b"0\r\n\r\n" if self._chunked else b""

    def _framed(self, part: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(part), part) if self._chunked and part else part
