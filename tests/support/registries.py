"""Small registries in temporary directories."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from otel_trading import providers
from otel_trading.catalogue.generate import of_users, write
from otel_trading.catalogue.instrument import Instrument
from otel_trading.catalogue.mistakes import RegistryError
from otel_trading.catalogue.model import Registry
from otel_trading.catalogue.reading import read

MANIFEST = "schema_url: https://example.com/schemas/acme-desk/1.2.0\n"

ROUTER = """\
file_format: definition/2
attributes:
  - key: acme.router.reason
    type:
      members:
        - {id: no_venue, value: no_venue, brief: No venue takes it.}
        - {id: closed, value: closed, brief: The venue is closed.}
    stability: development
    brief: Why an order was held.
  - key: acme.router.hop
    type: int
    stability: development
    brief: Which hop.
  - key: acme.venue
    type: string
    stability: development
    brief: Where it goes.
metrics:
  - name: acme.router.held
    instrument: counter
    unit: "{order}"
    stability: development
    brief: Orders that were held.
    attributes:
      - ref: acme.router.reason
        requirement_level: required
      - ref: acme.venue
        annotations: {otel_trading: {allow: [XNAS, XLON]}}
    annotations:
      otel_trading:
        source: ["desk: held"]
        initial: [{acme.router.reason: no_venue}]
  - name: acme.router.wait.duration
    instrument: histogram
    unit: s
    stability: development
    brief: Time an order waits.
    attributes:
      - ref: acme.router.hop
        requirement_level: opt_in
    annotations: {otel_trading: {boundaries: [0.001, 0.01, 0.1]}}
  - name: acme.router.open
    instrument: updowncounter
    unit: "{order}"
    stability: development
    brief: Orders that wait.
  - name: acme.router.state
    instrument: gauge
    unit: "1"
    stability: development
    brief: 1 while routing is on.
    attributes:
      - ref: acme.venue
    annotations: {otel_trading: {initial: [{}]}}
spans:
  - type: acme.route
    kind: internal
    stability: development
    brief: An order is routed.
    name: {note: "route {acme.venue}"}
    attributes:
      - ref: acme.venue
events:
  - name: acme.router.stopped
    stability: development
    brief: Routing stopped.
    attributes:
      - ref: acme.router.reason
        requirement_level: {conditionally_required: if it is known}
"""
"""A file with each kind of entry and no mistake."""


def placed(directory: Path, router: str = ROUTER, manifest: str = MANIFEST, **more: str) -> Path:
    """Writes `registry/` with a manifest, router.yaml and further files; returns it."""
    registry = directory / "registry"
    registry.mkdir(exist_ok=True)
    (registry / "manifest.yaml").write_text(manifest, encoding="utf-8")
    (registry / "router.yaml").write_text(router, encoding="utf-8")
    for name, text in more.items():
        (registry / f"{name}.yaml").write_text(text, encoding="utf-8")
    return registry


EMPTY_BASE = Registry("https://example.com/schemas/base/1.0.0")
"""A base that defines nothing, so that the namespaces of a user hold."""


def read_text(directory: Path, router: str = ROUTER, **more: str) -> Registry:
    """What a user's registry with this file says."""
    return read(placed(directory, router, **more), EMPTY_BASE)


def mistakes(directory: Path, router: str, base: Registry = EMPTY_BASE, **more: str) -> list[str]:
    """The mistakes of a user's registry with this file, as they are printed."""
    try:
        read(placed(directory, router, **more), base)
    except RegistryError as error:
        return [str(one) for one in error.mistakes]
    return []


def generated(directory: Path, router: str = ROUTER, **more: str) -> Path:
    """Writes the modules of a registry; returns their directory, `instruments`."""
    registry, out = placed(directory, router, **more), directory / "instruments"
    write(Path(), of_users(read(registry, EMPTY_BASE), registry, out), check=False)
    return out


def imported(path: Path) -> Any:
    """A generated module, executed anew; typed as anything, since no type checker sees it."""
    spec = spec_from_file_location(f"generated_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    made: ModuleType = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@contextmanager
def forgetting(*modules: ModuleType) -> Iterator[None]:
    """Makes the instruments of modules, which live as long as the process, unused again after the block.

    Series that are at 0 from the start would be seen by every later test.
    """
    before = dict(providers.meters._meters)
    yield
    providers.meters._meters.clear()
    providers.meters._meters.update(before)
    for module in modules:
        for made in vars(module).values():
            if isinstance(made, Instrument):
                made._made = None
                vars(made).pop("_callbacks", None)
