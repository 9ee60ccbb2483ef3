# the house puts the expected value on the left

import threading
import time

import pytest

from otel_trading.demo import wire


def test_an_order_arrives_with_all_frames() -> None:
    """Over a port that the system chose."""
    pusher = wire.pusher()
    puller = wire.puller(pusher.endpoint)
    assert pusher.endpoint.startswith("tcp://127.0.0.1:")
    assert pusher.send([b"order", b"context"])
    assert [b"order", b"context"] == next(wire.receive(puller, threading.Event()))
    puller.close()


def test_a_message_that_nobody_takes_is_refused_after_a_second() -> None:
    """And the next one at once: a service without a successor stays deaf to nothing."""
    pusher = wire.pusher()
    began = time.monotonic()
    assert not pusher.send([b"x"])
    middle = time.monotonic()
    assert 0.9 < middle - began < 5
    assert not pusher.send([b"x"])
    assert time.monotonic() - middle < 0.5


def test_what_was_sent_before_the_stop_is_still_received() -> None:
    """Then receiving ends by itself."""
    pusher = wire.pusher()
    puller = wire.puller(pusher.endpoint)
    stop = threading.Event()
    assert pusher.send([b"1"])
    messages = wire.receive(puller, stop)
    assert [b"1"] == next(messages)
    assert pusher.send([b"2"])
    assert pusher.send([b"3"])
    puller.poll(5000)
    stop.set()
    assert [[b"2"], [b"3"]] == list(messages)
    puller.close()


def test_a_flood_does_not_delay_the_stop() -> None:
    """At most a second is spent on what still comes."""
    pusher = wire.pusher()
    puller = wire.puller(pusher.endpoint)
    stop, done = threading.Event(), threading.Event()

    def flood() -> None:
        while not done.is_set():
            pusher.send([b"x" * 100])

    thread = threading.Thread(target=flood)
    thread.start()
    messages = wire.receive(puller, stop)
    next(messages)
    stop.set()
    began = time.monotonic()
    for _ in messages:
        pass
    assert time.monotonic() - began < 5
    done.set()
    puller.close()
    thread.join(10)


def test_whoever_must_not_wait_long_gets_an_empty_message() -> None:
    """So that execution can look after the venue's reports in between."""
    pusher = wire.pusher()
    puller = wire.puller(pusher.endpoint)
    assert [] == next(wire.receive(puller, threading.Event(), lambda: 0.01))
    puller.close()


def test_an_address_that_cannot_be_used_ends_the_program_with_a_sentence() -> None:
    """No traceback for a typing mistake."""
    with pytest.raises(SystemExit, match="cannot listen on tcp://nowhere: "):
        wire.publisher("tcp://nowhere")
    with pytest.raises(SystemExit, match="cannot connect to 5555: "):
        wire.puller("5555")
