"""Exact arithmetic and largest-remainder allocation."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import medalliance as ma
from medalliance.reforms import exact
from medalliance.settlement.allocate import allocate_segments


def test_allocate_six_three_one():
    parts = ma.allocate(100_000_001, {"lead_hospital": 6, "township": 3, "village": 1})
    assert parts == {"lead_hospital": 60_000_001, "township": 30_000_000, "village": 10_000_000}


def test_allocate_serves_ties_by_id_whatever_the_order():
    assert ma.allocate(2, {"b": 1, "c": 1, "a": 1}) == {"b": 1, "c": 0, "a": 1}


def test_allocate_decimal_weights_need_not_sum_to_one():
    weights = {"a": Decimal("0.125"), "b": Decimal("0.375")}
    assert ma.allocate(1001, weights) == {"a": 250, "b": 751}


@pytest.mark.parametrize(
    ("amount", "weights", "error"),
    [
        (1.5, {"a": 1}, TypeError),
        (True, {"a": 1}, TypeError),
        (1, {"a": 0.5}, TypeError),
        (-1, {"a": 1}, ma.RuleError),
        (1, {"a": 0, "b": 0}, ma.RuleError),
        (1, {"a": -1, "b": 2}, ma.RuleError),
    ],
)
def test_allocate_refuses(amount, weights, error):
    with pytest.raises(error):
        ma.allocate(amount, weights)


def test_allocate_beyond_int64_products():
    amounts = np.array([10**13, 10**13 + 1])
    weights = np.array([[333_333_333_333, 333_333_333_334, 1], [1, 1, 1]])
    segment, rank = np.repeat([0, 1], 3), np.tile([0, 1, 2], 2)
    parts = allocate_segments(amounts, weights.ravel(), segment, rank).reshape(2, 3)
    assert (parts.sum(axis=1) == amounts).all()
    for row, amount in enumerate(amounts):
        total = int(weights[row].sum())
        for column in range(3):
            quota = Fraction(int(amount) * int(weights[row, column]), total)
            assert abs(int(parts[row, column]) - quota) < 1


def test_products_leave_int64_when_they_must():
    value = exact.times(
        exact.whole(np.array([10**17])), exact.from_decimals([Decimal("0.123456789")])
    )
    again = exact.times(value, exact.from_decimals([Decimal("0.987654321")]))
    expected = Fraction(10**17) * Fraction(123456789, 10**9) * Fraction(987654321, 10**9)
    assert Fraction(int(again.num[0]), again.den) == expected


@pytest.mark.parametrize(
    ("number", "mode", "expected"),
    [
        ("0.5", "half_up", 1),
        ("0.5", "half_even", 0),
        ("1.5", "half_even", 2),
        ("1.999", "down", 1),
        ("2.4999", "half_up", 2),
    ],
)
def test_round_to(number, mode, expected):
    assert exact.round_to(exact.from_decimals([Decimal(number)]), mode=mode)[0] == expected


def test_round_to_whole_yuan():
    assert exact.round_to(exact.whole(np.array([149, 150, 250])), unit=100).tolist() == [
        100,
        200,
        300,
    ]


def test_choose_and_compare_over_different_denominators():
    a = exact.from_decimals([Decimal("0.1"), Decimal("0.25")])
    b = exact.from_decimals([Decimal("0.10"), Decimal("0.249")])
    assert exact.at_least(a, b).tolist() == [True, True]
    low = exact.smaller(a, b)
    assert [Fraction(int(n), low.den) for n in low.num] == [Fraction(1, 10), Fraction(249, 1000)]
    assert [float(n) / exact.larger(a, b).den for n in exact.larger(a, b).num] == [0.1, 0.25]
