# the house puts the expected value on the left

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_trading.demo.scrape import Endpoint, quantile, scrape

PAGE = """# TYPE python_info gauge
python_info 1
# TYPE trading_risk_orders_total counter
trading_risk_orders_total{risk_result="approved"} 3
trading_risk_orders_total{risk_result="denied"} 2
# TYPE trading_zero_total counter
trading_zero_total 0
# TYPE trading_wait_seconds histogram
trading_wait_seconds_bucket{a="x",le="0.1"} 1
trading_wait_seconds_bucket{a="x",le="+Inf"} 2
trading_wait_seconds_bucket{a="y",le="0.1"} 1
trading_wait_seconds_bucket{a="y",le="+Inf"} 1
"""


@pytest.fixture
def page() -> Iterator[list[str]]:
    """A served page that the test may change; its address is the first item."""
    content = ["", PAGE]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = content[1].encode()
            self.send_response(200 if body else 503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        content[0] = f"http://127.0.0.1:{server.server_port}/metrics"
        yield content
        server.shutdown()
        thread.join()


def test_our_series_are_summed_over_labels(page: list[str]) -> None:
    """Names of others and zeros do not count as a sign of life."""
    found = scrape(page[0])
    assert "" == found.error
    assert (5.0, 0.0) == (found.values["trading_risk_orders_total"], found.values["trading_zero_total"])
    assert {0.1: 2.0, float("inf"): 3.0} == found.buckets["trading_wait_seconds"]
    assert {"trading_risk_orders_total", "trading_wait_seconds_bucket"} == found.nonzero


def test_rate_and_quantile_come_from_the_readings(page: list[str]) -> None:
    """A rise of 5 over the time between two readings."""
    endpoint = Endpoint(page[0])
    assert ("no reading yet", 0.0, None) == (
        endpoint.state,
        endpoint.rate("trading_risk_orders_total"),
        endpoint.quantile("trading_wait_seconds", 0.5),
    )
    first = endpoint.read()
    page[1] = PAGE.replace('approved"} 3', 'approved"} 8')
    second = endpoint.read()
    expected = 5 / ((second.at_ns - first.at_ns) / 1e9)
    assert expected == pytest.approx(endpoint.rate("trading_risk_orders_total"))
    assert 0.075 == pytest.approx(endpoint.quantile("trading_wait_seconds", 0.5))


def test_a_failed_reading_is_a_state_and_the_last_good_one_stays(page: list[str]) -> None:
    """Nothing is raised."""
    endpoint = Endpoint(page[0])
    good = endpoint.read()
    page[1] = ""
    endpoint.read()
    assert "HTTPError" in endpoint.state
    assert good is endpoint.latest


@pytest.mark.parametrize("text", ["not prometheus {", "trading_x abc\n"])
def test_a_page_of_another_kind_is_an_error(page: list[str], text: str) -> None:
    """Whoever answers on the port, nothing is raised."""
    page[1] = text
    assert "ValueError" in scrape(page[0]).error


def test_nobody_answering_is_an_error() -> None:
    """Port 9 of loopback is closed."""
    assert "URLError" in scrape("http://127.0.0.1:9/metrics").error


def test_quantiles_are_linear_within_a_bucket() -> None:
    """As histogram_quantile: half of 4 recordings between 1 and 3; beyond the last bound, that bound."""
    assert 2.0 == quantile({1.0: 0, 3.0: 4, float("inf"): 4}, 0.5)
    assert 3.0 == quantile({3.0: 1, float("inf"): 100}, 0.99)
    assert quantile({}, 0.5) is None
    assert quantile({1.0: 0, float("inf"): 0}, 0.5) is None


@given(
    counts=st.lists(st.integers(0, 1000), min_size=2, max_size=8).filter(any),
    q=st.floats(0.01, 1.0),
)
def test_a_quantile_lies_within_the_bounds(counts: list[int], q: float) -> None:
    """Whatever the counts."""
    total, buckets = 0, {}
    for number, count in enumerate(counts):
        total += count
        buckets[float("inf") if number == len(counts) - 1 else number + 1.0] = float(total)
    found = quantile(buckets, q)
    assert found is not None
    assert 0 <= found <= len(counts) - 1
