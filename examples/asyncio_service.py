"""An asyncio service: ticks go through a queue to a signal, and the signal's span is a child of the tick's.

python examples/asyncio_service.py            runs until Ctrl-C or SIGTERM
python examples/asyncio_service.py --once     handles ten ticks and ends
"""

import asyncio
import itertools
import sys
from contextlib import suppress

import otel_trading as ot
from otel_trading.catalogue import signal
from otel_trading.context.carried import Carried, carry

log = ot.get_logger("signals")
tracer = ot.tracer("signals")
decisions = signal.duration.bind(strategy="mean_reversion")
# what the catalogue does not have is made by a meter
last_sequence = ot.meter("signals").create_gauge("md.last_sequence", unit="1", description="Newest tick decided on.")


async def receive(queue: asyncio.Queue[Carried[int]], ticks: int | None) -> None:
    """Puts ticks into the queue, each with the span it was received in."""
    for sequence in itertools.count(1) if ticks is None else range(1, ticks + 1):
        with tracer.start_as_current_span("md.receive binance", attributes={"md.sequence": sequence}):
            await queue.put(carry(sequence))
        await asyncio.sleep(0.01)


def price_model(sequence: int) -> float:
    """Work that would hold up the loop; the current span goes along into the executor's thread."""
    with tracer.start_as_current_span("signal.model"):
        return sequence * 0.5


@ot.timed(decisions)
async def decide(sequence: int) -> None:
    """Decides on one tick; timed from entry to return, exception or cancellation."""
    with tracer.start_as_current_span("signal.generate mean_reversion"):
        score = await asyncio.get_running_loop().run_in_executor(None, price_model, sequence)
        last_sequence.set(sequence)
        log.info("signal", sequence=sequence, score=score)


async def generate(queue: asyncio.Queue[Carried[int]]) -> None:
    """Takes ticks out of the queue and goes on in the context that they carry."""
    while True:
        with (await queue.get()).attached() as sequence:
            await decide(sequence)
        queue.task_done()


async def main(ticks: int | None) -> None:
    """Runs both ends of the queue."""
    queue: asyncio.Queue[Carried[int]] = asyncio.Queue(100)
    consumer = asyncio.create_task(generate(queue))
    remove = ot.health_check("signal queue", lambda: queue.qsize() < 50)
    try:
        await receive(queue, ticks)
        await queue.join()
    finally:
        consumer.cancel()
        remove()


if __name__ == "__main__":
    # Every tick is kept here, to be seen; without tick_ratio it is one in a hundred.
    with ot.init("signal", tick_ratio=1.0) as telemetry, suppress(KeyboardInterrupt):
        log.info("metrics are served", url=telemetry.metrics_url)
        asyncio.run(main(ticks=10 if "--once" in sys.argv else None))
