"""Builds the native cells with AddressSanitizer and UndefinedBehaviorSanitizer, and runs their tests over that build.

python tools/sanitize.py [arguments of pytest]

Nothing of the checkout or its installation changes: package and tests are copied into a temporary folder, and the build
lies there. Leaks are not looked for, since CPython itself keeps memory until it exits; the tests of
tests/hotpath/test_hotpath_memory.py look for them. PYTHONMALLOC=malloc puts every Python object under the sanitizer's
eyes. Tests of the twin alone are left out: they run none of this code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
SUITES = ["tests/hotpath", "tests/metrics", "tests/exposition", "tests/privacy/test_screening.py"]
COPIED = ["otel_trading", "tests", "tools", "benchmarks"]
# the hooks that take memory away from CPython are none of the sanitizer's, nor is a time under it anybody's
NOT_RUN = [
    "tests/hotpath/test_hotpath_footprint.py::test_record_without_memory_is_refused",
    "tests/hotpath/test_hotpath_span_memory.py::test_no_memory_costs_a_span_and_is_counted",
    "tests/hotpath/test_hotpath_span_arena.py::test_take_holds_others_up_for_less_than_200_us",
]


def build(folder: Path) -> None:
    """Compiles into the copy of the package."""
    compiler = os.environ.get("CC", "gcc")
    sources = sorted((ROOT / "otel_trading/hotpath/native").glob("*.c"))
    target = folder / "otel_trading/hotpath" / f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = f"-I{sysconfig.get_paths()['include']}"

    def compiled(source: Path) -> str:
        made = folder / f"{source.stem}.o"
        subprocess.run([compiler, "-c", "-fPIC", *FLAGS, include, str(source), "-o", str(made)], check=True)
        return str(made)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compiled, sources))
    subprocess.run([compiler, "-shared", *FLAGS, *objects, "-o", str(target), "-lm"], check=True)


def preloaded() -> str:
    """The sanitizers' libraries, which must come before every other."""
    compiler = os.environ.get("CC", "gcc")
    found = [
        subprocess.run(
            [compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    if missing := [name for name in found if not os.path.isabs(name)]:
        raise SystemExit(f"{compiler} has no {', '.join(missing)}; install it, or choose another compiler with CC")
    return " ".join(found)


def run_sanitized(command: list[str]) -> int:
    """The exit code of a command that is run over the sanitized build, in a copy of package and tests."""
    with tempfile.TemporaryDirectory(prefix="sanitize-") as place:
        folder = Path(place)
        left_out = shutil.ignore_patterns("__pycache__", "*.so")
        for name in COPIED:
            shutil.copytree(ROOT / name, folder / name, ignore=left_out)
        shutil.copy(ROOT / "pyproject.toml", folder)
        build(folder)
        environment = os.environ | {
            "LD_PRELOAD": preloaded(),
            "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:allocator_may_return_null=1",
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
            "PYTHONMALLOC": "malloc",
            "PYTHONPATH": str(folder),
            "OTEL_TRADING_TEST_NATIVE": "required",
        }
        return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def main() -> int:
    """Builds, runs the tests, and gives pytest's exit code."""
    deselected = [f"--deselect={test}" for test in NOT_RUN]
    # faulthandler would take the signal that the sanitizer reports with
    plugins = ["-p", "no:faulthandler", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *plugins, "-k", "not python", *deselected, *SUITES]
    return run_sanitized([*command, *sys.argv[1:]])


if __name__ == "__main__":
    raise SystemExit(main())
