"""Effects with Neyman's variance: clusters vary within their cohort."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..panel import NEVER_TREATED
from ..results import NEYMAN, CompactInfluence, Effects
from ..results._cluster import cluster_sums
from ..results.neyman import cohort_groups, neyman_factor
from ._fit import need_two_treated_clusters

Array = NDArray[np.float64]


def neyman_variance(effects: Effects, *, pool_lone_cohorts: bool = False) -> Effects:
    """Return effects whose errors count how clusters vary within their cohort.

    The number of clusters that start in each year is taken as given, as in a roll-out by plan.
    Influence functions are summed by cluster, centred within the cohort, and scaled by the root of
    ``n_h / (n_h - 1)``. t quantiles have Welch's degrees of freedom, term by term.

    Parameters
    ----------
    effects : Effects
        Of any estimator that carries influence functions, before it is averaged: averages made
        before may count the sizes of cohorts as drawn. All units of a cluster start together.
    pool_lone_cohorts : bool
        Whether a cohort of one cluster is held against the mean of itself and the cohort nearest
        in time. Only for the static regression of ``twfe``: estimators that fit each cohort by
        itself leave nothing of such a cluster, and its shocks would be counted by nobody.

    Returns
    -------
    Effects
        The same estimates. Averages, bands and tests made from them keep this variance.

    Raises
    ------
    DesignError
        If the effects carry no influence functions, a cluster mixes cohorts, or a cohort (or the
        never-treated group) has one cluster only.

    References
    ----------
    Neyman (1923). Roth, Sant'Anna (2023). Welch (1947). Cochran (1977), section 5A.12.
    """
    need_two_treated_clusters(effects, "neyman_variance")
    if effects.by_cohort and effects.influence_function is not None:
        return effects
    cohort = _cluster_cohort(effects)
    lone = _lone(cohort)
    if lone and (not pool_lone_cohorts or not _static(effects)):
        raise DesignError(
            f"neyman_variance: one cluster only in cohort {first_three(lone)}, so nothing shows "
            "how its clusters vary.\n  Leave that cohort out, or use randomisation_test."
        )
    if (np.bincount(cohort_groups(cohort)) == 1).any():
        raise DesignError(
            "neyman_variance: one cluster only is never treated, so nothing shows how such "
            "clusters vary.\n  Use the estimator's own errors, or wild_bootstrap."
        )
    found = _by_cohort(effects, cohort)
    if not lone:
        return found
    note = (
        f"One cluster only starts in {first_three(lone)}: for errors it is pooled with the "
        "cohort nearest in time."
    )
    return replace(found, design=replace(found.design, notes=(*found.design.notes, note)))


def held_by_cohort(effects: Effects) -> Effects:
    """Return effects with Neyman's variance where it can be had, or as they are."""
    try:
        return neyman_variance(effects)
    except DesignError:
        return effects


def _lone(cohort: NDArray[np.int64]) -> list[int]:
    """List treated cohorts of one cluster."""
    years, size = np.unique(cohort, return_counts=True)
    return [int(year) for year in years[(size == 1) & (years != NEVER_TREATED)]]


def _static(effects: Effects) -> bool:
    """Tell whether one coefficient is fitted to all cohorts together."""
    return effects.regression is not None and len(effects.estimate) == 1


def _cluster_cohort(effects: Effects) -> NDArray[np.int64]:
    units = effects.units
    if units is None or effects.influence_function is None:
        raise DesignError(
            f"neyman_variance: {effects.design.estimator} carries no influence functions.\n"
            "  Use its own conf_int()."
        )
    mixed = units.ids[units.cohort != units.cluster_cohort[units.cluster]]
    if len(mixed):
        raise DesignError(
            f"neyman_variance: unit {first_three(mixed)} starts in another year than others of "
            "its cluster.\n  Use the estimator's own errors, or cluster where treatment is given."
        )
    return units.cluster_cohort


def _by_cohort(effects: Effects, cohort: NDArray[np.int64]) -> Effects:
    refit, universal, overall = effects.refit, effects.universal, effects.overall_effect
    return replace(
        effects,
        influence_function=_centred(effects, cohort_groups(cohort)),
        variance_factor=1.0,
        mass_estimated=False,
        by_cohort=True,
        design=replace(effects.design, std_errors=NEYMAN),
        refit=None if refit is None else partial(_again, refit),
        universal=None if universal is None else partial(_again, universal),
        overall_effect=None if overall is None else _by_cohort(overall, cohort),
    )


def _again(refit: Callable[..., Effects], *args: Any, **options: Any) -> Effects:
    found = refit(*args, **options)
    return _by_cohort(found, _cluster_cohort(found))


def _centred(effects: Effects, group: NDArray[np.intp]) -> Array | CompactInfluence:
    """Take the mean of a cluster's group from the cluster, in equal parts from its units."""
    influence, units = effects.influence_function, effects.units
    if influence is None or units is None:
        raise DesignError("neyman_variance needs influence functions and units.")
    factor = neyman_factor(group)
    by_unit = factor[group][units.cluster, None]
    mean = cluster_sums(effects.cluster_influence, group) / np.bincount(group)[:, None]
    taken = -len(units.cohort) * factor[:, None] * mean
    part = np.zeros((len(units.cohort), len(factor)))
    part[np.arange(len(part)), group[units.cluster]] = 1 / np.bincount(units.cluster)[units.cluster]
    if not isinstance(influence, CompactInfluence):
        return influence * by_unit + part @ taken
    shared, loadings = part, taken
    if influence.shared is not None and influence.shared_loadings is not None:
        shared = np.hstack([influence.shared * by_unit, part])
        loadings = np.vstack([influence.shared_loadings, taken])
    return replace(
        influence, values=influence.values * by_unit, shared=shared, shared_loadings=loadings
    )
