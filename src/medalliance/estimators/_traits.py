"""Traits of units that are fixed before treatment."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..outcomes import need_outcome
from ..panel import NEVER_TREATED, Panel


def fixed_trait(panel: Panel, by: str) -> tuple[NDArray[np.intp], list[str]]:
    """Read a trait that treatment cannot have moved.

    Parameters
    ----------
    panel : Panel
    by : str
        Column constant in a unit.

    Returns
    -------
    group : ndarray of intp, shape (n_units,)
    labels : list of str
        Names of the groups in order.

    Raises
    ------
    DesignError
        If the trait moves within a unit, is missing, or is first seen after treatment.
    """
    if by not in panel.frame.columns:
        need_outcome(panel, by)
        raise DesignError(
            f"{by!r} is computed for each year, so it is no fixed trait.\n"
            "  Pass quantiles=2 to sort units by its mean before treatment."
        )
    column = panel.frame[by]
    codes, values = pd.factorize(column, sort=True)
    known = codes >= 0
    unit, n_units = panel.unit_codes, panel.n_units
    lowest = np.full(n_units, len(values))
    highest = np.full(n_units, -1)
    np.minimum.at(lowest, unit[known], codes[known])
    np.maximum.at(highest, unit[known], codes[known])
    moves = (highest >= 0) & (lowest != highest)
    if moves.any():
        raise DesignError(
            f"{by!r} moves within {int(moves.sum())} units: {first_three(panel.units[moves])}.\n"
            "  A trait is fixed in a unit; sort by a pre-period mean with quantiles=2."
        )
    blank = highest < 0
    if blank.any():
        raise DesignError(
            f"{by!r} is missing for {int(blank.sum())} units: {first_three(panel.units[blank])}.\n"
            "  Fill it, or leave these units out with panel.keep."
        )
    cohort = panel.cohort_by_unit
    year = panel.years[panel.year_codes]
    before = np.zeros(n_units, bool)
    before[unit[known & ((cohort[unit] == NEVER_TREATED) | (year < cohort[unit]))]] = True
    late = ~before & ~panel.already_treated
    if late.any():
        raise DesignError(
            f"{by!r} is first seen after treatment for {first_three(panel.units[late])}.\n"
            "  A trait must be set before treatment: take one measured earlier."
        )
    return lowest, [str(value) for value in values]
