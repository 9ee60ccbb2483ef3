"""Texts that may hold a secret, and spans as the engines encode them."""

# ruff: noqa: RUF001  # letters that look like others are the point

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

FRAGMENTS = [
    "password", "api_key", "apiKey", "X-MBX-APIKEY", "token", "toKen", "sıgnature", "cooKie", "ſecret", "sig", "desk",
    "desk_pin", "börse", "BÖRSE", "price", "GET /order", "authorization", "Proxy-Authorization", "cookie", "Bearer",
    "basic", "BASİC", "bearer", "eyJhbGciOi", "eyJ", ".", "eyJhbGciOiJ.eyJzdWIiOiIx.c2ln", "://", "https://u:p@h/", "@",
    "-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN", "4111111111111111", "378282246310005", "4111 1111 1111 1111",
    "4111-1111-1111-1111", "٤١١١ ١١١١ ١١١١ ١١١١", "4١١١١١١١١١١١١١١١", "DE89370400440532013000", "DE89 3704 0044 0532",
    "GB٨٢WEST12345698765432", "US0378331005", "1732243200000000000", "0123", "12", "=", ":", " : ", "\xa0=", "\x1d:", "\"",
    "'", "\": ", "' = ", "\t", " ", "\u2003", "…", "é", "²", "_", "-", "&", "k3J9xQ", "abcdef123456", "aA1bcdefgh", "x",
    "order_id", "client-order-id",
]  # fmt: skip
TEXTS = st.one_of(
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(st.characters(codec="utf-8"), max_size=2)), max_size=8).map(
        "".join
    ),
    st.text(st.characters(codec="utf-8"), max_size=40),
)
KEYS = st.one_of(
    st.sampled_from(
        ["a", "venue", "api_key", "token", "trading.order.id", "order_id", "desk", "börse", "sig", "cookie"]
    ),
    TEXTS.filter(lambda text: 0 < len(text) < 200),
)
VALUES: Any = st.recursive(
    st.one_of(TEXTS, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.floats(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(TEXTS, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=3),
        st.tuples(KEYS, inner),
    ),
    max_leaves=6,
)
ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=3)


def encoded(engine: Any, name: str, attributes: Any, **more: Any) -> tuple[bytes, bytes]:
    """A field `spans` with everything that can hold a text, and the message in it.

    Args:
        engine: records it.
        name: of the span.
        attributes: of the span.
        more: `event`, name and attributes; `link`, attributes; `status`, a text; `state`, a trace state.
    """
    arena = engine.Arena()
    span = engine.Recorder(arena).begin(name, attributes=attributes, trace_state=more.get("state"))
    if "event" in more:
        span.add_event(*more["event"])
    if "link" in more:
        span.add_link(1, 2, more["link"], trace_state=more.get("state"))
    if "status" in more:
        span.set_status(2, more["status"])
    span.end()
    return arena.take()[2], span.encoded()
