"""Tests that belong to classic panel regressions: Hausman, poolability, first stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from ..errors import DesignError, what_is_wrong
from ._classic import Array, Classic, Rows, Specification, columns_of, fit_classic, not_identified

COLUMNS = ["test", "statistic", "dof", "dof_2", "p_value", "note"]
Row = tuple[str, float, float, float, float, str]


def tests_of(rows: Rows, asked: Specification, fit: Classic) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the tests of a fitted regression with their names.

    Parameters
    ----------
    rows : Rows
    asked : Specification
    fit : Classic

    Yields
    ------
    name : str
        ``fit``, ``poolability``, ``hausman``, ``effects``, ``first_stage`` or ``endogeneity``.
    frame : DataFrame
    """
    yield "fit", _measures(asked, fit)
    if asked.model == "iv":
        yield "first_stage", _first_stage(fit)
        yield "endogeneity", _endogeneity(fit)
    if asked.model in ("within", "pooled"):
        yield "poolability", _table([*_no_effects(rows, asked, fit), _same_slopes(rows, asked)])
    if asked.model == "random" or (asked.model == "within" and asked.entity_effects):
        yield "hausman", _table(list(_hausman(rows, asked)))
    if asked.model == "random":
        yield "effects", _table([_breusch_pagan(rows, asked)])


def _table(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS)


def _measures(asked: Specification, fit: Classic) -> pd.DataFrame:
    found = fit.found
    named = {"R2": found.rsquared}
    for part in ("within", "between", "overall"):
        if hasattr(found, f"rsquared_{part}"):
            named[f"R2 {part}"] = getattr(found, f"rsquared_{part}")
    if asked.model == "random":
        split = found.variance_decomposition
        named |= {
            "standard deviation of unit effects": np.sqrt(split.iloc[0]),
            "standard deviation of errors": np.sqrt(split.iloc[1]),
            "share of variance due to unit effects": split.iloc[2],
            "theta, smallest": found.theta.min().iloc[0],
            "theta, largest": found.theta.max().iloc[0],
        }
    return pd.DataFrame({"measure": list(named), "value": [float(v) for v in named.values()]})


def _f_test(name: str, restricted: Classic, free: Classic) -> Row:
    """Compare two least-squares fits by their sums of squares."""
    dof = free.n_params - restricted.n_params
    left = free.n_obs - free.n_params
    statistic = (restricted.ssr - free.ssr) / dof / (free.ssr / left)
    return name, statistic, dof, left, float(stats.f.sf(statistic, dof, left)), ""


def _no_effects(rows: Rows, asked: Specification, fit: Classic) -> Iterator[Row]:
    """Yield F tests that unit effects, year effects, or both are zero."""
    plain = replace(asked, model="pooled", entity_effects=False, constant=True)
    if asked.model == "pooled":
        free = replace(asked, model="within", entity_effects=True, constant=False)
        try:
            yield _f_test("no unit effects", fit_classic(rows, plain), fit_classic(rows, free))
        except DesignError as problem:
            yield _blank("no unit effects", problem)
        return
    if asked.entity_effects:
        yield _f_test("no unit effects", fit_classic(rows, plain), fit)
    if asked.time_effects:
        other = replace(asked, time_effects=False, constant=not asked.entity_effects)
        other = other if asked.entity_effects else replace(other, model="pooled")
        yield _f_test("no year effects", fit_classic(rows, other), fit)
    if asked.entity_effects and asked.time_effects:
        neither = replace(plain, time_effects=False)
        yield _f_test("neither unit nor year effects", fit_classic(rows, neither), fit)


def _same_slopes(rows: Rows, asked: Specification) -> Row:
    """Test that every unit has the same coefficients (Chow)."""
    within = asked.model == "within"
    name = "same slopes in all units" if within else "same coefficients in all units"
    if asked.time_effects or rows.weight is not None or (within and not asked.entity_effects):
        return name, np.nan, np.nan, np.nan, np.nan, "for unweighted regressions without years"
    values = np.column_stack([rows.regressors.to_numpy(float), np.ones(len(rows.unit))])
    codes, count = np.unique(rows.unit, return_counts=True)
    k = values.shape[1]
    if count.min() <= k:
        note = f"a unit has {count.min()} rows for {k} coefficients"
        return name, np.nan, np.nan, np.nan, np.nan, note
    ssr = 0.0
    for code in codes:
        mine = rows.unit == code
        fitted = values[mine] @ np.linalg.lstsq(values[mine], rows.outcome[mine], rcond=None)[0]
        ssr += float(((rows.outcome[mine] - fitted) ** 2).sum())
    pooled = fit_classic(rows, asked)
    dof, left = k * len(codes) - pooled.n_params, len(values) - k * len(codes)
    statistic = (pooled.ssr - ssr) / dof / (ssr / left)
    return name, statistic, dof, left, float(stats.f.sf(statistic, dof, left)), ""


