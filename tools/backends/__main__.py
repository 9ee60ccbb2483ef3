"""`python -m tools.backends build|up|down|status|stop|start|paths`, from the root of the checkout."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from . import elasticsearch, go_programs, stack
from .places import BackendError, default_run_directory, say

SERVERS = ("elasticsearch", "jaeger", "alertmanager", "prometheus", "collector")


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 1 not, 130 interrupted."""
    options = _parser().parse_args(arguments)
    # a service manager's or CI's way to interrupt; without it nothing would be tidied up
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(options)
    except BackendError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was finished is kept\n")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.backends", description=__doc__)
    parser.add_argument("command", choices=["build", "up", "down", "status", "stop", "start", "paths"])
    parser.add_argument("server", nargs="?", choices=SERVERS, help="stop, start: one server of a running stack")
    parser.add_argument("--dir", type=Path, default=default_run_directory(), help="folder of the stack")
    parser.add_argument("--kill", action="store_true", help="stop: by SIGKILL at once")
    parser.add_argument("--keep-logs", action="store_true", help="down: leave the log files")
    return parser


def _run(options: argparse.Namespace) -> int:
    directory = options.dir.resolve()
    match options.command:
        case "build":
            build()
        case "paths":
            version = go_programs.go_version()
            found = {program.name: str(go_programs.path_of(program, version)) for program in go_programs.PROGRAMS}
            say(json.dumps(found, indent=2))
        case "up":
            stack.up(directory)
            say(f"addresses: {directory / stack.STATE}")
        case "down":
            stack.down(directory, keep_logs=options.keep_logs)
        case "stop" | "start" if options.server is None:
            raise BackendError(f"{options.command} what? One of {', '.join(SERVERS)}.")
        case "stop":
            stack.stop_one(directory, options.server, patience_s=0.0 if options.kill else stack.ENDING_S)
        case "start":
            stack.start_one(directory, options.server)
        case _:
            found = stack.status(directory)
            say("\n".join(f"{name}: {how}" for name, how in found.items()) or f"no stack in {directory}")
            return 0 if found and set(found.values()) == {"ready"} else 1
    return 0


def build() -> None:
    """Obtains every server; what is there is left as it is."""
    version = go_programs.go_version()
    # asked before the long builds, so that a missing program is said at once
    elasticsearch.obtain()
    for program in go_programs.PROGRAMS:
        go_programs.build(program, version)


if __name__ == "__main__":
    raise SystemExit(main())
