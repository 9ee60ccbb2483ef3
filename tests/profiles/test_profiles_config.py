"""The knob, the files of the profiles, the port and the health page."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from profiles.profile_pages import SERVED, fetched, profiled, scraped
from profiles.profile_pages import read as read_page
from support.children import run

import otel_trading as ot
from otel_trading.config.knob import PROFILES
from otel_trading.health.forms import bog_report
from otel_trading.metrics.profiles.model import Place
from otel_trading.metrics.profiles.reading import Malformed, profile_of, read


def test_profiles_are_the_files_of_the_package() -> None:
    """A name in the knob is a file, and a file a name."""
    found = {entry.name for entry in (files("otel_trading") / "catalogue" / "profiles").iterdir()}
    assert found == {f"{name}.yaml" for name in PROFILES}
    assert [read(name).name for name in PROFILES] == list(PROFILES)


def test_an_unknown_profile_names_knob_rule_value_and_fix() -> None:
    """At init, before anything runs."""
    with pytest.raises(ot.ConfigurationError) as caught:
        ot.init("x", profile=["py_rt", "py_rs"], **SERVED)
    assert str(caught.value).endswith(
        "'profile' (from argument) must be some of waiver, rust_trade, py_rt, perf, bog; was ['py_rt', 'py_rs']. "
        "Did you mean 'py_rt' instead of 'py_rs'?"
    )


def test_profiles_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Separated by commas; one that is named twice counts once."""
    monkeypatch.setenv("OTEL_TRADING_PROFILE", "bog, py_rt,bog")
    with ot.init("x", **SERVED) as telemetry:
        assert telemetry.config["profile"] == ("bog", "py_rt")
        page = scraped(telemetry)
    assert page.value("bog_fills_dropped_total") == 0
    assert "execution_engine_orders_submitted_total" in page.samples


def test_a_single_name_is_enough() -> None:
    """`init(profile="bog")`."""
    with ot.init("x", profile="bog", **SERVED) as telemetry:
        assert scraped(telemetry).value("bog_fills_dropped_total") == 0


def test_profiles_come_from_the_file_too(tmp_path: Path) -> None:
    """Under our own node."""
    file = tmp_path / "otel.yaml"
    file.write_text(
        'file_format: "1.1"\n'
        "meter_provider:\n  readers:\n    - pull: {exporter: {prometheus/development: {port: 0}}}\n"
        "distribution: {otel_trading: {profile: [bog], stdout: 'off'}}\n"
    )
    with ot.init(config_file=file) as telemetry:
        assert scraped(telemetry).value("bog_fills_dropped_total") == 0


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"buckets": [2, 1]}, "ascending buckets"),
        ({"buckets": []}, "ascending buckets"),
        ({"zero": {"side": ["a"]}}, "labels of the metric only"),
        ({"sources": [{"from": "a", "unit": "", "labels": {"x": "y"}}, {"from": "b", "unit": ""}]}, "the same labels"),
        ({"derive": {"kind": "share"}}, "must say `within`"),
    ],
)
def test_a_malformed_profile_names_metric_and_rule(change: dict[str, object], rule: str) -> None:
    """No profile of the package is, see above."""
    metric = {"name": "m", "type": "histogram", "help": "h", "from": "c", "unit": "s", "buckets": [1], **change}
    document = {"profile": "p", "seed": "1", "brief": "b", "health": "json", "metrics": [metric]}
    with pytest.raises(Malformed, match=rule) as caught:
        profile_of(document)
    assert str(caught.value).startswith("profile p: m: ")
    plain = metric | {"buckets": [1], "zero": None, "derive": None}
    plain.pop("sources", None)
    with pytest.raises(Malformed, match="the name m must stand once"):
        profile_of(document | {"metrics": [plain, plain]})


def test_a_profile_alone_takes_the_port_of_its_system() -> None:
    """That of the service where they differ; the next free one if it is taken; ours if another profile runs too."""
    assert read("py_rt").place.port_of("risk-manager") == 9092
    assert read("py_rt").place.port_of("another") == 9090
    assert Place().port_of("x") is None
    code = """
        import sys, otel_trading as ot
        knobs = dict(traces_exporter="none", logs_exporter="none", stdout="off", metrics_exporter="prometheus")
        first = ot.init("execution-engine", profile=sys.argv[1].split(","), **knobs)
        print(first.metrics_url)
    """
    alone, both, ours = run(code, "py_rt"), run(code, "py_rt,bog"), run(code, "perf")
    assert 9093 <= _port(alone.out) < 9193, alone.err
    assert 9464 <= _port(both.out) < 9564
    assert 9464 <= _port(ours.out) < 9564


def _port(url: str) -> int:
    assert url.startswith("http://localhost:")  # never 0.0.0.0 by itself
    return int(url.split(":")[2].split("/")[0])


