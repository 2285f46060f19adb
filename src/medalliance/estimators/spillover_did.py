"""Effects on the treated and on their neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, listed_numbers
from ..outcomes.exposure import nearest_ring
from ..panel import NEVER_TREATED, Panel
from ..results import UNSCALED, Effects, terms_frame
from ._sample import Sample, describe_design, draw_sample
from ._within import TwoWay

Array = NDArray[np.float64]


def spillover_did(
    panel: Panel,
    outcome: str,
    *,
    distance: pd.DataFrame,
    edges: Sequence[float],
    anticipation: int = 0,
    weights: str | None = None,
) -> Effects:
    """Estimate direct effects net of spillovers, with the spillovers themselves.

    Unit and year effects are fitted on rows that are neither treated nor inside a ring around a
    treated unit. The direct effect is the mean gap of treated rows; the effect of a ring is the
    mean gap of untreated rows whose nearest treated unit lies in it.

    Parameters
    ----------
    panel : Panel
    outcome : str
        Column or registered outcome.
    distance : DataFrame, shape (n_pairs, 3)
        ``from``, ``to``, ``distance``; pairs not listed are farther than every ring.
    edges : sequence of float
        Outer edges of the rings, rising.
    anticipation : int
        Years before the cohort that may already respond.
    weights : str, optional
        Column of weights, constant in a unit.

    Returns
    -------
    Effects
        ``direct``, then one term a ring that holds rows.

    Raises
    ------
    DesignError
        No row is clean, or what is left does not predict the treated rows: the rings are too
        wide.

    References
    ----------
    Butts (2023), section 4; Borusyak, Jaravel and Spiess (2024), Theorem 1 for the influence.
    """
    edges = listed_numbers("edges", edges)
    sample = draw_sample(panel, outcome, weights=weights, anticipation=anticipation)
    ring = panel.grid(nearest_ring(panel, distance, edges, anticipation=anticipation))
    ring = ring[panel.units.get_indexer(sample.ids)][:, np.isin(panel.years, sample.years)]
    start = np.where(sample.cohort == NEVER_TREATED, np.iinfo(np.int64).max, sample.cohort)
    treated = (sample.years >= start[:, None] - anticipation) & sample.mask
    exposed = (np.nan_to_num(ring) > 0) & sample.mask & ~treated
    clean = sample.mask & ~treated & ~exposed
    sample, treated, ring, clean = _with_clean_rows(sample, treated, ring, clean)
    lower = np.r_[0.0, np.asarray(edges, dtype=float)[:-1]]
    names, masks = ["direct"], [treated]
    for k, (low, high) in enumerate(zip(lower, edges, strict=True), start=1):
        rows = (ring == k) & sample.mask & ~treated
        if rows.any():
            names.append(f"spillover {low:g} to {high:g}")
            masks.append(rows)
    estimate, influence = _average_gaps(sample, clean, np.stack(masks), names)
    return Effects(
        estimate=estimate,
        terms=terms_frame(outcome, names, n_units=[int(m.any(axis=1).sum()) for m in masks]),
        design=describe_design(
            panel,
            sample,
            outcome,
            "spillover_did",
            weights=weights,
            anticipation=anticipation,
            std_errors=f"{UNSCALED}; averages take cell sizes as given",
            notes=(f"Clean rows are farther than {edges[-1]:g} from every treated unit.",),
        ),
        units=sample.units(),
        influence_function=influence,
    )


def _with_clean_rows(
    sample: Sample, treated: NDArray[np.bool_], ring: Array, clean: NDArray[np.bool_]
) -> tuple[Sample, NDArray[np.bool_], Array, NDArray[np.bool_]]:
    has = clean.any(axis=1)
    if not has.any():
        raise DesignError(
            "no row is both untreated and outside the rings.\n  Use smaller rings, or add units."
        )
    return sample.take_units(has), treated[has], np.nan_to_num(ring[has]), clean[has]  # type: ignore[arg-type]


def _average_gaps(
    sample: Sample, clean: NDArray[np.bool_], masks: NDArray[np.bool_], names: list[str]
) -> tuple[Array, Array]:
    """Average gaps over each set of rows; influence has shape (n_units, m)."""
    row_weight = sample.weight[:, None] * sample.mask
    untreated = np.where(clean, row_weight, 0.0)
    effects = TwoWay(untreated)
    unit, year = effects.effects(sample.outcome)
    gap = (sample.outcome - unit[:, None] - year) * sample.mask
    target = masks * row_weight
    size = target.sum(axis=(1, 2))
    target = target / size[:, None, None]
    estimate = np.einsum("mit,it->m", target, gap)
    unit_side = np.einsum("it,mi->tm", untreated / effects.unit_total[:, None], target.sum(axis=2))
    year_side = target.sum(axis=1).T
    multiplier, identified = effects.year_multipliers(unit_side, year_side)
    if not identified.all():
        lost = [name for name, ok in zip(names, identified, strict=True) if not ok]
        raise DesignError(
            f"no clean row predicts some rows of: {', '.join(lost)}.\n"
            "  Use smaller rings, end the panel earlier, or add units far away."
        )
    own = np.einsum("mit,mit->im", target, gap - estimate[:, None, None] * masks)
    through = (untreated * gap) @ multiplier
    return estimate, sample.n_units * (own - through)
