"""Synthetic control, difference-in-differences and their synthesis on matrices.

One algorithm with different weights (Arkhangelsky et al. 2021, Algorithm 1): unit weights make
the donors follow the treated before treatment, time weights make the periods before treatment
stand for those after it. Difference-in-differences weights all equally; synthetic control has no
time weights and no intercept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, check_choice
from ._simplex import simplex_least_squares

Array = NDArray[np.float64]
Method = Literal["sdid", "sc", "did", "ascm"]
METHODS = ("sdid", "sc", "did", "ascm")
_TINY = 1e-6


@dataclass(frozen=True, eq=False)
class SyntheticFit:
    """Weights and effects of one adoption date.

    Attributes
    ----------
    unit_weights : ndarray, shape (n_donors,)
        Sum to 1; may be negative only for the augmented method.
    time_weights : ndarray, shape (n_pre,)
        Sum to 1; all zero for synthetic control.
    path : ndarray, shape (n_years,)
        Treated mean minus synthetic path, less its time-weighted value before treatment.
    synthetic : ndarray, shape (n_years,)
        Weighted donor path, not shifted.
    ridge : float
        Penalty on the unit weights used.
    """

    unit_weights: Array
    time_weights: Array
    path: Array
    synthetic: Array
    ridge: float


def noise_level(donors_before: Array) -> float:
    """Return the standard deviation of the donors' first differences before treatment.

    Differences are not taken net of year effects (Arkhangelsky et al. 2021, equation 5), so that
    a bent common trend raises the level, hence the penalty.
    """
    steps = np.diff(donors_before, axis=1)
    return float(np.std(steps, ddof=1)) if steps.size > 1 else 0.0


def synthetic_fit(
    donors: Array,
    treated: Array,
    n_pre: int,
    method: Method = "sdid",
    *,
    start: Array | None = None,
    mean: Array | None = None,
    donor_share: Array | None = None,
) -> SyntheticFit:
    """Fit one adoption date.

    Parameters
    ----------
    donors : ndarray, shape (n_donors, n_years)
        Outcomes of never-treated units.
    treated : ndarray, shape (n_treated, n_years)
        Outcomes of the units that adopt after the first ``n_pre`` years.
    n_pre : int
        Years before adoption.
    method : str
        ``"sdid"``, ``"sc"``, ``"did"`` or ``"ascm"``.
    start : ndarray, shape (n_donors,), optional
        Unit weights to start from.
    mean : ndarray, shape (n_years,), optional
        Mean of the treated, where it is weighted.
    donor_share : ndarray, shape (n_donors,), optional
        Weights of donors in a plain difference-in-differences; equal without them.

    References
    ----------
    Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), equations 4 to 6 and Algorithm 1;
    Abadie, Diamond and Hainmueller (2010); Ben-Michael, Feller and Rothstein (2021) for
    ``"ascm"``.
    """
    n_donors, n_years = donors.shape
    n_post = n_years - n_pre
    check_choice("method", method, METHODS)
    if n_pre < 2 and method != "did":
        raise DesignError(
            f"{n_pre} year before adoption: weights cannot be fitted. "
            'Use method="did", or leave this adoption date out.'
        )
    mean = treated.mean(axis=0) if mean is None else mean
    noise = noise_level(donors[:, :n_pre])
    ridge = 0.0
    omega = np.full(n_donors, 1.0 / n_donors) if donor_share is None else donor_share
    lam = np.full(n_pre, 1.0 / n_pre)
    if method == "sdid":
        zeta = (len(treated) * n_post) ** 0.25 * noise
        ridge = zeta**2 * n_pre
        omega = _unit_weights(donors, mean, n_pre, ridge, intercept=True, start=start)
        lam = _time_weights(donors, n_pre, (_TINY * noise) ** 2 * n_donors)
    elif method in ("sc", "ascm"):
        ridge = (_TINY * noise) ** 2 * n_pre
        omega = _unit_weights(donors, mean, n_pre, ridge, intercept=False, start=start)
        lam = np.zeros(n_pre)
    if method == "ascm":
        omega, ridge = augment(donors[:, :n_pre], mean[:n_pre], omega)
    synthetic = omega @ donors
    gap = mean - synthetic
    return SyntheticFit(omega, lam, gap - lam @ gap[:n_pre], synthetic, ridge)


def _unit_weights(
    donors: Array, mean: Array, n_pre: int, ridge: float, *, intercept: bool, start: Array | None
) -> Array:
    design, target = donors[:, :n_pre].T, mean[:n_pre]
    if intercept:
        design, target = design - design.mean(axis=0), target - target.mean()
    return simplex_least_squares(design, target, ridge, start)


def _time_weights(donors: Array, n_pre: int, ridge: float) -> Array:
    design, target = donors[:, :n_pre], donors[:, n_pre:].mean(axis=1)
    return simplex_least_squares(design - design.mean(axis=0), target - target.mean(), ridge)


def augment(
    donors_before: Array, treated_before: Array, omega: Array, penalty: float | None = None
) -> tuple[Array, float]:
    """Correct synthetic-control weights by ridge regression; return weights and penalty.

    The penalty is the largest of 21 values (from the largest eigenvalue down by eight orders of
    magnitude) whose leave-one-period-out error lies within one standard error of the smallest;
    synthetic-control weights are fitted anew for each period left out.

    Source: Ben-Michael, Feller and Rothstein (2021), equations 12 to 14 and section 5.3.
    """
    centre = donors_before.mean(axis=0)
    x, goal = donors_before - centre, treated_before - centre
    if penalty is not None:
        return _ridge_corrected(x, goal, omega, penalty), penalty
    penalties = penalty_grid(float(np.linalg.norm(x, 2) ** 2))
    every = np.arange(x.shape[1])
    errors = np.empty((len(penalties), len(every)))
    for t in every:
        rest = every[every != t]
        base = simplex_least_squares(x[:, rest].T, goal[rest])
        for i, tried in enumerate(penalties):
            weights = _ridge_corrected(x[:, rest], goal[rest], base, float(tried))
            errors[i, t] = (goal[t] - weights @ x[:, t]) ** 2
    mean = errors.mean(axis=1)
    best = int(np.argmin(mean))
    bound = mean[best] + errors[best].std(ddof=1) / np.sqrt(len(every))
    chosen = float(penalties[int(np.argmax(mean <= bound))])
    return _ridge_corrected(x, goal, omega, chosen), chosen


def penalty_grid(largest: float) -> Array:
    """List the penalties that are tried, both ends included, shape (21,)."""
    return largest * np.logspace(0, -8, 21)


def _ridge_corrected(x: Array, goal: Array, omega: Array, penalty: float) -> Array:
    gram = x.T @ x + penalty * np.eye(x.shape[1])
    return omega + x @ np.linalg.solve(gram, goal - omega @ x)
