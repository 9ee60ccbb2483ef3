"""One question to a store over HTTP: a limit for all of it, a bound on the reply, no redirect followed.

A redirect is told and not followed, because the headers of the request may be credentials.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import SplitResult, quote, unquote, urlencode, urlsplit

import orjson

from otel_trading.delivery.limited_socket import LimitedSocket
from otel_trading.ground.clock import Deadline
from otel_trading.stores.connection import DETAIL_CHARACTERS, connect, explained, place
from otel_trading.stores.errors import Cause, StoreError

REPLY_LIMIT_BYTES = 32 * 1024 * 1024
"""The most of a reply that is read."""

DEFAULT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP reply.

    Attributes:
        status: the status code.
        headers: names in lower case.
        body: all of it.
        seconds: from before the connection to the last byte.
        received_at_s: our own clock, seconds since 1970, when the headers had come.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    received_at_s: float

    @property
    def server_time_s(self) -> float | None:
        """The server's clock by its Date header, whole seconds since 1970; None if it sends none."""
        try:
            return parsedate_to_datetime(self.headers["date"]).timestamp()
        except (KeyError, TypeError, ValueError, OverflowError):
            return None


class HttpApi:
    """A store's address with what every request to it needs. Threads may share one; each request connects anew."""

    def __init__(
        self,
        base: str,
        *,
        headers: Mapping[str, str] | None = None,
        certificate: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        """Connects nothing yet.

        Args:
            base: address, possibly with a path and with `user:password@`, which becomes an authorization header.
            headers: sent with each request.
            certificate: file of the certificates that an https server is checked against; None for the system's.
            timeout_s: whole limit of one request unless it says otherwise.

        Raises:
            StoreError: the certificate file cannot be used.
        """
        parts = urlsplit(base)
        self.place = place(parts)
        self.timeout_s = timeout_s
        self._host = parts.hostname or "localhost"
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._path = quote(parts.path.rstrip("/"), "/%:@!$&'()*+,;=~")
        self._headers = {"accept": "application/json", **_credentials(parts), **(headers or {})}
        self._tls = _tls(certificate, self.place) if parts.scheme == "https" else None

    def ask(
        self,
        path: str,
        parameters: Mapping[str, str] | None = None,
        body: object = None,
        *,
        method: str | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """Sends one request and reads the whole reply, whatever its status.

        Args:
            path: is put behind the base address.
            parameters: of the query.
            body: sent as JSON; None for a request without.
            method: GET, or POST if there is a body, unless given.
            timeout_s: whole limit in seconds, from the connection to the last byte.

        Raises:
            StoreError: no whole HTTP reply came, or a redirect.
        """
        target = f"{self._path}{path}" + (f"?{urlencode(parameters)}" if parameters else "")
        data = None if body is None else orjson.dumps(body)
        try:
            answer = self._exchange(
                method or ("GET" if data is None else "POST"), target or "/", data, timeout_s or self.timeout_s
            )
        except (OSError, http.client.HTTPException) as error:
            raise StoreError(self.place, *explained(error)) from error
        if 300 <= answer.status < 400:
            elsewhere = answer.headers.get("location", "").partition("?")[0]
            raise StoreError(self.place, Cause.REDIRECTED, _words(elsewhere.encode()), answer.status)
        return answer

    def json(
        self,
        path: str,
        parameters: Mapping[str, str] | None = None,
        body: object = None,
        *,
        method: str | None = None,
        timeout_s: float | None = None,
        missing: tuple[int, ...] = (),
    ) -> Any:
        """The JSON that is answered; None if the status is one of `missing`.

        Raises:
            StoreError: as `ask`, another status than 2xx, or no JSON.
        """
        answer = self.ask(path, parameters, body, method=method, timeout_s=timeout_s)
        if answer.status in missing:
            return None
        if not 200 <= answer.status < 300:
            raise StoreError(self.place, Cause.STATUS, f"{answer.status} {_words(answer.body)}".strip(), answer.status)
        try:
            found = orjson.loads(answer.body)
        except orjson.JSONDecodeError as error:
            raise self.unexpected(_words(answer.body) or "nothing") from error
        if found is None:
            raise self.unexpected("null")
        return found

    def unexpected(self, detail: str) -> StoreError:
        """The error of an answer that came and has not the shape that was asked for."""
        return StoreError(self.place, Cause.NOT_JSON, detail)

    def _exchange(self, method: str, target: str, data: bytes | None, timeout_s: float) -> Answer:
        began, deadline = time.perf_counter(), Deadline(timeout_s)
        limited = self._connect(deadline)
        try:
            connection = http.client.HTTPConnection(self._host, self._port)
            connection.sock = cast("socket.socket", limited)
            headers = {**self._headers, "connection": "close"}
            if data is not None:
                headers["content-type"] = "application/json"
            connection.request(method, target, data, headers)
            response = connection.getresponse()
            received_at_s = time.time()
            body = response.read(REPLY_LIMIT_BYTES + 1)
            if len(body) > REPLY_LIMIT_BYTES:
                raise StoreError(self.place, Cause.TOO_LARGE, f"more than {REPLY_LIMIT_BYTES} bytes")
            if response.length:  # cut in the middle; reading up to a bound does not tell
                raise http.client.IncompleteRead(body, response.length)
            headers_in = {key.lower(): value for key, value in response.getheaders()}
            return Answer(response.status, headers_in, body, time.perf_counter() - began, received_at_s)
        finally:
            limited.cut()

    def _connect(self, deadline: Deadline) -> LimitedSocket:
        connected = connect(self._host, self._port, deadline)
        try:
            if self._tls is not None:
                connected.settimeout(max(0.001, deadline.remaining_s()))
                connected = self._tls.wrap_socket(connected, server_hostname=self._host)
        except BaseException:
            connected.close()
            raise
        limited = LimitedSocket(connected)
        limited.deadline = deadline
        return limited


def _credentials(parts: SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _tls(certificate: str | None, place: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=certificate)
    except OSError as error:
        raise StoreError(place, Cause.TLS, f"{certificate} cannot be used: {error.strerror or error}") from error


def _words(body: bytes) -> str:
    """The beginning of a body, printable and on one line."""
    text = body[: 4 * DETAIL_CHARACTERS].decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:DETAIL_CHARACTERS]
