"""Decompression of request bodies with a cap on what comes out."""

from __future__ import annotations

import zlib

_GZIP = 16 + zlib.MAX_WBITS


class BodyTooLarge(Exception):
    """The body, as sent or decompressed, is over the cap."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"the body must be at most {limit_bytes} bytes, also when decompressed")


class BrokenBody(Exception):
    """The body cannot be decompressed or is incomplete."""


def decompress(raw: bytes, encoding: str, limit_bytes: int) -> bytes:
    """Returns the body as it was before compression.

    Args:
        raw: what was sent.
        encoding: identity, gzip or deflate; deflate with zlib's frame, as HTTP defines it, or without.
        limit_bytes: a body that would come out larger is refused without being built.

    Raises:
        BodyTooLarge: it would.
        BrokenBody: the data is damaged or cut off.
    """
    if encoding == "identity":
        return raw
    if encoding == "gzip":
        return _inflate(raw, _GZIP, limit_bytes)
    try:
        return _inflate(raw, zlib.MAX_WBITS, limit_bytes)
    except BrokenBody:
        return _inflate(raw, -zlib.MAX_WBITS, limit_bytes)


def _inflate(raw: bytes, window_bits: int, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while raw:
        stream = zlib.decompressobj(window_bits)
        try:
            part = stream.decompress(raw, limit_bytes + 1 - size)
        except zlib.error as error:
            raise BrokenBody(f"the body cannot be decompressed: {error}") from None
        size += len(part)
        if size > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        if not stream.eof:
            raise BrokenBody("the compressed body ends too early")
        parts.append(part)
        raw = stream.unused_data  # a gzip file may have several members
    return b"".join(parts)
