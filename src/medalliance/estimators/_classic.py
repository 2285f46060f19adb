"""Classic panel regressions of linearmodels, with the errors of several conventions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, DesignError, first_three, needed
from ..inference.driscoll_kraay import driscoll_kraay_variance
from ..results._cluster import small_sample_factor
from ._within import TwoWay

Array = NDArray[np.float64]
CONSTANT = "constant"


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a regression, sorted by unit and year.

    Attributes
    ----------
    outcome : ndarray, shape (n_obs,)
    regressors : DataFrame, shape (n_obs, k)
    instruments : DataFrame, shape (n_obs, q)
    weight : ndarray, shape (n_obs,), or None
    unit, year : ndarray of int, shape (n_obs,)
    clusters : DataFrame of int, shape (n_obs, 1 or 2)
    """

    outcome: Array
    regressors: pd.DataFrame
    instruments: pd.DataFrame
    weight: Array | None
    unit: NDArray[np.intp]
    year: NDArray[np.int64]
    clusters: pd.DataFrame

    @cached_property
    def index(self) -> pd.MultiIndex:
        """Unit and year of each row."""
        return pd.MultiIndex.from_arrays([self.unit, self.year], names=["unit", "year"])

    def series(self, values: Array) -> pd.Series:
        """Label a value a row with unit and year."""
        return pd.Series(values, index=self.index)

    def labelled(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Label a frame's rows with unit and year."""
        return frame.set_axis(self.index, axis=0)


@dataclass(frozen=True)
class Specification:
    """What is asked of a classic panel regression.

    Attributes
    ----------
    model : str
    entity_effects, time_effects, constant : bool
    endogenous : tuple of str
    std_errors, small_sample : str
    lags : int or None
    """

    model: str
    entity_effects: bool
    time_effects: bool
    constant: bool
    endogenous: tuple[str, ...] = ()
    std_errors: str = "unadjusted"
    small_sample: str = "fixest"
    lags: int | None = None

    @property
    def absorbs(self) -> bool:
        """Whether effects are taken out rather than estimated as columns."""
        return self.model in ("within", "iv") and (self.entity_effects or self.time_effects)


@dataclass(frozen=True, eq=False)
class Classic:
    """A fitted classic panel regression.

    Attributes
    ----------
    names : tuple of str
        Regressors, then the constant; year dummies follow.
    coefficients, vcov : ndarray, shape (k,), (k, k)
    dof, factor : float
        Degrees of freedom of t quantiles; small-sample factor that the variance holds.
    n_obs, n_params : int
        Rows of the transformed regression; its parameters with all effects.
    found : linearmodels result
        Of two-stage least squares with unadjusted errors.
    robust : (linearmodels result, float) or None
        Two-stage least squares with the errors asked for, and the factor of their variance.
    """

    names: tuple[str, ...]
    coefficients: Array
    vcov: Array
    dof: float
    factor: float
    n_obs: int
    n_params: int
    found: Any
    robust: tuple[Any, float] | None = None

    def of(self, names: Sequence[str]) -> tuple[Array, Array]:
        """Return coefficients with their variance, in the order of names."""
        place = [self.names.index(name) for name in names]
        return self.coefficients[place], self.vcov[np.ix_(place, place)]

    @property
    def ssr(self) -> float:
        """Sum of squared residuals."""
        return float(self.found.resid_ss)


def fit_classic(rows: Rows, asked: Specification) -> Classic:
    """Fit a classic panel regression.

    Raises
    ------
    DesignError
        If regressors are collinear, or linearmodels cannot fit.
    """
    columns = columns_of(rows, asked)
    _need_rank(rows, asked, columns)
    try:
        fitted = _estimate_iv(rows, asked, columns) if asked.model == "iv" else None
        if fitted is None:
            fitted = _estimate(rows, asked, columns)
    except DataError:
        raise
    except ValueError as problem:
        said = " ".join(str(problem).split())
        raise DesignError(f"panel_regression ({asked.model}): {said}") from problem
    return fitted


def columns_of(rows: Rows, asked: Specification) -> pd.DataFrame:
    """Return regressors with the constant and, where effects are not absorbed, year dummies."""
    columns = rows.regressors.copy()
    if asked.constant:
        # the constant of a differenced equation is a trend in levels
        place = pd.Series(rows.unit).groupby(rows.unit).cumcount().to_numpy(float)
        columns[CONSTANT] = place if asked.model == "first_difference" else 1.0
    if asked.time_effects and not asked.absorbs:
        years = np.unique(rows.year)[1:]
        skipped = years[1:] if asked.constant and asked.model == "first_difference" else years
        for year in skipped:
            columns[f"year {year}"] = (rows.year == year).astype(float)
    return columns


def transformed(rows: Rows, asked: Specification, values: Array) -> Array:
    """Take effects out of columns, shape (n_obs, k), as the model does before least squares."""
    if asked.model == "first_difference":
        later = np.flatnonzero(rows.unit[1:] == rows.unit[:-1]) + 1
        return values[later] - values[later - 1]
    if asked.model == "between":
        return pd.DataFrame(values).groupby(rows.unit).mean().to_numpy()
    if not asked.absorbs:
        return values
    weight = np.ones(len(values)) if rows.weight is None else rows.weight
    if not (asked.entity_effects and asked.time_effects):
        code = rows.unit if asked.entity_effects else rows.year
        total = pd.Series(weight).groupby(code).transform("sum").to_numpy()
        mean = pd.DataFrame(values * weight[:, None]).groupby(code).transform("sum").to_numpy()
        return values - mean / total[:, None]
    unit, year = (np.unique(code, return_inverse=True)[1] for code in (rows.unit, rows.year))
    grid = np.zeros((unit.max() + 1, year.max() + 1))
    grid[unit, year] = weight
    effects = TwoWay(grid)
    out = np.empty(values.shape)
    for j, column in enumerate(values.T):
        table = np.zeros(grid.shape)
        table[unit, year] = column
        out[:, j] = effects.residual(table)[unit, year]
    return out


def not_identified(
    rows: Rows, asked: Specification, columns: pd.DataFrame
) -> tuple[list[str], list[str]]:
    """Name columns that the model takes out, then those that the columns before explain."""
    plain = columns.to_numpy(float)
    values = transformed(rows, asked, plain)
    size = np.sqrt((values**2).mean(axis=0))
    kept = size > 1e-9 * np.sqrt((plain**2).mean(axis=0))
    names = np.array([str(name) for name in columns.columns])
    left, explained = values[:, kept] / size[kept], []
    for j in range(1, left.shape[1]):
        slopes = np.linalg.lstsq(left[:, :j], left[:, j], rcond=None)[0]
        if np.sqrt(((left[:, j] - left[:, :j] @ slopes) ** 2).mean()) < 1e-8:
            explained.append(str(names[kept][j]))
    return [str(name) for name in names[~kept]], explained


def _need_rank(rows: Rows, asked: Specification, columns: pd.DataFrame) -> None:
    """Refuse columns without a coefficient of their own, by name."""
    flat, explained = not_identified(rows, asked, columns)
    if flat:
        raise DesignError(
            f"nothing is left of {first_three(flat)} once {asked.model} has taken effects out.\n"
            '  Leave it out, or use model="random" or model="pooled".'
        )
    if explained:
        raise DesignError(
            f"{first_three(explained)} is a combination of the other columns and effects.\n"
            "  Leave it out."
        )


def _estimate(rows: Rows, asked: Specification, columns: pd.DataFrame) -> Classic:
    with needed():
        from linearmodels import panel as lm

    kinds = {
        "within": lm.PanelOLS,
        "pooled": lm.PooledOLS,
        "between": lm.BetweenOLS,
        "first_difference": lm.FirstDifferenceOLS,
        "random": lm.RandomEffects,
    }
    options: dict[str, Any] = {"check_rank": False}
    if rows.weight is not None:
        options["weights"] = rows.series(rows.weight)
    if asked.model == "within":
        options |= {"entity_effects": asked.entity_effects, "time_effects": asked.time_effects}
    model = kinds[asked.model](rows.series(rows.outcome), rows.labelled(columns), **options)
    raw: dict[str, Any] = {}
    if asked.std_errors != "unadjusted":
        raw = {"debiased": False, **_errors_asked(rows, asked)}
        if asked.model == "within":
            raw |= {"auto_df": False, "count_effects": False}
    found = model.fit(**raw)
    n_obs, k, n_effects = int(found.nobs), columns.shape[1], _n_absorbed(rows, asked)
    factor, dof = _convention(rows, asked, n_obs, k, n_effects)
    names = tuple(map(str, columns.columns))
    coefficients, vcov = found.params.to_numpy(float), found.cov.to_numpy()
    return Classic(names, coefficients, factor * vcov, dof, factor, n_obs, k + n_effects, found)


def _estimate_iv(rows: Rows, asked: Specification, columns: pd.DataFrame) -> Classic:
    with needed():
        from linearmodels.iv import IV2SLS

    def taken(frame: pd.DataFrame) -> pd.DataFrame | None:
        if frame.empty:
            return None
        values = transformed(rows, asked, frame.to_numpy(float))
        return pd.DataFrame(values, columns=frame.columns)

    endogenous = columns[list(asked.endogenous)]
    exogenous = columns.drop(columns=list(asked.endogenous))
    outcome = taken(pd.DataFrame({"outcome": rows.outcome}))
    model = IV2SLS(
        outcome, taken(exogenous), taken(endogenous), taken(rows.instruments), weights=rows.weight
    )
    n_obs, k = len(rows.outcome), columns.shape[1]
    absorbed = _n_absorbed(rows, asked)
    plain = model.fit(cov_type="unadjusted", debiased=True)
    order = [list(plain.params.index).index(name) for name in columns.columns]
    vcov = plain.cov.to_numpy() * (n_obs - k) / (n_obs - k - absorbed)
    factor, dof = _convention(rows, asked, n_obs, k, absorbed)
    robust = None
    if asked.std_errors == "driscoll_kraay":
        vcov = _driscoll_kraay_iv(rows, asked, model, plain)
    elif asked.std_errors != "unadjusted":
        robust = model.fit(debiased=False, **_errors_asked(rows, asked)), factor
        vcov = robust[0].cov.to_numpy()
    return Classic(
        tuple(map(str, columns.columns)),
        plain.params.to_numpy(float)[order],
        factor * vcov[np.ix_(order, order)],
        dof,
        factor,
        n_obs,
        k + absorbed,
        plain,
        robust,
    )


def _driscoll_kraay_iv(rows: Rows, asked: Specification, model: Any, plain: Any) -> Array:
    """Compute the variance with the regressors that the instruments project."""
    root = np.ones(len(rows.year)) if rows.weight is None else np.sqrt(rows.weight)
    every = np.column_stack([model.exog.ndarray, model.instruments.ndarray]) * root[:, None]
    used = np.column_stack([model.exog.ndarray, model.endog.ndarray]) * root[:, None]
    projected = every @ np.linalg.lstsq(every, used, rcond=None)[0]
    residual = root * np.asarray(plain.resids, float)
    return driscoll_kraay_variance(
        projected, residual, rows.year, lags=_lags(rows, asked), small_sample=False
    )


def _n_absorbed(rows: Rows, asked: Specification) -> int:
    """Count the parameters of absorbed effects; with both, one year is the reference."""
    if not asked.absorbs:
        return 0
    units, years = len(np.unique(rows.unit)), len(np.unique(rows.year))
    both = asked.entity_effects and asked.time_effects
    return units * asked.entity_effects + years * asked.time_effects - both


def _lags(rows: Rows, asked: Specification) -> int:
    n_years = len(np.unique(rows.year))
    return int(n_years**0.25) if asked.lags is None else asked.lags


def _errors_asked(rows: Rows, asked: Specification) -> dict[str, Any]:
    if asked.std_errors == "robust":
        return {"cov_type": "robust"}
    if asked.std_errors == "driscoll_kraay":
        return {"cov_type": "kernel", "kernel": "bartlett", "bandwidth": _lags(rows, asked)}
    clusters = rows.clusters if asked.model == "iv" else rows.labelled(rows.clusters)
    return {"cov_type": "clustered", "clusters": clusters}


def _convention(
    rows: Rows, asked: Specification, n_obs: int, k: int, n_effects: int
) -> tuple[float, float]:
    """Return the small-sample factor of the variance with the degrees of freedom of t quantiles."""
    left = float(n_obs - k - n_effects)
    if asked.std_errors == "unadjusted":
        return 1.0, left
    if asked.small_sample == "none":
        return 1.0, np.inf
    if asked.small_sample == "plm":
        return n_obs / (n_obs - k), left
    if asked.std_errors == "robust":
        return small_sample_factor(n_obs, k + n_effects, n_obs), left
    if asked.std_errors == "driscoll_kraay":
        n_years = len(np.unique(rows.year)) - (asked.model == "first_difference")
        return small_sample_factor(n_obs, k + n_effects, n_years), n_years - 1.0
    n_clusters = int(rows.clusters.nunique().min())
    counted = k + _not_nested(rows, asked)
    return small_sample_factor(n_obs, counted, n_clusters), n_clusters - 1.0


def _not_nested(rows: Rows, asked: Specification) -> int:
    """Count absorbed effects as fixest does: a constant, and what no clustering contains."""
    if not asked.absorbs:
        return 0
    total = 1
    for code, on in ((rows.unit, asked.entity_effects), (rows.year, asked.time_effects)):
        grouped = rows.clusters.groupby(code)
        nested = (grouped.transform("min") == grouped.transform("max")).all().any()
        total += (len(np.unique(code)) - 1) * (on and not nested)
    return total
