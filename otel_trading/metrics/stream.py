"""One metric of one instrument: which attributes it keeps, how many series it may have, and where they are recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.metrics.view import View
from opentelemetry.util.types import AttributeValue

from otel_trading import sdk
from otel_trading.hotpath.engine import Cell
from otel_trading.metrics import attributes as sets
from otel_trading.metrics import exemplars
from otel_trading.metrics.aggregation import CellPlan
from otel_trading.metrics.attributes import OVERFLOW
from otel_trading.metrics.engine import engine
from otel_trading.metrics.live import LiveStream, Series
from otel_trading.metrics.lookup import Lookup

_OVERFLOW = sets.split(dict(OVERFLOW))


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What a view makes of an instrument.

    Attributes:
        name: of the metric.
        description: of the metric.
        keep: from the attributes of a measurement to those of the series.
        limit: most series, with the one that takes what goes over it; at least 1.
        view: the SDK View, which may bring a reservoir of exemplars.
    """

    name: str
    description: str
    keep: sets.Filter
    limit: int
    view: View | None = None


class Budget:
    """The memory that all series of a provider share; estimated, so that nothing has to be measured."""

    def __init__(self, limit_bytes: int) -> None:
        """Takes the most bytes."""
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._lock = threading.RLock()

    def take(self, count: int) -> bool:
        """Whether there were so many bytes left; they are taken then."""
        with self._lock:
            if self.used_bytes + count > self.limit_bytes:
                return False
            self.used_bytes += count
            return True

    def take_anyway(self, count: int) -> None:
        """Takes the bytes of what has to be there."""
        with self._lock:
            self.used_bytes += count


@dataclass(eq=False, slots=True)
class Storage:
    """The series of a stream in one aggregation: for all cumulative readers that want it, or for one delta reader."""

    plan: CellPlan
    live: LiveStream
    delta: bool
    readers: list[Any]
    taken: int = 0
    """Measurements that a delta reader has had."""
    begun: bytearray = field(default_factory=bytearray)
    """Whether the delta reader had it before, 1 or 0 by series."""

    def begin_anew(self) -> None:
        """Forgets what was recorded, for another delta reader."""
        self.begun = bytearray()
        for series in self.live.series[:]:
            series.cell.take()


