"""What the demo needs beyond the core, and how to get it."""

from __future__ import annotations

from importlib.util import find_spec

INSTALL = 'pip install "otel-trading[demo]"'


class MissingExtra(Exception):
    """A package of the `demo` extra is not installed; the message tells the command."""

    def __init__(self, packages: list[str]) -> None:
        super().__init__(f"the demo needs {' and '.join(packages)}, not installed here. Type: {INSTALL}")


def check() -> None:
    """Raises MissingExtra unless pyzmq and rich can be imported; imports neither."""
    missing = [name for module, name in (("zmq", "pyzmq"), ("rich", "rich")) if find_spec(module) is None]
    if missing:
        raise MissingExtra(missing)
