"""A span: ids, times and texts as they are, attributes, events and links encoded as they come."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from otel_trading.hotpath.twin.clock import Clocks
from otel_trading.hotpath.twin.forks import Forks
from otel_trading.hotpath.twin.held import Hold
from otel_trading.hotpath.twin.render_protobuf import varint
from otel_trading.hotpath.twin.span_ids import id_of
from otel_trading.hotpath.twin.span_value import (
    BYTE,
    Odd,
    any_value,
    encoded_attributes,
    key_field,
    pairs_of,
    sized,
    text_field,
    text_of,
)
from otel_trading.hotpath.twin.turn import Turn

if TYPE_CHECKING:
    from otel_trading.hotpath.twin.span_recorder import Recorder

MOST_ID, MOST_TRACE_ID, MOST_TIME = 2**64 - 1, 2**128 - 1, 2**63 - 1
OK, ERROR = 1, 2
_NORMAL, _HIGH = 1, 2
_SAMPLED = 1
_ATTRIBUTE, _EVENT, _LINK, _STATUS = b"\x4a", b"\x5a", b"\x6a", b"\x7a"
_HAS_IS_REMOTE, _IS_REMOTE = 0x100, 0x200
_IDS = struct.Struct(">HQQHQ").pack
_PARENT = struct.Struct(">BBQ").pack
_TIMES = struct.Struct("<BBBQBQ").pack
_FLAGS = struct.Struct("<HI").pack
_FIXED32 = struct.Struct("<BI").pack
_FIXED64 = struct.Struct("<BQ").pack


NO_THRESHOLD = -1
RANDOM_BITS = (1 << 56) - 1
RECORD_EXCEPTION, SET_STATUS = 1, 2
Sampling = tuple[int, int | None, int, bool | Hold]
"""Threshold; randomness, None for that of the trace id; what happens on an exception; whether it is offered or held."""
PLAIN: Sampling = (NO_THRESHOLD, None, RECORD_EXCEPTION | SET_STATUS, True)


class Span:
    """One operation; made by `Recorder.begin`."""

    __slots__ = (
        "_attributes",
        "_dropped",
        "_events",
        "_kind",
        "_links",
        "_name",
        "_open",
        "_recorder",
        "_remote",
        "_sampling",
        "_size",
        "_started",
        "_status",
        "_status_text",
        "_urgency",
        "end_ns",
        "flags",
        "parent_id",
        "span_id",
        "start_ns",
        "trace_id",
        "trace_state",
    )

    trace_id: int
    span_id: int
    parent_id: int
    flags: int
    trace_state: str
    _kind: int
    start_ns: int
    _remote: bool
    _sampling: Sampling
    _urgency: int
    _open: int
    """The fork in which it began, until it ends: to delete it is one step, so that of two ends one counts."""

    def __init__(self, recorder: Recorder, name: bytes) -> None:
        self._recorder = recorder
        self._name = name
        self._open = Forks.count
        self._attributes: dict[bytes, bytes] = {}
        self._events: list[bytes] | None = None
        self._links: list[bytes] | None = None
        self._dropped: list[int] | None = None
        self._size = 0
        self._status = 0
        self._status_text = b""
        self._started: int | None = None
        self.end_ns = 0

    @property
    def kind(self) -> int:
        """As OTLP counts."""
        return self._kind

    @property
    def threshold(self) -> int:
        """Of consistent probability sampling, 0 to 2^56; -1 if none is told."""
        return self._sampling[0]

    @property
    def randomness(self) -> int:
        """The 56 bits that are compared with a threshold."""
        told = self._sampling[1]
        return self.trace_id & RANDOM_BITS if told is None else told

    @property
    def on_exception(self) -> int:
        """What happens when an exception leaves `with span:`: 1 it is recorded, 2 the status is set."""
        return self._sampling[2]

    @property
    def owner(self) -> Any:
        """What the recorder was given as the owner of its spans."""
        return self._recorder.owner

    def stop_recording(self) -> None:
        """From its beginning: it goes nowhere."""
        del self._open

    @property
    def name(self) -> str:
        """What it is called now."""
        return self._name.decode()

    def is_recording(self) -> bool:
        """From begin to end."""
        try:
            return self._open == Forks.count
        except AttributeError:
            return False

    def _now(self) -> int:
        started = self._started
        return Clocks.wall() if started is None else self.start_ns + max(0, Clocks.now() - started)

    def time_of(self, given: Any) -> int:
        """The time that was given, or now."""
        if given is not None:
            if type(given) is int and 0 <= given <= MOST_TIME:
                return given
            self._recorder.arena.trouble("time")
        return self._now()

    def begin_at(self, start_time: Any, attributes: Any) -> None:
        """Takes its start, given or now, and its first attributes."""
        if start_time is None:
            self.start_ns = Clocks.wall()
            self._started = Clocks.now()
        else:
            self.start_ns = self.time_of(start_time)
        if attributes is not None:
            self.set_attributes(attributes)

    def _drop(self, what: int) -> None:
        """0 attributes, 1 events, 2 links."""
        with Turn.lock:
            if self._dropped is None:
                self._dropped = [0, 0, 0]
            self._dropped[what] += 1

    def set_attribute(self, key: Any, value: Any) -> None:
        """Encodes it at once; the value of a key that is there is replaced."""
        try:
            if self._open != Forks.count:
                return
        except AttributeError:
            return
        recorder, attributes = self._recorder, self._attributes
        try:
            if type(value) is str and type(key) is str and len(value) <= recorder.remembered and value.isascii():
                name, field = text_field(_ATTRIBUTE, key, value)
            else:
                name = key_field(key)
                content = any_value(value, recorder.letters)
                size = len(content)
                pair = name + (BYTE[size] if size < 128 else varint(size)) + content
                size = len(pair)
                field = _ATTRIBUTE + (BYTE[size] if size < 128 else varint(size)) + pair
        except Odd:
            recorder.arena.trouble("attributes")
            self._drop(0)
            return
        if (len(attributes) >= recorder.attributes and name not in attributes) or (
            self._size + len(field) > recorder.span_bytes
        ):
            self._drop(0)
            return
        if name in attributes:
            self._size -= len(attributes.pop(name, b""))
        attributes[name] = field
        self._size += len(field)

    def set_attributes(self, attributes: Any) -> None:
        """Each of a mapping."""
        if not self.is_recording():
            return
        try:
            pairs = pairs_of(attributes)
        except Odd:
            self._recorder.arena.trouble("attributes")
            return
        for key, value in pairs:
            self.set_attribute(key, value)

    def _append(self, what: int, field: bytes) -> None:
        recorder = self._recorder
        with Turn.lock:
            kept = self._events if what == 1 else self._links
            most = recorder.events if what == 1 else recorder.links
            if (len(kept) if kept else 0) >= most or self._size + len(field) > recorder.span_bytes:
                self._drop(what)
                return
            if kept is None:
                kept = []
                if what == 1:
                    self._events = kept
                else:
                    self._links = kept
            kept.append(field)
            self._size += len(field)

    def add_event(self, name: Any, attributes: Any = None, timestamp: Any = None) -> None:
        """At UTC nanoseconds, or now."""
        if not self.is_recording():
            return
        try:
            text = text_of(name)
        except Odd:
            self._recorder.arena.trouble("event")
            return
        content = _FIXED64(0x09, self.time_of(timestamp)) + sized(b"\x12", text)
        most, letters = self._recorder.event_attributes, self._recorder.letters
        fields, dropped = encoded_attributes(b"\x1a", attributes, most, letters)
        tail = b"\x20" + varint(dropped) if dropped else b""
        if self.is_recording():
            self._append(1, sized(_EVENT, b"".join((content, *fields.values(), tail))))

    def add_link(
        self,
        trace_id: Any,
        span_id: Any,
        attributes: Any = None,
        trace_state: Any = None,
        flags: Any = 0,
        remote: Any = False,
    ) -> None:
        """One that says nothing is ignored."""
        if not self.is_recording():
            return
        trace, span, bits = id_of(trace_id, MOST_TRACE_ID), id_of(span_id, MOST_ID), id_of(flags, 0xFF)
        try:
            state = b"" if trace_state is None else text_of(trace_state)
        except Odd:
            bits = None
        if trace is None or span is None or bits is None:
            self._recorder.arena.trouble("link")
            return
        most, letters = self._recorder.link_attributes, self._recorder.letters
        fields, dropped = encoded_attributes(b"\x22", attributes, most, letters)
        if not (trace and span) and not state and not fields:
            return
        content = _IDS(0x0A10, trace >> 64, trace & MOST_ID, 0x1208, span) + (sized(b"\x1a", state) if state else b"")
        tail = b"\x28" + varint(dropped) if dropped else b""
        tail += _FIXED32(0x35, bits | _HAS_IS_REMOTE | (_IS_REMOTE if remote is True else 0))
        if self.is_recording():
            self._append(2, sized(_LINK, b"".join((content, *fields.values(), tail))))

    def set_status(self, code: Any, description: Any = None) -> None:
        """1: ok, which is final; 2: error. 0 changes nothing."""
        found = None if code is None else id_of(code, ERROR)
        text = b""
        try:
            if found == ERROR and description is not None:
                text = text_of(description)
        except Odd:
            found = None
        if found is None:
            self._recorder.arena.trouble("status")
            return
        with Turn.lock:
            if found and self._status != OK and self.is_recording():
                self._status, self._status_text = found, text

    def update_name(self, name: Any) -> None:
        """Renames it."""
        try:
            text = text_of(name)
        except Odd:
            self._recorder.arena.trouble("name")
            return
        if self.is_recording():
            self._name = text

    def end(self, end_time: Any = None) -> None:
        """Offers the encoded span to the arena, once; at UTC nanoseconds, or now."""
        try:
            if self._open != Forks.count:
                return
            end_ns = self._now() if end_time is None else self.time_of(end_time)
            del self._open
        except AttributeError:
            return
        self.end_ns = end_ns
        fate = self._sampling[3]
        if fate is True:
            self.offer()
        elif fate:
            fate.end(self)

    def offer(self) -> None:
        """To the arena; what was kept is of normal urgency, so that an order finds room beside it."""
        recorder = self._recorder
        urgency = _HIGH if self._status == ERROR else self._urgency
        recorder.arena.offer(recorder.writer, urgency if self.flags & _SAMPLED else _NORMAL, self.field())

    def field(self) -> bytes:
        """As a field of ScopeSpans."""
        encoded = self.encoded()
        size = len(encoded)
        return b"\x12" + (BYTE[size] if size < 128 else varint(size)) + encoded

    def encoded(self) -> bytes:
        """The message Span as it is now; `span_reading.read` decodes it."""
        trace_id, flags = self.trace_id, self.flags | _HAS_IS_REMOTE
        head = (
            _IDS(0x0A10, trace_id >> 64, trace_id & MOST_ID, 0x1208, self.span_id)
            + (_PARENT(0x22, 8, self.parent_id) if self.parent_id else b"")
            + _TIMES(0x30, self._kind, 0x39, self.start_ns, 0x41, self.end_ns)
            + _FLAGS(0x0185, flags | _IS_REMOTE if self._remote else flags)
        )
        name = self._name
        size = len(name)
        parts = (head, b"\x2a" + (BYTE[size] if size < 128 else varint(size)), name, *self._attributes.values())
        if self._plain():
            return b"".join(parts)
        return b"".join((*parts, *self._rest()))

    def _plain(self) -> bool:
        """Whether it has nothing of what few spans have."""
        return not (self._events or self._links or self._dropped or self._status or self.trace_state)

    def _rest(self) -> list[bytes]:
        """What few spans have."""
        found = [*(self._events or ()), *(self._links or ())]
        if self.trace_state:
            found.append(sized(b"\x1a", self.trace_state.encode()))
        if self._dropped is not None:
            tags = (b"\x50", b"\x60", b"\x70")
            found += [tag + varint(count) for tag, count in zip(tags, self._dropped, strict=True) if count]
        if self._status:
            text = sized(b"\x12", self._status_text) if self._status_text else b""
            found.append(sized(_STATUS, text + b"\x18" + BYTE[self._status]))
        return found


def span_type(name: str, methods: dict[str, Any], /) -> type[Span]:
    """`Span` with more methods, a dict of functions and properties, for a `Recorder`."""
    return type(name, (Span,), {"__slots__": (), **methods})
