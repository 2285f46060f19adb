"""The saturated design with an effect of each unit in place of each cohort (least squares)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError
from ._influence import spread_terms
from ._regression import fit_two_way
from ._sample import Sample
from ._saturated import SaturatedFit
from ._saturated_cells import Cells, name_cells


def fit_with_unit_effects(sample: Sample, cells: Cells) -> SaturatedFit:
    """Regress on unit and year effects and one term a treated cell.

    On a balanced sample its estimates are those with cohort effects; where units come and go they
    are not.

    Parameters
    ----------
    sample : Sample
        Without covariates.
    cells : Cells

    Returns
    -------
    SaturatedFit
        Rows of cells that no untreated observation of their year reaches are left out.

    Raises
    ------
    DesignError
        If no effect is reached.

    References
    ----------
    Wooldridge (2025), Empirical Economics, sections 3 and 6.
    """
    n_groups, n_years = cells.treated.shape
    treated, seen = cells.treated & cells.seen, cells.seen
    reached: NDArray[np.bool_] = np.any(seen & ~cells.treated, axis=0)
    lost = np.flatnonzero((treated & ~reached).ravel())
    wanted = np.flatnonzero((treated & reached).ravel())
    if not len(wanted):
        raise DesignError(
            "no effect is reached: no unit is untreated in the years after treatment.\n"
            "  Add never-treated or later-treated units, or earlier years."
        )
    used = sample
    if len(lost):
        mask = sample.mask & reached
        used = replace(sample, seen=mask, outcome=sample.outcome * mask)
    names = name_cells(wanted, cells, sample.years, sample.step)
    columns = np.zeros((n_groups * n_years, len(wanted)))
    columns[wanted, np.arange(len(wanted))] = 1.0
    # years that nobody untreated is seen in hold no rows, hence no effect to take out
    kept = reached if len(lost) else np.ones(n_years, bool)
    columns = columns.reshape(n_groups, n_years, -1)
    fit = fit_two_way(_years(used, kept), cells.group, columns[:, kept], tuple(names))
    shown = np.sort(np.concatenate([wanted, _references(cells, wanted)]))
    place = np.searchsorted(shown, wanted)
    estimate = np.zeros((len(shown), 1))
    estimate[place, 0] = fit.coefficients
    group, year = np.divmod(shown, n_years)
    cell = (cells.group[:, None] * n_years + np.arange(n_years))[used.mask]
    weight = np.broadcast_to(sample.weight[:, None], sample.outcome.shape)[used.mask]
    size = np.bincount(cell, weight, n_groups * n_years)
    return SaturatedFit(
        cohort=cells.cohorts[group],
        year=sample.years[year],
        estimate=estimate,
        untreated=np.full(estimate.shape, np.nan),
        influence=spread_terms(fit.influence, list(place), len(shown)),  # type: ignore[arg-type]
        mass=size[shown] / size.sum(),
        n_units=np.bincount(cell, minlength=n_groups * n_years)[shown],
        n_obs=used.n_obs,
        n_params=fit.regression.n_params,
        refused=name_cells(lost, cells, sample.years, sample.step),
        notes=(),
    )


def _years(sample: Sample, keep: NDArray[np.bool_]) -> Sample:
    """Return the sample of some years."""
    if keep.all():
        return sample
    seen = sample.mask[:, keep]
    return replace(
        sample,
        outcome=sample.outcome[:, keep],
        covariates=sample.covariates[:, :, keep],
        seen=None if seen.all() else seen,
        years=sample.years[keep],
    )


def _references(cells: Cells, wanted: NDArray[np.intp]) -> NDArray[np.intp]:
    """List the reference cells of the cohorts that have a term."""
    n_years = cells.treated.shape[1]
    reference = np.flatnonzero((cells.reference & cells.seen).ravel())
    return reference[np.isin(reference // n_years, wanted // n_years)]
