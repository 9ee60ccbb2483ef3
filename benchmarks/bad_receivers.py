"""Two receivers that are alive and do not help: one answers a byte a second, one answers 503 to everything.

python benchmarks/bad_receivers.py

Prints their addresses.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 5000\r\n\r\n" + bytes(5000)


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Until the other side has enough."""
    for byte in REPLY:
        handler.wfile.write(bytes((byte,)))
        time.sleep(1)


def refuse(handler: BaseHTTPRequestHandler) -> None:
    """Says nothing about when to come back."""
    handler.send_response(503)
    handler.send_header("content-length", "0")
    handler.end_headers()


def serve(answer: Callable[[BaseHTTPRequestHandler], None]) -> str:
    """Begins, and returns the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            try:
                answer(self)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def main() -> int:
    """Serves until it is killed."""
    print(serve(drip), serve(refuse), flush=True)
    threading.Event().wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
