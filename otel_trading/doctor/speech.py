"""Finds out what a port speaks: HTTP/1.1, HTTP/2 as gRPC needs it, TLS, or nothing that is known here.

The question is an OTLP request without content, which a receiver takes and forgets. Headers, which may be secrets, are
sent only in the way in which the exporter would send them itself.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from otel_trading.doctor.route import Route
from otel_trading.ground.clock import Deadline
from otel_trading.stores.connection import connect, explained
from otel_trading.stores.errors import Cause, StoreError

_ONE_S = 1.5  # for one question; a server that speaks answers at once
_SHARE = 0.4  # of what is left, so that a server that hangs leaves time for other questions
_MOST_BYTES = 4096
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_ALERT = b"\x15\x03"


@dataclass(frozen=True, slots=True)
class Speech:
    """What a port was heard to speak.

    Attributes:
        unreached: why there was no connection; None if there was one.
        detail: what the system said about that.
        http: an HTTP/1.1 answer came.
        http2: HTTP/2 is spoken, without TLS or chosen within it.
        tls: a handshake succeeded, whatever the certificate.
        tls_problem: why the certificate, or the handshake, was not accepted; empty if it was or none was tried.
        status: of the HTTP answer, 0 without one.
        content_type: of the HTTP answer.
        words: its beginning.
        clock_s: the server's clock minus ours in seconds; None if it tells none.
    """

    unreached: Cause | None = None
    detail: str = ""
    http: bool = False
    http2: bool = False
    tls: bool = False
    tls_problem: str = ""
    status: int = 0
    content_type: str = ""
    words: str = ""
    clock_s: float | None = None

    @property
    def is_web_page(self) -> bool:
        """A success that no OTLP receiver gives."""
        known = ("application/x-protobuf", "application/json")
        return 200 <= self.status < 300 and self.content_type != "" and not self.content_type.startswith(known)

    @property
    def is_json(self) -> bool:
        """A success that an OTLP receiver gives only to a request in JSON, which ours is not; some do all the same."""
        return 200 <= self.status < 300 and self.content_type.startswith("application/json")

    def suits(self, route: Route) -> bool:
        """True if an exporter of this route is understood there, as far as can be heard."""
        spoken = self.http2 if route.grpc else self.http
        return self.unreached is None and spoken and self.tls == route.tls and not self.tls_problem


def listen_to(route: Route, timeout_s: float) -> Speech:
    """Asks the port of a route; never raises.

    Args:
        route: where to and by which protocol the exporter goes.
        timeout_s: longest time for all questions together.
    """
    deadline = Deadline(timeout_s)
    try:
        connect(route.host, route.port, deadline).close()
    except OSError as error:
        cause, detail = explained(error)
        return Speech(unreached=cause, detail=detail)
    return _over_tls(route, deadline) if route.tls else _plain(route, deadline)


def _plain(route: Route, deadline: Deadline) -> Speech:
    """Asks without TLS first, as the exporter does."""
    answer = b"" if route.grpc else _said(route, _question(route, secrets=True), deadline)
    http2 = _is_settings(answer) or _is_settings(_said(route, _PREFACE, deadline))
    if not answer and not http2:
        answer = _said(route, _question(route, secrets=False), deadline)
    # Go's servers tell by HTTP that they want TLS
    guarded = not http2 and (not answer.startswith(b"HTTP/") or b"HTTPS" in answer or answer.startswith(_ALERT))
    tls = guarded and _handshake(route, ssl.CERT_NONE, deadline)[0] is not None
    return _heard(answer, http2=http2, tls=tls)


def _over_tls(route: Route, deadline: Deadline) -> Speech:
    """Asks within TLS, checked first, and without TLS only if there is none."""
    checked, problem = _handshake(route, ssl.CERT_REQUIRED, deadline)
    if checked is not None:
        with checked:
            http2 = checked.selected_alpn_protocol() == "h2"
            answer = b"" if route.grpc else _exchange(checked, _question(route, secrets=True), deadline)
        return _heard(answer, http2=http2, tls=True, tls_problem=_alert_in(answer))
    unchecked, _ = _handshake(route, ssl.CERT_NONE, deadline)
    if unchecked is not None:
        unchecked.close()
        return Speech(tls=True, tls_problem=problem)
    answer = _said(route, _question(route, secrets=False), deadline)
    http2 = _is_settings(answer) or (not answer and _is_settings(_said(route, _PREFACE, deadline)))
    return _heard(answer, http2=http2, tls=False, tls_problem=problem)


def _question(route: Route, *, secrets: bool) -> bytes:
    """An OTLP request without content."""
    lines = [
        f"POST {route.path if not route.grpc else '/v1/' + route.signal} HTTP/1.1",
        f"host: {route.place}",
        "content-type: application/x-protobuf",
        "content-length: 0",
        "connection: close",
        *([f"{name}: {value}" for name, value in route.headers.items()] if secrets else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def _said(route: Route, question: bytes, deadline: Deadline) -> bytes:
    """The first bytes that come back on a connection of its own; empty for none."""
    try:
        with connect(route.host, route.port, deadline) as connected:
            return _exchange(connected, question, deadline)
    except OSError:
        return b""


def _exchange(connected: socket.socket, question: bytes, deadline: Deadline) -> bytes:
    limit = Deadline(min(_ONE_S, deadline.remaining_s() * _SHARE))
    heard = b""
    try:
        connected.settimeout(max(0.001, limit.remaining_s()))
        connected.sendall(question)
        while len(heard) < _MOST_BYTES and not limit.over and not _is_settings(heard) and not _is_whole(heard):
            connected.settimeout(max(0.001, limit.remaining_s()))
            part = connected.recv(_MOST_BYTES)
            if not part:
                break
            heard += part
    except OSError:
        pass
    return heard


def _handshake(route: Route, verify: ssl.VerifyMode, deadline: Deadline) -> tuple[ssl.SSLSocket | None, str]:
    """The socket after a handshake, or None with the reason."""
    try:
        context = ssl.create_default_context(cafile=route.certificate)
        if verify is ssl.CERT_NONE:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"] if route.grpc else ["http/1.1"])
        connected = connect(route.host, route.port, deadline)
        try:
            connected.settimeout(max(0.001, min(_ONE_S, deadline.remaining_s() * _SHARE)))
            return context.wrap_socket(connected, server_hostname=route.host), ""
        except BaseException:
            connected.close()
            raise
    except (OSError, StoreError) as error:
        cause, detail = explained(error)
        return None, detail or cause.value


def _alert_in(answer: bytes) -> str:
    return "" if answer else "the connection was cut after the handshake"


def _is_settings(heard: bytes) -> bool:
    """True for the frame with which a server begins HTTP/2."""
    return len(heard) >= 9 and heard[:2] == b"\0\0" and heard[3] == 4 and heard[5:9] == b"\0\0\0\0"


def _is_whole(heard: bytes) -> bool:
    """True for an HTTP answer that tells its length and has it: some servers keep the connection all the same."""
    head, end, body = heard.partition(b"\r\n\r\n")
    length = _header(head, b"content-length")
    return heard.startswith(b"HTTP/") and bool(end) and length.isdigit() and len(body) >= int(length)


def _heard(answer: bytes, *, http2: bool, tls: bool, tls_problem: str = "") -> Speech:
    head, _, body = answer.partition(b"\r\n\r\n")
    status_line = re.match(rb"HTTP/[12](?:\.\d)? (\d{3})", head)
    if status_line is None:
        return Speech(http2=http2, tls=tls, tls_problem="" if http2 else tls_problem, words=_words(answer))
    return Speech(
        http=True,
        http2=http2,
        tls=tls,
        tls_problem=tls_problem,
        status=int(status_line[1]),
        content_type=_header(head, b"content-type").lower(),
        words=_words(body),
        clock_s=_clock_s(_header(head, b"date")),
    )


def _header(head: bytes, name: bytes) -> str:
    found = re.search(rb"(?im)^" + name + rb":[ \t]*([^\r\n]*)", head)
    return found[1].decode("latin-1").strip() if found else ""


def _clock_s(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() + 0.5 - time.time()  # the header is cut to whole seconds
    except (TypeError, ValueError, OverflowError):
        return None


def _words(body: bytes) -> str:
    text = body[:400].decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:120]
