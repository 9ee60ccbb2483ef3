"""Recorded Binance USD-M futures messages, one "local_ns json" line each, plain or gzip, as ticks."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import orjson

from otel_trading.demo.messages import Tick

VENUE = "BINANCE"
_MAX_LINE_BYTES = 4 * 1024 * 1024
_REMEMBERED = 20
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line that is no message, by its number from 1."""

    line: int
    reason: str


@dataclass(slots=True)
class Tally:
    """What a replay met so far.

    Attributes:
        lines: lines read, blank ones not counted.
        messages: lines that became ticks.
        skipped: well-formed messages of kinds that are no market data for us.
        broken: lines that could not be read.
        first_broken: the first 20 of them.
    """

    lines: int = 0
    messages: int = 0
    skipped: int = 0
    broken: int = 0
    first_broken: list[BrokenLine] = field(default_factory=list)

    def reject(self, line: int, reason: str) -> BrokenLine:
        """Counts a broken line and returns its description."""
        self.broken += 1
        rejected = BrokenLine(line, reason)
        if len(self.first_broken) < _REMEMBERED:
            self.first_broken.append(rejected)
        return rejected


def check_readable(path: Path) -> None:
    """Raises OSError if the file cannot be opened or is a directory."""
    with path.open("rb"):
        pass


def read(path: Path, tally: Tally) -> Iterator[Tick | BrokenLine]:
    """Yields a tick for each message, and a description of each line that is none, in the order of the file.

    Args:
        path: the recording; gzip is told by its first bytes, not by its name.
        tally: is kept up to date while the file is read.

    Raises:
        OSError: the file cannot be opened. Damage within it is a broken line, after which nothing can follow.
    """
    symbol = "unknown"
    with _open(path) as file:
        for number, line in _lines(file, tally):
            if isinstance(line, BrokenLine):
                yield line
                continue
            tally.lines += 1
            try:
                tick = parse(line, symbol)
            except (ValueError, TypeError, KeyError, OverflowError) as error:
                yield tally.reject(number, _reason(error))
                continue
            if tick is None:
                tally.skipped += 1
                continue
            tally.messages += 1
            symbol = tick.symbol
            yield tick


def parse(line: bytes, last_symbol: str = "unknown") -> Tick | None:
    """Returns the tick of one line, or None for a well-formed message of another kind.

    Args:
        line: local receive time in UTC nanoseconds, a blank, the JSON of a combined stream.
        last_symbol: for a depth snapshot, which does not name its symbol.

    Raises:
        ValueError, TypeError, KeyError: the line is no such message.
    """
    stamp, _, text = line.strip().partition(b" ")
    if not stamp.isdigit():
        raise ValueError("does not begin with a time in nanoseconds")
    message = orjson.loads(text)
    if not isinstance(message, dict):
        raise ValueError("is not a JSON object")
    receive_ns = int(stamp)
    if "lastUpdateId" in message:
        return _snapshot(message, receive_ns, last_symbol)
    data = message["data"]
    if not isinstance(data, dict):
        raise ValueError("has no object under 'data'")
    kind = data["e"]
    if kind == "bookTicker":
        return _tick(
            data,
            receive_ns,
            int(data["u"]),
            bid=float(data["b"]),
            ask=float(data["a"]),
            bid_quantity=float(data["B"]),
            ask_quantity=float(data["A"]),
        )
    if kind == "trade":
        return _tick(data, receive_ns, int(data["t"]), last=float(data["p"]))
    if kind == "depthUpdate":
        return _tick(data, receive_ns, int(data["u"]), previous_sequence=int(data["pu"]))
    return None


def _tick(data: dict[str, Any], receive_ns: int, sequence: int, **more: Any) -> Tick:
    more.setdefault("previous_sequence", None)
    return Tick(
        venue=VENUE,
        symbol=str(data["s"]),
        message_type=str(data["e"]),
        sequence=sequence,
        exchange_ns=int(data["E"]) * 1_000_000,
        receive_ns=receive_ns,
        **more,
    )


def _snapshot(message: dict[str, Any], receive_ns: int, symbol: str) -> Tick:
    return Tick(
        venue=VENUE,
        symbol=symbol,
        message_type="depthSnapshot",
        sequence=int(message["lastUpdateId"]),
        previous_sequence=None,
        exchange_ns=int(message["E"]) * 1_000_000,
        receive_ns=receive_ns,
    )


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP_MAGIC
    return cast("IO[bytes]", gzip.open(path, "rb")) if compressed else path.open("rb")


def _lines(file: IO[bytes], tally: Tally) -> Iterator[tuple[int, bytes | BrokenLine]]:
    number = 0
    while True:
        number += 1
        try:
            line = file.readline(_MAX_LINE_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            yield number, tally.reject(number, f"the file is damaged from here on: {error}")
            return
        if not line:
            return
        if len(line) == _MAX_LINE_BYTES and not line.endswith(b"\n"):
            yield number, tally.reject(number, f"is longer than {_MAX_LINE_BYTES} bytes; nothing after it is read")
            return
        if line.strip():
            yield number, line


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"has no field {error}"
    return str(error) or type(error).__name__
