"""Queue and batch of one signal."""

from __future__ import annotations

from otel_trading.config.knob import COUNT, SECONDS, Knob


def batches(group: str, signal: str, letters: str, delay_s: float) -> list[Knob]:
    """The knobs of this group, in the order of the reference page."""
    return [
        Knob(
            group,
            f"{signal}_schedule_delay_s",
            SECONDS,
            delay_s,
            "Longest wait before a batch is sent.",
            unit="s",
            standard=(f"OTEL_{letters}_SCHEDULE_DELAY",),
            standard_scale=0.001,
        ),
        Knob(
            group,
            f"{signal}_queue_items",
            COUNT,
            16384,
            "Most items that wait; further ones are dropped and counted.",
            standard=(f"OTEL_{letters}_MAX_QUEUE_SIZE",),
        ),
        Knob(
            group,
            f"{signal}_batch_items",
            COUNT,
            512,
            "Most items of one request.",
            standard=(f"OTEL_{letters}_MAX_EXPORT_BATCH_SIZE",),
        ),
        Knob(
            group,
            f"{signal}_export_timeout_s",
            SECONDS,
            30.0,
            "Longest time for one batch with all its retries.",
            unit="s",
            standard=(f"OTEL_{letters}_EXPORT_TIMEOUT",),
            standard_scale=0.001,
        ),
    ]
