"""What a run looks like: a live screen on a terminal, plain lines elsewhere, nothing with --json."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any

from otel_trading.demo.services import SERVICES
from otel_trading.demo.session import Session
from otel_trading.ground.clock import monotonic_ns
from otel_trading.viewer.text import log_text, trace_lines

if TYPE_CHECKING:
    from rich.console import RenderableType

_REFRESH_S = 0.5
_LOG_LINES = 12


class Silent:
    """Shows nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        """Has nothing to put back."""

    def __call__(self, session: Session) -> None:
        """Is called after each step."""


class PlainLines(Silent):
    """Says the few things that happen, for a pipe or a log file."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __call__(self, session: Session) -> None:
        """Says each thing once."""
        story = session.story
        self._once("start", f"starting {', '.join(service.name for service in SERVICES)}; store {session.store_path}")
        if story.ready_s is not None:
            self._once("ready", f"all services run after {story.ready_s:.1f} s")
        if story.newest is not None:
            self._once("order", f"first complete order after {story.first_complete_s:.1f} s")
            for name, url in links(session).items():
                self._once(name, f"{name}: {url}")

    def _once(self, key: str, line: str) -> None:
        if key not in self._said:
            self._said.add(key)
            print(line, flush=True)


class Screen(Silent):
    """The live screen: services, newest complete order, its log lines."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._drawn_ns = 0
        self._drawn_order = False

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the terminal back."""
        self._live.stop()

    def __call__(self, session: Session) -> None:
        """Draws twice a second, and at once when the first complete order is there."""
        first = session.story.newest is not None and not self._drawn_order
        if first or monotonic_ns() - self._drawn_ns > _REFRESH_S * 1e9:
            self._drawn_ns = monotonic_ns()
            self._drawn_order = session.story.newest is not None
            self._live.update(draw(session), refresh=True)


def choose(as_json: bool) -> Silent:
    """Returns the way to show a run that suits standard output."""
    if as_json:
        return Silent()
    return Screen() if sys.stdout.isatty() else PlainLines()


def draw(session: Session) -> RenderableType:
    """Returns the whole screen."""
    from rich.console import Group
    from rich.text import Text

    story = session.story
    source = str(session.options.replay or f"simulated, seed {session.options.seed}")
    head = Text.assemble(
        ("otel-trading demo", "bold"), f"  {session.elapsed_s:.0f} s  market: {source}  store: {session.store_path}"
    )
    parts: list[Any] = [head, _services(session)]
    if story.newest is None:
        parts.append(Text("waiting for the first complete order ..." if story.ready_s else "services are starting ..."))
    else:
        parts += [_order(session), _logs(session)]
        parts += [
            # cut where the screen ends, and whole behind a click
            Text(f"{name}: {url}", no_wrap=True, overflow="ellipsis", style=f"dim link {url}")
            for name, url in links(session).items()
        ]
        parts.append(Text(f"Ctrl-C ends. In another terminal: {next_command(session)}", style="dim"))
    return Group(*parts)


def next_command(session: Session) -> str:
    """Returns the command that shows the newest complete order from the store, or the list without one."""
    where = f" --store {shlex.quote(str(session.store_path))}" if session.options.store else ""
    newest = session.story.newest
    return f"otel-trading trace {newest.trace_id}{where}" if newest else f"otel-trading traces{where}"


def links(session: Session) -> dict[str, str]:
    """Returns the pages of the newest complete order in the stack's stores; empty without `--stack`."""
    stack, newest = session.options.stack, session.story.newest
    return stack.links(newest) if stack and newest else {}


def _services(session: Session) -> RenderableType:
    from rich.table import Table

    table = Table(expand=True)
    for title in ("service", "rate", "total", "p50", "p99", "of", "/metrics", ""):
        table.add_column(title, justify="right" if title in ("rate", "total", "p50", "p99") else "left", no_wrap=True)
    for service in SERVICES:
        endpoint = session.story.endpoints.get(service.name)
        if endpoint is None:
            table.add_row(service.name, "", "", "", "", "", "starting", "")
            continue
        latest = endpoint.latest
        total = latest.values.get(service.counter, 0.0) if latest else 0.0
        table.add_row(
            service.name,
            f"{endpoint.rate(service.counter):.1f} {service.counted}/s",
            f"{total:.0f}",
            _quantile(endpoint.quantile(service.duration, 0.5)),
            _quantile(endpoint.quantile(service.duration, 0.99)),
            service.timed,
            endpoint.url,
            endpoint.state,
        )
    return table


def _order(session: Session) -> RenderableType:
    from rich.panel import Panel
    from rich.text import Text

    newest = session.story.newest
    assert newest is not None
    lines = trace_lines(session.reader.spans(newest.trace_id), session.reader.span)
    title = f"newest complete order: {newest.order_status}, trace {newest.trace_id}"
    return Panel(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), title=title)


def _logs(session: Session) -> RenderableType:
    from rich.panel import Panel
    from rich.text import Text

    newest = session.story.newest
    assert newest is not None
    lines = [log_text(line) for line in session.reader.logs_of_trace(newest.trace_id, limit=_LOG_LINES)]
    return Panel(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), title="its log lines, by trace id")


def _quantile(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1e6:.0f} us" if seconds < 0.001 else f"{seconds * 1e3:.1f} ms"
