"""The engine of this process, chosen once: instruments and tracers are made at import, long before any `init()`.

`OTEL_TRADING_HOTPATH` chooses: `auto` (the native one where it was built), `native` or `python`. A value that cannot be
had runs as `auto`, and `init()` refuses it with a message.
"""

from __future__ import annotations

import os

from otel_trading.hotpath.choose import EngineMissing, choose
from otel_trading.hotpath.engine import Engine

VARIABLE = "OTEL_TRADING_HOTPATH"


def _chosen() -> tuple[Engine, str]:
    wanted = os.environ.get(VARIABLE, "").strip().lower() or "auto"
    try:
        return choose(wanted), ""  # type: ignore[arg-type]  # checked there
    except (ValueError, EngineMissing) as error:
        return choose("auto"), str(error)


engine, trouble = _chosen()
"""The engine, and why it is not the one that was asked for; empty if it is."""
