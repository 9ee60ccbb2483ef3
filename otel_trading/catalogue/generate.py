"""Makes what is generated from a registry: typed instruments, the reference page, rules, runbooks and dashboards.

`python -m otel_trading.catalogue.generate` writes those of our own registry; with `--check` it exits 1 if a committed
one is not current or the registry breaks the last release; `--release` also writes the list that later registries are
compared with.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from otel_trading.catalogue import assets, dashboards, released, rules
from otel_trading.catalogue.compatibility import compare
from otel_trading.catalogue.dashboards import extra
from otel_trading.catalogue.mistakes import RegistryError
from otel_trading.catalogue.model import Registry
from otel_trading.catalogue.modules import NOTE, module
from otel_trading.catalogue.reading import OURS, ours
from otel_trading.catalogue.reference import page
from otel_trading.catalogue.rules import settings
from otel_trading.ground.errors import OtelTradingError
from otel_trading.ground.generated import bring_up_to_date

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "otel_trading.catalogue"
"""Also the name of the instrumentation scope."""
REFERENCE = "reference.md"
ASSETS = "collector-config"
"""Where a user's rules go, beside the registry's directory."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What writing found: files that were written or are not current, and those that no area makes any more."""

    changed: tuple[str, ...]
    removed: tuple[str, ...]


class NotGenerated(OtelTradingError):
    """Files that the generator did not write stand where it would write."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(f"not written by the generator, so not overwritten: {', '.join(paths)}. Choose another --out.")


def of_ours() -> dict[Path, str]:
    """The text of each file made from our own registry, by path from the top of the checkout."""
    registry = ours()
    files = _modules(registry, PACKAGE, Path(*PACKAGE.split(".")))
    files[Path("docs/reference/catalogue.md")] = page(registry, PACKAGE)
    return files | assets.in_checkout(settings.ours()) | _first_release(OURS, ROOT)


def of_users(registry: Registry, directory: Path, out: Path) -> dict[Path, str]:
    """The text of each file made from a user's registry, by path.

    Args:
        registry: as it was read.
        directory: where from.
        out: the package's directory; its name is that of the package.
    """
    files = _modules(registry, registry.name, out)
    files[out / "__init__.py"] = f'"""Instruments of {registry.name}. {NOTE}; do not edit."""\n'
    files[out / REFERENCE] = page(registry, out.resolve().name)
    top = released.path_for(directory).parent
    files |= rules.files_of_users(registry, top / rules.BESIDE, top / ASSETS)
    files |= dashboards.files_of_users(registry, out)
    return files | _first_release(directory, None)


def _modules(registry: Registry, scope: str, out: Path) -> dict[Path, str]:
    return {out / f"{area}.py": module(registry, area, scope) for area in registry.areas}


def _first_release(directory: Path, root: Path | None) -> dict[Path, str]:
    """The empty list of a registry that has none; what is there is never changed here."""
    path = released.path_for(directory)
    if path.exists():
        return {}
    return {path.relative_to(root) if root else path: released.text(None)}


def release(registry: Registry, directory: Path) -> Path:
    """Writes the list of what a registry has now; returns its path.

    Raises:
        RegistryError: it breaks the release before. Who wants that removes the list first.
    """
    mistakes, _ = compare(registry, directory)
    if mistakes:
        raise RegistryError(mistakes)
    path = released.path_for(directory)
    path.write_text(released.text(registry), encoding="utf-8")
    return path


def write(root: Path, files: Mapping[Path, str], *, check: bool) -> Outcome:
    """Writes what is not current, and removes modules that we generated and nothing makes any more.

    Args:
        root: what paths are relative to.
        files: text by path.
        check: only look.

    Raises:
        NotGenerated: a file is in the way that somebody wrote; nothing is written then.
    """
    removed = []
    in_the_way = [path.as_posix() for path in files if not _is_ours(root / path)]
    if in_the_way:
        raise NotGenerated(in_the_way)
    changed = bring_up_to_date(root, files, check=check)
    for folder in sorted({path.parent for path in files if path.suffix == ".py"}):
        for target in sorted((root / folder).glob("*.py")):
            if folder / target.name not in files and _is_generated(target):
                removed.append((folder / target.name).as_posix())
                if not check:
                    target.unlink()
    return Outcome(tuple(changed), tuple(removed))


def _is_ours(path: Path) -> bool:
    """Whether a file may be written: it is not there, empty, or was generated. An import of Kibana cannot say so."""
    return path.suffix == ".ndjson" or not path.exists() or path.stat().st_size == 0 or NOTE in _first_line(path)


def _is_generated(path: Path) -> bool:
    """Whether a file is the module of an area."""
    first = _first_line(path)
    return first.startswith('"""Instruments of ') and f"{NOTE} from " in first


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline(500)


def main(argv: Sequence[str] | None = None) -> int:
    """Writes or checks the files of our own registry; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if a file is not current")
    parser.add_argument("--release", action="store_true", help="also write the list of what this release has")
    arguments = parser.parse_args(argv)
    try:
        outcome = write(ROOT, of_ours(), check=arguments.check)
        breaks, _ = compare(ours(), OURS)
        if breaks:
            raise RegistryError(breaks)
        if arguments.release and not arguments.check:
            release(ours(), OURS)
    except OtelTradingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if extra.missing():
        sys.stderr.write(f"{extra.missing()}\n")
    if outcome.changed:
        sys.stderr.write(("not current: " if arguments.check else "written: ") + ", ".join(outcome.changed) + "\n")
    if outcome.removed:
        sys.stderr.write(("left over: " if arguments.check else "removed: ") + ", ".join(outcome.removed) + "\n")
    return 1 if arguments.check and (outcome.changed or outcome.removed) else 0


if __name__ == "__main__":
    raise SystemExit(main())
