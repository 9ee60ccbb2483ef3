"""A process that has imported everything and forks a child for each case: a case costs a fork, not a start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support import children

_PARENT = """
import json, os, signal, sys
import otel_trading.delivery.transports, otel_trading.runtime
def bear(code, out, err):
    for name, number in ((out, 1), (err, 2)):
        opened = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, number); os.close(opened)
    sys.stdin = open(os.devnull)
    exec(compile(code, "<case>", "exec"), {"__name__": "__main__"})
for line in sys.stdin:
    told = json.loads(line)
    pid = os.fork()
    if pid == 0:
        bear(told["code"], told["out"], told["err"])
        break  # leaves as any program does
    print(json.dumps({"pid": pid}), flush=True)
    status = os.waitpid(pid, 0)[1]
    print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), flush=True)
"""


@dataclass(frozen=True)
class Ended:
    """How a case ended."""

    code: int
    out: str
    err: str
    at: float
    """When it had ended, on the monotonic clock of the machine."""


class Nursery:
    """One parent; one case at a time."""

    def __init__(self, parent: subprocess.Popen[str], folder: Path) -> None:
        self._parent = parent
        self._out, self._err = folder / "out", folder / "err"

    def run(self, code: str, limit_s: float) -> Ended:
        """Runs a case to its end; kills it and fails after the limit."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        told = {"code": code, "out": str(self._out), "err": str(self._err)}
        self._parent.stdin.write(json.dumps(told) + "\n")
        self._parent.stdin.flush()
        pid = json.loads(self._parent.stdout.readline())["pid"]
        killer = threading.Timer(limit_s, os.kill, (pid, signal.SIGKILL))
        killer.start()
        try:
            status = json.loads(self._parent.stdout.readline())["code"]
        finally:
            killer.cancel()
            killer.join()
        at = time.monotonic()
        return Ended(status, self._out.read_text(), self._err.read_text(), at)


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery, empty again at the end."""
    with tempfile.TemporaryDirectory() as folder:
        with subprocess.Popen(
            [sys.executable, "-c", _PARENT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=children.environment(measured=False, PYTHONPATH=os.pathsep.join(filter(None, sys.path))),
        ) as parent:
            try:
                yield Nursery(parent, Path(folder))
            finally:
                assert parent.stdin is not None
                parent.stdin.close()
                parent.wait(10)
