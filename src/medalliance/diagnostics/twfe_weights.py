"""Weights that the two-way fixed-effects coefficient gives to cohort-by-year effects."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import DesignError
from ..estimators._sample import draw_sample
from ..estimators._within import TwoWay
from ..panel import NEVER_TREATED, Panel
from ..show.findings import Findings
from ._left_out import say_left_out


def twfe_weights(
    panel: Panel, outcome: str, *, weights: str | None = None, already_treated: bool = False
) -> Findings:
    """Compute the weight of every cohort-by-year effect in the two-way coefficient.

    Under parallel trends the coefficient is the weighted sum of the effects; weights sum to one,
    but some can be negative, so that the coefficient can have the wrong sign.

    Parameters
    ----------
    panel : Panel
        Balanced or not.
    outcome : str
        Only the rows where it is seen count.
    weights : str, optional
        Column of weights, constant in a unit.
    already_treated : bool
        Whether to keep units that were treated when first seen. ``twfe`` leaves them out.

    Returns
    -------
    Findings, columns ``cohort year event_time n_units weight``
        One row a treated cell. ``.n_negative`` and ``.sum_negative`` count negative weights;
        ``.spread``: the coefficient divided by ``spread`` is the smallest standard deviation of the
        effects across cells with which their average could be zero.

    Raises
    ------
    DesignError
        If treatment does not vary once unit and year effects are taken out.

    References
    ----------
    de Chaisemartin, D'Haultfoeuille (2020), Theorem 1 and Corollary 1.
    """
    sample = draw_sample(panel, outcome, weights=weights, keep_already_treated=already_treated)
    mask = sample.mask
    start = np.where(sample.cohort == NEVER_TREATED, sample.years[-1] + 1, sample.cohort)
    treated = mask & (sample.years >= start[:, None])
    cell_weight = sample.weight[:, None] * mask
    effects = TwoWay(sample.weight if sample.seen is None else cell_weight)
    residual = cell_weight * effects.residual(treated.astype(float))
    total = residual[treated].sum()
    if not total > 1e-10 * cell_weight.sum():
        raise DesignError(
            "treatment does not vary once unit and year effects are taken out.\n"
            "  Check the cohort column."
        )
    unit, year = np.nonzero(treated)
    cells = pd.DataFrame(
        {
            "cohort": sample.cohort[unit],
            "year": sample.years[year],
            "n_units": 1,
            "weight": residual[treated] / total,
            "mass": cell_weight[treated],
        }
    )
    table = cells.groupby(["cohort", "year"], as_index=False).sum()
    table.insert(2, "event_time", table["year"] - table["cohort"])
    share = table.pop("mass") / cell_weight[treated].sum()
    negative = table["weight"] < 0
    named = {
        "n_negative": int(negative.sum()),
        "sum_negative": float(table.loc[negative, "weight"].sum()),
        "spread": float(np.sqrt((share * (table["weight"] / share - 1) ** 2).sum())),
    }
    title = f"Weights of cohorts and years in the two-way coefficient on {outcome}"
    foot = (
        f"{named['n_negative']} of {len(table)} weights are negative; {len(mask):,} units "
        "(de Chaisemartin and D'Haultfoeuille)." + say_left_out(sample, kept=already_treated)
    )
    return Findings(table, title, foot, panel.provenance, named)
