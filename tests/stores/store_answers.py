"""Answers of stores, byte by byte."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable

Behaviour = Callable[[socket.socket, threading.Event], None]


def saying(answer: bytes, heard: list[bytes] | None = None) -> Behaviour:
    """Answers these bytes, whatever is asked, and closes."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        request = whole_request(connection)
        if heard is not None:
            heard.append(request)
        connection.sendall(answer)

    return behave


def whole_request(connection: socket.socket) -> bytes:
    """Head and body; or whatever comes at once if it is no HTTP."""
    request = connection.recv(65536)
    told = re.search(rb"(?i)content-length: (\d+)", request)
    while told and len(request) < request.index(b"\r\n\r\n") + 4 + int(told[1]):
        request += connection.recv(65536)
    return request


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole reply."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
