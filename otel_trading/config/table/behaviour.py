"""How the library behaves in its process."""

from __future__ import annotations

from otel_trading.config.kinds import Choice, Flag, Number
from otel_trading.config.knob import LEVELS, Knob


def behaviour() -> list[Knob]:
    """The knobs of this group, in the order of the reference page."""
    group = "Behaviour"
    return [
        Knob(group, "disabled", Flag(), False, "Makes everything a no-op.", standard=("OTEL_SDK_DISABLED",)),
        Knob(
            group,
            "strict",
            Flag(),
            False,
            "Raises where init() would otherwise go on without a part, such as an endpoint whose port is taken.",
            own_node=True,
        ),
        Knob(
            group,
            "hotpath",
            Choice(("auto", "native", "python")),
            "auto",
            "Which engine records metrics: native, where it was built, or Python. Only the variable can choose.",
            own_node=True,
        ),
        Knob(
            group,
            "diagnostics_level",
            LEVELS,
            "info",
            "Lowest level of what the library says about itself.",
            standard=("OTEL_LOG_LEVEL",),
        ),
        Knob(
            group,
            "shutdown_timeout_s",
            Number(0, 600),
            5.0,
            "Longest time that leaving the process waits for all signals together.",
            unit="s",
            own_node=True,
        ),
        Knob(
            group,
            "queue_memory_limit_mib",
            Number(1, 65_536, whole=True),
            32,
            "Most memory that the items of one queue take, estimated; each exporter of each signal has a queue.",
            unit="MiB",
            own_node=True,
        ),
        Knob(
            group,
            "flush_on_sigterm",
            Flag(),
            True,
            "Flushes on SIGTERM where the signal has its default action at init() in the main thread.",
            own_node=True,
        ),
        Knob(
            group,
            "forked_children",
            Flag(),
            True,
            "Begins telemetry anew in forked children, by itself and with the same arguments.",
            own_node=True,
        ),
        Knob(
            group,
            "under_pytest",
            Choice(("silent", "normal")),
            "silent",
            "Under pytest nothing is sent and no port "
            "is opened unless exporters, endpoints or ports are set explicitly.",
            own_node=True,
        ),
        Knob(
            group,
            "thread_context",
            Flag(),
            True,
            "Carries the current span into threads, thread pools and run_in_executor.",
            own_node=True,
        ),
        Knob(
            group,
            "asyncio_instrumentation",
            Flag(),
            False,
            "Wires opentelemetry-instrumentation-asyncio, which costs tens of microseconds a task.",
            own_node=True,
        ),
    ]
