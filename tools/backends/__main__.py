"""`python -m tools.backends build|up|env|down|status|stop|start|paths`, from the root of the checkout."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from . import elasticsearch, go_programs, influxdb, kql, stack
from .places import BackendError, default_run_directory, say
from .shape import Shape

OVERLAYS = ("logs-from-files", "metrics-by-otlp", "remote-write", "influxdb")


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
    parser.add_argument("command", choices=["build", "up", "env", "down", "status", "stop", "start", "paths"])
    parser.add_argument("server", nargs="?", help="stop, start: one server of a running stack, by its name in status")
    parser.add_argument("--dir", type=Path, default=default_run_directory(), help="folder of the stack")
    parser.add_argument("--usual-ports", action="store_true", help="up: 4317, 16686, 9200 and so on, not free ones")
    parser.add_argument("--gateways", type=int, default=0, metavar="N", help="up: an agent and N gateways")
    parser.add_argument(
        "--overlay", action="append", default=[], choices=OVERLAYS, help="up: a variant of the collector, repeatable"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="up: a variable of the collectors"
    )
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
            stack.up(directory, _shape(options))
            say(f"addresses: {directory / stack.STATE}")
        case "env":
            say("\n".join([f"export {name}={value}" for name, value in stack.environment(directory).items()]))
        case "down":
            stack.down(directory, keep_logs=options.keep_logs)
        case "stop" | "start" if options.server is None:
            raise BackendError(f"{options.command} what? One of {', '.join(stack.status(directory)) or 'no stack'}.")
        case "stop":
            stack.stop_one(directory, options.server, patience_s=0.0 if options.kill else stack.ENDING_S)
        case "start":
            stack.start_one(directory, options.server)
        case _:
            found = stack.status(directory)
            say("\n".join(f"{name}: {how}" for name, how in found.items()) or f"no stack in {directory}")
            return 0 if found and set(found.values()) == {"ready"} else 1
    return 0


def _shape(options: argparse.Namespace) -> Shape:
    unclear = [one for one in options.set if "=" not in one]
    if unclear:
        raise BackendError(f"--set takes NAME=VALUE; was {unclear[0]!r}.")
    if options.gateways < 0:
        raise BackendError(f"--gateways must be 0 or more; was {options.gateways}.")
    return Shape(
        overlays=tuple(options.overlay),
        gateways=options.gateways,
        influxdb="influxdb" in options.overlay,
        usual_ports=options.usual_ports,
        environment=tuple([tuple(one.split("=", 1)) for one in options.set]),
    )


def build() -> None:
    """Obtains every server; what is there is left as it is."""
    version = go_programs.go_version()
    # asked before the long builds, so that a missing program is said at once
    elasticsearch.obtain()
    influxdb.obtain()
    kql.obtain()
    for program in (*go_programs.PROGRAMS, *go_programs.CHECKERS):
        go_programs.build(program, version)


if __name__ == "__main__":
    raise SystemExit(main())
