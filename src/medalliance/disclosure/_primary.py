"""Primary rules: which numbers show too much by themselves, and how uncertain they must stay."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError
from ._limits import Limits

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def few(count: ArrayLike, threshold: float, *, zeros: bool = False) -> Mask:
    """Flag counts from 1 to one below a threshold; zeros too if asked.

    Raises
    ------
    DataError
        If a count is blank or negative.

    Examples
    --------
    >>> few([0, 1, 9, 10], 10).tolist()
    [False, True, True, False]
    """
    numbers = _finite("count", count)
    if (numbers < 0).any():
        raise DataError("a count is negative.\n  Give counts of persons or events.")
    return (numbers < threshold) & ((numbers > 0) | zeros)


def dominated(
    absolute: ArrayLike, largest: ArrayLike, second: ArrayLike, percent: float = 10.0
) -> Mask:
    """Flag totals that tell the second largest contributor too well what the largest gave.

    The p % rule: what remains without the two largest is less than ``percent`` of the largest.

    Parameters
    ----------
    absolute, largest, second : array_like, shape (n_cells,)
        Sum of absolute contributions, the largest of them, and the second.
    percent : float

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, section 4.2.2, table of rules.

    Examples
    --------
    >>> dominated([110_000], [52_000], [50_000]).tolist()
    [False]
    """
    return _shortfall(absolute, largest, second, percent) > 0


def p_percent_need(
    absolute: ArrayLike, largest: ArrayLike, second: ArrayLike, percent: float = 10.0
) -> Array:
    """Compute how far beyond a total the attacker's interval must reach under the p % rule.

    Returns
    -------
    ndarray, shape (n_cells,)
        ``p/100 x1 - (X - x1 - x2)``, zero where the rule is kept.

    References
    ----------
    Hundepool et al. (2012), section 4.2.3, table of upper protection levels.
    """
    return np.maximum(_shortfall(absolute, largest, second, percent), 0.0)


def concentrated(absolute: ArrayLike, top: ArrayLike, share: float) -> Mask:
    """Flag totals of which the n largest contributors give more than a share in percent.

    Parameters
    ----------
    absolute, top : array_like, shape (n_cells,)
        Sum of absolute contributions, and of the n largest.
    share : float
        ``k`` of the (n, k) rule.
    """
    return np.asarray(top, float) > share / 100 * np.asarray(absolute, float) * (1 + 1e-12)


def concentration_need(absolute: ArrayLike, top: ArrayLike, share: float) -> Array:
    """Compute the upper protection level of the (n, k) rule, ``100/k top - X``."""
    gap = 100 / share * np.asarray(top, float) - np.asarray(absolute, float)
    return np.maximum(gap, 0.0)


def too_few(contributors: ArrayLike, least: int) -> Mask:
    """Flag numbers that come from one contributor up to one fewer than the least."""
    n = np.asarray(contributors, float)
    return (n > 0) & (n < least)


def few_staff(posts: ArrayLike, limits: Limits) -> Mask:
    """Flag pay figures that rest on fewer posts than the limit."""
    numbers = _finite("posts", posts)
    return (numbers > 0) & (numbers < limits.staff)


def _shortfall(absolute: ArrayLike, largest: ArrayLike, second: ArrayLike, percent: float) -> Array:
    whole, one, two = (np.asarray(part, float) for part in (absolute, largest, second))
    if (one < two).any() or (two < 0).any() or (whole < (one + two) * (1 - 1e-9)).any():
        raise DataError(
            "contributions are out of order: total >= largest + second, largest >= second >= 0.\n"
            "  Give sums of absolute contributions."
        )
    rest = np.maximum(whole - one - two, 0.0)
    rest = np.where(rest < 1e-12 * whole, 0.0, rest)
    return percent / 100 * one - rest


def _finite(name: str, values: ArrayLike) -> Array:
    numbers = np.asarray(values, dtype=float)
    if not np.isfinite(numbers).all():
        raise DataError(f"{name} is blank or infinite somewhere.\n  Leave such rows out.")
    return numbers


def band(value: float, least_width: float, margin: float = 0.0) -> tuple[float, float]:
    """Return round ends, at least so far apart, between which a value lies.

    The ends are multiples of one round width (1, 2 or 5 times a power of ten), the first at
    which the value keeps a margin to both ends.

    Examples
    --------
    >>> band(118_000.0, 23_600.0)
    (100000.0, 150000.0)
    >>> band(118_000.0, 23_600.0, margin=20_000.0)
    (0.0, 200000.0)
    """
    if not (least_width > 0 and np.isfinite(value)):
        raise DataError(f"a band of width {least_width} at {value}.\n  Give a positive width.")
    least = max(least_width, 2 * margin)
    power = 10.0 ** np.floor(np.log10(least))
    for width in (step * power * 10.0**k for k in range(6) for step in (1.0, 2.0, 5.0)):
        low = float(np.floor(value / width) * width)
        keeps = low + margin <= value <= low + width - margin
        if width >= least and value < low + width and keeps:
            return low, low + float(width)
    raise DataError(f"no round band keeps a margin of {margin} around {value}.\n  Give none.")
