"""Questions over HTTP: each kind of bad answer has its cause, nothing waits longer than it may, secrets stay."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from store_answers import Behaviour, http, saying
from support.certificates import localhost
from support.servers import drip, flood, free_port, hang, raw_server

from otel_trading.stores.errors import Cause, StoreError
from otel_trading.stores.http_json import HttpApi


@contextmanager
def api(behaviour: Behaviour, **options: Any) -> Iterator[HttpApi]:
    """A client of such a server."""
    with raw_server(behaviour) as url:
        yield HttpApi(url, **options)


@pytest.mark.parametrize(
    ("behaviour", "cause", "words"),
    [
        (hang, Cause.TIMEOUT, ""),
        (drip, Cause.TIMEOUT, ""),
        (flood, Cause.TOO_LARGE, "more than"),
        (saying(b""), Cause.CUT, ""),
        (saying(b"SSH-2.0-OpenSSH_9.2\r\n"), Cause.NOT_HTTP, "SSH-2.0"),
        (saying(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\r\n"), Cause.NOT_HTTP, "\\x00\\x00\\x12\\x04"),
        (saying(http(b"{}")[:-1]), Cause.CUT, ""),
        (saying(http(b"<html>wel\ncome</html>")), Cause.NOT_JSON, "<html>wel come</html>"),
        (saying(http(b"")), Cause.NOT_JSON, "nothing"),
        (saying(http(b"no such page", "404 Not Found")), Cause.STATUS, "404 no such page"),
        (saying(http(b"", "500 Oh")), Cause.STATUS, "500"),
        (saying(http(b"", "302 Found", "location: http://other/login?token=s3cret")), Cause.REDIRECTED, "http://other/login"),
    ],
)  # fmt: skip
def test_a_bad_answer_has_its_cause(behaviour: Behaviour, cause: Cause, words: str) -> None:
    """And what was said is told, on one line and cut."""
    with api(behaviour, timeout_s=0.4) as client, pytest.raises(StoreError) as raised:
        client.json("/x")
    assert cause == raised.value.cause
    assert words in raised.value.detail
    assert (words == "") == (raised.value.detail == "")
    assert "s3cret" not in str(raised.value)


def test_the_limit_is_for_the_whole_question() -> None:
    """A server that drips does not get another limit for each byte."""
    with api(drip) as client:
        began = time.monotonic()
        with pytest.raises(StoreError):
            client.ask("/", timeout_s=0.5)
        assert 0.4 < time.monotonic() - began < 3


def test_nobody_there_and_no_such_host_differ() -> None:
    """Two mistakes with two remedies."""
    with pytest.raises(StoreError) as raised:
        HttpApi(f"http://127.0.0.1:{free_port()}").ask("/")
    assert Cause.REFUSED == raised.value.cause
    with pytest.raises(StoreError) as raised:
        HttpApi("http://nobody.invalid").ask("/")
    assert Cause.UNRESOLVED == raised.value.cause
    assert "http://nobody.invalid" == raised.value.place


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "b\u00f6rse.invalid"])
def test_a_host_name_that_is_none_is_not_known(host: str) -> None:
    """Python refuses some before anybody is asked."""
    with pytest.raises(StoreError) as raised:
        HttpApi(f"http://{host}:1").ask("/")
    assert Cause.UNRESOLVED == raised.value.cause


def test_a_prefix_may_have_any_letters() -> None:
    """It is percent-encoded; what is encoded already stays."""
    heard: list[bytes] = []
    with raw_server(saying(http(b"{}"), heard)) as url:
        HttpApi(f"{url}/b\u00f6rse/a%20b/").json("/x")
    assert heard[0].startswith(b"GET /b%C3%B6rse/a%20b/x HTTP/1.1\r\n")


def test_a_certificate_of_a_store_is_checked(tmp_path: Path) -> None:
    """Against the file that was named, or the system's."""
    authority, certificate, key = localhost(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    answer = saying(http(b"{}"))

    def behave(connection: socket.socket, over: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            answer(wrapped, over)

    with raw_server(behave) as url:
        secure = url.replace("http", "https")
        assert {} == HttpApi(secure, certificate=str(authority)).json("/")
        with pytest.raises(StoreError) as raised:
            HttpApi(secure).json("/")
    assert Cause.TLS is raised.value.cause


def test_a_plain_server_asked_by_tls_is_a_failure_of_tls() -> None:
    """https:// where http:// was meant."""
    with raw_server(saying(http(b"{}"))) as url, pytest.raises(StoreError) as raised:
        HttpApi(url.replace("http", "https")).ask("/")
    assert Cause.TLS is raised.value.cause
    assert raised.value.detail  # OpenSSL's own words


def test_a_certificate_file_that_is_none_is_told_at_once(tmp_path: Path) -> None:
    """Before anybody is asked."""
    path = tmp_path / "authority.pem"
    path.write_text("no certificate")
    with pytest.raises(StoreError, match="authority.pem cannot be used"):
        HttpApi("https://localhost", certificate=str(path))
    assert localhost(tmp_path)
    HttpApi("https://localhost", certificate=str(path))


def test_a_redirect_gets_no_second_request() -> None:
    """The headers may be credentials."""
    elsewhere: list[bytes] = []
    with raw_server(saying(http(b"{}"), elsewhere)) as other:
        redirect = saying(http(b"", "307 Temporary Redirect", f"location: {other}/"))
        with api(redirect, headers={"authorization": "ApiKey s3cret"}) as client, pytest.raises(StoreError):
            client.json("/")
    assert [] == elsewhere


def test_credentials_in_an_address_become_a_header_and_are_never_told() -> None:
    """Percent-decoded; the place has none of them."""
    heard: list[bytes] = []
    with raw_server(saying(http(b"", "401 Unauthorized"), heard)) as url:
        client = HttpApi(url.replace("//", "//reader:p%40ss@") + "/es/")
        with pytest.raises(StoreError) as raised:
            client.json("/_search", {"a": "b c"})
    head = heard[0].decode()
    assert head.startswith("GET /es/_search?a=b+c HTTP/1.1\r\n")
    assert "authorization: Basic cmVhZGVyOnBAc3M=\r\n" in head
    assert "reader" not in str(raised.value)
    assert 401 == raised.value.status


def test_a_status_that_may_be_is_none() -> None:
    """404 where the answer is that there is nothing."""
    with api(saying(http(b"{}", "404 Not Found"))) as client:
        assert client.json("/", missing=(404,)) is None


def test_a_body_is_sent_as_json_and_the_servers_clock_is_read() -> None:
    """A Date header tells seconds since 1970."""
    heard: list[bytes] = []
    reply = http(b"[1]", "200 OK", "Date: Sat, 21 Nov 2026 13:41:59 GMT")
    with api(saying(reply, heard)) as client:
        answer = client.ask("/q", body={"a": 1})
    assert heard[0].startswith(b"POST /q HTTP/1.1\r\n")
    assert heard[0].endswith(b'content-type: application/json\r\n\r\n{"a":1}')
    assert 1795268519.0 == answer.server_time_s
    assert 0 < answer.seconds < 5


@pytest.mark.parametrize("date", [(), ("Date: noon",), ("Date: Sat, 99 Nov 2026 13:41:59 GMT",)])
def test_a_server_without_a_usable_clock_has_none(date: tuple[str, ...]) -> None:
    """No Date, or one that is none."""
    with api(saying(http(b"", "200 OK", *date))) as client:
        assert client.ask("/").server_time_s is None
