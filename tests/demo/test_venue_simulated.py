# the house puts the expected value on the left

from collections import Counter, defaultdict

import pytest

from otel_trading.demo import rules
from otel_trading.demo.messages import Order, Tick
from otel_trading.demo.strategy import Idea, Strategy
from otel_trading.demo.venue import FAST, SLOW, Exchange, Report

S = 10**9


def order(number: int = 1, **more: object) -> Order:
    values: dict[str, object] = {
        "client_order_id": f"C{number}",
        "root_client_order_id": f"C{number}",
        "strategy": "momentum",
        "symbol": "BTC-USD",
        "side": "buy",
        "quantity": 2.0,
        "price": 100.0,
        "reference_price": 100.0,
        "tick_received_at": 0,
        "created_ns": 0,
    }
    return Order(**{**values, **more})  # type: ignore[arg-type]


def play(count: int = 400, venue: str = FAST) -> dict[str, list[Report]]:
    exchange = Exchange(1, "p")
    for number in range(count):
        exchange.submit(order(number), venue, now_ns=0)
    stories: dict[str, list[Report]] = defaultdict(list)
    for report in exchange.due(100 * S):
        stories[report.client_order_id].append(report)
    return stories


class TestExchange:
    def test_every_order_ends_exactly_once_and_at_the_end(self) -> None:
        """The last report is final, no other is."""
        stories = play()
        assert 400 == len(stories)
        for reports in stories.values():
            assert [False] * (len(reports) - 1) + [True] == [report.final for report in reports]
            assert reports == sorted(reports)

    def test_orders_are_filled_in_parts_rejected_and_canceled(self) -> None:
        """Each outcome happens; fills add up to the quantity; an acknowledgement comes first."""
        stories = play()
        ends = Counter(reports[-1].kind for reports in stories.values())
        assert {"fill", "reject", "cancel"} == set(ends)
        assert ends["fill"] > ends["reject"] + ends["cancel"]
        for reports in stories.values():
            assert ("reject" if len(reports) == 1 else "ack") == reports[0].kind
            if reports[-1].kind == "fill":
                assert 2.0 == pytest.approx(sum(report.quantity for report in reports), abs=1e-5)
        assert {1, 2, 3, 4} == {len(reports) - 1 for reports in stories.values() if reports[-1].kind == "fill"}

    def test_the_slow_venue_is_slow(self) -> None:
        """Its fastest acknowledgement comes after the other's slowest."""
        slowest_ns = max(reports[0].due_ns for reports in play().values())
        assert slowest_ns < 12_000_001 < 120_000_000 <= min(reports[0].due_ns for reports in play(venue=SLOW).values())

    def test_reports_wait_until_they_are_due(self) -> None:
        """The next moment is known; closing forgets the rest."""
        exchange = Exchange(1, "p")
        assert exchange.next_due_ns() is None
        exchange.submit(order(), FAST, now_ns=5 * S)
        due_ns = exchange.next_due_ns()
        assert due_ns is not None
        assert [] == exchange.due(due_ns - 1)
        assert 1 == len(exchange.due(due_ns))
        exchange.close()
        assert [] == exchange.due(100 * S)

    def test_both_venues_get_orders(self) -> None:
        """Most go to the fast one."""
        exchange = Exchange(1, "p")
        routes = Counter(exchange.route() for _ in range(200))
        assert routes[FAST] > routes[SLOW] > 0


class TestRules:
    def test_a_price_outside_the_collar_is_refused(self) -> None:
        """One percent is allowed, more is not, on either side."""
        collar = rules.PriceCollar()
        prices = (99.0, 100.0, 101.0, 98.9, 101.1)
        assert [None, None, None, "price_outside_collar", "price_outside_collar"] == [
            collar.refuse(order(price=price), 0) for price in prices
        ]

    def test_the_position_may_not_pass_its_limit(self) -> None:
        """Approved orders count, the other side frees room."""
        limit = rules.PositionLimit()
        for _ in range(3):
            assert limit.refuse(order(), 0) is None
            limit.approved(order())
        assert "position_limit" == limit.refuse(order(), 0)
        assert limit.refuse(order(symbol="ETH-USD"), 0) is None
        assert limit.refuse(order(side="sell"), 0) is None
        assert 4.0 == limit.approved(order(side="sell"))

    def test_the_order_rate_is_limited(self) -> None:
        """A burst of four, then five a second."""
        rate = rules.OrderRate()
        assert [None] * 4 + ["order_rate"] == [rate.refuse(order(), S) for _ in range(5)]
        assert "order_rate" == rate.refuse(order(), S + S // 10)
        assert rate.refuse(order(), S + S // 5) is None


def tick(bid: float, ask: float, bids: float = 1.0, asks: float = 1.0) -> Tick:
    return Tick("V", "S", "bookTicker", 1, 0, 0, 0, bid, ask, bids, asks)


class TestStrategy:
    def test_a_move_is_followed(self) -> None:
        """Buying after a rise, with a limit at or above the ask, and a pause before the next idea."""
        strategy = Strategy(1)
        assert [None, None] == [strategy.look(tick(100.0, 100.1), 0) for _ in range(2)]
        idea = strategy.look(tick(101.0, 101.1), 0)
        assert idea is not None
        assert ("momentum", "buy", 101.05) == (idea.strategy, idea.side, pytest.approx(idea.mid))
        assert idea.price >= 101.1
        assert strategy.look(tick(110.0, 110.1), S // 100) is None
        assert strategy.look(tick(120.0, 120.1), S) is not None

    def test_a_heavy_side_of_the_book_decides_when_the_price_stands_still(self) -> None:
        """More bids than asks: buy."""
        strategy = Strategy(1)
        ideas = [strategy.look(tick(100.0, 100.1, bids=9.0), S * n) for n in range(3)]
        assert [None, None] == ideas[:2]
        assert isinstance(ideas[2], Idea)
        assert ("imbalance", "buy") == (ideas[2].strategy, ideas[2].side)

    def test_messages_without_prices_teach_nothing(self) -> None:
        """Depth updates and trades carry no bid and ask."""
        assert Strategy(1).look(Tick("V", "S", "trade", 1, None, 0, 0, last=5.0), 0) is None
