"""The part of a page that profiles decide: series of canonical metrics become those of existing systems."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from opentelemetry.sdk.resources import Resource

from otel_trading.ground import clock
from otel_trading.hotpath.engine import Engine, Family
from otel_trading.metrics.exposition.foreign import Stream
from otel_trading.metrics.exposition.labels import value_text
from otel_trading.metrics.exposition.turns import Turns
from otel_trading.metrics.live import LiveStream
from otel_trading.metrics.profiles import mapping
from otel_trading.metrics.profiles.mapping import Poured, Tap
from otel_trading.metrics.profiles.model import Profile, Source
from otel_trading.metrics.profiles.output import Outlet, Output
from otel_trading.metrics.profiles.sampling import Sampler


class ProfilePages:
    """Thread-safe. After a fork the child makes its own; this one's thread does not exist there."""

    def __init__(
        self,
        engine: Engine,
        profiles: Sequence[Profile],
        resource: Resource,
        live: Callable[[], Sequence[LiveStream]] | None = None,
    ) -> None:
        """Shows zero series until something is recorded.

        Args:
            engine: makes the families.
            profiles: at least one.
            resource: for labels that come from it.
            live: the streams of our cells, for samples between pages; None if there are none.
        """
        now_ns = clock.monotonic_ns()
        self.outputs = [Output(exported, now_ns) for profile in profiles for exported in profile.metrics]
        self._engine = engine
        self._resource: Mapping[str, str] = {key: value_text(value) for key, value in resource.attributes.items()}
        self._sinks: dict[str, list[tuple[Output, Source]]] = {}
        for output in self.outputs:
            for source in output.exported.sources:
                self._sinks.setdefault(source.canonical.lower(), []).append((output, source))
        self._taps: dict[LiveStream, Tap | None] = {}
        self._poured = Poured()
        self._lock = threading.Lock()
        self._live = live
        self._sampler = Sampler(self._sample)

    def names(self) -> list[str]:
        """Names of samples that no other metric may have."""
        wordings = [output.wording for output in self.outputs]
        return [*{name for one in wordings for name in (*one.text_samples(), *one.open_samples())}]

    def take(
        self, live: Sequence[LiveStream], foreign: Sequence[Stream], *, exemplars: bool
    ) -> tuple[list[LiveStream], list[Stream], list[Family]]:
        """The streams that stay on the standard page, and the families of the profiles.

        Args:
            live: streams of our cells.
            foreign: streams of others.
            exemplars: the format has them.
        """
        turns = Turns()
        with self._lock:
            for output in self.outputs:
                output.begin()
            ways = [(stream, self._outlets(stream)) for stream in foreign]
            rest = self._pour(live, turns, exemplars=exemplars)
            self._poured.forget()
            others = [self._poured.take(stream, made, self._resource) if made else stream for stream, made in ways]
            now_ns, wall_ns = clock.monotonic_ns(), clock.wall_ns()
            families = [output.family(self._engine, now_ns, wall_ns) for output in self.outputs]
            active = any(output.derived is not None and output.totals for output in self.outputs)
        if active and self._live is not None:
            self._sampler.start()
        shown = [stream for stream in others if stream.points]
        return rest, shown, [family for family in families if family is not None]

    def values(self, names: Iterable[str]) -> dict[str, float]:
        """Numbers of metrics without labels, by exported name; one that nobody recorded is left out.

        No callback is run: what asynchronous instruments say is that of the last page.
        """
        wanted = {output for output in self.outputs if output.exported.name in {*names}}
        with self._lock:
            self._gather(wanted)
            now_ns, wall_ns = clock.monotonic_ns(), clock.wall_ns()
            found = {output.exported.name: output.numbers(now_ns, wall_ns) for output in wanted}
        return {name: float(rows[()][0][2]) for name, rows in found.items() if () in rows}

    def stop(self) -> None:
        """Ends the thread, if there is one."""
        self._sampler.stop()

    def _sample(self) -> float:
        """Keeps what was recorded for what is derived; returns the seconds until the next time."""
        derived = {output for output in self.outputs if output.derived is not None}
        with self._lock:
            self._gather(derived)
            now_ns, wall_ns = clock.monotonic_ns(), clock.wall_ns()
            due_s = [60.0]
            for output in derived:
                if output.derived is not None and output.totals:
                    output.derived.sample(output.totals, now_ns, wall_ns)
                    due_s.append(output.derived.due_s(wall_ns))
        return max(1.0, min(due_s))

    def _gather(self, wanted: set[Output]) -> None:
        """What some outputs are made of, between two pages."""
        turns = Turns()
        for output in wanted:
            output.begin()
        for tap in self._update(self._live() if self._live is not None else (), turns).values():
            if tap is not None:
                tap.pour(turns, exemplars=False, only=wanted)
        self._poured.repeat(wanted)

    def _pour(self, live: Sequence[LiveStream], turns: Turns, *, exemplars: bool) -> list[LiveStream]:
        rest: list[LiveStream] = []
        for stream, tap in self._update(live, turns).items():
            if tap is None:
                rest.append(stream)
                continue
            tap.pour(turns, exemplars=exemplars)
            if tap.rest.series:
                rest.append(tap.rest)
        return rest

    def _update(self, live: Sequence[LiveStream], turns: Turns) -> dict[LiveStream, Tap | None]:
        """Taps of the streams that there are, in their order, with what grew."""
        taps: dict[LiveStream, Tap | None] = {}
        for stream in live:
            tap = self._taps.get(stream)
            if stream not in self._taps or (tap is not None and not tap.goes_on()):
                made = mapping.outlets(self._sinks, stream.name, stream.unit, stream.kind, stream.bounds)
                tap = Tap(stream, made, self._resource) if made else None
            if tap is not None:
                tap.look(turns)
            taps[stream] = tap
        self._taps = taps
        return taps

    def _outlets(self, stream: Stream) -> list[Outlet]:
        bounds = stream.points[0].bounds if stream.points else ()
        return mapping.outlets(self._sinks, stream.name, stream.unit, stream.kind, bounds)
