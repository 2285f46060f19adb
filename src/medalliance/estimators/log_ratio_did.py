"""Group-time effects on a composition through log-ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, check_choice, first_three
from ..outcomes import outcome_values
from ..outcomes.composition import (
    composition_values,
    replace_zeros,
    shares_from_centred,
    visit_balances,
)
from ..panel import Panel
from ..results import Effects, split_by_outcome, stack_effects
from .att_gt import att_gt

Array = NDArray[np.float64]
DETECTION = 0.65


@dataclass(frozen=True, eq=False)
class _Coordinates:
    panel: Panel
    names: tuple[str, ...]
    back: Array
    shares: Array
    parts: tuple[str, ...]
    n_replaced: int


def log_ratio_did(
    panel: Panel,
    parts: str | Sequence[str],
    *,
    transform: Literal["ilr", "alr", "clr"] = "ilr",
    scale: Literal["share", "log_ratio"] = "share",
    zeros: Literal["refuse", "count"] = "count",
    delta: float = 1.0,
    volume: str | None = None,
    **options: Any,
) -> Effects:
    """Estimate group-time effects on every part of a composition.

    Trends are taken to be parallel in log-ratios, which keeps shares between 0 and 1 and their
    effects summing to zero. Each log-ratio is estimated by ``att_gt``; effects on shares are the
    mean over treated units of the share seen less the share that the log-ratio effects imply
    without treatment.

    Parameters
    ----------
    panel : Panel
    parts : str or sequence of str
        ``"visits"``, ``"inpatient"``, ``"fund"``, or columns of shares or counts.
    transform : str
        ``"ilr"``: balances {village, township} | {county, out} and within each (pivot balances
        for other numbers of parts); ``"alr"``: against the last part; ``"clr"``: against the
        geometric mean. Effects on shares are the same for all three.
    scale : str
        ``"share"`` or ``"log_ratio"``.
    zeros : str
        ``"count"`` replaces zeros by ``delta`` times 0.65 / volume; ``"refuse"`` stops at one.
        A part that a unit never has in any year is structural and is always refused.
    delta : float
        Multiplier of the replacement; repeat at 0.5 and 2 (see ``zero_sensitivity``).
    volume : str, optional
        Column of the total behind shares; not needed when the parts are counts.
    **options
        Passed to ``att_gt``: control group, covariates, anticipation and so on.

    Returns
    -------
    Effects
        Terms by part, cohort and year; parts' effects sum to 0.

    Raises
    ------
    DesignError
        If a choice is unknown, a column is missing, a part is zero where zeros are refused or in
        every year of a unit, or no group-time effect can be estimated.

    References
    ----------
    Aitchison (1986); Egozcue et al. (2003) for balances; Martín-Fernández et al. (2003) for
    zeros; Callaway and Sant'Anna (2021) for each log-ratio.
    """
    check_choice("scale", scale, ("share", "log_ratio"))
    check_choice("transform", transform, ("ilr", "alr", "clr"))
    check_choice("zeros", zeros, ("refuse", "count"))
    made = _coordinates(panel, parts, transform, zeros, delta, volume)
    stacked = stack_effects([att_gt(made.panel, name, **options) for name in made.names])
    note = f"Parallel trends assumed in log-ratios ({transform})."
    if made.n_replaced:
        note += f" {made.n_replaced} zero parts replaced ({delta:g} times 0.65 over the volume)."
    design = replace(stacked.design, estimator="log_ratio_did", notes=(note, *stacked.design.notes))
    if scale == "log_ratio":
        return replace(stacked, design=design)
    return _to_shares(made, replace(stacked, design=design))


def _coordinates(
    panel: Panel,
    parts: str | Sequence[str],
    transform: str,
    zeros: str,
    delta: float,
    volume: str | None,
) -> _Coordinates:
    shares, names = composition_values(panel, parts)
    shares, n_replaced = _without_zeros(panel, shares, names, zeros, delta, volume)
    k = len(names)
    if transform == "ilr":
        contrast = visit_balances(k)
        back = contrast
        labels = [f"balance {j + 1}" for j in range(k - 1)]
    elif transform == "alr":
        contrast = np.hstack([np.eye(k - 1), -np.ones((k - 1, 1))])
        back = np.hstack([np.eye(k - 1), np.zeros((k - 1, 1))])
        labels = [f"{name} against {names[-1]}" for name in names[:-1]]
    else:
        contrast = np.eye(k) - 1.0 / k
        back = np.eye(k)
        labels = [f"{name} against the mean" for name in names]
    values = np.log(shares) @ contrast.T
    columns = dict(zip(labels, values.T, strict=True))
    return _Coordinates(
        panel.with_columns(**columns), tuple(labels), back, shares, names, n_replaced
    )


def _without_zeros(
    panel: Panel,
    shares: Array,
    names: tuple[str, ...],
    zeros: str,
    delta: float,
    volume: str | None,
) -> tuple[Array, int]:
    zero = shares == 0
    if not zero.any():
        return shares, 0
    rows = np.flatnonzero(zero.any(axis=1))
    where = first_three(
        f"{panel.units[panel.unit_codes[i]]} in {panel.years[panel.year_codes[i]]}" for i in rows
    )
    if zeros == "refuse":
        raise DesignError(f'a part is zero for {where}.\n  Use zeros="count", or merge parts.')
    seen = np.isfinite(shares).all(axis=1)
    never = pd.DataFrame(zero[seen], columns=list(names)).groupby(panel.unit_codes[seen]).all()
    structural = [
        f"{name} of {panel.units[unit]}" for name in names for unit in never.index[never[name]]
    ]
    if structural:
        raise DesignError(
            f"a part is zero in every year: {first_three(structural)}. A part that cannot be has "
            "no log-ratio.\n  Leave these units out, or merge the part with its neighbour."
        )
    total = _volume(panel, names, volume)
    smallest = delta * DETECTION / total
    if not np.isfinite(smallest[rows]).all() or (smallest[rows] >= 1.0 / len(names)).any():
        raise DesignError(
            "the volume behind a zero part is missing or too small to replace it.\n"
            "  Leave these rows out, or merge parts."
        )
    return replace_zeros(shares, np.where(seen, smallest, 0.0)), int(zero[seen].sum())


def _volume(panel: Panel, names: tuple[str, ...], volume: str | None) -> Array:
    if volume is not None:
        return outcome_values(panel, volume)
    total = np.sum([outcome_values(panel, name) for name in names], axis=0)
    if np.nanmax(total) <= 1 + 1e-6:
        raise DesignError(
            "parts are shares with zeros, so the replacement needs their total.\n"
            "  Name its column: volume=…."
        )
    return np.asarray(total)


def _to_shares(made: _Coordinates, effects: Effects) -> Effects:
    """Carry effects on log-ratios back to shares, with their influence."""
    split = split_by_outcome(effects)
    first = split[0]
    if first.units is None or first.mass is None:
        raise DesignError("log-ratio effects carry no units to average over.")
    tau = np.column_stack([part.estimate for part in split])
    influence = np.stack([np.asarray(part.influence) for part in split], axis=-1)
    grids = np.stack([made.panel.grid(column) for column in made.shares.T], axis=-1)
    grids = grids[made.panel.units.get_indexer(first.units.ids)]
    cohort, year = (first.terms[c].to_numpy(np.int64) for c in ("cohort", "year"))
    column = np.searchsorted(made.panel.years, year)
    weight = first.units.relative_weight
    estimate = np.empty((len(tau), len(made.parts)))
    carried = np.empty((len(weight), *estimate.shape))
    for cell, (g, t) in enumerate(zip(cohort, column, strict=True)):
        rows = np.flatnonzero((first.units.cohort == g) & np.isfinite(grids[:, t, 0]))
        estimate[cell], direct, slope = _cell_effect(
            grids[rows, t], tau[cell] @ made.back, weight[rows]
        )
        carried[:, cell] = influence[:, cell] @ (made.back @ slope)
        carried[rows, cell] += direct * len(weight)
    return stack_effects(
        [
            replace(
                first,
                estimate=estimate[:, j],
                terms=first.terms.assign(outcome=name),
                design=replace(
                    first.design, outcome=name, unit_of_measure="share", notes=effects.design.notes
                ),
                influence_function=carried[:, :, j],
                refit=None,
            )
            for j, name in enumerate(made.parts)
        ]
    )


def _cell_effect(shares: Array, shift: Array, weight: Array) -> tuple[Array, Array, Array]:
    """Return the effect on each part, what each unit adds to it, and its slope in the shift."""
    without = shares_from_centred(np.log(shares) - shift)
    weight = weight / weight.sum()
    effect = weight @ (shares - without)
    direct = weight[:, None] * (shares - without - effect)
    weighted = weight[:, None] * without
    slope = np.diag(weighted.sum(axis=0)) - weighted.T @ without
    return effect, direct, slope
