"""The second hop: what the stores and the collector's counters say, and what is made of it."""

from __future__ import annotations

from typing import Any

import pytest

from otel_trading.doctor import stored_logs, stored_metrics, stored_spans
from otel_trading.doctor.collected import Passage, passage
from otel_trading.doctor.finding import Finding, State
from otel_trading.doctor.stored_logs import Documents
from otel_trading.doctor.stored_metrics import Scraping
from otel_trading.doctor.waiting import Search
from otel_trading.stores.collector import Counters
from otel_trading.stores.errors import Cause, StoreError
from otel_trading.stores.prometheus import Sample, Target

SPAN = {"name": "doctor.canary"}
DOCUMENT = {"_index": "logs-generic.otel-default"}
SENT_NS = 1_795_268_519_410_999_999
LOST: Search[Any] = Search(None, 20.0)


def error(cause: Cause, status: int = 0) -> Search[Any]:
    """A store that gave no answer."""
    return Search(None, 2.0, StoreError("http://store:1", cause, status=status))


def judged(found: Finding) -> tuple[str, str]:
    """State and fault; a cause and a remedy wherever there is a fault."""
    assert bool(found.fault) == bool(found.cause) == bool(found.remedy)
    return found.state.value, found.fault


@pytest.mark.parametrize(
    ("search", "counters", "expected", "words"),
    [
        (Search([SPAN], 0.4), None, ("ok", ""), ""),
        (Search([SPAN, SPAN], 0.4), None, ("warning", "duplicate"), "Two ways"),
        (Search([{"startTimeUnixNano": str(SENT_NS + 10**9)}], 0.4), None, ("ok", ""), ""),
        (
            Search([{"startTimeUnixNano": str(SENT_NS - 10**10)}], 0.4),
            None,
            ("warning", "time_changed"),
            "rewrites times",
        ),
        (error(Cause.REFUSED), None, ("failed", "jaeger_down"), "does not run"),
        (error(Cause.TIMEOUT), None, ("failed", "jaeger_down"), "does not run"),
        (error(Cause.NOT_JSON), None, ("failed", "jaeger_url_wrong"), "something else"),
        (LOST, None, ("failed", "span_lost"), "does not reach Jaeger"),
        (LOST, Passage(accepted=1, retrying=1), ("failed", "span_lost"), "cannot hand it to Jaeger"),
        (LOST, Passage(accepted=1, failed=1), ("failed", "span_lost"), "cannot hand it to Jaeger"),
        (LOST, Passage(), ("failed", "span_lost"), "Something else took the span"),
        (LOST, Passage(accepted=1), ("failed", "span_lost"), "sampled it away"),
        (LOST, Passage(accepted=1, sent=1), ("failed", "span_lost"), "another one"),
    ],
)
def test_a_span_is_judged(search: Search[Any], counters: Passage | None, expected: tuple[str, str], words: str) -> None:
    """Between collector and Jaeger."""
    found = stored_spans.diagnose(search, counters, SENT_NS)
    assert expected == judged(found)
    assert words in found.cause


@pytest.mark.parametrize(
    ("search", "template", "counters", "expected", "words"),
    [
        (Search(Documents([DOCUMENT], [DOCUMENT]), 1.0), True, None, ("ok", ""), ""),
        (Search(Documents([DOCUMENT], [DOCUMENT]), 1.0), None, None, ("ok", ""), ""),
        (Search(Documents([DOCUMENT], [DOCUMENT]), 1.0), False, None, ("warning", "template_missing"), "Another template"),
        (Search(Documents([], [DOCUMENT]), 1.0), True, None, ("failed", "template_missing"), "names to search by are missing"),
        (Search(Documents([DOCUMENT, DOCUMENT], []), 1.0), True, None, ("failed", "duplicate"), "second way"),
        (error(Cause.REFUSED), None, None, ("failed", "elasticsearch_down"), "does not run"),
        (error(Cause.STATUS, 503), None, None, ("failed", "elasticsearch_down"), "shards"),
        (error(Cause.STATUS, 401), None, None, ("failed", "credentials"), "credentials"),
        (error(Cause.REDIRECTED, 302), None, None, ("failed", "elasticsearch_url_wrong"), "something else"),
        (LOST, False, Passage(accepted=1), ("failed", "template_missing"), "answers 404"),
        (LOST, True, None, ("failed", "log_lost"), "does not reach Elasticsearch"),
        (LOST, True, Passage(accepted=1, refused=1), ("failed", "log_lost"), "refused documents"),
        (LOST, True, Passage(accepted=1, retrying=1), ("failed", "log_lost"), "wait in its queue"),
        (LOST, True, Passage(), ("failed", "log_lost"), "Something else took the record"),
        (LOST, True, Passage(accepted=1, sent=1), ("failed", "log_lost"), "another one"),
    ],
)  # fmt: skip
def test_a_log_record_is_judged(
    search: Search[Any], template: bool | None, counters: Passage | None, expected: tuple[str, str], words: str
) -> None:
    """Between collector and Elasticsearch."""
    found = stored_logs.diagnose(search, template, counters)
    assert expected == judged(found)
    assert words in found.cause


