"""One group, two periods, covariates: estimate with its influence function.

``panel_effect`` takes the change of each unit; ``rows_effect`` takes rows of two periods in which
some units are seen once. Every influence function is scaled so that its mean over the rows given
is the estimate's error.

References
----------
Sant'Anna, Zhao (2020), "Doubly robust difference-in-differences estimators", Journal of
Econometrics 219: equations 2.5-2.6 and Theorem 1 (panel), 2.10 and Theorem 2 (rows).
Abadie (2005) for weighting; Heckman, Ichimura, Todd (1997) for regression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ..errors import DesignError

Array = NDArray[np.float64]
Bool = NDArray[np.bool_]

TRIM = 0.995  # controls with a larger propensity are left out, as in DRDID
MAX_STEPS = 50


def panel_effect(
    change: Array, treated: Bool, covariates: Array, weight: Array, method: str
) -> tuple[float, Array]:
    """Estimate the effect on the treated from changes.

    Parameters
    ----------
    change : ndarray, shape (n,)
        Outcome after less outcome before.
    treated : ndarray of bool, shape (n,)
    covariates : ndarray, shape (n, q)
        With a column of ones.
    weight : ndarray, shape (n,)
    method : {"dr", "ipw", "reg"}

    Returns
    -------
    effect : float
    influence : ndarray, shape (n,)

    Raises
    ------
    DesignError
        If controls do not overlap with the treated, or are too few for the covariates.
    """
    fitted, slope_influence = np.zeros(len(change)), None
    if method != "ipw":
        fitted, slope_influence = _least_squares(change, ~treated, covariates, weight)
    treated_weight = weight * treated
    if method == "reg":
        effect, influence = _mean(treated_weight, change - fitted)
        gradient = -_average(treated_weight, covariates)
        return effect, influence + _through(slope_influence, gradient)
    odds, score_influence = _odds(treated, covariates, weight)
    control_weight = weight * odds * ~treated
    left = change - fitted
    above, above_influence = _mean(treated_weight, left)
    below, below_influence = _mean(control_weight, left)
    influence = above_influence - below_influence
    influence -= score_influence @ _average(control_weight, covariates * (left - below)[:, None])
    if method == "dr":
        gap = _average(control_weight, covariates) - _average(treated_weight, covariates)
        influence += _through(slope_influence, gap)
    return above - below, influence


def rows_effect(
    outcome: Array, post: Bool, treated: Bool, covariates: Array, weight: Array, method: str
) -> tuple[float, Array]:
    """Estimate the effect on the treated from rows of two periods.

    Parameters
    ----------
    outcome : ndarray, shape (n,)
    post, treated : ndarray of bool, shape (n,)
    covariates : ndarray, shape (n, q)
        With a column of ones.
    weight : ndarray, shape (n,)
    method : {"dr", "ipw", "reg"}

    Returns
    -------
    effect : float
    influence : ndarray, shape (n,)

    Raises
    ------
    DesignError
        If controls do not overlap with the treated, or are too few for the covariates.
    """
    propensity = None if method == "reg" else _odds(treated, covariates, weight)
    rows = _Rows(outcome, treated, covariates, weight)
    after, after_influence = _gap(rows, post, propensity, method)
    before, before_influence = _gap(rows, ~post, propensity, method)
    return after - before, after_influence - before_influence


def changing_effect(
    outcome: Array, post: Bool, treated: Bool, covariates: Array, weight: Array
) -> tuple[float, Array]:
    """Estimate the effect on the treated of the second period where covariates may change.

    The mean of each of the three other groups of rows is carried to the covariates of the treated
    after treatment, by regression and by the odds of being one of these (a logit between the two
    groups, as a multinomial one implies): right if either is.

    Parameters
    ----------
    outcome : ndarray, shape (n,)
    post, treated : ndarray of bool, shape (n,)
    covariates : ndarray, shape (n, q)
        With a column of ones.
    weight : ndarray, shape (n,)

    Returns
    -------
    effect : float
    influence : ndarray, shape (n,)

    Raises
    ------
    DesignError
        If a group of rows does not overlap with the treated, or is too few for the covariates.

    References
    ----------
    Sant'Anna, Xu (2023), "Difference-in-Differences with Compositional Changes", equation 2.8 and
    Theorem 3.1.
    """
    target = post & treated
    mine = weight * target
    effect, influence = _mean(mine, outcome)
    for rows, sign in ((treated & ~post, -1.0), (~treated & post, -1.0), (~treated & ~post, 1.0)):
        fitted, slopes = _least_squares(outcome, rows, covariates, weight)
        odds, score_influence = _odds(target, covariates, weight * (rows | target))
        carried, carried_influence = _mean(mine, fitted)
        tilted = weight * odds * rows
        left, left_influence = _mean(tilted, outcome - fitted)
        part = carried_influence + left_influence
        part += slopes @ (_average(mine, covariates) - _average(tilted, covariates))
        pull = covariates * (outcome - fitted - left)[:, None]
        part += score_influence @ _average(tilted, pull)
        effect += sign * (carried + left)
        influence = influence + sign * part
    return effect, influence


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of both periods."""

    outcome: Array
    treated: Bool
    covariates: Array
    weight: Array