class Stream:
    """Finds and makes the series. Thread-safe; a signal handler may come in the middle."""

    def __init__(
        self, plan: StreamPlan, storages: Sequence[Storage], budget: Budget, *, per_ns: float, wanted: exemplars.Filter
    ) -> None:
        """Has no series yet.

        Args:
            plan: what the view says.
            storages: at least one; each series has a cell in each of them, fed one after the other.
            budget: shared by all streams.
            per_ns: from nanoseconds to the instrument's unit; 0 if that is no unit of time.
            wanted: which measurements may become exemplars.
        """
        self.storages = tuple(storages)
        self.overflowed = 0
        self._plan = plan
        self._budget = budget
        self._per_ns = per_ns
        self._exemplars = wanted
        self._lock = threading.RLock()
        # all storages have the same series; the first one's cell feeds the others
        self._known = Lookup(self.storages[0].live.series)
        self._keys: dict[tuple[str, ...], tuple[str, ...]] = {}

    def __len__(self) -> int:
        """How many series there are."""
        return len(self.storages[0].live.series)

    def cell(self, measured: Mapping[str, AttributeValue], handle: Cell | None) -> Cell:
        """The cell that records measurements with these attributes into their series.

        Args:
            measured: attributes of the measurement; with a handle nobody changes them any more.
            handle: a closed cell that an application holds; it becomes the one that is returned.
        """
        keys, values = sets.split(self._plan.keep(measured))
        found = self._known.find(keys, values)
        if found is None:
            with self._lock:
                found = self._known.find(keys, values) or self._made(keys, values, handle, measured)
        head = found.cell
        if handle is None or handle is head:
            return head
        # another handle or call has the series already: this one passes on what it gets
        handle.configure("dropped", next=head, per_ns=self._per_ns, owner=measured)
        return handle

    def _made(
        self,
        keys: tuple[str, ...],
        values: tuple[AttributeValue, ...],
        handle: Cell | None,
        measured: Mapping[str, AttributeValue],
    ) -> Series:
        """A series in each storage; returns the first."""
        if len(self) + 1 >= self._plan.limit or not self._budget.take(self._bytes(keys, values)):
            self.overflowed += 1
            (keys, values), handle = _OVERFLOW, None
            known = self._known.find(keys, values)
            if known is not None:
                return known
        cells = [engine.Cell(self._plan.name) for _ in self.storages]
        cells[0] = handle or cells[0]
        keys = self._keys.setdefault(keys, keys)
        bound = measured if handle is not None and sets.split(measured) != (keys, values) else None
        made = [Series(keys, values, cell, bound) for cell in cells]
        following = self._reservoirs(self.storages, made)
        offered = self._exemplars != "always_off" and following is None
        for storage, series in reversed([*zip(self.storages, made, strict=True)]):
            storage.plan.configure(series.cell, series, following, per_ns=self._per_ns, exemplars=offered)
            following = series.cell
        for storage, series in zip(self.storages[1:], made[1:], strict=True):
            storage.live.series.append(series)
        self._known.add(made[0])
        return made[0]

    def readable(self, plan: CellPlan, delta: bool) -> Storage | None:
        """A storage that one more reader can read: a cumulative one, or one of a delta reader that went away."""
        for storage in self.storages:
            if storage.plan == plan and storage.delta == delta and not (delta and storage.readers):
                if delta:
                    storage.begin_anew()
                return storage
        return None

    def extend(self, storage: Storage) -> None:
        """One more aggregation: its series begin now, with those that there are; the others keep what they have."""
        with self._lock:
            self.storages = (*self.storages, storage)  # a signal handler that makes a series makes it there too
            there = set(map(id, storage.live.series))
            for series in self.storages[0].live.series[:]:
                if not any(id(owner) in there for owner in _owners(series.cell)):
                    self._add(series, storage)

    def _add(self, series: Series, storage: Storage) -> None:
        """Makes a series of another storage one of this storage as well."""
        cell = engine.Cell(self._plan.name)
        made = Series(series.keys, series.values, cell, series.bound)
        following = self._reservoirs([storage], [made])
        offered = self._exemplars != "always_off" and following is None
        storage.plan.configure(cell, made, following, per_ns=self._per_ns, exemplars=offered)
        self._budget.take_anyway(storage.plan.bytes())
        storage.live.series.append(made)
        series.cell.extend(cell)

    def _reservoirs(self, storages: Sequence[Storage], made: Sequence[Series]) -> Cell | None:
        """A cell that offers each measurement to reservoirs of the view; None without any."""
        if self._plan.view is None or self._exemplars == "always_off":
            return None
        for storage, series in zip(storages, made, strict=True):
            series.reservoir = sdk.view_reservoir(self._plan.view, storage.plan.kind, storage.plan.reservoir_settings())
        if made[0].reservoir is None:
            return None
        offering = engine.Cell(self._plan.name)
        offering.configure("forwarded", owner=exemplars.offering(made, self._exemplars), negative=True, exemplars=True)
        return offering

    def _bytes(self, keys: tuple[str, ...], values: tuple[AttributeValue, ...]) -> int:
        labels = sum(map(len, keys)) + sum(len(str(value)) for value in values)
        return labels + sum(storage.plan.bytes() for storage in self.storages)

    def close(self) -> None:
        """Forgets everything recorded; what still comes is refused."""
        for storage in self.storages:
            for series in storage.live.series[:]:
                series.cell.close()


def _owners(cell: Cell | None) -> Iterator[object]:
    """Of a chain of cells."""
    while cell is not None:
        yield cell.owner
        cell = cell.next
