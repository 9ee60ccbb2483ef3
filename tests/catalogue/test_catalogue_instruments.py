"""Generated instruments record for real: names, units, attributes, boundaries and magnitudes are the registry's."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from support.registries import forgetting, generated, imported

from otel_trading import providers
from otel_trading.catalogue import risk, system
from otel_trading.ground import diagnostics
from otel_trading.hotpath.engine import Cell
from otel_trading.metrics.engine import engine
from otel_trading.testing import Captured, capture
from otel_trading.testing.captured import points


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    with forgetting(risk, system):
        yield


@pytest.fixture
def router(tmp_path: Path) -> Any:
    """The module of a small registry."""
    return imported(generated(tmp_path) / "router.py")


def troubles(kind: str) -> int:
    """How often a trouble was counted."""
    return diagnostics.troubles().get(kind, 0)


def by_venue(captured: Captured) -> dict[str, Any]:
    """The values of the state."""
    states = [point for point in captured.metrics if point.name == "acme.router.state"]
    return {point.attributes["acme.venue"]: point.value for point in states}


def test_nothing_is_made_by_an_import() -> None:
    """No meter, no YAML; only the modules that describe instruments are loaded on top of the face."""
    code = """
import sys
import otel_trading
before = set(sys.modules)
from otel_trading.catalogue import execution, order, risk, system
from otel_trading import providers
assert providers.meters._meters == {}, providers.meters._meters
added = {name for name in set(sys.modules) - before if not name.startswith("otel_trading.catalogue")}
assert not added, added
assert "otel_trading.catalogue.reading" not in sys.modules
risk.checks.enabled()
assert [scope[:1] for scope in providers.meters._meters] == [("otel_trading.catalogue",)]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (0, "") == (done.returncode, done.stderr)


def test_a_bound_handle_is_the_cell(router: Any) -> None:
    """Nothing stands between the call and the engine, and the same attributes give the same handle."""
    handle: Cell = router.wait_duration.bind(hop=2)
    assert type(engine.Cell("x")) is type(handle)
    assert handle is router.wait_duration.bind(hop=2)
    assert handle is not router.wait_duration.bind()


def test_what_is_recorded_comes_out_under_the_names_of_the_registry(router: Any) -> None:
    """Bound and unbound, by each kind of instrument."""
    with capture() as captured:
        router.wait_duration.bind(hop=2).record(0.05)
        router.wait_duration.record(0.5, hop=2)
        router.held.add(3, reason="closed", venue="XNAS")
        router.open.add(2)
        router.open.bind().add(-1)
        router.state.set(1, venue="XLON")
        wait = captured.metric("acme.router.wait.duration")
        assert ("s", {"acme.router.hop": 2}, 2, 0.55) == (wait.unit, wait.attributes, wait.count, wait.sum)
        assert ((0.001, 0.01, 0.1), (0, 0, 1, 1)) == (wait.explicit_bounds, wait.bucket_counts)
        held = captured.metric("acme.router.held", **{"acme.router.reason": "closed"})
        assert ("{order}", {"acme.router.reason": "closed", "acme.venue": "XNAS"}, 3) == (
            held.unit, held.attributes, held.value,
        )  # fmt: skip
        assert ({}, 1) == ((still := captured.metric("acme.router.open")).attributes, still.value)
        assert 1 == captured.metric("acme.router.state", **{"acme.venue": "XLON"}).value


def test_scope_is_that_of_the_registry() -> None:
    """Name, version and schema URL; ours is otel_trading.catalogue."""
    with capture() as captured:
        risk.orders.add(result="approved")
        data = captured._reader.get_metrics_data()
    assert data is not None
    scopes = [scope.scope for resource in data.resource_metrics for scope in resource.scope_metrics]
    found = [scope for scope in scopes if scope.name == "otel_trading.catalogue"]
    assert [risk.orders._scope] == [(scope.name, scope.version, scope.schema_url) for scope in found]
    assert str(found[0].schema_url).endswith(f"/{found[0].version}")


def test_names_units_and_words_can_be_asked(router: Any) -> None:
    """Of the object and its docstring, without making an instrument."""
    wait = router.wait_duration
    assert ("acme.router.wait.duration", "s", "Time an order waits.") == (wait.name, wait.unit, wait.description)
    assert (0.001, 0.01, 0.1) == wait.boundaries
    assert "<histogram acme.router.wait.duration in s>" == repr(wait)
    assert "a histogram in `s`. Its buckets end at 0.001 to 0.1." in wait.__doc__
    assert "hop: `acme.router.hop`, opt in. Which hop." in wait.bind.__doc__
    assert "Source: desk: held." in router.held.__doc__
    assert wait._made is None


def test_a_value_that_a_closed_enumeration_has_not_is_counted_and_other(router: Any) -> None:
    """Once said, never raised; values that cannot be hashed too."""
    with capture() as captured:
        before = troubles("catalogue.unknown_value")
        router.held.add(reason="tired")
        router.held.bind(reason="sleepy").add(2)
        router.held.add(reason=["no_venue"])
        assert 4 == captured.metric("acme.router.held", **{"acme.router.reason": "other"}).value
        assert 3 == troubles("catalogue.unknown_value") - before


