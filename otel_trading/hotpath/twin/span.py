"""A span: what it began with, light attributes as they are, the rest encoded as it comes.

What is light can no longer change, so that it may wait: whoever takes the span encodes it.
"""

from __future__ import annotations

from typing import Any

from otel_trading.ground.protobuf import sized
from otel_trading.hotpath.twin import clock
from otel_trading.hotpath.twin.span_attributes import pairs_of
from otel_trading.hotpath.twin.span_begun import ATTRIBUTES, NUMBERS, OFFSET
from otel_trading.hotpath.twin.span_facts import Facts
from otel_trading.hotpath.twin.span_ids import id_of
from otel_trading.hotpath.twin.span_later import Told
from otel_trading.hotpath.twin.span_message import ATTRIBUTE, field, message
from otel_trading.hotpath.twin.span_parts import event, link
from otel_trading.hotpath.twin.span_value import MOST_KEY, Odd, any_value, key_field, key_text, text_of
from otel_trading.hotpath.twin.turn import Turn

MOST_TIME = 2**63 - 1
OK, ERROR = 1, 2


class Span(Facts):
    """One operation; made by `Recorder.begin` and `Block`."""

    __slots__ = ()

    def set_attribute(self, key: Any, value: Any) -> None:
        """The value of a key that is there is replaced."""
        recorder = self._recorder
        try:
            if self._open is not recorder.arena.offered:
                return
        except AttributeError:
            return
        attributes = self._begun[ATTRIBUTES]
        if (
            type(key) is str
            and (len(value) <= recorder.short if type(value) is str else type(value) in NUMBERS)
            and len(attributes) < recorder.light
            and 0 < len(key) <= MOST_KEY
            and key not in attributes
        ):
            attributes[key] = value
        else:
            self._encode_attribute(key, value)

    def _encode_attribute(self, key: Any, value: Any) -> None:
        recorder = self._recorder
        try:
            encoded = sized(ATTRIBUTE, key_field(key) + sized(b"", any_value(value, recorder.letters)))
            called = key_text(key)
        except Odd:
            recorder.arena.trouble("attributes")
            self.drop_attribute()
            return
        if not self.is_recording():  # a conversion may have ended it
            return
        attributes, later = self._begun[ATTRIBUTES], self.later()
        if (len(attributes) >= recorder.attributes and called not in attributes) or (
            later.size + len(encoded) > recorder.room
        ):
            self.drop_attribute()
            return
        before = attributes.pop(called, None)
        attributes[called] = encoded
        later.size += len(encoded) - (len(before) if type(before) is bytes else 0)

    def drop_attribute(self) -> None:
        """Counts one."""
        later = self.later()
        with Turn.lock:
            later.drop(0)

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

    def _append(self, encoded: bytes, is_link: bool) -> None:
        if not self.is_recording():
            return
        recorder, later = self._recorder, self.later()
        kept, most = (later.links, recorder.links) if is_link else (later.events, recorder.events)
        with Turn.lock:
            if len(kept) >= most or later.size + len(encoded) > recorder.room:
                later.drop(2 if is_link else 1)
                return
            kept.append(encoded)
            later.size += len(encoded)

    def add_event(self, name: Any, attributes: Any = None, timestamp: Any = None) -> None:
        """At UTC nanoseconds, or now."""
        if not self.is_recording():
            return
        recorder = self._recorder
        try:
            text = text_of(name)
        except Odd:
            recorder.arena.trouble("event")
            return
        at_ns = self._time_of(timestamp)
        self._append(event(text, at_ns, attributes, recorder.event_attributes, recorder.letters), False)

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
        recorder = self._recorder
        try:
            given = trace_id, span_id, flags, trace_state, remote
            encoded = link(given, attributes, recorder.link_attributes, recorder.letters)
        except Odd:
            recorder.arena.trouble("link")
            return
        if encoded:
            self._append(encoded, True)

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
        elif found and self.is_recording():
            later = self.later()
            with Turn.lock:
                if later.status != OK:
                    later.status, later.status_text = found, text

    def update_name(self, name: Any) -> None:
        """Renames it."""
        try:
            text = text_of(name)
        except Odd:
            self._recorder.arena.trouble("name")
            return
        if self.is_recording():
            self.later().name = text

    def _time_of(self, given: Any) -> int:
        now: int = self._begun[OFFSET] + self.now()
        return now if given is None else self._recorder.time_of(given, now)

    def end(self, end_time: Any = None) -> None:
        """Offers the span to the arena, once; at UTC nanoseconds, or now."""
        try:
            offered, later = self._open, self._later
            if end_time is None and later is None:
                ended = clock.monotonic()
            else:
                ended = self._time_of(end_time) - self._begun[OFFSET]
            del self._open
        except AttributeError:
            return
        self._ended = ended
        if later is not None:
            self._recorder.arena.finish(offered, self, later)
            return
        offered.append((self._begun, ended, None))
        if len(offered) >= offered.patience:
            self._recorder.arena.press(offered)

    def entry(self) -> tuple[Any, ...]:
        """What waits of it in the arena."""
        return self._begun, self._ended, self._told()

    def _told(self) -> Told | None:
        later = self._later
        return None if later is None else later.told()

    def field(self) -> bytes:
        """As a field of ScopeSpans."""
        return field(self._begun, self._ended, self._told())

    def encoded(self) -> bytes:
        """The message Span as it is now; `span_reading.read` decodes it."""
        return message(self._begun, self.end_ns, self._told())


def span_type(name: str, methods: dict[str, Any], /) -> type[Span]:
    """`Span` with more methods, a dict of functions and properties, for a `Recorder`."""
    return type(name, (Span,), {"__slots__": (), **methods})
