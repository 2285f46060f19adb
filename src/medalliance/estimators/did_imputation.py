"""Imputation: what treated units would have shown, from unit and year effects of the untreated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..panel import NEVER_TREATED, Panel
from ..results import UNSCALED, CompactInfluence, Effects, terms_frame
from ._regression import invert_gram
from ._sample import Sample, describe_design, draw_sample
from ._within import TwoWay

Array = NDArray[np.float64]

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

    Returns
    -------
    Effects
        One term a cohort and year; averages weight treated rows equally (or by ``weights``).

    Raises
    ------
    DesignError
        If no treated cell can be predicted from untreated rows.

    References
    ----------
    Borusyak, Jaravel, Spiess (2024), Theorem 1 and equation 8. Gardner, Thakral, To, Yap (2024).
    """
    if std_errors not in _STD_ERRORS:
        raise DesignError(f'std_errors={std_errors!r}.\n  Use "bjs" or "gardner".')
    if anticipation < 0 or anticipation != int(anticipation):
        raise DesignError(f"anticipation={anticipation}.\n  Give a whole number of years, from 0.")
    sample = draw_sample(panel, outcome, covariates=covariates, weights=weights)
    cohorts, group = np.unique(sample.cohort, return_inverse=True)
    start = np.where(cohorts == NEVER_TREATED, np.iinfo(np.int64).max, cohorts - anticipation)
    treated = sample.years >= start[:, None]
    sample, group = _with_untreated_rows(sample, group, treated)
    fit = _impute(sample, group, treated)
    cohort, year = cohorts[fit.group], sample.years[fit.year]
    return Effects(
        estimate=fit.estimate,
        terms=terms_frame(
            outcome,
            [f"cohort {g} in {t}" for g, t in zip(cohort, year, strict=True)],
            cohort=cohort,
            year=year,
            event_time=year - cohort,
            n_units=fit.n_units,
        ),
        design=describe_design(
            panel,
            sample,
            outcome,
            "did_imputation",
            covariates=covariates,
            weights=weights,
            control_group="not_yet_treated",
            anticipation=anticipation,
            std_errors=_STD_ERRORS[std_errors],
            notes=_notes(fit, cohorts, sample),
        ),
        units=sample.units(by_observation=True),
        influence_function=fit.influence,
        mass=fit.mass,
        mass_estimated=std_errors == "gardner",
        refit=partial(
            did_imputation,
            outcome=outcome,
            covariates=covariates,
            anticipation=anticipation,
            weights=weights,
            std_errors=std_errors,
        ),
    )


@dataclass(frozen=True, eq=False)
class _Imputed:
    """Cells with their estimates, masses and influence."""

    group: NDArray[np.intp]
    year: NDArray[np.intp]
    estimate: Array
    mass: Array
    n_units: NDArray[np.intp]
    influence: CompactInfluence
    unidentified: list[tuple[int, int]]


def _with_untreated_rows(
    sample: Sample, group: NDArray[np.intp], treated: NDArray[np.bool_]
) -> tuple[Sample, NDArray[np.intp]]:
    """Leave out units without an untreated row (anticipation can take the last one)."""
    has = (sample.mask & ~treated[group]).any(axis=1)
    if not has.any():
        raise DesignError("no row is untreated.\n  Check the cohort column and anticipation.")
    if has.all():
        return sample, group
    return sample.take_units(has), group[has]


def _impute(sample: Sample, group: NDArray[np.intp], treated: NDArray[np.bool_]) -> _Imputed:
    weight = sample.weight[:, None] * sample.mask
    is_treated = treated[group] & sample.mask
    untreated = np.where(is_treated, 0.0, weight)
    effects = TwoWay(untreated)
    gaps, scores = _gaps(sample, effects, untreated)
    group_year = [
        (code, time)
        for code in range(len(treated))
        for time in np.flatnonzero(treated[code])
        if weight[group == code, time].any()
    ]
    if not group_year:
        raise DesignError(
            f"no unit is treated between {sample.years[0]} and {sample.years[-1]}.\n"
            "  Check the cohort column."
        )
    cells = np.array(group_year, dtype=np.intp)
    folded, sizes, means, counts = _fold(cells, group, weight, untreated, gaps, effects)
    year_side = np.zeros_like(folded)
    year_side[cells[:, 1], np.arange(len(cells))] = 1.0
    multipliers, identified = effects.year_multipliers(folded, year_side)
    if not identified.any():
        raise DesignError(
            "no treated year has a unit that is not yet treated, so nothing predicts it.\n"
            "  Take units that join later or never, or end the panel earlier."
        )
    lost = [(int(g), int(t)) for g, t in cells[~identified]]
    cells, multipliers = cells[identified], multipliers[:, identified]
    sizes, means, counts = sizes[identified], means[:, identified], counts[identified]
    influence = _influence(
        sample, group, treated, cells, sizes, means, multipliers, weight, gaps, is_treated, scores
    )
    return _Imputed(
        group=cells[:, 0],
        year=cells[:, 1],
        estimate=means[0],
        mass=sizes / sample.weight.sum(),
        n_units=counts,
        influence=influence,
        unidentified=lost,
    )


