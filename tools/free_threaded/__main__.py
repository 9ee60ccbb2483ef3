"""Builds what is missing and runs the tests; the exit code is pytest's.

python -m tools.free_threaded [--sanitize] [arguments of pytest]
python -m tools.free_threaded [--sanitize] benchmarks/NAME.py [arguments]

Python, packages and the compiled engine are kept in the cache of `tools.backends`; package and tests are copied into a
temporary folder, and nothing of the checkout changes. With --sanitize Python and engine are built with ThreadSanitizer,
and the first data race ends the run. Where orjson is imported, the standard library stands in (standing_in/orjson.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.backends.places import TOOLS, BackendError, say

from . import environment, extension, python

ROOT = TOOLS.parent
STANDING_IN = TOOLS / "free_threaded" / "standing_in"
TESTS = ("tests/hotpath", "tests/metrics", "tests/exposition")
SANITIZED_TESTS = tuple(f"tests/hotpath/test_hotpath_{name}.py" for name in ("threads", "take", "table", "without_gil"))
NATIVE_ONLY = ("-k", "not python")
_ENGINE_ALONE = """
import sys
sys.path.insert(0, "otel_trading/hotpath")
import _native
sys.exit(sys._is_gil_enabled())
"""


def copied(folder: Path, interpreter: Path, sanitized: bool) -> None:
    """Puts package, tests and the compiled engine into a folder."""
    left_out = shutil.ignore_patterns("__pycache__", "*.so")
    for name in ("otel_trading", "tests", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    (folder / "tools").mkdir()
    for file in (ROOT / "pyproject.toml", *(ROOT / "tools").glob("*.py")):
        shutil.copy(file, folder / file.relative_to(ROOT))
    extension.obtain(interpreter, folder, sanitized)


def variables(folder: Path, sanitized: bool) -> dict[str, str]:
    """The environment of the tests: the lock stays off, whatever a package declares."""
    found = {
        **os.environ,
        "PYTHON_GIL": "0",
        "PYTHONPATH": os.pathsep.join([str(folder), str(STANDING_IN)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OTEL_TRADING_TEST_NATIVE": "required",
    }
    if sanitized:
        found["TSAN_OPTIONS"] = f"suppressions={python.suppressions()} halt_on_error=1 second_deadlock_stack=1"
    return found


def command(sanitized: bool, arguments: list[str]) -> list[str]:
    """What the interpreter is given: a program of ours, or pytest with the tests that are named, all unless any are."""
    if arguments and arguments[0].startswith("benchmarks/"):
        return arguments
    named = any(argument.startswith("tests/") for argument in arguments)
    chosen = () if named else (*NATIVE_ONLY, *SANITIZED_TESTS) if sanitized else TESTS
    return ["-m", "pytest", "-p", "no:cacheprovider", *chosen, *arguments]


def run(interpreter: Path, sanitized: bool, arguments: list[str]) -> int:
    """The exit code of what was run."""
    with tempfile.TemporaryDirectory(prefix="free-threaded-") as name:
        folder = Path(name)
        copied(folder, interpreter, sanitized)
        alone = {key: value for key, value in os.environ.items() if key != "PYTHON_GIL"}
        if subprocess.run([interpreter, "-c", _ENGINE_ALONE], cwd=folder, env=alone, check=False).returncode:
            raise BackendError("The native engine alone switches the global lock on, or does not load.")
        say("native engine: leaves the global lock off")
        whole = [str(interpreter), *command(sanitized, arguments)]
        return subprocess.run(whole, cwd=folder, env=variables(folder, sanitized), check=False).returncode


def main() -> int:
    """Builds and runs."""
    arguments = sys.argv[1:]
    sanitized = "--sanitize" in arguments
    try:
        interpreter = environment.obtain(python.obtain(sanitized))
        return run(interpreter, sanitized, [argument for argument in arguments if argument != "--sanitize"])
    except BackendError as error:
        say(f"error: {error}")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
