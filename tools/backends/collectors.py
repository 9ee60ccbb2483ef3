"""The collectors of a stack: one for everything, or an agent and gateways."""

from __future__ import annotations

from pathlib import Path

from .places import CONFIG
from .ports import HOST, Ports
from .shape import Server, Shape, Stores

FILES = CONFIG / "collector"


def plan(
    run: Path, program: Path, shape: Shape, ports: Ports, stores: Stores, prometheus: str
) -> tuple[list[Server], list[Server]]:
    """Returns the gateways, and the collector that services talk to, which comes after them."""
    towards = {
        "JAEGER_OTLP_GRPC_ADDRESS": stores.jaeger.addresses["otlp_grpc"],
        "ELASTICSEARCH_URL": stores.elasticsearch.addresses["url"],
        "PROMETHEUS_URL": f"http://{prometheus}",
    }
    if stores.influxdb:
        towards["INFLUXDB_URL"] = stores.influxdb.addresses["url"]
    # overlays that speak of metrics in general hold for gateways too
    everywhere = tuple(name for name in shape.overlays if name == "remote-write")
    # the entry first, so that it is the one that gets the usual ports
    way = "agent" if shape.gateways else "single"
    entry = _collector(run, "collector", program, (way, *shape.overlays), ports, towards, shape)
    gateways = [
        _collector(run, f"gateway-{number}", program, ("gateway", *everywhere), ports, towards, shape)
        for number in range(1, shape.gateways + 1)
    ]
    addresses = ", ".join([gateway.addresses["otlp_grpc"] for gateway in gateways])
    entry.environment["COLLECTOR_GATEWAYS"] = f"[{addresses}]"
    return gateways, [entry]


def _collector(
    run: Path, name: str, program: Path, files: tuple[str, ...], ports: Ports, towards: dict[str, str], shape: Shape
) -> Server:
    folder = run / name
    lines = folder / "lines"
    lines.mkdir(parents=True)
    usual = {"HEALTH": 13133, "OTLP_GRPC": 4317, "OTLP_HTTP": 4318, "SECOND_HOP": 14417, "EXPORT": 8889}
    variables = {f"COLLECTOR_{part}_ADDRESS": ports.address(port) for part, port in usual.items()}
    metrics_port = ports.take(8888)
    return Server(
        name,
        [str(program), *[f"--config={FILES / f'{file}.yaml'}" for file in ("components", *files)]],
        f"http://{variables['COLLECTOR_HEALTH_ADDRESS']}/",
        folder,
        {
            **variables,
            "COLLECTOR_METRICS_HOST": HOST,
            "COLLECTOR_METRICS_PORT": str(metrics_port),
            "COLLECTOR_QUEUE_DIRECTORY": str(folder / "queue"),
            "COLLECTOR_LOG_FILES": f"[{lines}/*.jsonl, {lines}/pods/*/*/*.log]",
            **towards,
            **dict(shape.environment),
        },
        {
            "otlp_http": f"http://{variables['COLLECTOR_OTLP_HTTP_ADDRESS']}",
            "otlp_grpc": variables["COLLECTOR_OTLP_GRPC_ADDRESS"],
            "health": f"http://{variables['COLLECTOR_HEALTH_ADDRESS']}/",
            "metrics": f"http://{HOST}:{metrics_port}/metrics",
            "export": variables["COLLECTOR_EXPORT_ADDRESS"],
            "lines": str(lines),
        },
    )
