"""Exact arithmetic on arrays: whole numerators over one common denominator, no float anywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LIMIT = 2**62


@dataclass(frozen=True, eq=False)
class Exact:
    """Fractions that share one denominator.

    Attributes
    ----------
    num : ndarray, shape (n,)
        ``int64`` while the numbers fit, Python integers (``object``) when they do not.
    den : int
        Positive common denominator.
    """

    num: NDArray[Any]
    den: int = 1


def whole(values: ArrayLike) -> Exact:
    """Wrap whole numbers, shape (n,)."""
    return Exact(np.asarray(values))


def from_decimals(values: Iterable[Decimal | int]) -> Exact:
    """Turn decimals into numerators over the least power of ten that holds them all."""
    listed = [Decimal(value) for value in values]
    places = max((max(-int(v.as_tuple().exponent), 0) for v in listed), default=0)
    return Exact(_pack([int(v.scaleb(places)) for v in listed]), 10**places)


def _pack(numbers: list[int]) -> NDArray[Any]:
    big = max((abs(number) for number in numbers), default=0) >= _LIMIT
    return np.array(numbers, dtype=object if big else np.int64)


def _largest(values: NDArray[Any]) -> int:
    return max(abs(int(values.max())), abs(int(values.min()))) if values.size else 0


def _product(left: NDArray[Any], right: NDArray[Any] | int) -> NDArray[Any]:
    bound = abs(right) if isinstance(right, int) else _largest(right)
    if left.dtype == object or bound >= _LIMIT or bound * _largest(left) >= _LIMIT:
        left = left.astype(object)
        right = right if isinstance(right, int) else right.astype(object)
    return left * right


def times(left: Exact, right: Exact) -> Exact:
    """Multiply element by element."""
    return Exact(_product(left.num, right.num), left.den * right.den)


def _align(left: Exact, right: Exact) -> tuple[NDArray[Any], NDArray[Any], int]:
    den = math.lcm(left.den, right.den)
    return _product(left.num, den // left.den), _product(right.num, den // right.den), den


def plus(left: Exact, right: Exact) -> Exact:
    """Add element by element."""
    a, b, den = _align(left, right)
    return Exact(a + b, den)


def minus(left: Exact, right: Exact) -> Exact:
    """Subtract element by element."""
    a, b, den = _align(left, right)
    return Exact(a - b, den)


def smaller(left: Exact, right: Exact) -> Exact:
    """Take the smaller of each pair."""
    a, b, den = _align(left, right)
    return Exact(np.where(a <= b, a, b), den)


def larger(left: Exact, right: Exact) -> Exact:
    """Take the larger of each pair."""
    a, b, den = _align(left, right)
    return Exact(np.where(a >= b, a, b), den)


def choose(condition: NDArray[np.bool_], left: Exact, right: Exact) -> Exact:
    """Take ``left`` where the condition holds, else ``right``."""
    a, b, den = _align(left, right)
    return Exact(np.where(condition, a, b), den)


def at_least(left: Exact, right: Exact) -> NDArray[np.bool_]:
    """Compare ``left >= right`` element by element."""
    a, b, _ = _align(left, right)
    return np.asarray(a >= b, dtype=bool)


def round_to(value: Exact, unit: int = 1, mode: str = "half_up") -> NDArray[np.int64]:
    """Round non-negative amounts to a multiple of ``unit``.

    Parameters
    ----------
    value : Exact, shape (n,)
    unit : int
        Minor units that make the step (1 for fen, 100 for whole yuan).
    mode : {"half_up", "half_even", "down"}

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    den = value.den * unit
    below = value.num // den
    if mode == "down":
        return (below * unit).astype(np.int64)
    twice = _product(value.num - below * den, 2)
    up = np.asarray(twice >= den, dtype=bool)
    if mode == "half_even":
        tie = np.asarray(twice == den, dtype=bool)
        up &= ~tie | np.asarray(below % 2 == 1, dtype=bool)
    return ((below + up.astype(np.int64)) * unit).astype(np.int64)
