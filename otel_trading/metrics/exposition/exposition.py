"""The page /metrics: from a request's headers to parts of bytes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.resources import Resource

from otel_trading.config.knob import Strategy
from otel_trading.ground import diagnostics
from otel_trading.hotpath.engine import Engine, Item
from otel_trading.metrics.exposition import foreign, registries
from otel_trading.metrics.exposition.book import Book, Replaced
from otel_trading.metrics.exposition.compress import compressed
from otel_trading.metrics.exposition.escaping import Scheme
from otel_trading.metrics.exposition.labels import Pair, resource_pairs, value_text
from otel_trading.metrics.exposition.names import naming
from otel_trading.metrics.exposition.negotiation import Format, accepts_gzip, negotiate
from otel_trading.metrics.exposition.target import target_info
from otel_trading.metrics.live import LiveStream

if TYPE_CHECKING:
    from otel_trading.metrics.profiles.page import ProfilePages

SCRAPE_WAIT_S = 1.0
"""How long a scrape waits for the collection of the one before it."""

_MOST_BOOKS = 2

Collection = tuple[Sequence[LiveStream], MetricsData | None]
Answer = tuple[int, bytes | Iterator[bytes], dict[str, str]]


class ScrapeStillRunning(Exception):
    """The collection before is not done, probably because a callback hangs."""


@dataclass(slots=True)
class Scrapes:
    """What was served, since the start of the process or a fork.

    Attributes:
        pages: whole pages, by format.
        broken: pages that nobody took to their end.
        bytes: of all parts, before compression.
        collect_ns: time of all collections, foreign callbacks included.
        render_ns: time of all rendering, waiting for the client not included.
    """

    pages: dict[str, int] = field(default_factory=dict)
    broken: int = 0
    bytes: int = 0
    collect_ns: int = 0
    render_ns: int = 0

    def add(self, kind: str, whole: bool, written: int, render_ns: int) -> None:
        """Counts a page, whole or broken off."""
        if whole:
            self.pages[kind] = self.pages.get(kind, 0) + 1
        else:
            self.broken += 1
        self.bytes += written
        self.render_ns += render_ns


class Exposition:
    """Pages of our cells, of the SDK's collections and of prometheus_client registries.

    Thread-safe: one collection at a time, pages are handed out side by side. A page is at most some MiB in memory,
    whatever its size. After a fork the child calls `after_fork_in_child`.
    """

    def __init__(
        self,
        engine: Engine,
        collect: Callable[[], Collection],
        resource: Resource,
        *,
        strategy: Strategy = "UnderscoreEscapingWithSuffixes",
        scope_info: bool = True,
        target_info: bool = True,
        constant_labels: Sequence[str] = (),
        constant_labels_excluded: Sequence[str] = (),
        registries: Sequence[registries.Registry] = (),
        profiles: ProfilePages | None = None,
    ) -> None:
        """Collects nothing yet.

        Args:
            engine: whose cells the live streams have.
            collect: gives live streams, and what the SDK collected, cumulative; raises nothing for a single instrument.
            resource: shown as target_info.
            strategy: how metrics and labels are called.
            scope_info: labels otel_scope_name, otel_scope_version, otel_scope_schema_url and the scope's attributes.
            target_info: the series target_info.
            constant_labels: patterns of resource attributes that become labels of every series.
            constant_labels_excluded: patterns of those that do not.
            registries: prometheus_client registries whose families are on the page too, after ours.
            profiles: takes what existing systems call otherwise; None leaves everything to the standard.

        Raises:
            ValueError: there is no such strategy.
        """
        self._engine = engine
        self._collect = collect
        self._resource = resource
        self._naming = naming(strategy)
        self._scope_info = scope_info
        self._target_info = target_info
        self._patterns = tuple(constant_labels), tuple(constant_labels_excluded)
        self._registries = tuple(registries)
        self._profiles = profiles
        self._scraping = threading.Lock()
        self._collecting_since_ns = 0
        self._counting = threading.Lock()
        self._books: dict[str, Book] = {}
        self.scrapes = Scrapes()

    def page(self, headers: Mapping[str, str]) -> Answer:
        """Status, body and headers of the answer to a request.

        Args:
            headers: of the request, by names in lower case.
        """
        try:
            format, parts = self.render(headers.get("accept", ""))
        except ScrapeStillRunning:
            told = b"The scrape before is still running; a callback may hang.\n"
            return 503, told, {"Content-Type": "text/plain; charset=utf-8"}
        answered = {"Content-Type": format.content_type, "Vary": "Accept, Accept-Encoding"}
        if accepts_gzip(headers.get("accept-encoding", "")):
            return 200, compressed(parts), {**answered, "Content-Encoding": "gzip"}
        return 200, parts, answered

    def render(self, accept: str = "") -> tuple[Format, Iterator[bytes]]:
        """Collects, and gives the format and the parts of the page.

        Args:
            accept: the request's header; text 0.0.4 without one.

        Raises:
            ScrapeStillRunning: the collection before did not end in time.
        """
        format = negotiate(accept)
        # those that come when it has hung for long are told at once: they would queue up
        hung_s = (time.perf_counter_ns() - self._collecting_since_ns) / 1e9 if self._collecting_since_ns else 0.0
        if not self._scraping.acquire(timeout=max(0.0, SCRAPE_WAIT_S - hung_s)):
            raise ScrapeStillRunning
        try:
            began_ns = self._collecting_since_ns = time.perf_counter_ns()
            items, label = self._items(format)
            collect_ns = time.perf_counter_ns() - began_ns
        finally:
            self._collecting_since_ns = 0
            self._scraping.release()
        with self._counting:
            self.scrapes.collect_ns += collect_ns
        return format, self._parts(items, format, label)

    def after_fork_in_child(self) -> None:
        """Replaces the locks, which may be held by a thread that the child has not, and counts from zero."""
        self._scraping = threading.Lock()
        self._collecting_since_ns = 0
        self._counting = threading.Lock()
        self._books.clear()
        self.scrapes = Scrapes()

    def _parts(self, items: list[Item], format: Format, label: Callable[[str], str]) -> Iterator[bytes]:
        def labels(attributes: Mapping[str, Any]) -> tuple[str, ...]:
            return _exemplar_labels(attributes, label)

        parts = iter(self._engine.render(items, format.kind, labels))
        written = render_ns = 0
        whole = False
        try:
            while True:
                began_ns = time.perf_counter_ns()
                part = next(parts, None)
                render_ns += time.perf_counter_ns() - began_ns
                if part is None:
                    break
                written += len(part)
                yield part
            whole = True
        finally:
            with self._counting:
                self.scrapes.add(format.kind, whole, written, render_ns)

    def _items(self, format: Format) -> tuple[list[Item], Callable[[str], str]]:
        live, data = self._collect()
        others = list(foreign.streams(data, self._constant))
        families: Sequence[Item] = ()
        if self._profiles is not None:
            live, others, families = self._profiles.take(live, others, exemplars=format.kind != "text")
        book = self._book(format.escaping)
        try:
            items = book.items(live, others)
        except Replaced:
            book = self._book(format.escaping, anew=True)
            items = book.items(live, others)
        if self._target_info:
            items.insert(0, target_info(self._resource, format.kind, book.label))
        items += families
        items += registries.written(self._registries, format, book)
        if format.kind == "openmetrics":
            items.append(b"# EOF\n")
        return items, book.label

    def _book(self, scheme: Scheme, anew: bool = False) -> Book:
        """The families of a naming; names that need no escaping are the same in most schemes."""
        kept: Scheme = "underscores" if self._naming.escapes and scheme != "dots" else scheme
        book = self._books.pop(kept, None)
        if book is None or anew:
            resource = self._constant(self._resource)
            reserved = ["target", "target_info"] if self._target_info else []
            reserved += self._profiles.names() if self._profiles is not None else ()
            book = Book(self._engine, self._naming, kept, self._scope_info, resource, reserved)
        self._books[kept] = book
        while len(self._books) > _MOST_BOOKS:
            del self._books[next(iter(self._books))]
        return book

    def _constant(self, resource: Resource) -> list[Pair]:
        return resource_pairs(resource, *self._patterns)


def _exemplar_labels(attributes: Mapping[str, Any], label: Callable[[str], str]) -> tuple[str, ...]:
    """Names and values in turn; what the trace is called is the trace's. Names that need quotes are left out."""
    found: dict[str, str] = {}
    try:
        for key, value in attributes.items():
            name = label(str(key))
            if name not in ("trace_id", "span_id") and name.isascii() and name.isidentifier():
                found.setdefault(name, value_text(value))
    except Exception as error:
        diagnostics.trouble("endpoint.exemplar_failed", "labels of an exemplar could not be made: %r", error)
        return ()
    return tuple(text for pair in found.items() for text in pair)
