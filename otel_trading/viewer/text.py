"""Traces and log lines as plain text: a tree with durations, a line an event. No terminal library needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from otel_trading.ground.order_ids import CLIENT_ORDER_ID, ROOT_CLIENT_ORDER_ID, attribute, json_field
from otel_trading.viewer.rows import Attributes, Json, Link, LogLine, Span

FindSpan = Callable[[str, str], Span | None]


def trace_lines(spans: Sequence[Span], find: FindSpan, *, details: bool = False) -> list[str]:
    """Returns one trace as a tree, one line a span: name, service, start after the first, duration, status.

    Args:
        spans: of one trace.
        find: looks up a linked span by trace and span id.
        details: adds the attributes, events and links of each span below it.
    """
    if not spans:
        return []
    known = {span.span_id for span in spans}
    children: dict[str, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: (span.start_ns, span.end_ns)):
        children[span.parent_id if span.parent_id in known else ""].append(span)
    rows: list[tuple[str, str, Span]] = []
    _walk(children, children[""], "", rows, top=True)
    width = max(len(branch) + len(plain(span.name)) for branch, _, span in rows)
    names = max(len(span.service) for span in spans)
    first_ns = min(span.start_ns for span in spans)
    lines = []
    for branch, below, span in rows:
        lines.append(_span_line(span, branch, width, names, first_ns))
        lines += [f"{below}    {text}" for text in _details(span, find, details)]
    return lines


def log_text(line: LogLine) -> str:
    """Returns a log line for people: time, level, service, event, key-values; order ids under their short names."""
    values = {json_field(key): value for key, value in line.attributes.items()}
    if values.get(ROOT_CLIENT_ORDER_ID.json_field) == values.get(CLIENT_ORDER_ID.json_field):
        values.pop(ROOT_CLIENT_ORDER_ID.json_field, None)  # says nothing until the order is replaced
    text = " ".join(f"{plain(key)}={plain(value)}" for key, value in sorted(values.items(), key=_ids_last))
    head = f"{time_text(line.time_ns)} {plain(line.severity):<7} {plain(line.service):<12} {plain(line.body)}"
    return f"{head}  {text}".rstrip()


def duration_text(duration_ns: int) -> str:
    """Returns a duration with the unit that suits it: 950 ns, 12.3 us, 4.56 ms, 1.200 s."""
    if abs(duration_ns) < 1_000:
        return f"{duration_ns} ns"
    if abs(duration_ns) < 1_000_000:
        return f"{duration_ns / 1e3:.1f} us"
    if abs(duration_ns) < 1_000_000_000:
        return f"{duration_ns / 1e6:.2f} ms"
    return f"{duration_ns / 1e9:.3f} s"


def time_text(time_ns: int) -> str:
    """Returns a UTC time of day with microseconds."""
    try:
        return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%H:%M:%S.") + f"{time_ns % 10**9 // 1000:06d}"
    except (OverflowError, OSError, ValueError):
        return str(time_ns)


def plain(value: object) -> str:
    """Returns a value as one line without control characters, which could steer the terminal."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(value))


def _walk(
    children: dict[str, list[Span]], spans: list[Span], indent: str, rows: list[tuple[str, str, Span]], *, top: bool
) -> None:
    """Adds (branch in front of the name, what stands below it, span) for each span, depth first."""
    # A stack, not recursion: a trace may be deeper than Python's limit; popped ids guard against a circle.
    stack = [(span, indent, top, number == len(spans) - 1) for number, span in reversed(list(enumerate(spans)))]
    while stack:
        span, before, is_top, is_last = stack.pop()
        branch = "" if is_top else before + ("└─ " if is_last else "├─ ")
        below = "" if is_top else before + ("   " if is_last else "│  ")
        mine = children.pop(span.span_id, [])
        rows.append((branch, below + ("│" if mine else " "), span))
        stack += [(child, below, False, number == len(mine) - 1) for number, child in reversed(list(enumerate(mine)))]


def _span_line(span: Span, branch: str, width: int, names: int, first_ns: int) -> str:
    error = f"  ERROR {plain(span.status_message)}".rstrip() if span.status == "error" else ""
    offset = "+" + duration_text(span.start_ns - first_ns)
    name, duration = branch + plain(span.name), duration_text(span.duration_ns)
    return f"{name:<{width}}  {plain(span.service):<{names}}  {offset:>11}  {duration:>10}{error}"


def _details(span: Span, find: FindSpan, details: bool) -> list[str]:
    links = [_link_line(link, find, span.trace_id) for link in span.links if details or link.trace_id != span.trace_id]
    if not details:
        return links
    attributes = [f"{plain(key)} = {plain(value)}" for key, value in sorted(span.attributes.items())]
    events = [f"event {plain(event.name)} {_values(event.attributes)}".rstrip() for event in span.events]
    return attributes + events + links


def _link_line(link: Link, find: FindSpan, trace_id: str) -> str:
    target = find(link.trace_id, link.span_id)
    if target is None:
        return f"link to {link.trace_id}/{link.span_id}, not in the store"
    elsewhere = "" if trace_id == link.trace_id else f", trace {link.trace_id}"
    return f"link to {plain(target.name)} ({target.service}, {duration_text(target.duration_ns)}{elsewhere})"


def _ids_last(item: tuple[str, Json]) -> tuple[bool, str]:
    return attribute(item[0]) != item[0], item[0]


def _values(attributes: Attributes) -> str:
    return " ".join(f"{plain(key)}={plain(value)}" for key, value in sorted(attributes.items()))
