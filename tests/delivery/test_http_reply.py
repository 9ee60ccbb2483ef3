"""One reply of HTTP/1.1, however it is framed and wherever it is cut."""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_trading.delivery.deadline_http import Poster
from otel_trading.delivery.http_reply import REPLY_LIMIT_BYTES, NotHttp, Reply, ReplyTooLarge, read_reply


def parts(*came: bytes) -> Callable[[], bytes]:
    left = iter(came)
    return lambda: next(left, b"")


def read(*came: bytes) -> Reply:
    return read_reply(parts(*came))


def test_length_tells_the_end_and_the_connection_is_kept() -> None:
    """As collectors answer."""
    reply = read(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 2\r\n\r\nab")
    assert reply == Reply(200, {"content-type": "application/x-protobuf", "content-length": "2"}, b"ab", True)


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0", False),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 0", False),
        (b"HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 0", True),
        (b"HTTP/1.1 204 No Content", True),
        (b"HTTP/1.1 200", False),
    ],
)
def test_connection_is_kept_as_the_server_says(head: bytes, keeps: bool) -> None:
    """Without a length the end of the body is the end of the connection."""
    assert read(head + b"\r\n\r\n").keeps is keeps


def test_bytes_behind_the_reply_end_the_connection() -> None:
    """They would be taken for the next reply."""
    assert read(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nabc") == Reply(200, {"content-length": "1"}, b"a", False)


def test_chunks_are_joined_and_trailers_skipped() -> None:
    """With extensions, and in small parts."""
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nz: 1\r\n\r\n"
    reply = read(*(bytes([byte]) for byte in whole))
    assert (b"abc0123456789", True) == (reply.body, reply.keeps)


def test_interim_replies_are_skipped() -> None:
    """100 Continue, 103 Early Hints."""
    reply = read(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 503 No\r\nretry-after: 7\r\n\r\n"
    )
    assert (503, "7") == (reply.status, reply.headers["retry-after"])


@pytest.mark.parametrize(
    "came",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-len",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnine\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100,
        b"HTTP/1.1 200 OK\r\n" + b"x-more: 0123456789\r\n" * 10_000,
        b"H" * 1_000_000,
    ],
    ids=lambda came: came[:24].decode("latin-1"),
)
def test_what_is_no_http_is_said_to_be_none(came: bytes) -> None:
    """Another protocol, a head without end, a cut one, a broken frame."""
    with pytest.raises(NotHttp):
        read(*(came[at : at + 65536] for at in range(0, len(came), 65536)))


def test_nothing_at_all_is_a_connection_that_was_closed() -> None:
    """So that a kept one is replaced and the request sent once more."""
    with pytest.raises(ConnectionResetError):
        read()


@pytest.mark.parametrize("framed", [b"content-length: 1073741824", b"x: y", b"transfer-encoding: chunked"])
def test_four_mebibytes_are_read_and_no_more(framed: bytes) -> None:
    """However the body is framed."""
    taken = 0

    def flood() -> Iterator[bytes]:
        nonlocal taken
        yield b"HTTP/1.1 200 OK\r\n" + framed + b"\r\n\r\n"
        while True:
            taken += 65536
            yield b"FFF8\r\n" + b"x" * 0xFFF8 + b"\r\n" if b"chunked" in framed else b"x" * 65536

    with pytest.raises(ReplyTooLarge):
        read_reply(flood().__next__)
    assert REPLY_LIMIT_BYTES <= taken <= REPLY_LIMIT_BYTES + 4 * 65536


TOKENS = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map("x-".__add__)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)


@given(
    status=st.integers(200, 599),
    headers=st.dictionaries(TOKENS, VALUES, max_size=6),
    body=st.binary(max_size=300),
    chunked=st.booleans(),
    cut=st.integers(1, 40),
)
def test_it_reads_what_http_client_reads(
    status: int, headers: dict[str, str], body: bytes, chunked: bool, cut: int
) -> None:
    """The standard library as an oracle."""
    framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(body))}
    lines = [f"HTTP/1.1 {status} So", *(f"{name}: {value}" for name, value in {**headers, **framing}.items())]
    frames = b"".join(b"%x\r\n%b\r\n" % (len(body[at : at + 7]), body[at : at + 7]) for at in range(0, len(body), 7))
    whole = "\r\n".join([*lines, "\r\n"]).encode() + (frames + b"0\r\n\r\n" if chunked else body)

    class Socket:
        def makefile(self, *_: Any) -> Any:
            return io.BytesIO(whole)

    known: Any = http.client.HTTPResponse(Socket())  # type: ignore[arg-type]  # has what is used of it
    known.begin()
    expected = {name.lower(): value.strip() for name, value in known.getheaders()}, known.read()
    found = read(*(whole[at : at + cut] for at in range(0, len(whole), cut)))
    if status not in (204, 304):
        assert (status, *expected) == (found.status, found.headers, found.body)


@pytest.mark.parametrize("header", [{"api key": "x"}, {"key": "a\r\nhost: b"}, {"key": "\N{EURO SIGN}"}])
def test_a_header_that_would_forge_others_is_not_sent(header: dict[str, str]) -> None:
    """Files and variables may hold anything."""
    poster = Poster("http://127.0.0.1:9/", header, None)
    with pytest.raises(ValueError, match="cannot be sent"):
        poster._request_head()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://collector:4318/v1/traces", b"host: collector:4318\r\n"),
        ("http://[::1]/v1/traces", b"host: [::1]\r\n"),
        ("https://collector:443/", b"host: collector\r\n"),
    ],
)
def test_host_is_told_as_the_address_has_it(url: str, host: bytes) -> None:
    """A standard port is left out."""
    assert host in Poster(url, {"Connection": "close"}, None)._request_head()
