"""Files that are generated and committed: written where they are not current, or only looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def bring_up_to_date(root: Path, files: Mapping[Path, str], *, check: bool) -> list[str]:
    """Writes what is not current; returns those paths, with forward slashes.

    Args:
        root: what paths are relative to.
        files: text by path.
        check: only look.
    """
    changed = []
    for path, text in files.items():
        target = root / path
        if target.exists() and target.read_text(encoding="utf-8", errors="replace") == text:
            continue
        changed.append(path.as_posix())
        if not check:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    return changed
