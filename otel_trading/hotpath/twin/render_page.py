"""A page, handed out in parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from otel_trading.hotpath.twin.render_copy import Labels, record_of
from otel_trading.hotpath.twin.render_family import FORMATS, Family
from otel_trading.hotpath.twin.render_protobuf import metric_of, varint
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
    part = bytearray()
    for item in items:
        if isinstance(item, bytes):
            part += item
        else:
            headed = not item.heads[format]
            for entry in item.entries[:] if item.heads[format] else ():
                record = record_of(item, entry, format != "text", labels)
                if record is None:
                    continue
                if not headed:
                    part += item.heads[format]
                    headed = True
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
    part = bytearray()
    for item in items:
        content = bytearray()
        if isinstance(item, bytes):
            part += item
        else:
            for entry in item.entries[:] if item.heads["protobuf"] else ():
                record = record_of(item, entry, True, labels)
                if record is None:
                    continue
                content += metric_of(record) if content else item.heads["protobuf"] + metric_of(record)
                if len(part) + len(content) + 1 >= PART:
                    yield bytes(part) + varint(len(content)) + bytes(content)
                    part.clear()
                    content.clear()
        if content:
            part += varint(len(content)) + content
        if len(part) >= PART:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)
