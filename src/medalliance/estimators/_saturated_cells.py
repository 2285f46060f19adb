"""Cells of the saturated design: which have terms of their own, which are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, check_choice
from ..panel import NEVER_TREATED, YEARLY, TimeStep
from ._sample import CONTROL_GROUPS, Sample

Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Cells:
    """Cohort-by-year cells, numbered ``group * n_years + year``.

    Attributes
    ----------
    cohorts : ndarray of int, shape (n_groups,)
    group : ndarray of intp, shape (n_units,)
    treated : ndarray of bool, shape (n_groups, n_years)
        Cells with terms of their own.
    reference : ndarray of bool, shape (n_groups, n_years)
        Year before treatment that the other years of a cohort are compared with, if it is one.
    seen : ndarray of bool, shape (n_groups, n_years)
    """

    cohorts: NDArray[np.int64]
    group: Codes
    treated: NDArray[np.bool_]
    reference: NDArray[np.bool_]
    seen: NDArray[np.bool_]


def make_cells(sample: Sample, *, control_group: str, anticipation: int) -> Cells:
    """Say which cells have terms of their own.

    With not-yet-treated controls these are the cells from treatment (less the anticipation) on;
    with never-treated controls all cells of the treated but the year before.

    Raises
    ------
    DesignError
        If the control group is unknown, or nobody is in it.
    """
    check_choice("control_group", control_group, CONTROL_GROUPS)
    years = sample.years
    cohorts, group = np.unique(sample.cohort, return_inverse=True)
    never = cohorts == NEVER_TREATED
    start = np.where(never, np.iinfo(np.int64).max, cohorts - anticipation)[:, None]
    treated = years[None, :] >= start
    reference = np.zeros_like(treated)
    if control_group == "never_treated":
        if not never.any():
            raise DesignError("no unit is never treated.\n  Use control_group='not_yet_treated'.")
        last = np.searchsorted(years, start[:, 0]) - 1
        reference = ~never[:, None] & (np.arange(len(years)) == last[:, None])
        treated = ~never[:, None] & ~reference
    if not treated.any():
        raise DesignError(
            f"no unit is treated between {years[0]} and {years[-1]}.\n  Check the cohort column."
        )
    unit, when = sample.rows
    count = np.bincount(group[unit] * len(years) + when, minlength=treated.size)
    return Cells(cohorts, group, treated, reference, count.reshape(treated.shape) > 0)


def name_cells(
    wanted: Codes, cells: Cells, years: NDArray[np.int64], step: TimeStep = YEARLY
) -> list[str]:
    """Name cells by their numbers, shape (k,)."""
    group, year = np.divmod(wanted, len(years))
    say = step.label
    return [
        f"cohort {say(cells.cohorts[g])} in {say(years[t])}"
        for g, t in zip(group, year, strict=True)
    ]
