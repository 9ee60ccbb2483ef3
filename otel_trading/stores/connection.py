"""Connects within a deadline, and says in words that a diagnosis can be made from why it did not work."""

from __future__ import annotations

import http.client
import socket
import ssl
from urllib.parse import SplitResult

from otel_trading.ground.clock import Deadline
from otel_trading.stores.errors import Cause

DETAIL_CHARACTERS = 200
"""How much is told of what a server or the system said."""


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A TCP connection to the first address of the host that takes one, all attempts within the deadline.

    Raises:
        OSError: none took it; the last one's reason.
    """
    last: OSError = OSError("the host has no address")
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # an empty or overlong part between dots
        raise socket.gaierror(socket.EAI_NONAME, "no well-formed host name") from None
    for family, kind, protocol, _, address in addresses:
        connecting = socket.socket(family, kind, protocol)
        connecting.settimeout(max(0.001, deadline.remaining_s()))
        try:
            connecting.connect(address)
        except OSError as error:
            connecting.close()
            last = error
        else:
            return connecting
    raise last


def explained(error: Exception) -> tuple[Cause, str]:
    """Cause and detail of what the system raised."""
    text = (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:DETAIL_CHARACTERS]
    match error:
        case TimeoutError():
            return Cause.TIMEOUT, ""
        case ssl.SSLCertVerificationError():
            return Cause.TLS, error.verify_message or text
        case ssl.SSLError():
            return Cause.TLS, (error.reason or text).replace("_", " ").lower()
        case socket.gaierror():
            return Cause.UNRESOLVED, text
        case ConnectionRefusedError():
            return Cause.REFUSED, ""
        case http.client.RemoteDisconnected() | ConnectionError() | http.client.IncompleteRead():
            return Cause.CUT, ""
        case http.client.HTTPException():
            return Cause.NOT_HTTP, ascii(str(error))[1:-1][:DETAIL_CHARACTERS]
        case _:
            return Cause.UNREACHABLE, text


def place(parts: SplitResult) -> str:
    """Scheme, host and port of an address, without the credentials that it may carry."""
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    host = parts.hostname or ""
    return f"{parts.scheme}://[{host}]{port}" if ":" in host else f"{parts.scheme}://{host}{port}"
