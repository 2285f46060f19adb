"""The effect that is left when a mediator is held fixed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DesignError, listed_numbers
from ..panel import Panel
from ..results import Effects, findings_of, terms_frame
from ..show.findings import Findings
from ._mediation import Array, Column, CommonSample, common_sample
from ._regression import Fit
from ._sample import blank_phrases
from .att_gt import att_gt

ASSUMES = (
    "Holds only if, given treatment, unit and year effects and the confounders named, nothing "
    "else moves both mediator and outcome."
)


def controlled_direct_effect(
    panel: Panel,
    outcome: str,
    *,
    mediator: str,
    confounders: Sequence[str] = (),
    rho: float = 0.0,
    estimator: Callable[..., Effects] = att_gt,
) -> Effects:
    """Estimate the effect of treatment with a mediator held at zero change.

    Sequential g-estimation: the mediator's coefficient comes from a two-way regression with
    treatment and post-treatment confounders; the outcome less the mediator's part is then
    estimated like any outcome. Errors count both steps.

    Parameters
    ----------
    panel : Panel
    outcome, mediator : str
        Columns or registered outcomes.
    confounders : sequence of str
        Columns after treatment that move mediator and outcome.
    rho : float
        Correlation of the unexplained parts of mediator and outcome; 0 if no confounder is left
        out. See ``mediator_sensitivity``.
    estimator : callable
        ``att_gt`` or ``did_imputation``: linear in the outcome, without covariates.

    Returns
    -------
    Effects
        Terms ``total``, ``direct`` and ``through <mediator>``; ``total - direct`` is the third.

    Raises
    ------
    DesignError
        If a column is missing or named twice, nobody starts treatment, or the estimator cannot be
        used on the rows on which outcome, mediator and confounders are all seen.

    References
    ----------
    Acharya, Blackwell and Sen (2016), section 4; Blackwell et al. (2024) for
    difference-in-differences; Imai, Keele and Yamamoto (2010), Theorem 4, for ``rho``.
    """
    if not abs(rho) < 1:
        raise DesignError(f"rho={rho!r}.\n  Give a correlation between -1 and 1.")
    if not callable(estimator):
        raise DesignError(
            f"estimator={estimator!r} is no function.\n  Pass one, as estimator=ma.att_gt."
        )
    common = common_sample(panel, outcome, [mediator], confounders)
    slope, fit = _mediator_slope(common, rho)
    total = estimator(common.panel, outcome).overall
    moved = estimator(common.panel, mediator).overall
    through = slope.value[0] * moved.estimate[0]
    influence = (
        slope.value[0] * np.asarray(moved.influence)[:, 0]
        + moved.estimate[0] * slope.influence[:, 0]
    )
    total_influence = np.asarray(total.influence)[:, 0]
    rest = f" Correlation of errors set to {rho:g}." if rho else ""
    design = replace(
        total.design,
        estimator="controlled_direct_effect",
        covariates=fit.regression.names[2:],
        left_out=(
            *blank_phrases(
                (outcome, mediator, *confounders),
                common.sample.n_blank_rows,
                common.sample.n_blank_units,
            ),
            *total.design.left_out,
            *common.sample.dropped,
            *fit.dropped,
        ),
        notes=(ASSUMES + rest, *total.design.notes),
    )
    return replace(
        total,
        estimate=np.array([total.estimate[0], total.estimate[0] - through, through]),
        terms=terms_frame(outcome, ["total", "direct", f"through {mediator}"]),
        design=design,
        influence_function=np.column_stack(
            [total_influence, total_influence - influence, influence]
        ),
        mass=None,
        regression=None,
        refit=None,
        given_truth=None if total.truth is None else np.array([total.truth[0], np.nan, np.nan]),
        treated_clusters=np.repeat(total.held_by, 3),
    )


def mediator_sensitivity(
    panel: Panel,
    outcome: str,
    *,
    mediator: str,
    rhos: Sequence[float] = (-0.5, -0.25, 0.0, 0.25, 0.5),
    **options: Any,
) -> Findings:
    """Tabulate the direct effect as left-out confounding of the mediator grows.

    Parameters
    ----------
    panel : Panel
    outcome, mediator : str
        Columns or registered outcomes.
    rhos : sequence of float
        Correlations, between -1 and 1, of the unexplained parts of mediator and outcome.
    **options
        ``confounders`` and ``estimator`` of ``controlled_direct_effect``.

    Returns
    -------
    Findings, columns ``rho direct std_error conf_low conf_high``
        ``.rho_at_zero`` is the
        correlation at which the mediator's coefficient vanishes (direct equals total).

    Raises
    ------
    DesignError
        As ``controlled_direct_effect``.

    References
    ----------
    Imai, Keele and Yamamoto (2010), Theorem 4.
    """
    rows = []
    for rho in listed_numbers("rhos", rhos):
        found = controlled_direct_effect(panel, outcome, mediator=mediator, rho=rho, **options)
        row = found.to_frame(bands=False).set_index("term").loc["direct"]
        rows.append([rho, row["estimate"], row["std_error"], row["conf_low"], row["conf_high"]])
    table = pd.DataFrame(rows, columns=["rho", "direct", "std_error", "conf_low", "conf_high"])
    common = common_sample(panel, outcome, [mediator], options.get("confounders", ()))
    return findings_of(
        found.design,
        table,
        f"The direct effect on {outcome} as confounding of {mediator} grows",
        rho_at_zero=float(_residual_moments(common)[2]),
    )


def _mediator_slope(common: CommonSample, rho: float) -> tuple[Column, Fit]:
    """Return the mediator's coefficient when its error correlates with the outcome's.

    With a given ``rho`` the adjustment's own sampling error is left out; it is of the order of
    that of a residual standard deviation.
    """
    full, fit = common.regress(None, slice(None))
    slope = Column(full.value[1:2], full.influence[:, 1:2])
    if rho == 0:
        return slope, fit
    sd_y, sd_m, correlation = _residual_moments(common)
    shift = rho * np.sqrt((1 - correlation**2) / (1 - rho**2)) * sd_y / sd_m
    return Column(slope.value - shift, slope.influence), fit


def _residual_moments(common: CommonSample) -> tuple[float, float, float]:
    """Return residual deviations of outcome and mediator, given all else, with correlation."""
    mask = common.sample.mask
    residuals: list[Array] = []
    for grid in (common.sample.outcome, common.sample.covariates[0]):
        _, fit = common.regress(grid, slice(1, None))
        residuals.append(fit.regression.residual)
    weight = np.broadcast_to(common.sample.weight[:, None], mask.shape)[mask]
    moments = np.cov(np.stack(residuals), aweights=weight)
    sd = np.sqrt(np.diag(moments))
    return float(sd[0]), float(sd[1]), float(moments[0, 1] / (sd[0] * sd[1]))
