"""Estimate again: on other rows, other cohorts, other outcomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError
from ..panel import Panel
from ..results import Effects

HEADLINE = ("estimate", "std_error", "conf_low", "conf_high", "p_value")


def need_refit(effects: Effects, need: str) -> Callable[..., Effects]:
    """Return how effects are estimated again, or refuse."""
    if effects.refit is None:
        raise DesignError(
            f"{need} estimates again, which {effects.design.estimator} does not support.\n"
            "  Use effects of a function of this package, as att_gt or twfe."
        )
    return effects.refit


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
        return {**blank, "n_units": 0, "note": str(problem).splitlines()[0]}


def rows_used(effects: Effects, panel: Panel) -> NDArray[np.bool_]:
    """Return the rows of the panel whose units the effects use, shape (n_obs,)."""
    if effects.units is None:
        return np.ones(len(panel.frame), bool)
    used = panel.units.isin(effects.units.ids)
    if not used.any():
        raise DesignError(
            "the panel has none of the effects' units.\n  Pass the panel they were estimated on."
        )
    return used[panel.unit_codes]
