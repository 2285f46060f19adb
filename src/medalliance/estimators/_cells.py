"""Cohort-by-year cells: what is compared with what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..panel import NEVER_TREATED
from ..results import cell_terms
from ..results._cluster import cluster_sums
from ._sample import Sample

Array = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Cells:
    """Comparisons to make, one a cohort and year.

    Attributes
    ----------
    cohorts : ndarray of int, shape (n_cohorts,)
        Distinct cohorts of the sample, never-treated (0) included.
    group : ndarray of intp, shape (k,)
        Place of the cell's cohort in ``cohorts``.
    year, base : ndarray of intp, shape (k,)
        Places of the cell's year and of its base year.
    control : ndarray of bool, shape (k, n_cohorts)
        Cohorts compared with.
    """

    cohorts: NDArray[np.int64]
    group: Ints
    year: Ints
    base: Ints
    control: NDArray[np.bool_]

    def keep(self, rows: NDArray[np.bool_]) -> Cells:
        """Return some of the cells."""
        return Cells(
            self.cohorts, self.group[rows], self.year[rows], self.base[rows], self.control[rows]
        )


def list_cells(
    cohorts: NDArray[np.int64],
    years: NDArray[np.int64],
    *,
    control_group: str,
    anticipation: int,
    base_period: str,
) -> Cells:
    """List the comparisons of every treated cohort, as R ``did`` makes them.

    After treatment starts the base is the last year before it, less anticipation. Before, it is
    the previous year (``"varying"``) or that same base (``"universal"``). Controls are never
    treated, or not yet treated in the later of the two years, less anticipation.

    Parameters
    ----------
    cohorts, years : ndarray of int
        Distinct and sorted; cohorts as ``panel.cohorts_within`` gives them.
    control_group : {"never_treated", "not_yet_treated"}
    anticipation : int
    base_period : {"varying", "universal"}

    Returns
    -------
    Cells
    """
    never = cohorts == NEVER_TREATED
    rows: list[tuple[int, int, int]] = []
    for place, cohort in enumerate(cohorts):
        before = np.flatnonzero(years + anticipation < cohort)
        if never[place] or cohort > years[-1] or not len(before):
            continue
        last = int(before[-1])
        for at in range(len(years)):
            if base_period == "universal" or years[at] >= cohort:
                rows.append((place, at, last))
            elif at:
                rows.append((place, at, at - 1))
    table = np.array(rows, dtype=np.intp).reshape(-1, 3)
    group, year, base = table[:, 0], table[:, 1], table[:, 2]
    if control_group == "never_treated":
        control = np.tile(never, (len(table), 1))
    else:
        later = years[np.maximum(year, base)] + anticipation
        control = never | (cohorts > later[:, None])
        control[np.arange(len(table)), group] = False
    return Cells(cohorts, group, year, base, control)


def check_controls(
    cells: Cells, years: NDArray[np.int64], control_group: str, anticipation: int
) -> None:
    """Refuse a design in which no cell has a control.

    Raises
    ------
    DesignError
    """
    treated = np.unique(cells.cohorts[cells.group])
    if not len(treated):
        raise DesignError(
            f"no cohort starts treatment after {years[0]} and up to {years[-1]} with a base year "
            f"before it (anticipation={anticipation}).\n"
            "  Check the cohort column, or take a panel with earlier years."
        )
    if control_group == "never_treated" and not cells.control.any():
        last = cells.cohorts.max()
        raise DesignError(
            f"no never-treated unit in {years[-1]} (all had joined by {last}).\n"
            f'  Use control_group="not_yet_treated", or end the panel in '
            f"{last - 1 - anticipation}."
        )
    if not (cells.control.any(axis=1) & (years[cells.year] >= cells.cohorts[cells.group])).any():
        raise DesignError(
            f"no treated cell has a not-yet-treated control: {first_three(treated)} all start "
            "before anybody is left.\n  Take units that join later or never."
        )


def name_cells(
    sample: Sample,
    group: Ints,
    cohorts: NDArray[np.int64],
    places: tuple[Ints, Ints],
    outcome: str,
) -> pd.DataFrame:
    """Name cohort-by-year cells, counting the units of the cohort seen in the year.

    Parameters
    ----------
    sample : Sample
    group : ndarray of intp, shape (n_units,)
        Place of each unit's cohort in ``cohorts``.
    cohorts : ndarray of int, shape (n_cohorts,)
    places : tuple of two ndarrays of intp, shape (k,)
        Place of each cell's cohort and of its year.
    outcome : str

    Returns
    -------
    DataFrame
        As ``results.terms_frame``.
    """
    if sample.seen is None:
        count = np.bincount(group, minlength=len(cohorts)).astype(float)[places[0]]
    else:
        count = cluster_sums(sample.seen.astype(float), group, len(cohorts))[places]
    cohort, year = cohorts[places[0]], sample.years[places[1]]
    return cell_terms(outcome, cohort, year, sample.step, n_units=count)
