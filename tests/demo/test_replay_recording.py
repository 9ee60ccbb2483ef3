# the house puts the expected value on the left

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_trading.demo import replay
from otel_trading.demo.gaps import GapDetector
from otel_trading.demo.messages import Tick
from otel_trading.demo.replay import BrokenLine, Tally

EVENT_MS = 1_700_000_001_270
LOCAL_NS = 1_700_000_000_000_000_000


def line(data: dict[str, object], local_ns: int = LOCAL_NS) -> str:
    return f"{local_ns} {json.dumps({'stream': 'x', 'data': {'E': EVENT_MS, 's': 'BTCUSDT', **data}})}\n"


BOOK = line({"e": "bookTicker", "u": 5, "b": "100.10", "B": "2.5", "a": "100.20", "A": "0.5"})
TRADE = line({"e": "trade", "t": 77, "p": "100.2", "q": "1"})
DEPTH = line({"e": "depthUpdate", "U": 6, "u": 9, "pu": 5, "b": [], "a": []})
SNAPSHOT = f'{LOCAL_NS} {{"lastUpdateId": 4, "E": {EVENT_MS}, "T": 1, "bids": [], "asks": []}}\n'
OTHER = line({"e": "markPriceUpdate"})
BROKEN = [
    "no time\n",
    "12\n",
    f"{LOCAL_NS} {{\n",
    f"{LOCAL_NS} []\n",
    f'{LOCAL_NS} {{"data": 5}}\n',
    line({"e": "trade", "t": 1}),
    line({"e": "bookTicker", "u": "x", "b": "1", "a": "1", "A": "1", "B": "1"}),
]


def play(path: Path) -> tuple[list[Tick], list[BrokenLine], Tally]:
    tally = Tally()
    items = list(replay.read(path, tally))
    ticks = [item for item in items if isinstance(item, Tick)]
    return ticks, [item for item in items if isinstance(item, BrokenLine)], tally


@pytest.mark.parametrize("compress", [False, True])
def test_each_kind_of_message_becomes_a_tick(tmp_path: Path, compress: bool) -> None:
    """Plain or gzip, whatever the file is called; kinds that are no market data are skipped, not broken."""
    path = tmp_path / "recording.txt"
    text = "".join([BOOK, TRADE, "\n", DEPTH, SNAPSHOT, OTHER]).encode()
    path.write_bytes(gzip.compress(text) if compress else text)
    ticks, broken, tally = play(path)
    assert [("bookTicker", 5, None), ("trade", 77, None), ("depthUpdate", 9, 5), ("depthSnapshot", 4, None)] == [
        (tick.message_type, tick.sequence, tick.previous_sequence) for tick in ticks
    ]
    assert {"BTCUSDT"} == {tick.symbol for tick in ticks}
    assert (100.1, 100.2, 2.5, 0.5) == (ticks[0].bid, ticks[0].ask, ticks[0].bid_quantity, ticks[0].ask_quantity)
    assert (100.2, None) == (ticks[1].last, ticks[1].bid)
    assert (5, 4, 1, 0, []) == (tally.lines, tally.messages, tally.skipped, tally.broken, broken)


def test_a_local_clock_behind_the_exchange_gives_a_negative_latency() -> None:
    """It is neither clamped nor lost: -1.27 s."""
    tick = replay.parse(BOOK.encode())
    assert tick is not None
    assert -1_270_000_000 == tick.feed_latency_ns
    assert (LOCAL_NS, EVENT_MS * 1_000_000) == (tick.receive_ns, tick.exchange_ns)


def test_broken_lines_are_counted_and_named_by_number(tmp_path: Path) -> None:
    """The good ones around them arrive."""
    path = tmp_path / "r"
    path.write_text(BOOK + "".join(BROKEN) + TRADE)
    ticks, broken, tally = play(path)
    assert 2 == len(ticks)
    assert list(range(2, 2 + len(BROKEN))) == [item.line for item in broken]
    assert len(BROKEN) == tally.broken
    assert broken == tally.first_broken
    assert "does not begin with a time in nanoseconds" == broken[0].reason
    assert "has no field 'p'" == broken[5].reason


def test_only_the_first_broken_lines_are_remembered(tmp_path: Path) -> None:
    """A file of garbage costs no memory."""
    path = tmp_path / "r"
    path.write_text("garbage\n" * 5000)
    _, _, tally = play(path)
    assert (5000, 20) == (tally.broken, len(tally.first_broken))


def test_a_cut_off_gzip_file_is_played_up_to_the_damage(tmp_path: Path) -> None:
    """The damage is the last broken line."""
    path = tmp_path / "r.gz"
    path.write_bytes(gzip.compress((BOOK * 2000).encode())[:-20])
    ticks, broken, _ = play(path)
    assert len(ticks) > 100
    assert 1 == len(broken)
    assert "the file is damaged from here on" in broken[0].reason


def test_an_endless_line_ends_the_replay(tmp_path: Path) -> None:
    """A binary file is not read into memory."""
    path = tmp_path / "r"
    path.write_bytes(b"\0" * (9 * 1024 * 1024))
    ticks, broken, _ = play(path)
    assert ([], 1) == (ticks, len(broken))
    assert "longer than" in broken[0].reason


def test_a_missing_file_and_a_directory_are_found_beforehand(tmp_path: Path) -> None:
    """So that nothing is started in vain."""
    with pytest.raises(FileNotFoundError):
        replay.check_readable(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError):
        replay.check_readable(tmp_path)


def test_depth_updates_tell_their_own_gaps() -> None:
    """By `pu`, the number the venue says came before; other kinds have no such chain."""
    detector = GapDetector()
    first, second = replay.parse(DEPTH.encode()), replay.parse(TRADE.encode())
    assert first is not None
    assert second is not None
    assert [False, False, True] == [detector.missed(tick) for tick in (first, second, first)]


@given(data=st.binary(max_size=200))
def test_random_bytes_are_refused_with_expected_errors(data: bytes) -> None:
    """Whatever a line holds, only these are raised."""
    for text in (data, b"123 " + data):
        try:
            replay.parse(text)
        except (ValueError, TypeError, KeyError, OverflowError):
            pass
