"""Every estimator on one panel and outcome, with the averages that a chapter compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, what_is_wrong
from ..estimators.att_gt import att_gt
from ..estimators.did_imputation import did_imputation
from ..estimators.etwfe import etwfe
from ..estimators.lp_did import lp_did
from ..estimators.stacked_did import stacked_did
from ..estimators.sun_abraham import sun_abraham
from ..estimators.twfe import twfe
from ..inference.neyman_variance import neyman_variance
from ..outcomes import outcome_values
from ..panel import NEVER_TREATED, Panel, cohorts_within
from ..results import Effects
from ..results import headline as average

if TYPE_CHECKING:
    import pandas as pd

PREFERRED = (
    "log_spending_per_insured",
    "log_remuneration_per_fte_township",
    "primary_care_visit_share",
)


@dataclass(frozen=True, eq=False)
class Runs:
    """Every estimator on one panel and outcome.

    Attributes
    ----------
    panel : Panel
    outcome : str
    horizon : int
        Years after treatment that every cohort is seen; the headline averages over them.
    effects : dict of str to Effects
    refused : dict of str to str
        What an estimator could not do on this panel, in its own words.
    """

    panel: Panel
    outcome: str
    horizon: int
    effects: dict[str, Effects]
    refused: dict[str, str]

    @cached_property
    def headlines(self) -> pd.DataFrame:
        """Headline of each estimator: ``method estimate std_error conf_low conf_high``."""
        return _headlines(self)

    @property
    def source(self) -> str:
        """Where the numbers come from."""
        return self.panel.source

    @property
    def foot(self) -> str:
        """Source, clusters, and the convention of standard errors of each estimator."""
        by_convention: dict[str, list[str]] = {}
        for name, effects in self.effects.items():
            by_convention.setdefault(effects.design.std_errors, []).append(name)
        design = next(iter(self.effects.values())).design
        parts = [f"{', '.join(names)}: {words}" for words, names in by_convention.items()]
        return (
            f"{self.source}; {design.n_units:,} units, {design.n_clusters} clusters "
            f"({design.clusters}). Standard errors: {'; '.join(parts)}."
        )


def run(panel: Panel, outcome: str | None = None) -> Runs:
    """Run every estimator on a panel.

    Parameters
    ----------
    panel : Panel
    outcome : str, optional
        Without it the first of three registered outcomes that the panel can give.

    Returns
    -------
    Runs
    """
    name = outcome or _first_possible(panel)
    horizon = last_horizon(panel)
    window = (int(starts_inside(panel).min() - panel.years[0]), horizon)
    recipes: dict[str, Callable[[Panel, str], Effects]] = {
        "two-way effects": partial(twfe, event_study=True),
        "group-time": partial(att_gt, base_period="universal"),
        "imputation": did_imputation,
        "saturated": etwfe,
        "interaction-weighted": sun_abraham,
        "stacked": partial(stacked_did, window=window),
        "local projection": lp_did,
        "local projection, equal": partial(lp_did, weighting="equal"),
    }
    effects, refused = {}, {}
    for label, recipe in recipes.items():
        try:
            effects[label] = stated(recipe(panel, name))
        except DesignError as error:
            refused[label] = what_is_wrong(error)
    if not effects:
        raise DesignError("\n  ".join(dict.fromkeys(refused.values())))
    return Runs(panel, name, horizon, effects, refused)


def starts_inside(panel: Panel) -> NDArray[np.int64]:
    """Return the cohort of each unit that starts treatment after the first year of the panel.

    Raises
    ------
    DesignError
        If there is none.
    """
    cohorts = panel.cohort_by_unit
    inside = cohorts[(cohorts > panel.years[0]) & (cohorts <= panel.years[-1])]
    if not len(inside):
        raise DesignError("no unit starts treatment in the panel.\n  Check the cohort column.")
    return inside


def last_horizon(panel: Panel, anticipation: int = 0) -> int:
    """Return the last year since the reform at which every cohort has an effect.

    Where nobody stays untreated, effects end before the last cohort begins to respond, and that
    cohort has none.

    Parameters
    ----------
    panel : Panel
    anticipation : int
        Years before treatment in which units may already respond.

    Raises
    ------
    DesignError
        If nobody starts inside the panel, or nobody is left to compare with.
    """
    inside, last = starts_inside(panel), int(panel.years[-1])
    cohorts = cohorts_within(panel.cohort_by_unit, last, anticipation=anticipation)
    if (cohorts != NEVER_TREATED).all():
        last = min(last, int(cohorts.max()) - 1 - anticipation)
    seen = inside[inside <= last]
    if not len(seen):
        raise DesignError(
            "no untreated county is left beside the treated ones.\n"
            "  Add counties that start later or never."
        )
    return last - int(seen.max())


def first_years(horizon: int) -> str:
    """Return the years over which a headline averages, in words.

    >>> first_years(0), first_years(3)
    ('the first year', 'the first 4 years')
    """
    return "the first year" if horizon == 0 else f"the first {horizon + 1} years"


def headline(effects: Effects, horizon: int) -> tuple[float, float, float]:
    """Average event times 0 to ``horizon``.

    Returns
    -------
    estimate, std_error, dof : float
    """
    one = average(effects, horizon)
    return float(one.estimate[0]), float(one.std_error[0]), float(one.dof[0])


def stated(effects: Effects) -> Effects:
    """Give effects the errors that the book states and grades.

    They are Neyman's by cohort with Welch's t. Where the panel does not support these (a cluster
    mixes cohorts, or is the only one of its cohort), they are the estimator's own with t of
    clusters less one. The foot of every exhibit says which.
    """
    try:
        return neyman_variance(effects)
    except DesignError:
        return _with_t(effects)


def _with_t(effects: Effects) -> Effects:
    design = effects.design
    if effects.influence_function is None:
        return effects
    dof = float(max(design.n_clusters - 1, 1))
    words = f"{design.std_errors}, t of clusters less one"
    overall = effects.overall_effect
    return replace(
        effects,
        design=replace(design, dof=min(dof, design.dof), std_errors=words),
        overall_effect=None if overall is None else _with_t(overall),
    )


def true_by_event(runs: Runs) -> pd.Series | None:
    """Return the true effect by years since the reform; None where nobody knows it."""
    truth = runs.panel.truth
    if truth is None or not truth.knows(runs.outcome):
        return None
    return truth.by_event(runs.outcome, horizon=runs.horizon)


def true_headline(runs: Runs) -> float | None:
    """Return the true value of the headline; None where nobody knows it."""
    truth = true_by_event(runs)
    return None if truth is None else float(truth.mean())


def _headlines(runs: Runs) -> pd.DataFrame:
    import pandas as pd
    from scipy import stats

    rows = []
    for name, effects in runs.effects.items():
        estimate, error, dof = headline(effects, runs.horizon)
        half = error * (stats.norm.ppf(0.975) if np.isinf(dof) else stats.t.ppf(0.975, dof))
        rows.append(
            {
                "method": name,
                "estimate": estimate,
                "std_error": error,
                "conf_low": estimate - half,
                "conf_high": estimate + half,
            }
        )
    return pd.DataFrame(rows)


def _first_possible(panel: Panel) -> str:
    for name in PREFERRED:
        try:
            outcome_values(panel, name)
        except DesignError:
            continue
        return name
    raise DesignError(
        f"the panel gives none of {', '.join(PREFERRED)}.\n  Name an outcome: run(panel, name)."
    )
