"""Writes each alert that Alertmanager sends as one line of JSON on standard output.

`python log_alerts.py [ADDRESS:PORT]`, by default 127.0.0.1:9095; needs nothing but Python. Write the output to a file
that the agent reads (collector/logs-from-files.yaml), and alerts are found in Kibana beside the log records.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LEVELS = {"critical": "critical", "high": "error", "warning": "warning"}
LARGEST = 1 << 20
"""Bytes of a message that are read."""


def lines(message: dict[str, Any]) -> list[str]:
    """A line for each alert: when, how severe, what, and the labels."""
    found = []
    for alert in message["alerts"]:
        labels, firing = alert["labels"], alert["status"] == "firing"
        line = {
            "timestamp": alert["startsAt" if firing else "endsAt"],
            "level": LEVELS.get(labels.get("severity", ""), "info") if firing else "info",
            "message": f"alert {alert['status']}: {alert['annotations'].get('summary', labels.get('alertname', ''))}",
            "service": "alertmanager",
            "runbook_url": alert["annotations"].get("runbook_url", ""),
            **{f"alert.{name}": value for name, value in sorted(labels.items())},
        }
        found.append(json.dumps(line))
    return found


class Handler(BaseHTTPRequestHandler):
    """Takes one message of Alertmanager a request."""

    def do_POST(self) -> None:
        """Answers 400 to what is no message of Alertmanager."""
        try:
            length = min(int(self.headers.get("Content-Length", 0)), LARGEST)
            told = lines(json.loads(self.rfile.read(length)))
        except (ValueError, KeyError, TypeError, AttributeError):
            self.send_error(400)
            return
        for line in told:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing of requests: standard output is for alerts."""


def main() -> None:
    """Serves until it is ended."""
    host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:9095").rpartition(":")
    with ThreadingHTTPServer((host, int(port)), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
