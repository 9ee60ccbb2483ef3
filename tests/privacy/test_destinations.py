"""Which hosts may see trace headers."""

import pytest

from otel_trading.privacy.destinations import Destinations, host_of

DESTINATIONS = Destinations(["collector.example.com", "*.desk.example.com", "203.0.113.0/24", "198.51.100.7", "kafka"])


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST", "localhost.", "localhost:4318", "a.localhost", "127.0.0.1", "127.9.9.9:80", "::1",
        "[::1]", "[::1]:4318", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12::1",
        "fe80::1", "::ffff:10.0.0.1", "[::ffff:127.0.0.1]:80", "risk.local", "risk.internal", "nas.home.arpa",
        "collector.example.com", "Collector.Example.COM.:443", "a.desk.example.com", "a.b.desk.example.com",
        "203.0.113.77", "198.51.100.7", "kafka", "kafka:9092",
    ],
)  # fmt: skip
def test_own_private_and_listed_hosts_are_allowed(host):
    """Loopback, private networks, private suffixes, and what the user lists, in any spelling."""
    assert DESTINATIONS.allows(host) is True


@pytest.mark.parametrize(
    "host",
    [
        "collector.example.com.evil.io", "api.binance.com", "example.com", "desk.example.com",
        "evilcollector.example.com", "redis", "local", "internal", "localhost.evil.com", "evil-localhost",
        "notlocalhost", "8.8.8.8", "172.32.0.1", "172.15.0.1", "169.254.169.254", "0.0.0.0", "::",
        "2001:db8::1", "::ffff:8.8.8.8", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1",
        "010.0.0.1", "127.0.0.1.evil.com", "http://localhost@evil.com", "localhost@evil.com", "user@localhost",
        "http://localhost", "localhost/evil", "localhost\\evil.com", "local host", "localhost\n",
        "localhost:80:80", "localhost:x", "", ".", "..", "\uff4cocalhost", "[::1", "::1]", "[localhost]",
        "localhost..", "203.0.114.1", "a..local", ".local", "fe80::1%eth0/x", None, 5, b"localhost",
    ],
)  # fmt: skip
def test_everything_else_is_not(host):
    """Exchanges, unknown single labels, other spellings of numbers, tricks: no."""
    assert DESTINATIONS.allows(host) is False


@pytest.mark.parametrize(
    "entry", ["*", "*.", "http://x", "a b", "", "10.0.0.0/99", "203.0.113.7/24", "2130706433", 5, None]
)
def test_broken_entries_are_rejected(entry):
    """The message names the entry."""
    with pytest.raises(ValueError) as caught:
        Destinations([entry])
    assert repr(entry) in str(caught.value)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"server.address": "api.binance.com", "server.port": 443}, "api.binance.com"),
        ({"url.full": "https://API.binance.com:443/x?y=1"}, "api.binance.com"),
        ({"http.url": "http://localhost:1/x", "net.peer.name": "localhost"}, "localhost"),
        ({"http.host": "127.0.0.1:8080"}, "127.0.0.1"),
        ({"url.full": "http://[::1]:4318/v1/traces"}, "::1"),
        ({"http.url": "http://localhost@evil.com/"}, "evil.com"),
        ({"http.url": "http://localhost\\@evil.com/"}, None),
        ({"http.url": "http://evil.com/", "server.address": "localhost"}, None),
        ({"http.url": "/relative", "server.address": "localhost"}, None),
        ({"network.peer.address": "10.0.0.1"}, "10.0.0.1"),
        ({"server.address": "risk.internal", "network.peer.address": "10.0.0.1"}, "risk.internal"),
        ({"server.address": 5}, None),
        ({"url.full": "http://[bad/"}, None),
        ({"db.system": "redis"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_host_of_a_span_is_known_or_none(attributes, expected):
    """Attributes that disagree, or cannot be read, make it unknown: and unknown means no."""
    assert expected == host_of(attributes)
