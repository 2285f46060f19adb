"""Rule values stay exact, wherever they come from."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

import medalliance as ma
from medalliance.reforms.dated import read_parameters

SHARES = st.decimals(0, 1, places=6, allow_nan=False)
YEARS = st.lists(st.integers(1990, 2060), min_size=4, max_size=4, unique=True).map(sorted)
BASE = ma.load_rules("qianjiang_chongqing")


def rows(*spans):
    return [
        {"value": "0.5", "status": "reported", "source": "R28", "valid_from": a, "valid_to": b}
        for a, b in spans
    ]


@settings(max_examples=40, deadline=None)
@given(share=SHARES, year=st.integers(1990, 2060))
def test_an_assumed_share_comes_back_to_the_last_digit(share, year):
    assumed = BASE.replace(surplus_retention_share=str(share))
    assert assumed.value("surplus_retention_share", year) == share
    assert "surplus_retention_share" in assumed.assumed


@settings(max_examples=40, deadline=None)
@given(share=st.decimals("1.000001", 1000, places=6))
def test_a_share_above_one_is_refused(share):
    _, problems = read_parameters(
        {"loss_cap_share": [{"value": share, "status": "reported", "source": "R28"}]}
    )
    assert len(problems) == 1
    assert "above 1" in problems[0]


@settings(max_examples=40, deadline=None)
@given(years=YEARS)
def test_periods_that_follow_load_and_periods_that_cross_do_not(years):
    a, b, c, d = years
    _, none = read_parameters({"loss_cap_share": rows((a, b), (c, d))})
    assert none == []
    _, crossed = read_parameters({"loss_cap_share": rows((a, c), (b, d))})
    _, swapped = read_parameters({"loss_cap_share": rows((c, d), (a, b))})
    assert "overlap" in crossed[0]
    assert "out of order" in swapped[0]


@settings(max_examples=40, deadline=None)
@given(years=YEARS, year=st.integers(1985, 2065))
def test_a_year_finds_the_value_in_force_or_raises(years, year):
    a, b, c, d = years
    first, second = {"value": "0.25"}, {"value": "0.75"}
    raw = [row | new for row, new in zip(rows((a, b), (c, d)), (first, second), strict=True)]
    read, _ = read_parameters({"loss_cap_share": raw})
    dated = BASE.model_copy(update={"parameters": read})
    expected = Decimal("0.25") if a <= year <= b else Decimal("0.75") if c <= year <= d else None
    try:
        assert dated.value("loss_cap_share", year) == expected
    except ma.RuleError:
        assert expected is None