def _hausman(rows: Rows, asked: Specification) -> Iterator[Row]:
    """Yield Hausman's test of the regressors that move in units, then its regression form.

    The second keeps the errors asked for, so that it holds where the first does not: on data less
    theta times unit means, changes within units add nothing (Wooldridge 2010, section 10.7.3).
    """
    name = "within and random effects agree (Hausman)"
    plain = replace(asked, std_errors="unadjusted", entity_effects=False, constant=True)
    absorbing = replace(plain, model="within", entity_effects=True, constant=False)
    lost = {name for some in not_identified(rows, absorbing, rows.regressors) for name in some}
    moves = [name for name in rows.regressors if name not in lost]
    try:
        within = fit_classic(replace(rows, regressors=rows.regressors[moves]), absorbing)
        random = fit_classic(rows, replace(plain, model="random"))
    except DesignError as problem:
        yield _blank(name, problem)
        return
    (one, one_vcov), (two, two_vcov) = within.of(moves), random.of(moves)
    spread = one_vcov - two_vcov
    if np.linalg.eigvalsh(spread).min() > 0:
        yield _wald(name, one - two, spread)
    else:
        note = "the difference of the variances is not positive definite"
        yield name, np.nan, len(moves), np.nan, np.nan, note
    if rows.weight is None:
        yield _regression_form(rows, replace(asked, model="random", constant=True), random, moves)


def _regression_form(rows: Rows, asked: Specification, random: Classic, moves: list[str]) -> Row:
    theta = random.found.theta["theta"].to_numpy(float)[
        np.unique(rows.unit, return_inverse=True)[1]
    ]
    columns = columns_of(rows, asked)
    frame = pd.concat([pd.Series(rows.outcome, name="outcome"), columns], axis=1)
    mean = frame.groupby(rows.unit).transform("mean")
    starred = frame - mean.mul(theta, axis=0)
    changes = (frame - mean)[moves].add_prefix("change of ")
    added = replace(
        rows,
        outcome=starred.pop("outcome").to_numpy(float),
        regressors=pd.concat([starred, changes], axis=1),
    )
    flat = replace(asked, model="pooled", entity_effects=False, time_effects=False, constant=False)
    name = "changes within units add nothing (regression form)"
    try:
        return _wald(name, *fit_classic(added, flat).of(list(changes)))
    except DesignError as problem:
        return _blank(name, problem)


def _wald(name: str, gap: Array, vcov: Array) -> Row:
    """Test that a vector is zero."""
    statistic, dof = float(gap @ np.linalg.solve(vcov, gap)), len(gap)
    return name, statistic, dof, np.nan, float(stats.chi2.sf(statistic, dof)), ""


def _breusch_pagan(rows: Rows, asked: Specification) -> Row:
    """Test that unit effects have no variance (Breusch, Pagan; Baltagi, Li where unbalanced)."""
    pooled = replace(asked, model="pooled", std_errors="unadjusted", constant=True)
    residual = np.asarray(fit_classic(rows, pooled).found.resids, float)
    sums = pd.Series(residual).groupby(rows.unit).sum().to_numpy()
    count = np.unique(rows.unit, return_counts=True)[1].astype(float)
    n = count.sum()
    ratio = (sums**2).sum() / (residual**2).sum() - 1
    statistic = float(n**2 / (2 * ((count**2).sum() - n)) * ratio**2)
    name = "unit effects have no variance (Breusch-Pagan)"
    return name, statistic, 1, np.nan, float(stats.chi2.sf(statistic, 1)), ""


def _first_stage(fit: Classic) -> pd.DataFrame:
    """Tabulate how far the instruments move each endogenous regressor."""
    found = fit.found.first_stage.diagnostics
    n_excluded = fit.found.model.instruments.shape[1]
    left = fit.n_obs - fit.n_params - n_excluded + len(found)
    absorbed = fit.n_params - len(fit.names)
    statistic = found["f.stat"].to_numpy(float) * left / (left + absorbed)
    robust = np.full(len(found), np.nan)
    if fit.robust is not None:
        wald = fit.robust[0].first_stage.diagnostics["f.stat"].to_numpy(float)
        robust = wald / n_excluded / fit.robust[1]
    return pd.DataFrame(
        {
            "regressor": [str(name) for name in found.index],
            "r2": found["rsquared"].to_numpy(float),
            "partial_r2": found["partial.rsquared"].to_numpy(float),
            "shea_r2": found["shea.rsquared"].to_numpy(float),
            "f_statistic": statistic,
            "p_value": stats.f.sf(statistic, n_excluded, left),
            "robust_f_statistic": robust,
        }
    )


def _endogeneity(fit: Classic) -> pd.DataFrame:
    """Test that the regressors are exogenous and, where there are more of them, the instruments."""
    found = fit.found
    absorbed = fit.n_params - len(fit.names)
    wu = found.wu_hausman()
    left = wu.df_denom - absorbed
    statistic = wu.stat * left / wu.df_denom
    name = "regressors are exogenous (Wu-Hausman)"
    rows: list[Row] = [
        (name, statistic, wu.df, left, float(stats.f.sf(statistic, wu.df, left)), "")
    ]
    if found.model.instruments.shape[1] > found.model.endog.shape[1]:
        for name, test in (
            ("instruments are valid (Sargan)", found.sargan),
            ("instruments are valid, robust (Wooldridge)", found.wooldridge_overid),
        ):
            rows.append((name, test.stat, test.df, np.nan, test.pval, ""))
    return _table(rows)


def _blank(name: str, problem: DesignError) -> Row:
    return name, np.nan, np.nan, np.nan, np.nan, what_is_wrong(problem)
