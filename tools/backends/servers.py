"""What each server is started with, where it listens and how one sees that it is ready."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import elasticsearch, go_programs
from .places import CONFIG, BackendError

HOST = "127.0.0.1"


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


@contextmanager
def free_ports(count: int) -> Iterator[list[int]]:
    """Yields different free ports; all are held until they have been chosen."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        yield [one.getsockname()[1] for one in sockets]


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
    if missing:
        raise BackendError(f"not built: {', '.join(missing)}. Run `make backends` first.")
    return paths


def plan(run: Path) -> list[Server]:
    """Lays out the folder `run` and returns the servers in the order in which they are started."""
    programs = built()
    with free_ports(14) as ports:
        es_http, es_transport, *others = ports
    elasticsearch_url = f"http://{HOST}:{es_http}"
    jaeger = _jaeger(run, programs["jaeger"], others[:5])
    collector = _collector(run, programs["otelcol-trading"], others[5:9], jaeger, elasticsearch_url, others[9])
    alertmanager = _alertmanager(run, programs["alertmanager"], others[10])
    prometheus = _prometheus(run, programs["prometheus"], others[11], collector, alertmanager)
    return [
        _elasticsearch(run, es_http, es_transport),
        jaeger,
        alertmanager,
        prometheus,
        collector,
    ]


def _elasticsearch(run: Path, http: int, transport: int) -> Server:
    folder = run / "elasticsearch"
    folder.mkdir()
    elasticsearch.prepare(folder, http, transport)
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


def _jaeger(run: Path, program: Path, ports: list[int]) -> Server:
    folder = run / "jaeger"
    folder.mkdir()
    names = ("JAEGER_HEALTH", "JAEGER_QUERY_GRPC", "JAEGER_QUERY_HTTP", "JAEGER_OTLP_GRPC", "JAEGER_OTLP_HTTP")
    variables = {f"{name}_ADDRESS": f"{HOST}:{port}" for name, port in zip(names, ports, strict=True)}
    return Server(
        "jaeger",
        [str(program), "--config", str(CONFIG / "jaeger" / "memory.yaml")],
        f"http://{variables['JAEGER_HEALTH_ADDRESS']}/status",
        folder,
        # or it sends traces of itself to port 4317
        {**variables, "OTEL_TRACES_SAMPLER": "always_off"},
        {
            "url": f"http://{variables['JAEGER_QUERY_HTTP_ADDRESS']}",
            "otlp_grpc": variables["JAEGER_OTLP_GRPC_ADDRESS"],
        },
    )


def _collector(
    run: Path, program: Path, ports: list[int], jaeger: Server, elasticsearch_url: str, metrics_port: int
) -> Server:
    folder = run / "collector"
    folder.mkdir()
    names = ("HEALTH", "OTLP_GRPC", "OTLP_HTTP", "SECOND_HOP")
    variables = {f"COLLECTOR_{name}_ADDRESS": f"{HOST}:{port}" for name, port in zip(names, ports, strict=True)}
    return Server(
        "collector",
        [str(program), "--config", str(CONFIG / "collector" / "single.yaml")],
        f"http://{variables['COLLECTOR_HEALTH_ADDRESS']}/",
        folder,
        {
            **variables,
            "COLLECTOR_METRICS_HOST": HOST,
            "COLLECTOR_METRICS_PORT": str(metrics_port),
            "COLLECTOR_QUEUE_DIRECTORY": str(folder / "queue"),
            "JAEGER_OTLP_GRPC_ADDRESS": jaeger.addresses["otlp_grpc"],
            "ELASTICSEARCH_URL": elasticsearch_url,
        },
        {
            "otlp_http": f"http://{variables['COLLECTOR_OTLP_HTTP_ADDRESS']}",
            "otlp_grpc": variables["COLLECTOR_OTLP_GRPC_ADDRESS"],
            "metrics": f"http://{HOST}:{metrics_port}/metrics",
        },
    )


def _alertmanager(run: Path, program: Path, port: int) -> Server:
    folder = run / "alertmanager"
    folder.mkdir()
    url = f"http://{HOST}:{port}"
    return Server(
        "alertmanager",
        [
            str(program),
            f"--config.file={CONFIG / 'alertmanager' / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={HOST}:{port}",
            "--cluster.listen-address=",
        ],
        f"{url}/-/ready",
        folder,
        {},
        {"url": url},
    )


def _prometheus(run: Path, program: Path, port: int, collector: Server, alertmanager: Server) -> Server:
    folder = run / "prometheus"
    # the very files that are deployed; only the targets are this stack's
    shutil.copytree(CONFIG / "prometheus", folder)
    address = f"{HOST}:{port}"
    targets: dict[str, list[str]] = {
        "services": [],
        "collector": [collector.addresses["metrics"].split("/")[2]],
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
