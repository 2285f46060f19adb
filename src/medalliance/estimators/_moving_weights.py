"""Weights that move over time: which of a unit's weights a comparison takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, check_choice, first_three
from ..outcomes import outcome_values
from ..panel import Panel

FIXES = ("varying", "base_period", "first_period")


def first_weights(panel: Panel, weights: str | None, fix: str) -> tuple[Panel, NDArray[np.float64]]:
    """Give each unit the weight of its first row; return the moving weights beside it.

    Parameters
    ----------
    panel : Panel
    weights : str or None
        Column; the panel's own without it.
    fix : {"varying", "base_period", "first_period"}

    Returns
    -------
    panel : Panel
        The column is constant in a unit.
    grid : ndarray, shape (n_units, n_years)
        Weights as they are; NaN where not seen.

    Raises
    ------
    DesignError
        If the choice is unknown, there is no weight, or one is not positive.
    """
    check_choice("fix_weights", fix, FIXES)
    name = weights or panel.weight
    if name is None:
        raise DesignError(
            f"fix_weights={fix!r} without a weight.\n  Name its column, as weights='members'."
        )
    values = outcome_values(panel, name)
    wrong = ~(values > 0)
    if wrong.any():
        shown = first_three(panel.units[np.unique(panel.unit_codes[wrong])])
        raise DesignError(f"weights {name!r} are not positive for {shown}.\n  Correct them.")
    first = values[panel.first_rows][panel.unit_codes]
    return replace(panel, frame=panel.frame.assign(**{name: first})), panel.grid(values)


def by_row(grid: NDArray[np.float64], fix: str, base: int) -> NDArray[np.float64]:
    """Return the weight of each row in a comparison with one base, shape (n_units, n_years)."""
    return grid if fix == "varying" else np.broadcast_to(grid[:, [base]], grid.shape)
