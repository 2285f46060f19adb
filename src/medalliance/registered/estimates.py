"""The registered choices of estimates: outcomes, errors, horizon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, what_is_wrong
from ..estimators.att_gt import att_gt
from ..inference.neyman_variance import neyman_variance
from ..outcomes import outcome_values
from ..panel import NEVER_TREATED, Panel, cohorts_within
from ..results import Effects
from ..results import headline as average

SURPLUS = (
    "log_spending_per_insured", "log_budget_per_insured", "log_spending_to_budget",
    "fund_surplus_rate", "notional_surplus_rate",
)  # fmt: skip
_TIERS = ("hospital", "township", "village")
PAY = (
    *(f"log_fixed_mix_remuneration_per_fte_{tier}" for tier in _TIERS),
    *(f"log_remuneration_per_fte_{tier}" for tier in _TIERS),
    *(f"composition_effect_{tier}" for tier in _TIERS),
    "pay_gap_hospital_township", "pay_gap_township_village", "pay_theil_between_tiers",
    "personnel_share",
)  # fmt: skip
VISITS = (
    "primary_care_visit_share", "in_county_visit_share",
    *(f"log_visits_per_insured_{place}" for place in ("village", "township", "county", "out")),
)  # fmt: skip
LINK = (
    "notional_surplus_rate", "log_remuneration_per_fte_township", "primary_care_visit_share",
)  # fmt: skip
ANTICIPATION = 1
Result = TypeVar("Result")
PREFERRED = (
    "log_spending_per_insured",
    "log_remuneration_per_fte_township",
    "primary_care_visit_share",
)
SURPLUS_PAY_VISITS = (
    "notional_surplus_rate",
    "log_fixed_mix_remuneration_per_fte_township",
    "primary_care_visit_share",
)


class Attempts(dict[str, Result], Generic[Result]):
    """Results by name, with what could not be had in ``refused``."""

    refused: dict[str, str]

    def __init__(self, found: Mapping[str, Result], refused: Mapping[str, str]) -> None:
        super().__init__(found)
        self.refused = dict(refused)

    def __reduce__(self) -> tuple[Any, ...]:
        return Attempts, (dict(self), self.refused)


def attempt(recipes: Mapping[str, Callable[[], Result]]) -> Attempts[Result]:
    """Run estimators or diagnostics that a panel may not support, with the reason of a refusal.

    Parameters
    ----------
    recipes : dict of str to callable
        Without arguments: ``{"imputation": lambda: ma.did_imputation(panel, outcome)}``.

    Returns
    -------
    Attempts
        A dict of the results; ``.refused`` holds the rest with the reason of each. ``compare``
        prints both.

    Raises
    ------
    DesignError
        If every recipe is refused.
    """
    found, refused = {}, {}
    for name, recipe in recipes.items():
        try:
            found[name] = recipe()
        except DesignError as error:
            refused[name] = what_is_wrong(error)
    if not found:
        raise DesignError("\n  ".join(dict.fromkeys(refused.values())) or "nothing to attempt.")
    return Attempts(found, refused)


def registered_outcome(panel: Panel) -> str:
    """Return the first registered headline outcome that a panel gives.

    Raises
    ------
    DesignError
        If it gives none.
    """
    return registered_outcomes(panel)[0]


def registered_outcomes(panel: Panel) -> list[str]:
    """Return the registered headline outcomes that a panel gives: surplus, pay, visits.

    Raises
    ------
    DesignError
        If it gives none.
    """
    found = []
    for name in PREFERRED:
        try:
            outcome_values(panel, name)
        except DesignError:
            continue
        found.append(name)
    if not found:
        raise DesignError(
            f"the panel gives none of {', '.join(PREFERRED)}.\n  Name an outcome of your own."
        )
    return found


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


@overload
def stated(effects: Effects) -> Effects: ...
@overload
def stated(effects: Mapping[str, Effects]) -> Attempts[Effects]: ...
def stated(effects: Effects | Mapping[str, Effects]) -> Effects | Attempts[Effects]:
    """Give effects the errors that the book states and grades.

    They are Neyman's by cohort with Welch's t. Where the panel does not support these (a cluster
    mixes cohorts, or is the only one of its cohort), they are the estimator's own with t of
    clusters less one. The foot of every exhibit says which.

    Parameters
    ----------
    effects : Effects, or dict of str to Effects

    Returns
    -------
    Effects, or Attempts
    """
    if isinstance(effects, Mapping):
        named = {name: stated(one) for name, one in effects.items()}
        return Attempts(named, getattr(effects, "refused", {}))
    try:
        return neyman_variance(effects)
    except DesignError:
        return _with_t(effects)


def registered_effects(panel: Panel, outcome: str) -> Effects:
    """Estimate group-time effects with a clean year left between base and reform.

    Raises
    ------
    DesignError
        If the panel cannot give the outcome or the comparison.
    """
    return stated(att_gt(panel, outcome, anticipation=ANTICIPATION, base_period="universal"))


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