def _gaps(sample: Sample, effects: TwoWay, untreated: Array) -> tuple[Array, Array]:
    """Take fitted effects out of the outcome and of each covariate, in every row seen.

    Returns
    -------
    gaps : ndarray, shape (1 + n_covariates, n_units, n_years)
        The outcome's less its covariates' part comes first.
    scores : ndarray, shape (n_units, n_covariates)
        Influence of the covariates' slopes.
    """
    grids = [sample.outcome, *sample.covariates]
    gaps = np.empty((len(grids), *sample.outcome.shape))
    for place, grid in enumerate(grids):
        unit, year = effects.effects(grid)
        np.subtract(grid, unit[:, None], out=gaps[place])
        gaps[place] -= year
        if sample.seen is not None:
            gaps[place] *= sample.seen
    if len(grids) == 1:
        return gaps, np.empty((sample.n_units, 0))
    flat = gaps[1:].reshape(len(grids) - 1, -1)
    weighted = flat * untreated.ravel()
    names = tuple(f"covariate {place}" for place in range(1, len(grids)))
    inverse = invert_gram(weighted @ flat.T, names)
    slopes = inverse @ (weighted @ gaps[0].ravel())
    gaps[0] -= np.tensordot(slopes, gaps[1:], axes=1)
    scores = np.einsum("pit,it->ip", gaps[1:], untreated * gaps[0], optimize=True)
    return gaps, sample.n_units * scores @ inverse


def _fold(
    cells: NDArray[np.intp],
    group: NDArray[np.intp],
    weight: Array,
    untreated: Array,
    gaps: Array,
    effects: TwoWay,
) -> tuple[Array, Array, Array, NDArray[np.intp]]:
    """Collect, cell by cell, its unit effects' share of each year, its size and its means."""
    folded = np.empty((weight.shape[1], len(cells)))
    sizes = np.empty(len(cells))
    means = np.empty((len(gaps), len(cells)))
    counts = np.empty(len(cells), dtype=np.intp)
    for code in np.unique(cells[:, 0]):
        mine = np.flatnonzero(cells[:, 0] == code)
        rows = np.flatnonzero(group == code)
        part = weight[np.ix_(rows, cells[mine, 1])]
        sizes[mine] = part.sum(axis=0)
        counts[mine] = (part > 0).sum(axis=0)
        spread = untreated[rows] / effects.unit_total[rows, None]
        folded[:, mine] = spread.T @ part / sizes[mine]
        for place, gap in enumerate(gaps):
            means[place, mine] = (
                np.einsum("ij,ij->j", part, gap[np.ix_(rows, cells[mine, 1])]) / sizes[mine]
            )
    return folded, sizes, means, counts


def _influence(
    sample: Sample,
    group: NDArray[np.intp],
    treated: NDArray[np.bool_],
    cells: NDArray[np.intp],
    sizes: Array,
    means: Array,
    multipliers: Array,
    weight: Array,
    gaps: Array,
    is_treated: NDArray[np.bool_],
    scores: Array,
) -> CompactInfluence:
    """Residuals of untreated rows through the year multipliers; treated rows about their cell."""
    centre = np.zeros(treated.shape)
    centre[cells[:, 0], cells[:, 1]] = means[0]
    values = gaps[0] - np.where(is_treated, centre[group], 0.0)
    values *= weight
    n_units = sample.n_units
    loadings = np.where(treated[:, :, None], 0.0, -n_units * multipliers)
    loadings[cells[:, 0], cells[:, 1], np.arange(len(cells))] = n_units / sizes
    if not scores.shape[1]:
        return CompactInfluence(values, group, loadings)
    return CompactInfluence(values, group, loadings, scores, -means[1:])


def _notes(fit: _Imputed, cohorts: NDArray[np.int64], sample: Sample) -> tuple[str, ...]:
    if not fit.unidentified:
        return ()
    names = first_three(f"{cohorts[g]} in {sample.years[t]}" for g, t in fit.unidentified)
    return (f"Cells left out because no unit is untreated by then: {names}.",)