def test_a_value_that_is_not_allowed_becomes_other_in_silence(router: Any) -> None:
    """That is what the list is for; at the bind, too."""
    with capture() as captured:
        before = troubles("catalogue.unknown_value")
        router.held.add(reason="closed", venue="XPAR")
        router.held.bind(reason="closed", venue="XTKS").add(2)
        assert 3 == captured.metric("acme.router.held", **{"acme.venue": "other"}).value
        assert 0 == troubles("catalogue.unknown_value") - before


def test_a_required_attribute_that_is_none_is_counted(router: Any) -> None:
    """A type checker finds it; the measurement is kept."""
    with capture() as captured:
        before = troubles("catalogue.missing_attribute")
        router.held.add(reason=None)
        found = [(point.attributes, point.value) for point in captured.metrics]
        assert ({}, 1) in found
        assert 1 == troubles("catalogue.missing_attribute") - before


def test_a_misspelt_or_missing_keyword_is_pythons_own_error(router: Any) -> None:
    """At the bind, which is at start-up."""
    with pytest.raises(TypeError, match="unexpected keyword argument 'reasn'"):
        router.held.bind(reasn="closed")
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'reason'"):
        router.held.bind()
    with pytest.raises(TypeError, match="positional argument"):
        router.held.bind("closed")


def test_initial_series_are_there_at_zero_from_the_first_use(router: Any) -> None:
    """Counters and gauges, in each session anew."""
    for _ in range(2):
        with capture() as captured:
            router.held.bind(reason="closed")
            router.state.enabled()
            assert 0 == captured.metric("acme.router.held", **{"acme.router.reason": "no_venue"}).value
            assert ({}, 0) == ((state := captured.metric("acme.router.state")).attributes, state.value)
            router.state.set(1)
            assert 1 == captured.metric("acme.router.state").value


def test_handles_and_instruments_outlive_a_shutdown(router: Any) -> None:
    """Bound before `init()`, recorded in two sessions; what comes in between is nowhere."""
    handle = router.wait_duration.bind(hop=1)
    handle.record(9)
    for value in (0.25, 0.75):
        with capture() as captured:
            handle.record(value)
            router.open.add(1)
            assert value == captured.metric("acme.router.wait.duration").sum
            assert 1 == captured.metric("acme.router.open").value
        handle.record(9)


def test_threads_make_one_instrument(router: Any) -> None:
    """All that begin at the same moment; no value is lost, also where a gauge begins at 0."""
    start = threading.Barrier(8)
    found: list[Any] = []

    def use(number: int) -> None:
        start.wait()
        found.append(router.held.instrument)
        router.held.add(1, reason="closed")
        router.state.set(7)
        router.open.observe(lambda options: [router.open.observation(number)])

    with capture() as captured:
        threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 1 == len({id(instrument) for instrument in found})
        assert 8 == captured.metric("acme.router.held", **{"acme.router.reason": "closed"}).value
        assert 7 == captured.metric("acme.router.state").value
        assert 1 == len([point for point in captured.metrics if point.name == "acme.router.open"])
        made = router.held._scope.meter()._instruments.values()
        assert ["acme.router.held", "acme.router.open", "acme.router.state"] == sorted(one.name for one in made)


def test_callbacks_tell_values_until_they_end(router: Any) -> None:
    """Several for one metric; the attributes are those of keywords, and one that fails harms no other."""

    def broken(options: object) -> list[Observation]:
        raise ValueError("no")

    with capture() as captured:
        end = router.state.observe(lambda options: [router.state.observation(3, venue="XLON")])
        router.state.observe(broken)
        router.state.observe(lambda options: [router.state.observation(4, venue="XNAS")])
        assert {"XLON": 3, "XNAS": 4} == by_venue(captured)
        end()
        end()
        assert {"XNAS": 4} == by_venue(captured)
    with capture() as captured:
        assert 4 == captured.metric("acme.router.state").value
    assert router.state._made is None


def test_an_applications_own_provider_gets_them_too(router: Any) -> None:
    """With boundaries, and with the series at zero."""
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    providers.meters.delegate_to(provider)
    try:
        router.wait_duration.record(0.05, hop=1)
        router.held.enabled()
        router.state.enabled()
        found = {point.name: point for point in points(reader.get_metrics_data())}
    finally:
        providers.meters.delegate_to(None)
        provider.shutdown()
    assert ((0.001, 0.01, 0.1), 0.05) == (
        found["acme.router.wait.duration"].explicit_bounds,
        found["acme.router.wait.duration"].sum,
    )
    assert ({"acme.router.reason": "no_venue"}, 0) == (
        found["acme.router.held"].attributes,
        found["acme.router.held"].value,
    )
    assert 0 == found["acme.router.state"].value


def test_the_form_of_the_design_works() -> None:
    """`risk.pretrade_check_duration.bind(check_type=...)`, timed."""
    checks = risk.pretrade_check_duration.bind(check_type="position_limit")
    with capture() as captured:
        with checks.time():
            captured.clock.advance(0.000_3)
        point = captured.metric("trading.risk.check.duration")
        assert ("s", {"risk.check.type": "position_limit"}, 1) == (point.unit, point.attributes, point.count)
        assert point.sum == pytest.approx(0.000_3)
        assert point.explicit_bounds == risk.pretrade_check_duration.boundaries
        system.queue_depth.set(4, queue="fill")
        assert 4 == captured.metric("trading.queue.depth", **{"trading.queue.name": "fill"}).value
