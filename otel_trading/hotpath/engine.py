"""What an engine offers, as types: the native module and the Python twin both do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Protocol, runtime_checkable

from otel_trading.hotpath.sampler_engine import SamplerEngine
from otel_trading.hotpath.span_engine import SpanEngine

Snapshot = tuple[int, int | float, int | float | None, int | float | None, Any]
"""Count, sum, min, max, detail; see `Cell.snapshot`."""


class Bounds(Protocol):
    """Explicit bucket boundaries, shared by the series of a stream.

    A value belongs to the first bucket whose bound is not below it; above the last bound there is one bucket more.
    """

    @property
    def bounds(self) -> tuple[float, ...]:
        """float[n_bounds], strictly ascending."""

    def find(self, value: int | float, /) -> int:
        """The bucket of a finite number, 0 to the number of bounds; raises ValueError for what is none."""


class Timer(Protocol):
    """Measures one block; made by `Cell.time()`."""

    def __enter__(self) -> Timer:
        """Starts."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Records, also when the block raised."""


@runtime_checkable
class Cell(Protocol):
    """One series and the handle that records into it; closed until `configure`.

    Nothing on it but `configure` and `wrap` raises. What is no finite number, or negative where none may be, is counted
    by reason (`Engine.refusals`), told once to the refusal hook, and harms nothing else. Thread-safe: totals are exact.
    After a fork the child's copy is its own; `configure` empties it.
    """

    @property
    def name(self) -> str:
        """The instrument's name, for messages."""

    @property
    def kind(self) -> str:
        """closed, dropped, counter, up_down, gauge, explicit, exponential or forwarded."""

    @property
    def owner(self) -> Any:
        """What exemplars are offered with."""

    @property
    def next(self) -> Cell | None:
        """The cell that is fed every record as well."""

    @property
    def started_ns(self) -> int:
        """Wall time of the first record since `configure`; 0 before."""

    def record(self, amount: int | float, context: Any = None) -> None:
        """Records a number in the instrument's unit; `context` is a candidate for the exemplar."""

    def set(self, amount: int | float, context: Any = None) -> None:
        """The name of `record` for gauges."""

    def add(self, amount: int | float = 1, context: Any = None) -> None:
        """The name of `record` for counters."""

    def record_since(self, start_ns: int, context: Any = None) -> None:
        """Records the time since `start_ns = now()`, converted to the instrument's unit of time."""

    def time(self) -> Timer:
        """A context manager that records how long its block took, also when it raises."""

    def wrap(self, function: Callable[..., Any], coroutine: bool = False, /) -> Callable[..., Any]:
        """A callable that records how long each call took; `timed` is the decorator made of it."""

    def configure(
        self,
        kind: str,
        *,
        bounds: Any = None,
        max_size: int = 160,
        max_scale: int = 20,
        zero_threshold: float = 0.0,
        per_ns: float = 0.0,
        negative: bool | None = None,
        exemplars: bool = False,
        owner: Any = None,
        next: Any = None,
    ) -> None:
        """Forgets what was recorded and becomes a cell of this kind, at once.

        Args:
            kind: see `kind`. A dropped one takes everything silently and passes it on to `next`. A forwarded one counts
                nothing: each record calls `owner(value, context)` with an int or a float, without a lock; what that
                raises is counted as `forward_failed`.
            bounds: the Bounds of an explicit histogram.
            max_size: buckets of an exponential histogram, 2 to 4096.
            max_scale: its finest scale, -10 to 20.
            zero_threshold: magnitudes up to this are counted as zeros by it.
            per_ns: what nanoseconds are multiplied by to be in the instrument's unit; 0 if that is no unit of time.
                In a chain that of the first cell counts.
            negative: a gauge, an explicit histogram or a forwarded cell takes negative values too; None: a gauge does,
                the others do not. Up-down counters always do, other kinds never.
            exemplars: measurements are offered to the exemplar hook; the owner of a forwarded cell gets a third
                argument, the origin, as the hook does (`Engine.set_exemplar_hook`).
            owner: what they are offered with; opaque. Of a forwarded cell the callable.
            next: a Cell of the same engine that is fed every record as well; must not lead back here. What a record is
                refused for is counted once, under the name of the first cell, however many streams refuse it.

        Raises:
            TypeError: an argument is of the wrong type, or the owner of a forwarded cell is not callable.
            ValueError: it is out of range. In both cases nothing has changed.
        """

    def extend(self, further: Any, /) -> None:
        """Feeds one more cell, after all that are fed; what was recorded stays where it is.

        Raises:
            TypeError: it is no Cell of the same engine.
            ValueError: it leads back to this one. In both cases nothing has changed.
        """

    def close(self) -> None:
        """Forgets everything; from now on records are refused as closed, until `configure`."""

    def arm(self) -> None:
        """Every bucket wants an exemplar again."""

    def snapshot(self) -> Snapshot:
        """What was recorded since `configure`, at one moment.

        Returns:
            count; sum: an int of any size as long as only ints came, then a float, the last value of a gauge; min and
            max of histograms in the type they came in, None before the first record and for other kinds; detail:
            int[n_bounds + 1] if explicit, (scale, zeros, offset, int[n]) if exponential, None otherwise. An int beyond
            int64 counts as a float.
        """

    def take(self) -> Snapshot:
        """What `snapshot` gives, and at the same moment the cell begins anew: no record is lost or counted twice.

        Values and `started_ns` are forgotten, an exponential cell has its finest scale again, and every bucket wants an
        exemplar again. What `configure` decided stays, and so do refusals that were told. For readers of deltas. In a
        signal handler or a finaliser that interrupts a record, the twin's may find nothing: all is left to the next.

        Raises:
            MemoryError: for once, what was recorded may be lost.
        """


