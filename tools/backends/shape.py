"""What a stack consists of, and what one process of it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Shape:
    """Which of the deployable variants is started.

    Attributes:
        overlays: names of files under `collector-config/collector`, given to the collector that services talk to.
        gateways: 0 is one collector for everything; otherwise an agent and so many gateways.
        influxdb: InfluxDB is started as well.
        usual_ports: the ports of the configuration files' defaults instead of free ones.
        environment: further variables of all collectors.
    """

    overlays: tuple[str, ...] = ()
    gateways: int = 0
    influxdb: bool = False
    usual_ports: bool = False
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Server:
    """One process of the stack."""

    name: str
    command: list[str]
    probe: str
    """Address that answers 200 once the server is ready."""
    directory: Path
    environment: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stores:
    """Where collectors send to."""

    elasticsearch: Server
    jaeger: Server
    influxdb: Server | None
