"""What an engine offers for spans, as types: the native module and the Python twin both do.

An `Arena` holds finished spans, a `Recorder` begins those of one scope, a `Span` is one operation. Nothing here knows
OpenTelemetry's API; the bytes are those of OTLP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

Chunk = tuple[bytes, int, bytes, int]
"""Scope as its recorder has it, number of spans, the spans (as many fields `spans` of OTLP's ScopeSpans), urgency.

Urgency is 0 for ticks, 1 for most, 2 for orders and errors.
"""


RECORD_EXCEPTION, SET_STATUS = 1, 2


class Arena(Protocol):
    """Finished spans, encoded, until they are taken; bounded in spans and bytes.

    Thread-safe, exact. A forked child's arena is empty and its books begin at zero. What does not fit is dropped, the
    new one, and counted: `queue_full`, `bytes_full`, `after_shutdown`, `no_memory`. Spans of urgency 0 fill 80 % of the
    bounds at most, those of urgency 1 90 %, so that an order finds room among ticks.
    """

    def take(self) -> Chunk | None:
        """The oldest chunk, some 64 KiB at most unless one span is larger; None if nothing waits.

        Natively it is copied once under the GIL, some 10 us. Chunks come in the order in which they were begun.
        """

    def wait(self, items: int, timeout_s: float) -> bool:
        """Sleeps, without the GIL, until so many spans wait or `wake` is called; False if time is over.

        One thread at a time waits. Whoever ends a span does not wait for it, and pays for ringing once a wait at most.

        Args:
            items: 1 or more.
            timeout_s: seconds, 0 or more.

        Raises:
            RuntimeError: another thread waits.
            ValueError: out of range.
        """

    def wake(self) -> None:
        """Ends the `wait` that is under way, or else the next one at once."""

    def books(self) -> dict[str, Any]:
        """offered, queued, taken: int; queued_bytes, chunks: int, of what is queued; dropped: int by reason.

        offered = queued + taken + all that was dropped, at any moment.
        """

    def troubles(self) -> dict[str, int]:
        """What was wrong with values that spans were given: attributes, event, link, status, name, time, ids."""

    def held(self) -> dict[str, int]:
        """bytes: of memory that unsampled spans wait in; forgotten: spans for which that was too little."""

    def counts(self) -> dict[str, tuple[int, ...]]:
        """How many spans began in this process, and how many of those that record have not ended.

        started: nine numbers, three for each of dropped, recorded only (unsampled, but held or a request's), recorded
        and sampled: without a parent, with one of this process, with a remote one. live: recorded only, recorded and
        sampled; a span that is let go without an end stays live.
        """

    def close(self) -> None:
        """From now on spans are dropped as `after_shutdown`; what waits can be taken."""


class Span(Protocol):
    """One operation, made by `Recorder.begin`.

    No value makes a method raise: what OTLP cannot carry is converted as `ground.values` tells, what cannot be
    converted is dropped and counted (`Arena.troubles`); a call with other arguments than these raises TypeError, as any
    does. After the end everything is ignored. Thread-safe. A forked
    child's copy of an open span does not record: it is the parent's.
    """

    @property
    def trace_id(self) -> int:
        """128 bits."""

    @property
    def span_id(self) -> int:
        """64 bits."""

    @property
    def parent_id(self) -> int:
        """64 bits; 0 for none."""

    @property
    def flags(self) -> int:
        """W3C trace flags: 1 sampled, 2 the trace id is random."""

    @property
    def trace_state(self) -> str:
        """As in the header `tracestate`; empty for none."""

    @property
    def kind(self) -> int:
        """As OTLP counts: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer."""

    @property
    def name(self) -> str:
        """What it is called now."""

    @property
    def threshold(self) -> int:
        """Of consistent probability sampling, 0 to 2^56; -1 if none is told."""

    @property
    def randomness(self) -> int:
        """The 56 bits that are compared with a threshold."""

    @property
    def on_exception(self) -> int:
        """What is to happen when an exception leaves `with span:`, of RECORD_EXCEPTION and SET_STATUS."""

    @property
    def owner(self) -> Any:
        """What the recorder was given as the owner of its spans; None for nothing."""

    @property
    def start_ns(self) -> int:
        """UTC nanoseconds."""

    @property
    def end_ns(self) -> int:
        """UTC nanoseconds; 0 before the end."""

    def is_recording(self) -> bool:
        """From the beginning to the end."""

    def set_attribute(self, key: Any, value: Any) -> None:
        """Encodes it at once; the value of a key that is there is replaced."""

    def set_attributes(self, attributes: Any) -> None:
        """Each of a mapping."""

    def add_event(self, name: Any, attributes: Any = None, timestamp: Any = None) -> None:
        """Adds an event at UTC nanoseconds, or now."""

    def add_link(
        self,
        trace_id: Any,
        span_id: Any,
        attributes: Any = None,
        trace_state: Any = None,
        flags: Any = 0,
        remote: Any = False,
    ) -> None:
        """Adds a link; one that says nothing (ids of zero, no attributes, no trace state) is ignored."""

    def set_status(self, code: Any, description: Any = None) -> None:
        """1: ok, which is final; 2: error, with a description; 0 changes nothing."""

    def update_name(self, name: Any) -> None:
        """Renames it."""

    def end(self, end_time: Any = None) -> None:
        """Offers the encoded span to the arena, once; its end is at UTC nanoseconds, or now.

        Now is counted from the start on the monotonic clock, unless the start was given.
        """

    def encoded(self) -> bytes:
        """The message Span of OTLP as it is now, also after the end; `span_reading.read` decodes it."""


class Recorder(Protocol):
    """Begins the spans of one scope. Thread-safe."""

    def begin(
        self,
        name: Any,
        parent: Span | None = None,
        kind: Any = 1,
        attributes: Mapping[str, Any] | None = None,
        start_time: Any = None,
        trace_id: Any = 0,
        span_id: Any = 0,
        parent_id: Any = 0,
        flags: Any = None,
        trace_state: Any = None,
        remote: Any = False,
        urgency: Any = 1,
        record: Any = False,
        threshold: Any = None,
        randomness: Any = None,
        on_exception: Any = None,
        held_with: Any = None,
    ) -> Span:
        """A span. One that is not sampled goes nowhere, and does not record unless it is a client's or a producer's.

        Where the recorder keeps errors or slow spans, it records and is held: see `SpanEngine.Recorder`.

        Args:
            name: a text; anything else is converted.
            parent: a Span of the same engine: its trace, its flags and trace state, and its id as parent.
            kind: see `Span.kind`.
            attributes: a mapping.
            start_time: UTC nanoseconds; None for now.
            trace_id: 128 bits; 0: a new random one. Nothing beside a parent, as `parent_id` and `remote`.
            span_id: 64 bits; 0: a new random one.
            parent_id: 64 bits, of a parent that is no Span of ours; 0 for none.
            flags: W3C trace flags; None: those of the parent, 3 for a trace that begins here, 1 otherwise.
            trace_state: as in the header; None: that of the parent.
            remote: the parent is in another process.
            urgency: see `Chunk`; one that ends with the status error is of urgency 2.
            record: True: it records although it is not sampled, for those who are told of its end.
            threshold: see `Span.threshold`; None: that of the parent, or none.
            randomness: see `Span.randomness`; None: that of the parent, or of the trace id.
            on_exception: see `Span.on_exception`; None for both.
            held_with: the parent where it is given by its ids and is a Span of ours; anything else is none.

        Raises:
            TypeError: `parent` is no Span of this engine.
        """


class Block(Protocol):
    """A span that begins with a block, or with each call of a function, and is the current one in there.

    An exception of the application passes through; it is told to `Tracer.failed` first. Entered again while it is
    entered, it gives the span that is there.
    """

    def __enter__(self) -> Any:
        """Begins the span and makes it current."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Makes the one before current, and ends the span."""

    def __call__(self, function: Any) -> Any:
        """Decorates a function with `Tracer.decorated`."""


class Tracer(Protocol):
    """Begins spans with the current one as their parent; made by a subclass, which has the methods marked so.

    Thread-safe. `direct` takes effect with the next span.
    """

    def direct(self, recorder: Any, sampler: Any, /) -> None:
        """Where spans begin from now on.

        Args:
            recorder: None: `start_slowly` begins them.
            sampler: decides which are kept; None: all are.
        """

    def start_span(
        self,
        name: Any,
        context: Any = None,
        kind: Any = None,
        attributes: Any = None,
        links: Sequence[Any] | None = (),
        start_time: Any = None,
        record_exception: Any = True,
        set_status_on_exception: Any = True,
    ) -> Any:
        """A span whose parent is the span of the context, or of the current one.

        `start_slowly` is called for what is not usual: links, a parent of others, a name that is no text.
        """

    def start_as_current_span(
        self,
        name: Any,
        context: Any = None,
        kind: Any = None,
        attributes: Any = None,
        links: Sequence[Any] | None = (),
        start_time: Any = None,
        record_exception: Any = True,
        set_status_on_exception: Any = True,
        end_on_exit: Any = True,
    ) -> Block:
        """A block for a span."""

    def start_slowly(
        self,
        name: Any,
        context: Any,
        kind: Any,
        attributes: Any,
        links: Any,
        start_time: Any,
        record_exception: Any,
        set_status_on_exception: Any,
    ) -> Any:
        """Of the subclass: begins a span in Python. What it raises passes through."""

    def failed(self, span: Any, error: Exception, record_exception: bool, set_status_on_exception: bool) -> None:
        """Of the subclass: an exception leaves the block of a span."""

    def decorated(self, function: Any, *given: Any) -> Any:
        """Of the subclass: a function each of whose calls is a span; `given` as to `start_as_current_span`."""


class Screen(Protocol):
    """Finds the encoded spans that may hold a secret. One thread at a time.

    It never says less than `privacy.redaction.Redactor` does without patterns of the user's: whatever that would change
    in a span is suspicious here, and some more; in the twin every span is.
    """

    def look(self, spans: bytes) -> tuple[list[tuple[int, int]], list[bytes]]:
        """Where the fields of suspicious spans begin and end, and keys of attributes that are to be taught.

        A span with a key that was not taught is suspicious. Natively it is done without the GIL.

        Args:
            spans: as in `Chunk`.

        Raises:
            RuntimeError: another thread is at it.
            ValueError: these are no encoded spans.
        """

    def teach(self, key: bytes, kind: int) -> None:
        """What values under a key are: 0 any, 1 of an id, whose texts are left alone, 2 a secret. It keeps 4,096.

        Raises:
            RuntimeError: another thread is at it.
            ValueError: there is no such kind.
        """


class SpanEngine(Protocol):
    """The names of an engine, for spans."""

    def Screen(
        self, anywhere: Iterable[Iterable[str]], at_the_end: Iterable[Iterable[str]], every_text: bool = False
    ) -> Screen:
        """A screen that was taught nothing.

        Args:
            anywhere: words in lower case, all of which are in a name that may be a secret's.
            at_the_end: likewise, and the last one ends the name.
            every_text: each span is suspicious.
        """

    Tracer: Any
    """The class, to be subclassed; its `set_kinds(kinds)` takes what callers give as kind, in OTLP's order."""

    Span: Any
    """The class, whose methods a `span_type` may call."""

    def span_type(self, name: str, methods: dict[str, Any], /) -> type[Any]:
        """`Span` with more methods, a dict of functions and properties; the collector does not know it either."""

    def set_current(self, variable: Any, context_type: type[Any], span_key: str, /) -> None:
        """Where the current context is: a ContextVar that holds a dict of this type, with the span under this key.

        Raises:
            TypeError: they are none.
        """

    def attach(self, context: Any, /) -> Any:
        """Makes it the current context; gives the token for `detach`. RuntimeError before `set_current`."""

    def detach(self, token: Any, /) -> bool:
        """The context of before; False if the token is of another thread's or task's context."""

    def Arena(
        self,
        max_items: int = 65536,
        max_bytes: int = 16777216,
        chunk_items: int = 4294967295,
        held_bytes: int = 4194304,
    ) -> Arena:
        """An empty one.

        Args:
            max_items: most spans that wait.
            max_bytes: most bytes of spans that wait.
            chunk_items: most spans of one chunk.
            held_bytes: most memory of unsampled spans that wait whether something goes wrong.

        Raises:
            ValueError: a bound is below 1, or `held_bytes` below 0.
        """

    def Recorder(
        self,
        arena: Any,
        scope: bytes = b"",
        *,
        attributes: int = 128,
        events: int = 128,
        links: int = 128,
        event_attributes: int = 128,
        link_attributes: int = 128,
        letters: int | None = None,
        span_bytes: int = 1048576,
        span_type: Any = None,
        owner: Any = None,
        keep_errors: bool = False,
        slow_ns: int = 0,
        keep_ticks: bool = False,
    ) -> Recorder:
        """A recorder.

        With `keep_errors` or `slow_ns` its unsampled spans are held: they record, and those that have ended wait,
        encoded, while a span of their trace is open in this process. One that ends in error, or too slow, is offered
        after all of them, with the attribute `otel_trading.kept`; so is each span at its end that was open then, with
        what waits by then. All of it is of urgency 1, and remains unsampled by its flags. What waits of one trace takes
        64 KiB; what does not fit makes the trace's finished spans be forgotten. `otel_trading.incomplete` is told by
        spans of a trace that lost some, or whose parent is not held here. In a forked child nothing waits.

        Args:
            arena: an Arena of the same engine, where its spans end.
            scope: comes back with its chunks; the encoded fields `scope` and `schema_url` of ScopeSpans.
            attributes: of a span at most, 0 to 10,000; the next ones are dropped and counted, as with the other limits.
            events: of a span.
            links: of a span.
            event_attributes: of an event.
            link_attributes: of a link.
            letters: of a text in an attribute, which is cut there; None: as `ground.values` cuts.
            span_bytes: of attributes, events and links of a span together, 0 to 64 MiB.
            span_type: what `span_type()` made; the engine's Span if it is not given. An `end` of its own is called when
                a block is left.
            owner: what `Span.owner` tells; it must not lead back to the recorder.
            keep_errors: unsampled spans that end with the status error are kept.
            slow_ns: and those that last so long; 0: none.
            keep_ticks: that counts for spans of urgency 0 too, and those below them.

        Raises:
            TypeError: of the wrong type.
            ValueError: out of range.
        """