class Table(Protocol):
    """From attributes to their cell. Its length is the number of sets that are remembered.

    `factory(attributes)` is called for a set that is not remembered, with a dict of its own; it returns the Cell, or
    None for a refusal (`no_series`). At most `limit` sets are remembered. Beyond it, and for attributes that cannot be
    hashed without running Python (lists, other mappings, texts over 1,024 letters, ints beyond int64), the factory is
    asked each time. The order of the attributes means nothing; True, 1 and 1.0 are different. Thread-safe; the factory
    may be asked twice for a set by two threads at once, and must return the same cell.
    """

    @property
    def name(self) -> str:
        """The instrument's name, for messages."""

    def __len__(self) -> int:
        """How many sets are remembered."""

    def find(self, attributes: Mapping[str, Any] | None, /) -> Cell | None:
        """The cell of these attributes; None if the factory refuses them."""

    def record(self, amount: int | float, attributes: Mapping[str, Any] | None = None, context: Any = None) -> None:
        """Records into the cell of these attributes. Never raises."""

    def set(self, amount: int | float, attributes: Mapping[str, Any] | None = None, context: Any = None) -> None:
        """The name of `record` for gauges."""

    def add(self, amount: int | float = 1, attributes: Mapping[str, Any] | None = None, context: Any = None) -> None:
        """The name of `record` for counters."""

    def forget(self) -> None:
        """The factory is asked anew for every set of attributes."""


class Family(Protocol):
    """A metric family, prepared for pages: what is said about it, and its series with their labels.

    Its length is the number of series. Prepared by one thread at a time; pages may be rendered from it meanwhile. A
    forked child's copy is its own.
    """

    def __len__(self) -> int:
        """How many series."""

    def shape(self, kind: str, constants: tuple[str, ...], names: tuple[str, ...], bounds: tuple[float, ...], /) -> int:
        """What series with the same label names have in common; the same number for the same arguments.

        Args:
            kind: counter, up_down, gauge, explicit or exponential; a cell of another kind is not shown.
            constants: names and values in turn of labels that all of them have.
            names: of the other labels.
            bounds: float[n_bounds] of explicit ones; a cell with others is not shown.

        Raises:
            TypeError: one of the tuples is none.
            ValueError: no kind has that name, or a constant lacks its value.
        """

    def add(self, shape: int, values: tuple[str, ...], source: Any, holder: Any = None, /) -> bool:
        """A series; False, and nothing is added, if there is one with these labels.

        Args:
            shape: a number that `shape` gave.
            values: of its names.
            source: a Cell of the same engine, or a tuple of started_ns, count, sum and detail, where detail is None,
                int[n_bounds + 1], or (scale, zeros, offset, int[n], zero_threshold).
            holder: whose attribute `exemplars` is a dict of objects as `otel_trading.metrics.live.Recorded`, or None.

        Raises:
            TypeError: of the wrong type.
            ValueError: not a shape of this family, or it has other names.
        """


