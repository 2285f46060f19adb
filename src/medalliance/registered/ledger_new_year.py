"""Hold the registered headlines against organisations that a later year makes visible."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from ..errors import DesignError
from ..panel import Panel
from ..results import Effects
from .ledger_effects import REGISTERED, Specification, cells, headline, summary_row


def new_cohorts(panel: Panel, spec: Specification = REGISTERED) -> tuple[int, ...]:
    """Return the cohorts that the registered headlines could not hold and the panel now can.

    They are seen in all years that a headline averages only since the registered years ended.
    """
    last = int(panel.years[-1]) - spec.horizon
    cohorts = np.unique(panel.cohort_by_unit)
    return tuple(int(g) for g in cohorts if spec.last_year - spec.horizon < g <= last)


@cache
def new_year_table(panel: Panel, later: Panel, spec: Specification = REGISTERED) -> pd.DataFrame:
    """Set each registered headline beside the same one for the cohorts that are new.

    Controls are shared, so the two are not independent; the organisations that move are others.

    Parameters
    ----------
    panel, later : Panel
        Of the registered years, and of those years with later ones.

    Returns
    -------
    DataFrame
        Three rows an outcome: ``outcome``, ``cohorts`` (registered, new, all), ``estimate``,
        ``conf_low``, ``conf_high``, ``moved`` (organisations that moved).

    Raises
    ------
    DesignError
        If the later panel completes no cohort.
    """
    chosen = new_cohorts(later, spec)
    if not chosen:
        raise DesignError(
            f"no cohort becomes complete after {spec.last_year}.\n  Give a panel of later years."
        )
    longer = replace(spec, last_year=int(later.years[-1]))
    rows = []
    for name in spec.outcomes:
        later_cells = cells(later, name, longer)
        found = {
            "registered": headline(panel, name, spec),
            "new": _mean_of(later_cells, chosen, spec.horizon),
            "all": later_cells.aggregate("event_time", balance=spec.horizon),
        }
        n_new = int(np.isin(later.cohort_by_unit, chosen).sum())
        for which, effects in found.items():
            row = summary_row(name, effects)
            moved = n_new if which == "new" else row["n_moved"]
            rows.append(
                {
                    "outcome": name,
                    "cohorts": which,
                    **{key: row[key] for key in ("estimate", "conf_low", "conf_high")},
                    "moved": moved,
                }
            )
    return pd.DataFrame(rows)


def _mean_of(effects: Effects, cohorts: tuple[int, ...], horizon: int) -> Effects:
    """Average the first years of some cohorts, each year by organisations and years equally."""
    terms = effects.terms
    event = (terms["year"] - terms["cohort"]).to_numpy()
    weights = np.zeros(len(terms))
    for when in range(horizon + 1):
        here = (event == when) & terms["cohort"].isin(cohorts).to_numpy(bool)
        size = terms["n_units"].to_numpy(float)[here]
        weights[here] = size / size.sum() / (horizon + 1)
    return effects.combine(weights)
