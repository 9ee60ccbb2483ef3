"""What the four programs have in common around their loop: arguments, when to stop, what to tell the parent."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import orjson

from otel_trading.demo import wire
from otel_trading.demo.counting import Made

FROM_STDIN = "-"


def parser(name: str, description: str | None, *, receives: bool, sends: bool) -> argparse.ArgumentParser:
    """Returns the arguments that every service takes; a program adds its own.

    Args:
        name: of the module, for the usage line.
        description: the module's docstring.
        receives: takes messages from another service.
        sends: has a service behind it.
    """
    found = argparse.ArgumentParser(prog=f"python -m otel_trading.demo.{name}", description=description)
    found.add_argument(
        "--otlp-endpoint",
        default="http://127.0.0.1:4318",
        metavar="URL",
        help="OTLP receiver (default: %(default)s)",
    )
    found.add_argument(
        "--metrics-exporter",
        type=lambda text: text.split(","),
        default=["prometheus", "otlp"],
        metavar="NAMES",
        help="ways of the metrics, with commas between (default: prometheus,otlp)",
    )
    found.add_argument("--seed", type=int, default=7, help="of all chance in this service (default: %(default)s)")
    if receives:
        found.add_argument(
            "--source",
            required=True,
            metavar="ENDPOINT",
            help="ZeroMQ endpoint of the service before, such as tcp://127.0.0.1:5555;"
            ' "-" reads it from standard input',
        )
    if sends:
        found.add_argument(
            "--listen",
            default=wire.ANY_PORT,
            metavar="ENDPOINT",
            help="ZeroMQ endpoint to bind (default: %(default)s, any free port)",
        )
    found.add_argument("--status-file", type=Path, metavar="FILE", help="write what happens here instead of stdout")
    found.add_argument("--until-eof", action="store_true", help="stop when standard input ends (the parent died)")
    return found


class Stage:
    """One running service: `stop` is set by Ctrl-C, SIGTERM or, with --until-eof, the end of standard input.

    Use it as a context manager in the main thread.
    """

    def __init__(self, service: str, arguments: argparse.Namespace) -> None:
        """Takes the signals over, and begins to watch standard input if the arguments say so."""
        self.service = service
        self.stop = threading.Event()
        self._arguments = arguments
        self._told: dict[str, object] = {"service": service, "pid": os.getpid()}
        self._lines: list[bytes] = []
        self._made = Made()
        self._line_came = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        if arguments.until_eof or getattr(arguments, "source", "") == FROM_STDIN:
            threading.Thread(target=self._watch_input, name="watch-stdin", daemon=True).start()

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        self.tell(made=self._made.as_json())

    def knobs(self) -> dict[str, Any]:
        """Arguments of `init()` that are this run's and not the service's: where to, and so soon that one can watch."""
        return {
            "otlp_endpoint": self._arguments.otlp_endpoint,
            "metrics_exporter": self._arguments.metrics_exporter,
            "prometheus_port": 0,
            "metrics_export_interval_s": 5,
            "traces_schedule_delay_s": 0.25,
            "logs_schedule_delay_s": 0.25,
        }

    def count(self) -> None:
        """Begins to count what the service makes; it is told when the stage ends."""
        self._made.attach()

    def source(self) -> str:
        """Returns the endpoint of the service before; waits for the parent to tell it.

        Raises:
            SystemExit: the service was stopped while it waited.
        """
        given: str = self._arguments.source
        if given != FROM_STDIN:
            return given
        while not self._line_came.wait(0.05):
            if self.stop.is_set():
                raise SystemExit(0)
        return str(orjson.loads(self._lines[0])["source"])

    def tell(self, **facts: object) -> None:
        """Adds facts (state, metrics_url, endpoint) to what the parent, or the user on stdout, can read.

        The status file is replaced as a whole, so that a reader never sees half of it.
        """
        self._told.update(facts)
        text = orjson.dumps(self._told)
        path: Path | None = self._arguments.status_file
        if path is None:
            print(text.decode(), flush=True)
            return
        beside = path.with_suffix(".new")
        beside.write_bytes(text)
        beside.replace(path)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop.set()

    def _watch_input(self) -> None:
        """Takes the one line that the parent may send; the end of input means that the parent is gone."""
        # os.read, because a thread that waits in sys.stdin's buffer makes the interpreter's exit fail
        rest = b""
        while True:
            try:
                chunk = os.read(sys.stdin.fileno(), 4096)
            except (OSError, ValueError, AttributeError):
                chunk = b""
            if not chunk:
                break
            *lines, rest = (rest + chunk).split(b"\n")
            self._lines += lines
            if self._lines:
                self._line_came.set()
        if self._arguments.until_eof:
            self.stop.set()