Item = Family | bytes
"""A part of a page: a family, or bytes that are on it as they are."""


class Engine(SpanEngine, SamplerEngine, Protocol):
    """The names of an engine, a module; those for spans and sampling are told in `span_engine` and `sampler_engine`."""

    NAME: str

    def Bounds(self, bounds: Iterable[float]) -> Bounds:
        """Bounds of explicit buckets.

        Raises:
            ValueError: they are not finite and strictly ascending, or more than 100,000.
            TypeError: one is no number.
        """

    def Cell(self, name: str) -> Cell:
        """A cell, closed."""

    def Table(self, factory: Callable[[Any], Any], limit: int = 2000, name: str = "") -> Table:
        """A table that remembers nothing yet."""

    def Family(
        self,
        type: str,
        heads: tuple[bytes | None, bytes | None, bytes | None],
        text_names: tuple[bytes, ...],
        open_names: tuple[bytes, ...],
    ) -> Family:
        """A family without series.

        Args:
            type: counter, gauge, histogram or unknown.
            heads: what stands before the samples in text, OpenMetrics and protobuf (the encoded fields of the message);
                None leaves the family out of a format. Families with the very same head that follow each other are one
                to the reader: the head is written once.
            text_names: bytes[5], of value, bucket, sum, count and created in text; empty where there is no such sample;
                one that needs quotes as `{"name"`.
            open_names: the same in OpenMetrics.

        Raises:
            TypeError: of the wrong type.
            ValueError: no type has that name, or there are not five names.
        """

    def render(
        self,
        items: Iterable[Item],
        format: str,
        labels: Callable[[Mapping[str, Any]], tuple[str, ...]] | None = None,
    ) -> Iterator[bytes]:
        """The parts of a page, about 1 MiB each, as they are asked for.

        A series is shown as it is at one moment; those of one page at several. Natively the numbers of up to 4,096
        series are taken in one go under the GIL, and written without it. Counters, up-down counters and histograms are
        shown at zero before their first record, gauges are not shown. Exponential histograms are explicit buckets at
        scale 2; in protobuf they are native histograms too. A family of protobuf that does not fit into a part is
        several messages of the same name.

        Args:
            items: families, and bytes that are on the page as they are.
            format: text, openmetrics or protobuf.
            labels: makes names and values of labels, in turn, of what an exemplar has beyond its trace.

        Raises:
            TypeError: an item is neither.
            ValueError: there is no such format; from the iterator: two threads use it at once.
        """

    def render_number(self, value: float, pointed: bool = False, /) -> str:
        """A float as pages have it, the shortest decimal that reads back; `pointed`: as OpenMetrics has it."""

    def now(self) -> int:
        """Monotonic nanoseconds, as `time.perf_counter_ns()`."""

    def set_clock(self, now: Callable[[], int] | None, wall: Callable[[], int] | None, /) -> None:
        """Other clocks, for tests; None for the real ones."""

    def refusals(self) -> dict[str, int]:
        """What was not recorded, by reason."""

    def forget_refusals(self) -> None:
        """Counts from 0 again."""

    def set_refusal_hook(self, hook: Callable[[str, str, Any], object] | None, /) -> None:
        """`hook(reason, name, value)` is called once for each reason and cell; None for nobody."""

    def set_exemplar_hook(
        self,
        hook: Callable[[Any, int, Any, Any, Any], bool] | None,
        variable: ContextVar[Any] | None = None,
        span_key: str | None = None,
        flags: tuple[str, int] | None = None,
        /,
    ) -> None:
        """`hook(owner, bucket, value, context, origin) -> bool` is offered measurements made in a span.

        True: it was taken. `origin` tells what its attributes were: what a table was called with, {} for none; of a
        record without a table the owner of the cell that was called, which may be another than `owner` in a chain.

        Args:
            hook: None: nobody is offered any.
            variable: the ContextVar that holds the context, a dict.
            span_key: the key under which a span is in there. Without both each measurement is offered that its bucket
                wants, span or not, and a hook that takes nothing is asked each time.
            flags: name of an attribute of spans that holds a tuple, and where the trace flags are in it. A span that
                tells there that it is not sampled is as none; on one that does not tell the hook decides.
        """

    def exponential_index(self, value: float, scale: int, /) -> int:
        """The base-2 exponential bucket of a positive value, exactly; ValueError for others."""
