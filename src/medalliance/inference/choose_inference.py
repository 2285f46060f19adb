"""Choice of inference for finished effects."""

from __future__ import annotations

from ..errors import DesignError
from ..results import Effects, need_effects
from .choose import Choice, choose_by_clusters
from .neyman_variance import neyman_variance

_NONLINEAR = ("poisson", "logit", "probit", "multinomial", "fractional")


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
    See ``inference.choose``.
    """
    need_effects(effects, "choose_inference")
    design = effects.design
    return choose_by_clusters(
        design.n_clusters,
        design.n_treated_clusters,
        linear=not any(word in design.estimator for word in _NONLINEAR),
        regression=effects.regression is not None,
        by_cohort=_can_be_held_by_cohort(effects),
    )


def _can_be_held_by_cohort(effects: Effects) -> bool:
    try:
        neyman_variance(effects)
    except DesignError:
        return False
    return True
