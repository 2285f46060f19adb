"""Exposure of a unit to the treatment of others: weights, rings and donuts."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, DesignError, first_three, listed_numbers
from ..panel import NEVER_TREATED, Panel, cohorts_within, need_panel

Array = NDArray[np.float64]


def exposure(panel: Panel, weights: pd.DataFrame, *, anticipation: int = 0) -> Array:
    """Compute how much of a unit's surroundings is treated.

    Parameters
    ----------
    panel : Panel
    weights : DataFrame, shape (n_pairs, 3)
        ``from``, ``to``, ``weight``: how much unit ``from`` is exposed to unit ``to``; fixed
        before treatment (referral flows, borders). Rows are used as given, not scaled.
    anticipation : int
        Years before its cohort from which a unit counts as treated.

    Returns
    -------
    ndarray, shape (n_obs,)
        Sum over others of weight times treated, in the order of ``panel.frame``.

    Raises
    ------
    DataError
        Columns missing, unknown units, negative weights, or a unit paired with itself.

    References
    ----------
    Butts (2023), section 2, for the exposure mapping.
    """
    _fail_if_not_pairs(panel, weights, "weight")
    source = panel.units.get_indexer(weights["from"])
    target = panel.units.get_indexer(weights["to"])
    treated = _treated_grid(panel, anticipation)
    total = np.zeros(treated.shape)
    np.add.at(total, source, weights["weight"].to_numpy(float)[:, None] * treated[target])
    grid: Array = total[panel.unit_codes, panel.year_codes]
    return grid


def nearest_ring(
    panel: Panel, distance: pd.DataFrame, edges: Sequence[float], *, anticipation: int = 0
) -> NDArray[np.intp]:
    """Find the ring in which a unit's nearest treated unit lies.

    Parameters
    ----------
    panel : Panel
    distance : DataFrame, shape (n_pairs, 3)
        ``from``, ``to``, ``distance``; pairs not listed are farther than every ring.
    edges : sequence of float
        Outer edges of the rings, rising, in the unit of ``distance``.
    anticipation : int
        Years before the cohort from which a unit counts as treated.

    Returns
    -------
    ndarray of int, shape (n_obs,)
        1 for the innermost ring, ``len(edges)`` for the outermost, 0 beyond it or if nobody
        is treated yet.

    Raises
    ------
    DesignError
        If the edges do not rise from above 0.
    DataError
        If pairs lack a column, name units that the panel lacks, or a distance is not a number.
    """
    bounds = np.array(listed_numbers("edges", edges))
    if not bounds.size or (np.diff(bounds) <= 0).any() or bounds[0] <= 0:
        raise DesignError(
            f"edges {first_three(bounds)} do not rise from above 0.\n"
            "  Give outer edges in rising order, as [10, 25, 50]."
        )
    _fail_if_not_pairs(panel, distance, "distance")
    source = panel.units.get_indexer(distance["from"])
    target = panel.units.get_indexer(distance["to"])
    treated = _treated_grid(panel, anticipation)
    nearest = np.full(treated.shape, np.inf)
    far = np.where(treated[target], distance["distance"].to_numpy(float)[:, None], np.inf)
    np.minimum.at(nearest, source, far)
    ring = np.searchsorted(bounds, nearest, side="left") + 1
    ring = np.where(nearest <= bounds[-1], ring, 0)
    found: NDArray[np.intp] = ring[panel.unit_codes, panel.year_codes]
    return found


def donut(panel: Panel, distance: pd.DataFrame, radius: float) -> Panel:
    """Leave out never-treated units within a radius of any unit that is ever treated.

    Parameters
    ----------
    panel : Panel
    distance : DataFrame, shape (n_pairs, 3)
        ``from``, ``to``, ``distance``.
    radius : float
        In the unit of ``distance``.

    Returns
    -------
    Panel
        Every unit that is ever treated, with the never-treated units beyond the radius.

    Raises
    ------
    DesignError
        No never-treated unit is left, or the radius is not a distance.
    DataError
        If pairs lack a column, name units that the panel lacks, or a distance is not a number.
    """
    _fail_if_not_pairs(panel, distance, "distance")
    if not isinstance(radius, Real) or not radius >= 0:
        raise DesignError(f"radius={radius!r}.\n  Give a distance of 0 or more.")
    ever = cohorts_within(panel.cohort_by_unit, int(panel.years[-1])) != NEVER_TREATED
    source = panel.units.get_indexer(distance["from"])
    target = panel.units.get_indexer(distance["to"])
    near = (distance["distance"].to_numpy(float) <= radius) & ever[target] & ~ever[source]
    drop = np.zeros(panel.n_units, dtype=bool)
    drop[source[near]] = True
    if not (~drop & ~ever).any():
        raise DesignError(
            f"every never-treated unit lies within {radius:g} of a treated one.\n"
            "  Use a smaller radius."
        )
    return panel.keep(~drop[panel.unit_codes])


def _treated_grid(panel: Panel, anticipation: int) -> NDArray[np.bool_]:
    cohort = panel.cohort_by_unit
    start = np.where(cohort == NEVER_TREATED, np.iinfo(np.int64).max, cohort - anticipation)
    grid: NDArray[np.bool_] = panel.years >= start[:, None]
    return grid


def _fail_if_not_pairs(panel: Panel, pairs: pd.DataFrame, value: str) -> None:
    need_panel(panel)
    if not isinstance(pairs, pd.DataFrame):
        raise DataError(
            f"pairs are a table, not a {type(pairs).__name__}.\n"
            f"  Give a DataFrame with columns from, to, {value}."
        )
    missing = [c for c in ("from", "to", value) if c not in pairs.columns]
    if missing:
        raise DataError(f"pairs have no column {first_three(missing)}.\n  Give from, to, {value}.")
    named = pd.Index(pairs["from"]).append(pd.Index(pairs["to"])).unique()
    unknown = named.difference(panel.units)
    if len(unknown):
        raise DataError(
            f"pairs name {len(unknown)} units that the panel lacks: {first_three(unknown)}.\n"
            "  Leave these pairs out, or write units as the panel does."
        )
    amount = pairs[value].to_numpy(float)
    bad = ~np.isfinite(amount) | (amount < 0) | (pairs["from"] == pairs["to"]).to_numpy()
    if bad.any():
        where = [f"{a} to {b}" for a, b in pairs.loc[bad, ["from", "to"]].to_numpy()]
        raise DataError(
            f"a {value} is missing, negative or of a unit to itself: {first_three(where)}.\n"
            "  Correct these pairs, or leave them out."
        )
