"""The native engine, compiled for the free-threaded Python."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from tools.backends.places import TOOLS, BackendError, cache, say

NATIVE = TOOLS.parent / "otel_trading" / "hotpath" / "native"
WARNINGS = ("-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror")
FLAGS = ("-O3", "-fvisibility=hidden", *WARNINGS)
SANITIZED_FLAGS = ("-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=thread", *WARNINGS)
_WHERE = "import sysconfig; print(sysconfig.get_paths()['include'], sysconfig.get_config_var('EXT_SUFFIX'))"


def obtain(interpreter: Path, folder: Path, sanitized: bool) -> None:
    """Puts the module into a copy of the package; compiled if the sources changed since the last time.

    Raises:
        BackendError: the sources do not compile without a warning.
    """
    flags = SANITIZED_FLAGS if sanitized else FLAGS
    include, suffix = subprocess.run(
        [interpreter, "-c", _WHERE], capture_output=True, text=True, check=True
    ).stdout.split()
    digest = hashlib.sha256("\0".join([include, *flags]).encode())
    for file in sorted(NATIVE.glob("*.[ch]")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    kept = cache() / f"native-{digest.hexdigest()[:16]}{suffix}"
    if not kept.exists():
        say("native engine: compiling")
        unfinished = folder / kept.name
        sources = sorted(map(str, NATIVE.glob("*.c")))
        command = ["gcc", "-shared", "-fPIC", *flags, f"-I{include}", *sources, "-o", str(unfinished), "-lm"]
        if subprocess.run(command, check=False).returncode:
            raise BackendError("The native engine does not compile there; gcc's message stands above.")
        shutil.copy(unfinished, kept)
        unfinished.unlink()
    say("native engine: ready")
    shutil.copy(kept, folder / "otel_trading" / "hotpath" / f"_native{suffix}")