def _gap(
    rows: _Rows, period: Bool, propensity: tuple[Array, Array] | None, method: str
) -> tuple[float, Array]:
    """Mean of the treated less its counterfactual in one period."""
    everyone = rows.weight * rows.treated
    here = everyone * period
    fitted, slopes = np.zeros(len(rows.outcome)), None
    if method != "ipw":
        controls = period & ~rows.treated
        fitted, slopes = _least_squares(rows.outcome, controls, rows.covariates, rows.weight)
    if propensity is None:
        level, influence = _mean(here, rows.outcome)
        expected, part = _mean(everyone, fitted)
        through = _through(slopes, _average(everyone, rows.covariates))
        return level - expected, influence - part - through
    odds, score_influence = propensity
    control_weight = rows.weight * odds * ~rows.treated * period
    left = rows.outcome - fitted
    level, influence = _mean(here, left)
    below, part = _mean(control_weight, left)
    influence -= part
    pull = rows.covariates * (left - below)[:, None]
    influence -= score_influence @ _average(control_weight, pull)
    if method == "ipw":
        return level - below, influence
    extra, extra_influence = _efficient_part(rows, period, fitted)
    apart = _average(control_weight, rows.covariates) - _average(everyone, rows.covariates)
    return level - below + extra, influence + extra_influence + _through(slopes, apart)


def _efficient_part(rows: _Rows, period: Bool, fitted: Array) -> tuple[float, Array]:
    """Average the fitted gap over the treated of both periods, not of one (locally efficient)."""
    everyone = rows.weight * rows.treated
    here = everyone * period
    own, slopes = _least_squares(rows.outcome, period & rows.treated, rows.covariates, rows.weight)
    both, both_influence = _mean(everyone, own - fitted)
    now, now_influence = _mean(here, own - fitted)
    apart = _average(everyone, rows.covariates) - _average(here, rows.covariates)
    return both - now, both_influence - now_influence + slopes @ apart


def _mean(weight: Array, values: Array) -> tuple[float, Array]:
    total = weight.sum()
    mean = float(weight @ values / total)
    return mean, len(weight) / total * weight * (values - mean)


def _average(weight: Array, values: Array) -> Array:
    return np.asarray(weight @ values / weight.sum())


def _through(slope_influence: Array | None, gradient: Array) -> Array:
    return np.zeros(1) if slope_influence is None else slope_influence @ gradient


def _least_squares(
    outcome: Array, rows: Bool, covariates: Array, weight: Array
) -> tuple[Array, Array]:
    """Fit on some rows; return fitted values of all rows and the slopes' influence."""
    used = weight * rows
    gram = (covariates * used[:, None]).T @ covariates / len(weight)
    _check_rank(gram, int(rows.sum()))
    inverse = np.linalg.inv(gram)
    slopes = inverse @ (covariates.T @ (used * outcome)) / len(weight)
    fitted = covariates @ slopes
    return fitted, (covariates * (used * (outcome - fitted))[:, None]) @ inverse


def _check_rank(gram: Array, n_rows: int) -> None:
    scale = np.sqrt(np.maximum(np.diag(gram), 1e-300))
    if n_rows < len(gram) or np.linalg.eigvalsh(gram / np.outer(scale, scale))[0] < 1e-12:
        raise DesignError(
            f"{n_rows} rows cannot fit {len(gram)} coefficients.\n"
            "  Use fewer covariates, or drop those that do not vary."
        )


def propensity(treated: Bool, covariates: Array, weight: Array) -> Array:
    """Fit a logit of treatment.

    Parameters
    ----------
    treated : ndarray of bool, shape (n,)
    covariates : ndarray, shape (n, q)
        With a column of ones.
    weight : ndarray, shape (n,)

    Returns
    -------
    ndarray, shape (n,)
        Chances of treatment.

    Raises
    ------
    DesignError
        If covariates are collinear, or separate treated from others.
    """
    scaled = covariates / _scale(covariates)
    slopes = np.zeros(covariates.shape[1])
    target = treated.astype(float)
    for _ in range(MAX_STEPS):
        chance = expit(scaled @ slopes)
        hessian = (scaled * (weight * chance * (1 - chance))[:, None]).T @ scaled / len(weight)
        _check_rank(hessian, len(weight))
        step = np.linalg.solve(hessian, scaled.T @ (weight * (target - chance)) / len(weight))
        slopes += step
        if np.abs(step).max() < 1e-10 * (1 + np.abs(slopes).max()):
            return np.asarray(expit(scaled @ slopes))
    raise DesignError(
        "the propensity of treatment does not converge: covariates separate treated from "
        "control units.\n  Use fewer covariates, or method='reg'."
    )


def _scale(covariates: Array) -> Array:
    scale = np.abs(covariates).max(axis=0)
    scale[scale == 0] = 1.0
    return np.asarray(scale)


def _odds(treated: Bool, covariates: Array, weight: Array) -> tuple[Array, Array]:
    """Fit a logit of treatment; return the odds and the coefficients' influence."""
    chance = propensity(treated, covariates, weight)
    if chance[treated].max() > 0.999:
        raise DesignError(
            "a treated unit has a propensity above 0.999: no control is like it.\n"
            "  Use fewer covariates, or method='reg'."
        )
    scale = _scale(covariates)
    scaled = covariates / scale
    hessian = (scaled * (weight * chance * (1 - chance))[:, None]).T @ scaled / len(weight)
    score = scaled * (weight * (treated - chance))[:, None]
    influence = score @ np.linalg.inv(hessian) / scale
    odds = np.where(treated | (chance < TRIM), chance / (1 - chance), 0.0)
    return odds, influence
