"""The Prometheus endpoint's pages: names, content negotiation, and families kept between pages.

The way of a page: `negotiation` (what is asked for) -> `names`, `escaping`, `labels` (how it is called) -> `book`
(families kept between pages) with `foreign` and `registries` (what others give) -> the engine's renderer -> `compress`.
"""

from otel_trading.metrics.exposition.exposition import Exposition, Scrapes

__all__ = ["Exposition", "Scrapes"]
