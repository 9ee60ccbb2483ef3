"""Before `init()` and after `shutdown()`: warnings and worse go to standard error, as in the standard library."""

from __future__ import annotations

import sys

from otel_trading.logs.event import event_of
from otel_trading.logs.levels import WARNING
from otel_trading.logs.record import Record
from otel_trading.logs.render import console_lines
from otel_trading.privacy.redaction import Redactor

_render = console_lines(colours=False)
_redactor = Redactor()


class LastResort:
    """The sink without a pipeline. It writes in the caller, since no thread of ours runs."""

    level_number = WARNING.number

    service = ""
    has_stdout = False
    busy = False

    def accept(self, record: Record, *, stdout: bool = True, otlp: bool = True) -> None:
        """Writes one line to `sys.stderr` as it is now; trouble is ignored: there is no place left to tell it."""
        try:
            sys.stderr.write(_render(event_of(record, _redactor)).decode())
        except Exception:
            return


SINK = LastResort()
"""The one instance."""