def sample(instance: str) -> Sample:
    return Sample({"job": "j", "instance": instance}, 1.0, 0.0)


@pytest.mark.parametrize(
    ("search", "clock_wrong", "expected"),
    [
        (Search([sample("a:1")], 1.0), False, ("ok", "")),
        (Search([sample("a:1"), sample("b:1")], 1.0), False, ("failed", "duplicate")),
        (LOST, False, ("failed", "metric_lost")),
        (LOST, True, ("failed", "clock_off")),
        (error(Cause.REFUSED), False, ("failed", "prometheus_down")),
        (error(Cause.NOT_HTTP), False, ("failed", "prometheus_url_wrong")),
    ],
)
def test_a_metric_by_otlp_is_judged(search: Search[Any], clock_wrong: bool, expected: tuple[str, str]) -> None:
    """Between collector and Prometheus."""
    assert expected == judged(stored_metrics.collected(search, clock_wrong=clock_wrong))


UP = Target("services", "http://a:9464/metrics", True, "")
DOWN = Target("services", "http://a:9464/metrics", False, "connection refused")


@pytest.mark.parametrize(
    ("seen", "expected", "words"),
    [
        (Scraping(9464, True, True, False, [UP], Search([sample("a:9464")], 1.0)), ("ok", ""), "came by http://a"),
        (Scraping(9464, True, True, False, [UP], LOST), ("warning", "canary_not_scraped"), "is not there"),
        (Scraping(9464, True, True, False, [DOWN], LOST), ("failed", "scrape_fails"), "connection refused"),
        (
            Scraping(9464, True, True, False, [UP], error(Cause.REFUSED)),
            ("failed", "prometheus_down"),
            "nobody listens",
        ),
        (Scraping(9464, True, False, False, [UP]), ("ok", ""), "is up"),
        (Scraping(9464, True, False, False, [UP, DOWN]), ("ok", ""), "is up"),
        (Scraping(9464, True, False, False, [DOWN]), ("failed", "scrape_fails"), "connection refused"),
        (Scraping(9464, True, False, False, []), ("failed", "not_scraped"), "no target at port 9464"),
        (Scraping(9464, False, False, False, []), ("warning", "not_scraped"), "no target at port 9464"),
        (Scraping(9464, True, False, True, []), ("skipped", ""), "metrics go by OTLP"),
    ],
)
def test_a_metric_by_scrape_is_judged(seen: Scraping, expected: tuple[str, str], words: str) -> None:
    """Between Prometheus and the service."""
    found = stored_metrics.scraped(seen)
    assert expected == judged(found)
    assert words in found.detail


def test_targets_and_series_are_told_apart_by_port() -> None:
    """A container knows this machine by another name."""
    other = Target("services", "http://a:9465/metrics", True, "")
    assert [UP] == stored_metrics.targets_at([UP, other], 9464)
    assert [sample("host:9464")] == stored_metrics.of_port([sample("host:9464"), sample("host:19464")], 9464)


def test_a_passage_is_the_difference_of_two_readings() -> None:
    """Queues count as they are now, everything else as it rose."""
    before = Counters((("otelcol_receiver_accepted_log_records_total", {"receiver": "otlp"}, 5.0),))
    after = Counters(
        (
            ("otelcol_receiver_accepted_log_records_total", {"receiver": "otlp"}, 7.0),
            ("otelcol_exporter_queue_size", {"data_type": "logs"}, 2.0),
            ("otelcol_exporter_queue_size", {"data_type": "traces"}, 9.0),
            ("otelcol_elasticsearch_docs_processed_total", {"outcome": "failed_client"}, 1.0),
            ("otelcol_elasticsearch_docs_processed_total", {"outcome": "success"}, 8.0),
        )
    )
    assert Passage(accepted=2, retrying=2, refused=1) == passage("logs", before, after)
    assert State.SKIPPED is stored_spans.not_looked_for("why").state
