"""What is outside of the benchmarked process: takes all that is sent, and scrapes pages.

python benchmarks/pipeline_outside.py

Prints its address. `POST /begin` with the address of a page begins to scrape it every half second, `POST /end` ends
that, and tells how many scrapes there were, and of how many ticks the page tells then; the half seconds of a page go on
where they ended. Any other path is a receiver of OTLP.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EVERY_S = 0.5


class Scraper:
    """Scrapes one page at a time."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._url = ""
        self._left: dict[str, float] = {}
        """Seconds to the next scrape of a page."""
        self.scrapes = self.ticks = 0

    def begin(self, url: str) -> None:
        """Scrapes from now on; nothing without an address."""
        self._stop.clear()
        self._url, self.scrapes, self.ticks = url, 0, 0
        if url:
            self._thread = threading.Thread(target=self._scrape)
            self._thread.start()

    def end(self) -> None:
        """Scrapes once more for the count of ticks."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._read()

    def _scrape(self) -> None:
        began = time.monotonic()
        while not self._stop.wait(self._left.get(self._url, EVERY_S)):
            self._read()
            self.scrapes += 1
            self._left[self._url] = EVERY_S
            began = time.monotonic()
        self._left[self._url] = max(0.0, self._left.get(self._url, EVERY_S) - (time.monotonic() - began))

    def _read(self) -> None:
        with urllib.request.urlopen(self._url, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        self.ticks = sum(
            int(float(line.split()[-1])) for line in lines if line.startswith("trading_md_received_total{")
        )


SCRAPER = Scraper()


class Handler(BaseHTTPRequestHandler):
    """Answers at once."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """All that is asked of this process."""
        given = self.rfile.read(int(self.headers["content-length"]))
        body = b""
        if self.path == "/begin":
            SCRAPER.begin(given.decode())
            body = b"{}"
        elif self.path == "/end":
            SCRAPER.end()
            body = json.dumps({"scrapes": SCRAPER.scrapes, "ticks": SCRAPER.ticks}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


def main() -> int:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
