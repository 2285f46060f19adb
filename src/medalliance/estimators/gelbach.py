"""Accounting for an effect by what moved along with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..panel import Panel
from ..results import FIXEST, Effects, terms_frame
from ._mediation import common_sample
from ._sample import describe_design

NOT_CAUSAL = "An accounting identity of regressions, not a causal share: mediators are chosen."


def gelbach(
    panel: Panel, outcome: str, *, mediators: Sequence[str], covariates: Sequence[str] = ()
) -> Effects:
    """Split the change of a coefficient among the mediators added.

    ``effect without mediators - effect with them = sum_m pi_m beta_m``: ``pi_m`` is what
    treatment does to mediator ``m``, ``beta_m`` the mediator's coefficient in the full
    regression. Unlike adding mediators one after another, the split has no order.

    Parameters
    ----------
    panel : Panel
    outcome : str
        Column or registered outcome.
    mediators : sequence of str
        Columns or registered outcomes, as pay per head.
    covariates : sequence of str
        In every regression.

    Returns
    -------
    Effects
        Terms ``without mediators``, ``with mediators``, ``through <mediator>`` and
        ``through all``; the last is the difference of the first two. Two-way fixed effects.

    Raises
    ------
    DesignError
        If no mediator is named, a column is missing or named twice, nobody starts treatment, or
        the regressors are collinear.

    References
    ----------
    Gelbach (2016), Journal of Labor Economics 34(2), equations 2 to 5.
    """
    common = common_sample(panel, outcome, mediators, covariates)
    m = len(mediators)
    only_others = slice(m, None)
    base, _ = common.regress(None, only_others)
    full, fit = common.regress(None, slice(None))
    parts, influence = [], []
    for j in range(m):
        moved, _ = common.regress(common.sample.covariates[j], only_others)
        pi, beta = moved.value[0], full.value[1 + j]
        parts.append(pi * beta)
        influence.append(beta * moved.influence[:, 0] + pi * full.influence[:, 1 + j])
    names = [
        "without mediators",
        "with mediators",
        *[f"through {name}" for name in mediators],
        "through all",
    ]
    design = describe_design(
        common.panel,
        common.sample,
        outcome,
        "gelbach",
        covariates=covariates,
        std_errors=FIXEST,
        left_out=fit.dropped,
        notes=(NOT_CAUSAL,),
    )
    return Effects(
        estimate=np.array([base.value[0], full.value[0], *parts, sum(parts)]),
        terms=terms_frame(outcome, names),
        design=replace(design, dof=design.n_clusters - 1.0),
        units=common.sample.units(),
        influence_function=np.column_stack(
            [base.influence[:, 0], full.influence[:, 0], *influence, np.sum(influence, axis=0)]
        ),
        variance_factor=fit.variance_factor,
    )
