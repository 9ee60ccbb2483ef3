"""Units of metrics in Grafana's words."""

from __future__ import annotations

import re

_UNITS = {
    "s": "s",
    "ms": "ms",
    "us": "µs",
    "ns": "ns",
    "min": "m",
    "h": "h",
    "d": "d",
    "By": "bytes",
    "KiBy": "kbytes",
    "MiBy": "mbytes",
    "GiBy": "gbytes",
    "TiBy": "tbytes",
    "kBy": "deckbytes",
    "MBy": "decmbytes",
    "GBy": "decgbytes",
    "TBy": "dectbytes",
    "bit": "bits",
    "By/s": "binBps",
    "bit/s": "bps",
    "Hz": "hertz",
    "%": "percent",
    "1": "none",
    "Cel": "celsius",
    "m": "lengthm",
    "g": "massg",
    "W": "watt",
    "J": "joule",
    "V": "volt",
    "A": "amp",
    "USD": "currencyUSD",
    "EUR": "currencyEUR",
    "GBP": "currencyGBP",
    "JPY": "currencyJPY",
    "CHF": "currencyCHF",
    "BTC": "currencyBTC",
    "{bps}": "suffix: bps",
}
_COUNT = re.compile(r"\{[^}]*\}")
_SHARES = ("utilization", "ratio", "share", "compliance")
"""Last words of names whose numbers are parts of 1."""
_SCALED = {("s", 1e9): "ns", ("s", 1e6): "us", ("s", 1e3): "ms", ("1", 100): "%", ("By", 1e-6): "MBy"}


def is_share(name: str) -> bool:
    """Whether the numbers of a metric without unit are parts of 1, by its last word."""
    return re.split("[._]", name)[-1] in _SHARES


def unit(ucum: str, name: str = "") -> str:
    """Grafana's name of a unit.

    Args:
        ucum: UCUM, an annotation in braces, or a currency.
        name: of the metric, which says whether a number without unit is a share.
    """
    if ucum == "1" and is_share(name):
        return "percentunit"
    if ucum in _UNITS:
        return _UNITS[ucum]
    if _COUNT.fullmatch(ucum):
        return "short"
    if ucum.endswith("/s") and _COUNT.fullmatch(ucum[:-2]):
        return "cps"
    return f"suffix: {ucum}"


def per_second(ucum: str) -> str:
    """Grafana's name of a unit in a second, which a counter's rate has."""
    return "cps" if ucum == "1" else unit(f"{ucum}/s")


def scaled(ucum: str, scale: float) -> str:
    """The UCUM unit of numbers that were multiplied; the same unit where there is no other."""
    return _SCALED.get((ucum, scale), ucum)
