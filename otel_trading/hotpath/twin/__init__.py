"""Cells and spans in Python: behaviour, messages and names of the native module, for where that is not built.

A record costs some hundred nanoseconds. Totals are exact under threads, in signal handlers and in finalisers.
"""

from otel_trading.hotpath.twin.block import Block
from otel_trading.hotpath.twin.bounds import Bounds
from otel_trading.hotpath.twin.cell import Cell
from otel_trading.hotpath.twin.clock import now, set_clock
from otel_trading.hotpath.twin.current import attach, detach, set_current
from otel_trading.hotpath.twin.exemplar import set_exemplar_hook
from otel_trading.hotpath.twin.exponential import exponential_index
from otel_trading.hotpath.twin.refusal import forget_refusals, refusals, set_refusal_hook
from otel_trading.hotpath.twin.render_family import Family
from otel_trading.hotpath.twin.render_number import render_number
from otel_trading.hotpath.twin.render_page import render
from otel_trading.hotpath.twin.sampler import Sampler
from otel_trading.hotpath.twin.span import Span, span_type
from otel_trading.hotpath.twin.span_arena import Arena
from otel_trading.hotpath.twin.span_recorder import Recorder
from otel_trading.hotpath.twin.span_screen import Screen
from otel_trading.hotpath.twin.table import Table
from otel_trading.hotpath.twin.timer import Timer
from otel_trading.hotpath.twin.tracer import Tracer

NAME = "python"

__all__ = [
    "NAME",
    "Arena",
    "Block",
    "Bounds",
    "Cell",
    "Family",
    "Recorder",
    "Sampler",
    "Screen",
    "Span",
    "Table",
    "Timer",
    "Tracer",
    "attach",
    "detach",
    "exponential_index",
    "forget_refusals",
    "now",
    "refusals",
    "render",
    "render_number",
    "set_clock",
    "set_current",
    "set_exemplar_hook",
    "set_refusal_hook",
    "span_type",
]
