"""What each server is started with, where it listens and how one sees that it is ready."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from . import collectors, elasticsearch, go_programs, influxdb
from .places import CONFIG, BackendError
from .ports import HOST, Ports
from .shape import Server, Shape, Stores


def built() -> dict[str, Path]:
    """Returns the path of every Go program by its name.

    Raises:
        BackendError: one has not been built.
    """
    version = go_programs.go_version()
    paths = {program.name: go_programs.path_of(program, version) for program in go_programs.PROGRAMS}
    missing = [name for name, path in paths.items() if not path.exists()]
    if not elasticsearch.distribution().exists():
        missing.append("elasticsearch")
    if not influxdb.program().exists():
        missing.append("influxdb")
    if missing:
        raise BackendError(f"not built: {', '.join(missing)}. Run `make backends` first.")
    return paths


def plan(run: Path, shape: Shape, free: Iterable[int] | None) -> list[list[Server]]:
    """Lays out the folder `run`; the servers get ports of `free`, or their usual ones.

    Returns:
        The servers in groups: all of a group are started together, the next group once they are ready.

    Raises:
        BackendError: a program has not been built, or a usual port is taken.
    """
    programs = built()
    with Ports(free) as ports:
        stores = Stores(
            _elasticsearch(run, ports),
            _jaeger(run, programs["jaeger"], ports),
            _influxdb(run, ports) if shape.influxdb else None,
        )
        alertmanager = _alertmanager(run, programs["alertmanager"], ports)
        prometheus_address = ports.address(9090)
        first, last = collectors.plan(run, programs["otelcol-trading"], shape, ports, stores, prometheus_address)
        prometheus = _prometheus(run, programs["prometheus"], prometheus_address, shape, [*first, *last], alertmanager)
    others = [server for server in (stores.influxdb, alertmanager, prometheus) if server]
    return [[stores.elasticsearch, stores.jaeger, *others], first, last]


def _elasticsearch(run: Path, ports: Ports) -> Server:
    folder = run / "elasticsearch"
    folder.mkdir()
    http = ports.take(9200)
    elasticsearch.prepare(folder, http, ports.take(9300))
    url = f"http://{HOST}:{http}"
    return Server(
        "elasticsearch",
        elasticsearch.command(folder),
        # this build answers 405 at its root
        f"{url}/_cluster/health?wait_for_status=yellow&timeout=1s",
        folder,
        elasticsearch.environment(folder),
        {"url": url},
    )


def _jaeger(run: Path, program: Path, ports: Ports) -> Server:
    folder = run / "jaeger"
    folder.mkdir()
    usual = {"HEALTH": 14269, "QUERY_GRPC": 16685, "QUERY_HTTP": 16686, "OTLP_GRPC": 14317, "OTLP_HTTP": 14318}
    variables = {f"JAEGER_{name}_ADDRESS": ports.address(port) for name, port in usual.items()}
    return Server(
        "jaeger",
        [str(program), "--config", str(CONFIG / "jaeger" / "memory.yaml")],
        f"http://{variables['JAEGER_HEALTH_ADDRESS']}/status",
        folder,
        # or it sends traces of itself to port 4317
        {**variables, "OTEL_TRACES_SAMPLER": "always_off", "JAEGER_UI_CONFIG": str(CONFIG / "jaeger" / "ui.json")},
        {
            "url": f"http://{variables['JAEGER_QUERY_HTTP_ADDRESS']}",
            "otlp_grpc": variables["JAEGER_OTLP_GRPC_ADDRESS"],
        },
    )


def _influxdb(run: Path, ports: Ports) -> Server:
    folder = run / "influxdb"
    folder.mkdir()
    address = ports.address(8086)
    settings = folder / "influxdb.conf"
    settings.write_text(influxdb.SETTINGS.format(run=folder, http=address, rpc=ports.address(8088)))
    return Server(
        "influxdb",
        [str(influxdb.program()), "-config", str(settings)],
        f"http://{address}/query?q=SHOW+DATABASES",
        folder,
        {},
        {"url": f"http://{address}"},
    )


def _alertmanager(run: Path, program: Path, ports: Ports) -> Server:
    folder = run / "alertmanager"
    folder.mkdir()
    address = ports.address(9093)
    url = f"http://{address}"
    return Server(
        "alertmanager",
        [
            str(program),
            f"--config.file={CONFIG / 'alertmanager' / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
        ],
        f"{url}/-/ready",
        folder,
        {},
        {"url": url},
    )


def _prometheus(
    run: Path, program: Path, address: str, shape: Shape, collecting: list[Server], alertmanager: Server
) -> Server:
    folder = run / "prometheus"
    # the very files that are deployed; only the targets are this stack's
    shutil.copytree(CONFIG / "prometheus", folder)
    written = "remote-write" in shape.overlays
    targets: dict[str, list[str]] = {
        "services": [],
        "collector": [server.addresses["metrics"].split("/")[2] for server in collecting],
        "collected": [] if written else [server.addresses["export"] for server in collecting],
        "prometheus": [address],
        "alertmanager": [alertmanager.addresses["url"].split("/")[2]],
    }
    for name, addresses in targets.items():
        write_targets(folder / "targets" / f"{name}.json", addresses)
    return Server(
        "prometheus",
        [
            str(program),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--enable-feature=exemplar-storage",
            *(["--web.enable-remote-write-receiver"] if written else []),
        ],
        f"http://{address}/-/ready",
        folder,
        {},
        {"url": f"http://{address}", "targets": str(folder / "targets")},
    )


def write_targets(path: Path, addresses: list[str]) -> None:
    """Says whom Prometheus scrapes; it never sees half a file."""
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps([{"targets": addresses}]))
    unfinished.rename(path)
