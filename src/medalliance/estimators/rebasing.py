"""The ratchet: how far next year's budget follows this year's surplus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DesignError, needed
from ..outcomes import outcome_values
from ..panel import Panel, common_step, many
from ..results import Design, Effects, findings_of, terms_frame
from ._sample import gap_notes

TERMS = ("rebasing after a surplus", "rebasing after a deficit")


def rebasing_regression(
    panel: Panel,
    *,
    budget: str = "budget",
    surplus_rate: str = "fund_surplus_rate",
    instruments: Sequence[str] | None = None,
    group: str | None = None,
) -> Effects:
    """Estimate how far budgets are cut after a surplus and raised after a deficit.

    If next year's budget mixes this year's budget and spending, ``B' = (1+g)((1-psi)B + psi E)``,
    then ``d ln B' = ln(1+g) + ln(1 - psi s)``, about ``g - psi s``. The regression lets the
    surplus and the deficit side differ: ``d ln B'(i,t+1) = group + year - psi_plus s_plus(i,t)
    + psi_minus s_minus(i,t)``, with ``s_plus = max(s, 0)`` and ``s_minus = max(-s, 0)``. This
    year's budget stands on both sides, so that noise in it biases least squares; last year's
    surplus and deficit, or the columns named, serve as instruments. Unit effects are not added:
    in a short panel they would bias the estimate.

    Parameters
    ----------
    panel : Panel
    budget : str
        Column of the budget, positive.
    surplus_rate : str
        Surplus over budget: a registered outcome or a column.
    instruments : sequence of str, optional
        At least two columns that move this year's surplus but not next year's budget directly.
    group : str, optional
        Column of groups with their own level, as provinces.

    Returns
    -------
    Effects
        ``rebasing after a surplus`` (psi plus: 0 no ratchet, 1 the whole surplus is taken) and
        ``rebasing after a deficit`` (psi minus: 1 the whole deficit is made good).
        ``.tests["first_stage"]`` holds the partial F statistics.

    Raises
    ------
    DesignError
        A budget that is not positive, too few rows, or fewer than two instruments.

    References
    ----------
    Freixas, Guesnerie and Tirole (1985) for the ratchet; estimated by two-stage least squares.
    """
    frame = _rows(panel, budget, surplus_rate, instruments, group)
    named = [c for c in frame.columns if c.startswith("z: ")]
    if len(named) < 2:
        raise DesignError(
            f"{len(named)} instrument for two coefficients.\n  Name at least two columns."
        )
    if frame["unit"].nunique() < 2 or len(frame) < 10:
        raise DesignError(
            f"only {len(frame)} rows have a budget next year and instruments this year.\n"
            "  Take a longer panel."
        )
    fit, first_stage = _two_stage(frame, named)
    n_clusters = int(frame["cluster"].nunique())
    sign = np.array([-1.0, 1.0])
    names = ["s_plus", "s_minus"]
    covariance = fit.cov.loc[names, names].to_numpy() * np.outer(sign, sign)
    design = Design(
        outcome="log budget growth",
        estimator="rebasing_regression (two-stage least squares)",
        n_units=int(frame["unit"].nunique()),
        n_obs=len(frame),
        n_clusters=n_clusters,
        clusters=panel.cluster or panel.unit,
        std_errors="clustered, G/(G-1) (N-1)/(N-K) (linearmodels IV2SLS)",
        provenance=panel.provenance,
        covariates=tuple(name.removeprefix("z: ") for name in named),
        weights=panel.weight,
        data_hash=panel.data_hash,
        step=panel.step,
        left_out=_left_out(panel, len(frame)),
        notes=(
            "Instruments are listed as covariates.",
            *gap_notes(panel.cohort_by_unit, panel.years, panel.step),
        ),
    )
    first = findings_of(design, first_stage, "How far the instruments move surplus and deficit")
    return Effects(
        estimate=sign * fit.params[names].to_numpy(),
        terms=terms_frame("log budget growth", list(TERMS)),
        design=design,
        given_vcov=covariance,
        tests={"first_stage": first},
    )


def _rows(
    panel: Panel,
    budget: str,
    surplus_rate: str,
    instruments: Sequence[str] | None,
    group: str | None,
) -> pd.DataFrame:
    money = outcome_values(panel, budget)
    if np.any(money[np.isfinite(money)] <= 0):
        raise DesignError(
            f"{budget} is not positive in every row, so it has no logarithm.\n"
            "  Leave out rows without a budget."
        )
    unit, year = panel.unit_codes, panel.frame[panel.year].to_numpy(np.int64)
    follows = np.r_[
        (unit[1:] == unit[:-1]) & (year[1:] == year[:-1] + common_step(panel.years)), False
    ]
    before = np.r_[False, follows[:-1]]
    rate = outcome_values(panel, surplus_rate)
    growth = np.full(len(money), np.nan)
    growth[follows] = np.diff(np.log(money))[follows[:-1]]
    columns: dict[str, Any] = {
        "unit": unit,
        "year": year,
        "cluster": panel.cluster_by_unit[unit],
        "weight": panel.weight_by_unit[unit],
        "growth": growth,
        "s_plus": np.maximum(rate, 0),
        "s_minus": np.maximum(-rate, 0),
    }
    if instruments is None:
        last = np.where(before, np.r_[np.nan, rate[:-1]], np.nan)
        columns["z: surplus of the year before"] = np.maximum(last, 0)
        columns["z: deficit of the year before"] = np.maximum(-last, 0)
    else:
        columns |= {f"z: {name}": outcome_values(panel, name) for name in instruments}
    if group is not None and group not in panel.frame:
        raise DesignError(f"no column {group!r} in the panel.\n  Name a column for group.")
    columns["group"] = 0 if group is None else pd.factorize(panel.frame[group])[0]
    return pd.DataFrame(columns).dropna().reset_index(drop=True)


def _left_out(panel: Panel, n_used: int) -> tuple[str, ...]:
    """Count the rows that have no next budget, or no instruments."""
    gone = len(panel.frame) - n_used
    if not gone:
        return ()
    return (f"{many(gone, 'row')} without a budget in the next {panel.step.unit} or an instrument",)


def _two_stage(frame: pd.DataFrame, named: list[str]) -> tuple[Any, pd.DataFrame]:
    with needed():
        from linearmodels.iv import IV2SLS

    years = pd.get_dummies(frame["year"], prefix="year", dtype=float)
    groups = pd.get_dummies(frame["group"], prefix="group", drop_first=True, dtype=float)
    model = IV2SLS(
        frame["growth"],
        pd.concat([years, groups], axis=1),
        frame[["s_plus", "s_minus"]],
        frame[named],
        weights=frame["weight"],
    )
    fit: Any = model.fit(cov_type="clustered", clusters=frame["cluster"], debiased=True)
    diagnostics = fit.first_stage.diagnostics[["partial.rsquared", "f.stat", "f.pval"]]
    diagnostics.columns = ["partial_r_squared", "f_statistic", "p_value"]
    return fit, diagnostics.rename_axis("regressor").reset_index()
