"""Estimate again: on other rows, other cohorts, other outcomes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, first_three, what_is_wrong
from ..panel import Panel, PanelWarning, need_panel
from ..results import Effects, need_effects

HEADLINE = ("estimate", "std_error", "conf_low", "conf_high", "p_value")


def need_refit(effects: Effects, need: str) -> Callable[..., Effects]:
    """Return how effects are estimated again, or refuse; what a panel warns of is said once."""
    need_effects(effects, need)
    if effects.refit is None:
        raise DesignError(
            f"{need} estimates again, which {effects.design.estimator} does not support.\n"
            "  Use effects of a function of this package, as att_gt or twfe."
        )
    return partial(quietly, effects.refit)


def quietly(refit: Callable[..., Effects], *args: Any, **options: Any) -> Effects:
    """Estimate again without the warnings of the panel; what they say stays in the foot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        return refit(*args, **options)


def headline(effects: Effects, level: float) -> dict[str, float]:
    """Return estimate, standard error, interval and p-value of the overall effect."""
    row = effects.overall.to_frame(level, bands=False).iloc[0]
    return {name: float(row[name]) for name in HEADLINE}


def attempt(
    refit: Callable[..., Effects], panel: Panel, level: float, **options: Any
) -> dict[str, Any]:
    """Return the headline of a new estimate, blanks with the reason if there is none."""
    try:
        again = refit(panel, **options)
        return {**headline(again, level), "n_units": again.design.n_units, "note": ""}
    except DesignError as problem:
        blank = dict.fromkeys(HEADLINE, np.nan)
        return {**blank, "n_units": 0, "note": what_is_wrong(problem)}


def used_panel(effects: Effects, panel: Panel) -> Panel:
    """Return the panel of the units that the effects use."""
    need_panel(panel)
    if effects.units is None:
        return panel
    used = panel.units.isin(effects.units.ids)
    if not used.any():
        raise DesignError(
            "the panel has none of the effects' units.\n  Pass the panel they were estimated on."
        )
    return panel.keep(used[panel.unit_codes])


def exchangeable(panel: Panel) -> tuple[NDArray[np.intp], str]:
    """Return the group of each unit that keeps one cohort: clusters, or units if cohorts mix."""
    cluster, cohort = panel.cluster_by_unit, panel.cohort_by_unit
    first = np.unique(cluster, return_index=True)[1]
    same = (cohort[first][cluster] == cohort).all()
    if panel.cluster is None or not same:
        return np.arange(panel.n_units), "units"
    return cluster, "clusters"


def strata_of(
    panel: Panel, strata: str | None, group: NDArray[np.intp], first: NDArray[np.intp]
) -> NDArray | None:
    """Return the stratum of each group, refusing a column that moves within a cluster."""
    if strata is None:
        return None
    if strata not in panel.frame.columns:
        raise DesignError(f"no column {strata!r} in the panel.\n  Name a column for strata.")
    labels = panel.frame[strata].to_numpy()[panel.first_rows]
    moved = labels != labels[first][group]
    if moved.any():
        raise DesignError(
            f"{strata} changes within the cluster of {first_three(panel.units[moved])}.\n"
            "  Use a column that is constant in a cluster."
        )
    return labels[first]
