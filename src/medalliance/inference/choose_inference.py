"""Choice of inference for finished effects."""

from __future__ import annotations

from ..errors import DesignError
from ..results import Effects, need_effects
from ..results.few_clusters import Choice, choose_by_clusters, lone_cohorts
from .neyman_variance import neyman_variance


def choose_inference(effects: Effects) -> Choice:
    """Choose the method of inference by the clusters behind effects.

    Parameters
    ----------
    effects : Effects

    Returns
    -------
    Choice
        ``.primary``, ``.also``, ``.words``: what to print first, what beside it, why.

    Raises
    ------
    DesignError
        If no cluster is treated.

    References
    ----------
    See ``results.few_clusters``.
    """
    need_effects(effects, "choose_inference")
    design, units = effects.design, effects.units
    lone = () if units is None else lone_cohorts(units.cohort, units.cluster)
    return choose_by_clusters(
        design.n_clusters,
        design.n_treated_clusters,
        linear=design.linear,
        regression=effects.regression is not None,
        by_cohort=_can_be_held_by_cohort(effects),
        lone=tuple(design.step.label(g) for g in lone),
    )


def _can_be_held_by_cohort(effects: Effects) -> bool:
    try:
        neyman_variance(effects)
    except DesignError:
        return False
    return True
