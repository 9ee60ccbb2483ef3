"""A page, handed out in parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from otel_trading.ground.protobuf import varint
from otel_trading.hotpath.twin.render_copy import Labels, Record, record_of
from otel_trading.hotpath.twin.render_family import FORMATS, Family
from otel_trading.hotpath.twin.render_protobuf import metric_of
from otel_trading.hotpath.twin.render_text import text_of

PART = 1 << 20
"""Bytes of a part, and at most one series more."""


def render(items: Iterable[Family | bytes], format: str, labels: Labels | None = None) -> Iterator[bytes]:
    """The parts of a page, one after the other.

    Args:
        items: families, and bytes that are on the page as they are.
        format: `text`, `openmetrics` or `protobuf`.
        labels: makes labels, names and values in turn, of what an exemplar has beyond its trace.
    """
    if format not in FORMATS:
        raise ValueError(f"a page is text, openmetrics or protobuf; was '{format}'")
    listed = tuple(items)
    for item in listed:
        if not isinstance(item, (Family, bytes)):
            raise TypeError("a page is made of Family and bytes")
    return _protobuf(listed, labels) if format == "protobuf" else _text(listed, format, labels)


def _text(items: tuple[Family | bytes, ...], format: str, labels: Labels | None) -> Iterator[bytes]:
    part, written = bytearray(), None
    for item in items:
        if isinstance(item, bytes):
            part += item
            written = None
        else:
            head = item.heads[format]
            for record in _records(item, format, labels):
                if head is not written and head is not None:
                    part += head
                    written = head
                part += text_of(record, format).encode()
                if len(part) >= PART:
                    yield bytes(part)
                    part.clear()
        if len(part) >= PART:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


def _protobuf(items: tuple[Family | bytes, ...], labels: Labels | None) -> Iterator[bytes]:
    """A family that does not fit into a part is several messages of the same name."""
    part, message, written = bytearray(), bytearray(), None
    for item in items:
        if isinstance(item, bytes):
            part += _ended(message) + item
        else:
            head = item.heads["protobuf"]
            for record in _records(item, "protobuf", labels):
                if head is not None and (head is not written or not message):
                    part += _ended(message)
                    message += head
                    written = head
                message += metric_of(record)
                if len(part) + len(message) + 1 >= PART:
                    part += _ended(message)
                    yield bytes(part)
                    part.clear()
        if len(part) >= PART:
            yield bytes(part + _ended(message))
            part.clear()
    part += _ended(message)
    if part:
        yield bytes(part)


def _records(family: Family, format: str, labels: Labels | None) -> Iterator[Record]:
    if family.heads[format] is None:
        return
    for entry in family.entries[:]:
        record = record_of(family, entry, format != "text", labels)
        if record is not None:
            yield record


def _ended(message: bytearray) -> bytes:
    """The message with its size; it is empty afterwards."""
    if not message:
        return b""
    whole = varint(len(message)) + bytes(message)
    message.clear()
    return whole
