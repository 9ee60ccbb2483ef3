"""Which hosts may see our trace headers: our own machine, private networks and those the user lists. Nobody else.

Names are never resolved: a DNS query on the trading path would cost, and the answer could change before the request
is sent. What is not understood is not allowed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_PRIVATE: tuple[_Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Without 169.254.0.0/16 and 0.0.0.0: cloud metadata services are not ours."""

_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".home.arpa")
_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\Z"
)
_NUMBER_AT_THE_END = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)\Z")
_WITH_PORT = re.compile(r"(?P<host>[^:\[\]]+|\[[^\[\]]+\])(?::\d{0,5})?\Z")

_HOST_ATTRIBUTES = ("server.address", "net.peer.name", "http.host", "peer.hostname", "net.sock.peer.name")
_URL_ATTRIBUTES = ("url.full", "http.url", "messaging.url")
_ADDRESS_ATTRIBUTES = ("network.peer.address", "net.peer.ip", "net.sock.peer.addr")


class Destinations:
    """The hosts that may see trace headers. Immutable, so safe in threads and after a fork."""

    __slots__ = ("_names", "_networks", "_suffixes")

    def __init__(self, listed: Iterable[str] = ()) -> None:
        """Adds the user's hosts to loopback and private ones.

        Args:
            listed: `collector.example.com`, `*.example.com` (below it, not itself), `203.0.113.7`,
                `203.0.113.0/24`.

        Raises:
            ValueError: an entry is none of these.
        """
        names, suffixes, networks = set(), [], []
        for entry in listed:
            network = _network(entry)
            name = _normal(entry.removeprefix("*.")) if isinstance(entry, str) else None
            if network is not None:
                networks.append(network)
            elif name is None or _NUMBER_AT_THE_END.search(name):
                raise ValueError(
                    f"{entry!r} is no host name, '*.suffix', IP address or network such as '203.0.113.0/24'"
                )
            elif entry.startswith("*."):
                suffixes.append("." + name)
            else:
                names.add(name)
        self._names = frozenset(names)
        self._suffixes = (*_PRIVATE_SUFFIXES, *suffixes)
        self._networks = (*_PRIVATE, *networks)

    def allows(self, host: str) -> bool:
        """True if trace headers may go to this host, given with or without a port. Never raises, never resolves."""
        name = _normal(host) if isinstance(host, str) else None
        if name is None:
            return False
        address = _address(name)
        if address is not None:
            return any(address in network for network in self._networks)
        if _NUMBER_AT_THE_END.search(name):  # 2130706433, 0x7f.1, 010.0.0.1: each library reads these differently
            return False
        return name == "localhost" or name in self._names or name.endswith(self._suffixes)


def host_of(attributes: Mapping[str, object] | None) -> str | None:
    """Returns the host that a CLIENT or PRODUCER span talks to, lower case, without port; None if that is not sure.

    Attributes that name different hosts make it unsure. An address on the wire counts only if nothing names a host.
    """
    if not attributes:
        return None
    named = [_normal(attributes[key]) for key in _HOST_ATTRIBUTES if key in attributes]
    named += [_host_in_url(attributes[key]) for key in _URL_ATTRIBUTES if key in attributes]
    if not named:
        named = [_normal(attributes[key]) for key in _ADDRESS_ATTRIBUTES if key in attributes]
    return named[0] if len(set(named)) == 1 else None


def _host_in_url(url: object) -> str | None:
    if not isinstance(url, str) or "\\" in url or any(letter <= " " for letter in url):
        return None  # libraries disagree about where the host of such a URL ends
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    return _normal(f"[{host}]" if host and ":" in host else host)


def _normal(host: object) -> str | None:
    """Returns the bare host: no port, brackets, trailing dot or upper case; None if it is no host at all."""
    if not isinstance(host, str) or not host.isascii():
        return None
    if host.count(":") < 2 or host.startswith("["):
        found = _WITH_PORT.match(host)
        if found is None:
            return None
        host = found["host"]
    name = host.lower()
    if name.startswith("["):
        name = name[1:-1]
        return name if _address(name) is not None and ":" in name else None
    if ":" in name:
        return name if _address(name) is not None else None
    name = name.removesuffix(".")
    return name if _NAME.match(name) else None


def _address(name: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _network(entry: object) -> _Network | None:
    if not isinstance(entry, str):
        return None
    try:
        return ipaddress.ip_network(entry)
    except ValueError:
        return None
