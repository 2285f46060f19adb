"""Synthetic control that matches predictors: which, how heavily, and how sure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize, nnls

from ..errors import DesignError

Array = NDArray[np.float64]
TINY = 1e-4
STARTS, SHORT, LONG, LEAST = 10, 120, 600, 18.0


@dataclass(frozen=True, eq=False)
class Match:
    """Weights of donors with the importance of predictors that gave them.

    Attributes
    ----------
    weights : ndarray, shape (n_donors,)
    importance : ndarray, shape (n_predictors,)
        Sums to 1.
    loss : float
        Mean squared gap over the years that importance was fitted to.
    """

    weights: Array
    importance: Array
    loss: float


def standardised(treated: Array, donors: Array) -> tuple[Array, Array]:
    """Divide predictors by their spread over treated and donors.

    Parameters
    ----------
    treated : ndarray, shape (n_predictors,)
    donors : ndarray, shape (n_predictors, n_donors)
    """
    spread = np.column_stack([donors, treated]).std(axis=1, ddof=1)
    spread = np.where(spread > 0, spread, 1.0)
    return treated / spread, donors / spread[:, None]


def match(treated: Array, donors: Array, importance: Array) -> Array:
    """Weight donors so that they match predictors, the important ones most, shape (n_donors,).

    The nearest point of a simplex is, up to scale, the non-negative least squares of its corners
    and a row of ones on (0, 1), as a smaller distance is a better fit at every scale. Of weights
    that match equally well those of least squares are taken.

    References
    ----------
    Abadie, Diamond, Hainmueller (2010), section 2.3, W*(V); Lawson, Hanson (1974), chapter 23.
    """
    gap = (donors - treated[:, None]) * np.sqrt(importance / importance.max())[:, None]
    n_donors = donors.shape[1]
    corners = np.vstack([gap, TINY * np.eye(n_donors), np.ones(n_donors)])
    weights = nnls(corners, np.append(np.zeros(len(corners) - 1), 1.0), maxiter=50 * n_donors)[0]
    return np.asarray(weights / weights.sum())


def nested(
    treated: Array, donors: Array, outcome: Array, donor_outcomes: Array, *, seed: int = 0
) -> Match:
    """Choose importance so that donors matched by it follow the outcome best.

    The loss is rough: Nelder-Mead in logarithms from equal importance, from a regression's, and
    from points drawn at random; the three best go on until they rest.

    Parameters
    ----------
    treated, donors : ndarray, shape (n_predictors,) and (n_predictors, n_donors)
        Standardised.
    outcome, donor_outcomes : ndarray, shape (n_years,) and (n_years, n_donors)
    seed : int
        Of the points drawn.

    References
    ----------
    Abadie, Diamond, Hainmueller (2010), section 2.3; Abadie, Gardeazabal (2003), appendix B.
    """
    k = len(treated)
    rng = np.random.default_rng(seed)

    def shares(z: Array) -> Array:
        size = np.exp(np.maximum(z - z.max(), -LEAST))
        return size / size.sum()

    def loss(z: Array) -> float:
        gap = outcome - donor_outcomes @ match(treated, donors, shares(z))
        return float(gap @ gap) / len(gap)

    scale = loss(np.zeros(k))

    def descend(z: Array, evaluations: int) -> OptimizeResult:
        corners = np.vstack([z, z + 1.5 * np.eye(k)])
        options: dict[str, Any] = {"maxfev": evaluations, "initial_simplex": corners}
        options |= {"xatol": 1e-4, "fatol": 1e-7 * scale}
        return minimize(loss, z, method="Nelder-Mead", options=options)

    regression = by_regression(treated, donors, outcome, donor_outcomes)
    starts = [np.zeros(k), np.log(regression + 1e-8)]
    starts += [np.log(rng.dirichlet(np.full(k, 0.7)) + 1e-6) for _ in range(STARTS)]
    first = sorted((descend(z, SHORT) for z in starts), key=lambda found: float(found.fun))
    best = first[0]
    for found in first[:3]:
        now = found
        while True:
            again = descend(now.x, LONG)
            if again.fun > now.fun * (1 - 1e-4):
                break
            now = again
        best = min(best, again, now, key=lambda one: float(one.fun))
    importance = shares(best.x)
    return Match(match(treated, donors, importance), importance, float(best.fun))


def by_regression(treated: Array, donors: Array, outcome: Array, donor_outcomes: Array) -> Array:
    """Take importance from a regression of the outcome on predictors across units.

    Squared slopes, added up over years (Abadie, Gardeazabal 2003, appendix B).
    """
    x = np.column_stack([donors, treated]).T
    design = np.column_stack([np.ones(len(x)), x])
    slopes = np.linalg.lstsq(design, np.column_stack([donor_outcomes, outcome]).T, rcond=None)[0]
    size = (slopes[1:] ** 2).sum(axis=1)
    return size / size.sum() if size.sum() > 0 else np.full(len(size), 1 / len(size))


def conformal_interval(
    gap_at: Callable[[float], Array],
    centre: float,
    scale: float,
    level: float,
    *,
    halvings: int = 12,
) -> tuple[float, float]:
    """Invert a permutation test of one year's effect.

    Parameters
    ----------
    gap_at : callable
        From a supposed effect to gaps of the years before and, last, of the year itself, with
        weights fitted anew to all of them as if the effect were true.
    centre, scale : float
        Where to begin, and the size of a step.
    level : float
    halvings : int
        How often an end is halved.

    Returns
    -------
    tuple of float
        Infinite where so few years before cannot reject at this level.

    References
    ----------
    Chernozhukov, Wuethrich, Zhu (2021), Algorithm 1, with moving-block permutations of one year.
    """

    def kept(effect: float) -> bool:
        gaps = np.abs(gap_at(effect))
        return bool(np.mean(gaps >= gaps[-1] - 1e-12) > 1 - level)

    if len(gap_at(centre)) * (1 - level) < 1:
        return -np.inf, np.inf

    def end(sign: int) -> float:
        inside, step = centre, scale
        while kept(inside + sign * step):
            inside, step = inside + sign * step, 2 * step
            if step > 1e6 * scale:
                return sign * np.inf
        outside = inside + sign * step
        for _ in range(halvings):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if kept(middle) else (inside, middle)
        return inside

    return end(-1), end(1)


def summarise(values: Array, how: str) -> float:
    """Summarise the years of a predictor; NaN where none is known.

    Raises
    ------
    DesignError
        If there is no such summary.
    """
    known = values[np.isfinite(values)]
    if how not in SUMMARIES:
        raise DesignError(f"no summary {how!r}.\n  Choose from {', '.join(SUMMARIES)}.")
    return float(SUMMARIES[how](known)) if len(known) else np.nan


SUMMARIES: dict[str, Callable[[Array], float]] = {
    "mean": lambda v: float(v.mean()),
    "median": lambda v: float(np.median(v)),
    "sum": lambda v: float(v.sum()),
    "min": lambda v: float(v.min()),
    "max": lambda v: float(v.max()),
    "std": lambda v: float(v.std(ddof=1)) if len(v) > 1 else np.nan,
    "first": lambda v: float(v[0]),
    "last": lambda v: float(v[-1]),
    "change": lambda v: float(v[-1] - v[0]),
}
Predictor = str | tuple[str, Sequence[int]] | tuple[str, Sequence[int], str]