def test_binding_to_all_addresses_needs_what_it_always_needs() -> None:
    """A profile opens nothing by itself; the knob that allows it does."""
    with pytest.raises(ot.ConfigurationError, match="allow_insecure"):
        ot.init("x", profile="rust_trade", prometheus_host="0.0.0.0", **SERVED)
    with profiled("rust_trade", prometheus_host="0.0.0.0", allow_insecure=True) as telemetry:
        assert telemetry.metrics_url is not None
        assert telemetry.metrics_url.startswith("http://0.0.0.0:")


def test_rust_trade_answers_ok() -> None:
    """As text; 503 with the name of a check that fails."""
    with profiled("rust_trade") as telemetry:
        status, headers, body = fetched(telemetry, path="/health")
        assert (status, body) == (200, b"OK")
        assert headers["Content-Type"].startswith("text/plain")
        remove = ot.health_check("feed", lambda: False)
        try:
            assert fetched(telemetry, path="/health")[::2] == (503, b"failing: feed")
        finally:
            remove()


def test_bog_answers_its_five_fields() -> None:
    """From what was recorded, in the system's units and words."""
    with profiled("bog") as telemetry:
        meter = ot.meter()
        status, _, body = fetched(telemetry, path="/health")
        assert (status, json.loads(body)) == (
            200,
            {
                "status": "healthy",
                "tick_latency_p99_ns": 0,
                "circuit_breaker": "CLOSED",
                "fill_queue_depth": 0.0,
                "position_drift": 0.0,
            },
        )
        fill = {"trading.queue.name": "fill"}
        meter.create_gauge("trading.queue.depth", unit="{item}").set(123, fill)
        meter.create_gauge("trading.queue.capacity", unit="{item}").set(1024, fill)
        meter.create_gauge("trading.position.drift", unit="{unit}").set(0.0001)
        meter.create_histogram("trading.md.processing.duration", unit="s").record(450e-9)
        found = json.loads(fetched(telemetry, path="/health")[2])
        assert list(found) == [
            "status", "tick_latency_p99_ns", "circuit_breaker", "fill_queue_depth", "position_drift"
        ]  # fmt: skip
        assert (found["status"], found["fill_queue_depth"], found["position_drift"]) == ("healthy", 123 / 1024, 0.0001)
        assert 250 < found["tick_latency_p99_ns"] <= 500
        meter.create_gauge("trading.risk.circuit_breaker.state", unit="1").set(2)
        found = json.loads(fetched(telemetry, path="/health")[2])
        assert (found["status"], found["circuit_breaker"]) == ("degraded", "OPEN")


@pytest.mark.parametrize(
    ("name", "below", "at"),
    [
        ("bog_tick_processing_p99_ns", 9_999, 10_000),
        ("bog_circuit_breaker_state", 0, 1),
        ("bog_fill_queue_depth", 79, 80),
        ("bog_position_drift", 0.0009, 0.001),
        ("bog_position_drift", -0.0009, -0.001),
    ],
)
def test_each_number_degrades_bog_at_its_limit(name: str, below: float, at: float) -> None:
    """As the document's code compares, but for the share of the queue."""
    rest = {"bog_fill_queue_capacity": 100.0}
    assert bog_report(rest | {name: below})["status"] == "healthy"
    assert bog_report(rest | {name: at})["status"] == "degraded"
    assert bog_report(rest | {name: below}, sound=False)["status"] == "degraded"


def test_words_of_the_circuit_breaker_are_the_documents() -> None:
    """And one for what is none of them."""
    words = [bog_report({"bog_circuit_breaker_state": state})["circuit_breaker"] for state in range(4)]
    assert words == ["CLOSED", "HALF_OPEN", "OPEN", "UNKNOWN"]


def test_other_profiles_and_none_answer_json() -> None:
    """The first profile that has a form of its own decides."""
    for names, form in ((["py_rt"], "json"), (["waiver", "perf"], "json"), (["py_rt", "rust_trade", "bog"], "text")):
        with profiled(*names) as telemetry:
            body = fetched(telemetry, path="/health")[2]
        assert (body == b"OK") is (form == "text")
        assert form == "text" or json.loads(body)["status"] in ("ok", "degraded")


def test_a_forked_child_has_its_own_pages_and_no_thread() -> None:
    """The parent's series are not the child's."""
    ended = run(
        """
        import os, sys, threading, urllib.request
        import otel_trading as ot
        knobs = dict(traces_exporter="none", logs_exporter="none", stdout="off", metrics_exporter="prometheus",
                     prometheus_port=0, profile="waiver")
        telemetry = ot.init("x", **knobs)
        orders = ot.meter().create_counter("trading.matching.orders")
        orders.add(5)
        urllib.request.urlopen(telemetry.metrics_url).read()
        assert "otel_trading profiles" in [thread.name for thread in threading.enumerate()]
        child = os.fork()
        if child == 0:
            assert "otel_trading profiles" not in [thread.name for thread in threading.enumerate()]
            telemetry = ot.init("x", **knobs)
            orders.add(1)
            sys.stdout.write(urllib.request.urlopen(telemetry.metrics_url).read().decode())
            sys.stdout.flush()
            os._exit(0)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
    )
    assert ended.code == 0, ended.err
    assert read_page(ended.out).value("waiver_whistle_orders_processed_total") == 1
