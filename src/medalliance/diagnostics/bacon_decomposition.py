"""Goodman-Bacon decomposition of the two-way fixed-effects coefficient."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError
from ..estimators._sample import draw_sample
from ..panel import NEVER_TREATED, Panel
from ..show.findings import Findings
from ._left_out import say_left_out

Array = NDArray[np.float64]
_COLUMNS = ["comparison", "treated_cohort", "control_cohort", "weight", "estimate"]


def bacon_decomposition(
    panel: Panel, outcome: str, *, weights: str | None = None, already_treated: bool = False
) -> Findings:
    """Split the two-way fixed-effects coefficient into all two-by-two comparisons.

    The comparisons that use already treated units as controls (``later_vs_earlier``,
    ``treated_vs_always``) are wrong where effects change over time: their weight is the share of
    the coefficient to worry about.

    Parameters
    ----------
    panel : Panel
        Balanced in this outcome.
    outcome : str
    weights : str, optional
        Column of weights, constant in a unit.
    already_treated : bool
        Whether to keep units that were treated when first seen. ``twfe`` leaves them out.

    Returns
    -------
    Findings, columns ``comparison treated_cohort control_cohort weight estimate``
        One row a pair of cohorts; weights sum to one, and weights times estimates to the
        coefficient of ``twfe``. A control cohort of 0 is never treated. ``.twfe`` is the
        coefficient, ``.by_comparison`` a table of weights with their mean estimates.

    Raises
    ------
    DesignError
        If the panel is not balanced, or fewer than two cohorts differ in treatment.

    References
    ----------
    Goodman-Bacon (2021), Theorem 1, eq. 10.
    """
    sample = draw_sample(panel, outcome, weights=weights, keep_already_treated=already_treated)
    if sample.seen is not None:
        raise DesignError(
            f"bacon_decomposition needs a balanced panel of {outcome}; "
            f"{int((~sample.seen).sum())} rows are missing.\n"
            "  Keep the units seen in every year, or use twfe_weights."
        )
    cohorts, group = np.unique(sample.cohort, return_inverse=True)
    means = np.stack(
        [
            np.average(sample.outcome[group == c], axis=0, weights=sample.weight[group == c])
            for c in range(len(cohorts))
        ]
    )
    share = np.bincount(group, weights=sample.weight) / sample.weight.sum()
    pairs = _all_pairs(cohorts, means, share, sample.years)
    if not pairs:
        raise DesignError(
            "no two cohorts differ in treatment within the panel.\n  Check the cohort column."
        )
    table = pd.DataFrame(pairs, columns=_COLUMNS)
    table["weight"] /= table["weight"].sum()
    product = table["weight"] * table["estimate"]
    grouped = table.assign(product=product).groupby("comparison")[["weight", "product"]].sum()
    grouped["estimate"] = grouped["product"] / grouped["weight"]
    twfe = float(product.sum())
    return Findings(
        table,
        f"The two-by-two comparisons in the two-way coefficient on {outcome}",
        f"The coefficient is {twfe:.4g}; {sample.outcome.shape[0]:,} units, "
        f"{len(sample.years)} years (Goodman-Bacon)." + say_left_out(sample, kept=already_treated),
        panel.provenance,
        {"twfe": twfe, "by_comparison": grouped[["weight", "estimate"]].reset_index()},
    )


def _all_pairs(
    cohorts: NDArray[np.int64], means: Array, share: Array, years: NDArray[np.int64]
) -> list[tuple[str, int, int, float, float]]:
    """List comparisons with their numerators of the weight."""
    start = np.where(cohorts == NEVER_TREATED, years[-1] + 1, cohorts)
    treated_share = np.array([(years >= s).mean() for s in start])
    pairs = []
    for k in np.flatnonzero((start > years[0]) & (start <= years[-1])):
        for c in range(len(cohorts)):
            if c == k:
                continue
            found = _pair(int(k), c, start, treated_share, share, years)
            if found is None:
                continue
            kind, window, weight = found
            post = window & (years >= start[k])
            pre = window & (years < start[k])
            change = means[:, post].mean(axis=1) - means[:, pre].mean(axis=1)
            pairs.append((kind, int(cohorts[k]), int(cohorts[c]), weight, change[k] - change[c]))
    return pairs


def _pair(
    k: int,
    c: int,
    start: NDArray[np.int64],
    treated_share: Array,
    share: Array,
    years: NDArray[np.int64],
) -> tuple[str, NDArray[np.bool_], float] | None:
    """Return kind, years and weight of the comparison in which ``k`` changes and ``c`` does not."""
    balance = share[k] * share[c]
    d_k, d_c = treated_share[k], treated_share[c]
    if start[c] > years[-1] or start[c] <= years[0]:
        kind = "treated_vs_never" if start[c] > years[-1] else "treated_vs_always"
        return kind, np.ones(len(years), bool), balance * d_k * (1 - d_k)
    if start[c] > start[k]:
        return "earlier_vs_later", years < start[c], balance * (d_k - d_c) * (1 - d_k)
    if start[c] < start[k]:
        return "later_vs_earlier", years >= start[c], balance * d_k * (d_c - d_k)
    return None
