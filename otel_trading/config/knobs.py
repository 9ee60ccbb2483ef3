"""The one table of knobs: what can be set, by which names, in which unit, with which default.

Everything that speaks of knobs is made from this table: the arguments of `init()`, the environment variables, the
node `distribution: otel_trading:` of the file, `otel-trading config`, the reference page and the example file.
"""

from __future__ import annotations

from otel_trading.config.knob import Knob
from otel_trading.config.table.behaviour import behaviour
from otel_trading.config.table.exporters import exporters
from otel_trading.config.table.identity import identity
from otel_trading.config.table.logs import logs
from otel_trading.config.table.metrics import metrics
from otel_trading.config.table.stores import stores
from otel_trading.config.table.traces import traces

KNOBS: dict[str, Knob] = {
    knob.name: knob for group in (identity, behaviour, exporters, traces, metrics, logs, stores) for knob in group()
}
"""Every knob by name, in the order of the reference page."""
