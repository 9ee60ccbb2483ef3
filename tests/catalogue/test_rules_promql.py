"""Labels that the result of an expression has, and what is noted on the way."""

from __future__ import annotations

import pytest

from otel_trading.catalogue.rules.promql import labels_of, mistakes

KNOWN = {
    "a": frozenset({"job", "x", "y"}),
    "b": frozenset({"job", "x", "z"}),
    "h_bucket": frozenset({"job", "x", "le"}),
}


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("a", "job x y"),
        ("-rate(a[5m] offset 1d)", "job x y"),
        ("sum(a)", ""),
        ("sum by (x) (a)", "x"),
        ("max without (x) (a)", "job y"),
        ("topk(3, a)", "job x y"),
        ("a > 1", "job x y"),
        ("1 < a", "job x y"),
        ("a / on (x) group_left (z) b", "job x y z"),
        ("a * on (x) group_right () b", "job x z"),
        ("a unless on (x) b", "job x y"),
        ("a or b", "job x y z"),
        ("histogram_quantile(0.9, sum by (x, le) (rate(h_bucket[5m])))", "x"),
        ("label_replace(a, \"day\", \"1\", \"\", \"\")", "day job x y"),
        ("vector(1)", ""),
        ("max_over_time(sum by (x) (a)[1h:5m])", "x"),
    ],
)  # fmt: skip
def test_labels_of_a_result(expression: str, labels: str) -> None:
    """Of selectors, aggregations, matching and functions."""
    assert labels.split() == sorted(labels_of(expression, KNOWN))
    assert [] == mistakes(expression, KNOWN)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("c", "the metric c"),
        ('a{w="1"}', "the label w on a"),
        ("sum by (z) (a)", "the label z where it is summed up by it"),
        ("a and on (z) b", "the label z on the left side"),
        ("a and on (y) b", "the label y on the right side"),
        ('{job="x"}', "the metric without a name"),
        ("rate(c[5m]) > 0", "the metric c"),
    ],
)
def test_what_does_not_exist_is_noted(expression: str, found: str) -> None:
    """Once, with where it stands."""
    assert [found] == [wrong for wrong, _ in mistakes(expression, KNOWN)]


@pytest.mark.parametrize("expression", ["sum(a", "rate(a)", "a >", ""])
def test_what_is_no_expression_is_noted(expression: str) -> None:
    """With the parser's words."""
    assert 1 == len(mistakes(expression, KNOWN))
