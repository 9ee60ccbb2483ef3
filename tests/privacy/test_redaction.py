"""Redaction: secrets go, ids stay, nothing raises, nothing is slow."""

# the house puts the expected value on the left

import time
import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_trading.ground import order_ids
from otel_trading.privacy.redaction import Redactor

MASK = "[redacted]"
REDACTOR = Redactor()

SECRET_KEYS = [
    "password", "passwd", "db.password", "user_password", "secret", "api_secret", "secretKey", "client-secret",
    "token", "access_token", "auth.token", "listenToken", "api_key", "apikey", "apiKey", "APIKey", "api-key",
    "X-MBX-APIKEY", "binance.api_key", "signature", "sig", "request.signature", "authorization",
    "http.request.header.authorization", "Proxy-Authorization", "cookie", "set-cookie", "private_key", "privateKey",
    "credential", "credentials", "passphrase", "OK-ACCESS-PASSPHRASE", "listen_key", "listenKey", "account_number",
    "accountNumber", "account_no", "acct", "acct_no", "iban", "card", "card_number", "creditCard", "cvv", "hmac",
]  # fmt: skip
HARMLESS_KEYS = [
    "order.type", "token_bucket", "token_count", "tokens", "account", "trading.account", "secretary", "signal.type",
    "signal", "key", "cache_key", "design", "cardinality", "wildcard", "side", "keyboard", "sigma", "author",
    "trading.order.client_id", "symbol", "price", "message", "passed", "compass", "signed", "signature_algorithm",
]  # fmt: skip


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_values_of_secret_names_are_masked(key):
    """By words of the name, whatever the spelling."""
    assert MASK == REDACTOR.value(key, "k3J9xQ")
    assert MASK == REDACTOR.value(key, 12345)
    assert [MASK] == REDACTOR.value(key, ["k3J9xQ"])
    assert {"a": MASK} == REDACTOR.value(key, {"a": "k3J9xQ"})
    assert REDACTOR.value(key, None) is None
    assert REDACTOR.value(key, True) is True


@pytest.mark.parametrize("key", HARMLESS_KEYS)
def test_values_of_harmless_names_stay(key):
    """Words are compared, not letters."""
    assert "k3J9xQ" == REDACTOR.value(key, "k3J9xQ")


IDS = [
    "x-A1b2C3", str(uuid.UUID(int=0x550E8400E29B41D4A716446655440000)), "8886774", "4111111111111111",
    "4532015112830366123", "web_9f8e7d6c5b4a", "DE89370400440532013000", "root:C-17=3", "1723161255030314667",
    "electron-eyJhb", "C1", "O-20240808-235415-001-001-1", "android_4111 1111 1111 1111",
]  # fmt: skip


@pytest.mark.parametrize("value", IDS)
def test_ids_of_orders_are_never_masked(value):
    """Whatever an id looks like, under every name of the table it stays readable."""
    ids = order_ids.TABLE[:4] + order_ids.TABLE[-1:]
    for row in ids:
        for key in (row.attribute, row.json_field, row.alias):
            assert value is REDACTOR.value(key, value), key
    for key in ("clOrdID", "origClOrdId", "orderId", "trade_id", "trace_id"):
        assert value is REDACTOR.value(key, value), key
    assert {"trading.order.id": [value]} == REDACTOR.mapping({"trading.order.id": [value]})


@pytest.mark.parametrize(
    "text",
    [
        "order accepted",
        "order 4532015112830366 accepted",
        "order id=4111111111111111",
        "clientOrderId: 5555555555554444 filled",
        "ts=1723161255030314667 seq 4111111111111111",
        "order x-A1b2C3 on BTCUSDT",
        str(uuid.UUID(int=0x55111111_1111_1111_1111_111111111111)),
        "symbol=BTCUSDT&side=BUY&timestamp=1723161255030",
        "http://localhost:9464/metrics?x=1",
        "ValueError: basic validation failed for the bearer of this",
        "{'order.type': 'LIMIT', 'price': '1.0'}",
        "DE12345678901234567890",
        "4111111111111112",
    ],
)
def test_harmless_text_stays(text):
    """Ids, times and ordinary words in messages are no secrets; the same object comes back."""
    assert text is REDACTOR.text(text)


PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAAA\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "POST /api/v3/order?symbol=BTC&signature=c8db56&timestamp=1",
            f"POST /api/v3/order?symbol=BTC&signature={MASK}&timestamp=1",
        ),
        ("https://h/x?apiKey=abc", f"https://h/x?apiKey={MASK}"),
        ("wss://h/ws?token=abc&x=1", f"wss://h/ws?token={MASK}&x=1"),
        ("amqp://user:pa:ss@host/v", f"amqp://{MASK}@host/v"),
        ("https://key@host", f"https://{MASK}@host"),
        ("Bearer abc.def-123456", f"Bearer {MASK}"),
        ("got basic dXNlcjpwYXNz", f"got basic {MASK}"),
        ("Authorization: Digest username=x, nonce=y", f"Authorization: {MASK}"),
        ("{'Authorization': 'Bearer s3cretT0ken', 'a': 1}", f"{{'Authorization': '{MASK}', 'a': 1}}"),
        ("Cookie: a=b; c=d\nHost: h", f"Cookie: {MASK}\nHost: h"),
        ('{"password": "two words", "n": 1}', f'{{"password": "{MASK}", "n": 1}}'),
        ("{'api_key': 'x\\'y', 'n': 1}", f"{{'api_key': '{MASK}', 'n': 1}}"),
        ("X-MBX-APIKEY: vmPUZE6mv9SD", f"X-MBX-APIKEY: {MASK}"),
        ("secret = abc def", f"secret = {MASK} def"),
        (f"key {PEM} end", f"key {MASK} end"),
        (PEM[:50], MASK),
        ("jwt eyJhbGciOi.eyJzdWIiOi.SflKxw x", f"jwt {MASK} x"),
        ("card 4111 1111 1111 1111", f"card {MASK}"),
        ("paid with 4111-1111-1111-1111.", f"paid with {MASK}."),
        ("4111111111111111", MASK),
        ("pay DE89 3704 0044 0532 0130 00 now", f"pay {MASK} now"),
        ("GB82WEST12345698765432", MASK),
    ],
)
def test_secrets_in_text_are_masked(text, expected):
    """URLs, headers, dumps of dictionaries, keys, cards, bank accounts."""
    assert expected == REDACTOR.text(text)
    assert expected == REDACTOR.value("exception.message", text)
    assert expected == REDACTOR.text(REDACTOR.text(text))


def test_nested_values_are_masked_and_keep_their_shape():
    """Mappings in mappings, and headers that come as pairs."""
    given_ = {"request": {"headers": [("X-MBX-APIKEY", "abc"), ("Accept", "json")], "body": {"secret": {"x": "y"}}}}
    expected = {"request": {"headers": [["X-MBX-APIKEY", MASK], ("Accept", "json")], "body": {"secret": {"x": MASK}}}}
    assert expected == REDACTOR.mapping(given_)


def test_values_are_converted_on_the_way():
    """A mapping is ready for export afterwards."""
    assert {"price": "1.10", "(1,)": "a\\udcff"} == REDACTOR.mapping({"price": Decimal("1.10"), (1,): "a\udcff"})


def test_own_keys_and_patterns_join_ours():
    """The user's rules cover what we cannot know, and beat our exceptions for ids."""
    redactor = Redactor(keys=["desk_pin", "strategy", "order_id"], patterns=[r"ACC-\d+"], mask="***")
    assert "***" == redactor.value("risk.deskPin", "1")
    assert "***" == redactor.value("trading.strategy", "alpha")
    assert "***" == redactor.value("order_id", "7")
    assert "from *** to ***" == redactor.text("from ACC-1 to ACC-22")
    assert "***" == redactor.value("trade_id", "ACC-1")
    assert "***" == redactor.value("password", "x")


@pytest.mark.parametrize(("pattern", "reason"), [("(", "unterminated"), ("a*", "empty"), (5, "5")])
def test_broken_patterns_are_rejected_with_pattern_and_reason(pattern, reason):
    """The message names both, for the configuration error."""
    with pytest.raises(ValueError, match=reason) as caught:
        Redactor(patterns=[pattern])
    assert repr(pattern) in str(caught.value)


@given(st.recursive(st.one_of(st.text(st.characters()), st.binary(), st.floats(), st.none()),
                    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner))))  # fmt: skip
def test_nothing_raises_and_nothing_grows_without_reason(value):
    """Any value passes through value, text and mapping."""
    REDACTOR.value("key", value)
    REDACTOR.mapping({"key": value, 5: value})
    if isinstance(value, str):
        REDACTOR.text(value).encode()


def test_a_cycle_is_cut():
    """A mapping that holds itself does no harm."""
    cycle = {}
    cycle["me"] = cycle
    assert "<cycle>" in str(REDACTOR.mapping(cycle))


@pytest.mark.parametrize(
    "piece",
    ["a", "a=", "-eyJ", "bearer ", "://", "cookie:", "password ", "'", '"a', "4", "DE89 ",
     "-----BEGIN PRIVATE KEY-----", "a@", "authorization ", "1234 ", "token='", "eyJaaaaa.", " "],
)  # fmt: skip
def test_hostile_text_costs_linear_time(piece):
    """64 KiB made to confuse a regular expression take well under a second."""
    text = (piece * 65_536)[:65_536]
    started = time.process_time()
    REDACTOR.text(text)
    assert time.process_time() - started < 0.5


def test_names_are_remembered_within_bounds():
    """A program that invents names does not fill memory."""
    redactor = Redactor()
    for number in range(10_000):
        redactor.value(f"name{number}", "x")
    assert len(redactor._names._answers) <= redactor._names.REMEMBERED
