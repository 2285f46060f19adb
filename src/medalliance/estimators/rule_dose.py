"""What a contract alone would pay, as an instrument for what was paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import DesignError
from ..panel import NEVER_TREATED, Panel
from ..results import FIXEST, CompactInfluence, Effects, terms_frame
from ._regression import fit_two_way
from ._sample import describe_design, draw_sample, keep_usable

DOUBT = "Two-stage least squares assumes that a rule moves visits only through pay; doubtful."


def rule_dose(
    panel: Panel, outcome: str, *, pay: str, dose: str, covariates: Sequence[str] = ()
) -> Effects:
    """Relate an outcome to pay through the bonus that the rule alone would bring.

    The dose is each rule's expected bonus on one fixed reference ledger, so that it varies with
    the rule and not with who works under it. Regressions have unit and year effects.

    Parameters
    ----------
    panel : Panel
    outcome, pay : str
        Columns or registered outcomes.
    dose : str
        Simulated bonus per head, in the unit of ``pay``; zero without a rule.
    covariates : sequence of str

    Returns
    -------
    Effects
        ``first stage`` (pay on dose), ``reduced form`` (outcome on dose) and ``two-stage``
        (their ratio: outcome per unit of pay). The foot gives the first stage's F statistic.

    Raises
    ------
    DesignError
        The dose does not vary within units.

    References
    ----------
    Currie and Gruber (1996) for the simulated dose; Angrist and Imbens (1995) for the ratio.
    """
    kept, blank = keep_usable(panel, (outcome, pay, dose, *covariates))
    sample, paid = (
        replace(
            draw_sample(
                kept, name, covariates=[dose, *covariates], keep_already_treated=True, n_named=1
            ),
            **blank,
        )
        for name in (outcome, pay)
    )
    group = np.zeros(sample.n_units, dtype=np.intp)
    none = np.zeros((1, len(sample.years), 0))
    reduced, first = (fit_two_way(s, group, none, sample.names, n_named=1) for s in (sample, paid))
    slope = first.coefficients[0]
    influence = []
    for fit in (first, reduced):
        dense = fit.influence
        influence.append((dense.dense() if isinstance(dense, CompactInfluence) else dense)[:, 0])
    if abs(slope) < 1e-300:
        raise DesignError(f"{pay} does not move with {dose}: there is no ratio.")
    ratio = reduced.coefficients[0] / slope
    design = describe_design(
        kept,
        sample,
        outcome,
        "rule_dose",
        covariates=covariates,
        std_errors=FIXEST,
        left_out=reduced.dropped,
    )
    treated = np.unique(sample.cluster[sample.cohort != NEVER_TREATED]).size
    effects = Effects(
        estimate=np.array([slope, reduced.coefficients[0], ratio]),
        terms=terms_frame(outcome, ["first stage", "reduced form", "two-stage"]),
        design=replace(design, dof=design.n_clusters - 1.0, n_treated_clusters=max(treated, 2)),
        units=sample.units(),
        influence_function=np.column_stack(
            [*influence, (influence[1] - ratio * influence[0]) / slope]
        ),
        variance_factor=reduced.variance_factor,
    )
    f_statistic = float((slope / effects.std_error[0]) ** 2)
    note = f"First-stage F {f_statistic:.1f}. {DOUBT}"
    return replace(effects, design=replace(effects.design, notes=(*effects.design.notes, note)))
