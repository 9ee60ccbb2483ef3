"""What a rule of the sampler may say, and what is answered to what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from otel_trading.config.kinds import Rejected
from otel_trading.config.sampling_rule import MOST_RULES, Rules, SamplingRule, read_rule


def test_a_rule_is_read_with_all_it_says() -> None:
    """A single text stands for a list of one; kinds in any case."""
    given = {
        "names": "md.*",
        "kinds": ["SERVER", "client"],
        "attribute_keys": ["http."],
        "attributes": {"venue": "x", "live": True, "levels": 20, "share": 0.5},
        "ratio": 1,
        "lowerable": True,
    }
    wanted = SamplingRule(
        ("md.*",),
        ("server", "client"),
        ("http.",),
        {"venue": "x", "live": True, "levels": 20, "share": 0.5},
        1.0,
        False,
        True,
    )
    assert wanted == read_rule(given)
    assert read_rule(wanted) == wanted


@pytest.mark.parametrize(
    "rule",
    [
        SamplingRule(names=("a",), ratio=0.25),
        SamplingRule(names=("a",), ratio=0.0),
        SamplingRule(kinds=("server",), always=True),
        SamplingRule(attributes={"a": 1}, ratio=1.0, lowerable=True),
    ],
)
def test_a_rule_that_was_made_is_taken_as_it_is(rule: SamplingRule) -> None:
    """By `Rules` too."""
    assert Rules().from_value([rule]) == (rule,)


@pytest.mark.parametrize(
    ("given", "rule", "advice"),
    [
        ({"names": "x", "ratios": 1}, "without 'ratios'", "Did you mean 'ratio'?"),
        ({"names": "x", 5: 1}, "without 5", "Known are names, kinds"),
        ({"ratio": 0.5}, "about some spans", "default_ratio"),
        ({"names": "x"}, "with a ratio or always", "ratio: 0.1"),
        ({"names": "x", "ratio": 1.5}, "with a number from 0 to 1 as ratio", "bounds"),
        ({"names": "x", "ratio": "1"}, "with a number from 0 to 1 as ratio", "without quotes"),
        ({"names": [5], "ratio": 1}, "with texts as names", "list of strings"),
        ({"names": [""], "ratio": 1}, "with texts as names", "list of strings"),
        ({"kinds": "servers", "ratio": 1}, "with kinds of internal, server", "one of these"),
        ({"attributes": {"a": [1]}, "ratio": 1}, "with texts, flags or numbers as attributes", "venue"),
        ({"attributes": ["a"], "ratio": 1}, "with texts, flags or numbers as attributes", "venue"),
        ({"names": "x", "always": 1}, "with true or false as always", "true or false"),
        ({"names": "x", "always": True, "lowerable": True}, "kept always or by a ratio", "Leave out"),
        ({"names": "x", "always": True, "ratio": 1.0}, "kept always or by a ratio", "Leave out"),
        (SamplingRule(), "about some spans", "Say which"),
        ("names", "a mapping", "names"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_rejected(given: Any, rule: str, advice: str) -> None:
    """With what to write instead, and in a list with its place."""
    with pytest.raises(Rejected) as rejected:
        read_rule(given)
    assert rule in rejected.value.rule
    assert advice in rejected.value.advice
    with pytest.raises(Rejected) as rejected:
        Rules().from_value([{"names": "fine", "ratio": 1}, given])
    assert f"[1] is {rule}" in rejected.value.rule


@pytest.mark.parametrize("given", ["x", {"names": "x"}, 5, [{"names": "x", "ratio": 1}] * (MOST_RULES + 1)])
def test_what_is_no_list_or_too_long_is_rejected(given: Any) -> None:
    """Each is looked at whenever a span begins."""
    with pytest.raises(Rejected, match="list of"):
        Rules().from_value(given)
