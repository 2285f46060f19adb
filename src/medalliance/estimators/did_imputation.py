"""Imputation: what treated units would have shown, from unit and year effects of the untreated."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, check_choice, first_three
from ..panel import NEVER_TREATED, Panel
from ..results import UNSCALED, Effects
from ._cells import name_cells
from ._imputation import Cells, Imputation
from ._leads import fit_leads, with_leads
from ._regression import drop_absorbed
from ._sample import Sample, describe_design, draw_sample

_STD_ERRORS = {
    "bjs": f"{UNSCALED}; averages take cell sizes as given (Borusyak, Jaravel, Spiess)",
    "gardner": f"{UNSCALED}; averages take cell sizes as estimated (Gardner's two stages)",
}


def did_imputation(
    panel: Panel,
    outcome: str,
    *,
    covariates: Sequence[str] = (),
    anticipation: int = 0,
    weights: str | None = None,
    std_errors: Literal["bjs", "gardner"] = "bjs",
    pretrends: int | Sequence[int] = 0,
) -> Effects:
    """Estimate effects as outcomes less what untreated rows predict.

    Unit effects, year effects and covariate slopes are fitted on rows not yet treated. Effects are
    the means of what is left in treated rows, by cohort and year. The two-stage estimator of
    Gardner gives the same estimates.

    Parameters
    ----------
    panel : Panel
        Balanced or not.
    outcome : str
        Column or registered outcome.
    covariates : sequence of str
        Time-varying columns that treatment does not move.
    anticipation : int
        Years before the cohort that may already respond; their effects are shown too.
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.
    std_errors : {"bjs", "gardner"}
        How averages count cell sizes: as given, so that effects are centred within cohort and
        year, or as estimated, so that they are centred at the average (``did2s``). Cells have
        the same standard error either way.
    pretrends : int or sequence of int
        How many years before treatment (less anticipation) get a coefficient, or their event
        times, as ``[-3, -2, -1]``; ``True`` for all. They come from a regression of untreated rows
        alone, measured from the earlier years, with its small-sample factor (fixest): effects do
        not depend on them. ``honest_did`` holds both against the last year before treatment.

    Returns
    -------
    Effects
        One term a year before treatment, if asked for, then one a cohort and year; averages
        weight treated rows equally (or by ``weights``).

    Raises
    ------
    DesignError
        If no treated cell can be predicted from untreated rows, or no year before treatment has a
        coefficient that was asked for.

    References
    ----------
    Borusyak, Jaravel, Spiess (2024), Theorem 1, equation 8 and section 4.4.
    Gardner, Thakral, To, Yap (2024).
    """
    check_choice("std_errors", std_errors, _STD_ERRORS)
    sample = drop_absorbed(
        draw_sample(
            panel, outcome, covariates=covariates, weights=weights, anticipation=anticipation
        )
    )
    cohorts, group = np.unique(sample.cohort, return_inverse=True)
    start = np.where(cohorts == NEVER_TREATED, np.iinfo(np.int64).max, cohorts - anticipation)
    treated = sample.years >= start[:, None]
    fit = Imputation(*_with_untreated_rows(sample, group, treated), treated)
    found = fit.cells()
    cells = found.keep(found.identified)
    rule: dict[str, Any] = {
        "anticipation": anticipation,
        "covariates": covariates,
        "weights": weights,
    }
    effects = Effects(
        estimate=cells.means[0],
        terms=name_cells(fit.sample, fit.group, cohorts, (cells.group, cells.year), outcome),
        design=describe_design(
            panel,
            fit.sample,
            outcome,
            "did_imputation",
            control_group="not_yet_treated",
            std_errors=_STD_ERRORS[std_errors],
            notes=_notes(found, cohorts, sample),
            **rule,
        ),
        units=fit.sample.units(by_observation=True),
        influence_function=fit.influence(cells),
        mass=cells.size / fit.sample.weight.sum(),
        mass_estimated=std_errors == "gardner",
        refit=partial(
            did_imputation, outcome=outcome, std_errors=std_errors, pretrends=pretrends, **rule
        ),
    )
    if isinstance(pretrends, int) and pretrends == 0:
        return effects
    return with_leads(effects, fit_leads(fit, cells, pretrends, anticipation))


def _with_untreated_rows(
    sample: Sample, group: NDArray[np.intp], treated: NDArray[np.bool_]
) -> tuple[Sample, NDArray[np.intp]]:
    """Leave out units without an untreated row (anticipation can take the last one)."""
    has = np.asarray((sample.mask & ~treated[group]).any(axis=1))
    if not has.any():
        raise DesignError("no row is untreated.\n  Check the cohort column and anticipation.")
    if has.all():
        return sample, group
    return sample.take_units(has), group[has]


def _notes(found: Cells, cohorts: NDArray[np.int64], sample: Sample) -> tuple[str, ...]:
    lost = ~found.identified
    if not lost.any():
        return ()
    pairs = zip(cohorts[found.group[lost]], sample.years[found.year[lost]], strict=True)
    names = first_three(f"{cohort} in {year}" for cohort, year in pairs)
    return (f"Cells left out because no unit is untreated by then: {names}.",)
