"""Effects by a trait that treatment cannot move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import block_diag

from ..errors import DesignError, first_three, what_is_wrong
from ..inference._refit import quietly
from ..outcomes import outcome_values
from ..panel import NEVER_TREATED, Panel, need_panel
from ..results import Effects, Units, need_effects
from ..results._cluster import count_clusters
from ._sample import check_anticipation
from ._traits import fixed_trait
from .att_gt import att_gt

Array = NDArray[np.float64]
MOST_GROUPS = 12


def subgroup_effects(
    panel: Panel,
    outcome: str,
    *,
    by: str,
    quantiles: int | None = None,
    estimator: Callable[..., Effects] = att_gt,
    **options: Any,
) -> Effects:
    """Estimate effects within each group of a fixed trait.

    Each group is estimated on its own units, treated and compared, as if the panel held nobody
    else; what is joined is the inference. ``ma.subgroup_test`` tests that groups are equal, with
    their differences and p-values adjusted for looking at all.

    Parameters
    ----------
    panel : Panel
    outcome : str
        Column or registered outcome.
    by : str
        Column or registered outcome: a trait constant in a unit, or, with ``quantiles``, a number
        whose mean before anybody is treated sorts the units.
    quantiles : int, optional
        Into how many groups of about equal size the number is cut.
    estimator : callable
        As ``ma.att_gt``: from a panel and an outcome to Effects with influence functions.
    **options
        Handed to the estimator.

    Returns
    -------
    Effects
        The estimator's terms of each group, one group after the other; ``outcome`` names the
        group. Clusters may hold units of several groups. Averages are taken within groups, and
        ``.overall`` has one term a group. Degrees of freedom are those of the smallest group.

    Raises
    ------
    DesignError
        If the trait moves within a unit, is not known before treatment, or is missing; if there
        is one group, or more than twelve; if a group cannot be estimated, or holds one treated
        cluster.

    References
    ----------
    Callaway, Sant'Anna (2021), section 2: identification holds within values of a pre-treatment
    trait. Bloom, Michalopoulos (2013) for the test before the look at single groups.
    """
    need_panel(panel)
    if by == outcome and quantiles is None:
        raise DesignError(f"{by!r} is the outcome and the trait.\n  Name a trait set before it.")
    check_anticipation(options.get("anticipation", 0))
    if quantiles is None:
        group, labels = fixed_trait(panel, by)
    else:
        anticipation = int(options.get("anticipation", 0))
        group, labels = _quantile_of_pre_period(panel, by, quantiles, anticipation)
    if not 2 <= len(labels) <= MOST_GROUPS:
        raise DesignError(
            f"{by!r} makes {len(labels)} group{'' if len(labels) == 1 else 's'}: "
            f"{first_three(labels)}.\n  Give a trait with 2 to {MOST_GROUPS} values, or quantiles."
        )
    found = []
    for code, label in enumerate(labels):
        part = panel.keep((group == code)[panel.unit_codes])
        found.append(_one_group(part, outcome, f"{by} {label}", estimator, options))
    joined = _join(found, pd.Series(panel.cluster_by_unit, index=panel.units))
    rule: dict[str, Any] = {"by": by, "quantiles": quantiles, "estimator": estimator, **options}
    return replace(
        joined,
        design=replace(
            joined.design, estimator=f"{joined.design.estimator} by {by}", data_hash=panel.data_hash
        ),
        refit=partial(subgroup_effects, outcome=outcome, **rule),
    )


def _quantile_of_pre_period(
    panel: Panel, by: str, quantiles: int, anticipation: int
) -> tuple[NDArray[np.intp], list[str]]:
    """Cut units by the mean of a number before anybody may respond."""
    if not isinstance(quantiles, int | np.integer) or not 2 <= quantiles <= MOST_GROUPS:
        raise DesignError(
            f"quantiles={quantiles!r}.\n  Give a whole number from 2 to {MOST_GROUPS}."
        )
    cohort = panel.cohort_by_unit
    starts = cohort[(cohort != NEVER_TREATED) & ~panel.already_treated]
    first = int(starts.min()) - anticipation if len(starts) else int(panel.years[-1]) + 1
    values = outcome_values(panel, by)
    used = np.isfinite(values) & (panel.years[panel.year_codes] < first)
    count = np.bincount(panel.unit_codes[used], minlength=panel.n_units)
    needed = ~panel.already_treated
    blank = needed & (count == 0)
    if blank.any():
        raise DesignError(
            f"{by!r} is not known before {first}, when treatment starts, for "
            f"{int(blank.sum())} units: {first_three(panel.units[blank])}.\n"
            "  Take a number measured earlier, or leave these units out with panel.keep."
        )
    total = np.bincount(panel.unit_codes[used], values[used], panel.n_units)
    mean = total / np.maximum(count, 1)
    edges = np.quantile(mean[needed], np.arange(1, quantiles) / quantiles)
    if len(np.unique(edges)) < quantiles - 1 or edges[-1] >= mean[needed].max():
        raise DesignError(
            f"{by!r} has too many equal values to make {quantiles} groups.\n  Take fewer."
        )
    place = np.searchsorted(edges, mean, side="left")
    return place, [f"quantile {k + 1} of {quantiles}" for k in range(quantiles)]


def _one_group(
    panel: Panel,
    outcome: str,
    name: str,
    estimator: Callable[..., Effects],
    options: Mapping[str, Any],
) -> Effects:
    """Estimate one group under its own name."""
    try:
        found = quietly(estimator, panel, outcome, **options)
    except DesignError as problem:
        raise DesignError(
            f"{name}: {what_is_wrong(problem)}\n  Join this group to another, or leave it out."
        ) from problem
    need_effects(found, "subgroup_effects")
    if found.influence_function is None or found.units is None:
        raise DesignError(
            f"{found.design.estimator} carries no influence functions, so its groups have no "
            "joint variance.\n  Use att_gt, did_imputation or the like."
        )
    if len(set(found.terms["outcome"])) > 1:
        raise DesignError(
            f"{found.design.estimator} answers for several outcomes at once.\n  Give one outcome."
        )
    if found.design.n_treated_clusters < 2:
        raise DesignError(
            f"{name} has {found.design.n_treated_clusters} treated cluster, so its effect has no "
            "standard error.\n  Join this group to another, or leave it out."
        )
    return _rename(found, f"{outcome}, {name}")


def _rename(effects: Effects, name: str) -> Effects:
    overall = effects.overall_effect
    return replace(
        effects,
        terms=effects.terms.assign(outcome=name),
        design=replace(effects.design, outcome=name),
        overall_effect=None if overall is None else _rename(overall, name),
    )


def _join(found: list[Effects], cluster: pd.Series) -> Effects:
    """Put groups side by side on the union of their units, where others have no influence."""
    units = _union(found, cluster)
    first = found[0].design
    share = [_units(one).weight.sum() / units.weight.sum() for one in found]
    masses = [
        one.mass * part for one, part in zip(found, share, strict=True) if one.mass is not None
    ]
    notes = dict.fromkeys(f"{e.design.outcome}: {note}" for e in found for note in e.design.notes)
    overalls = [one.overall_effect for one in found]
    known = [one for one in overalls if one is not None]
    trends = [one.unit_trend for one in found if one.unit_trend is not None]
    return replace(
        found[0],
        estimate=np.concatenate([one.estimate for one in found]),
        treated_clusters=np.concatenate([one.held_by for one in found]),
        terms=pd.concat([one.terms for one in found], ignore_index=True),
        design=replace(
            first,
            outcome=", ".join(one.design.outcome for one in found),
            n_units=len(units.ids),
            n_obs=sum(one.design.n_obs for one in found),
            n_clusters=count_clusters(units.cluster),
            n_left_out=sum(one.design.n_left_out for one in found),
            n_treated_clusters=min(one.design.n_treated_clusters for one in found),
            dof=min(one.design.dof for one in found),
            notes=tuple(notes),
        ),
        units=units,
        influence_function=_side_by_side(found),
        variance_factor=1.0,
        mass=np.concatenate(masses) if len(masses) == len(found) else None,
        regression=None,
        overall_effect=_join(known, cluster) if len(known) == len(found) else None,
        universal=None,
        unit_trend=np.concatenate(trends) if len(trends) == len(found) else None,
    )


def _units(effects: Effects) -> Units:
    if effects.units is None:
        raise DesignError(f"{effects.design.estimator} carries no units.\n  Use another estimator.")
    return effects.units


def _union(found: list[Effects], cluster: pd.Series) -> Units:
    """Join the units of all groups; clusters are the panel's, which may span groups."""
    parts = [_units(one) for one in found]
    ids = parts[0].ids
    for part in parts[1:]:
        ids = ids.append(part.ids)
    years, observed = parts[0].years, None
    if years is not None:
        years = np.unique(np.concatenate([part.years for part in parts if part.years is not None]))
        observed = np.zeros((len(ids), len(years)), bool)
        start = 0
        for part in parts:
            if part.years is not None and part.observed is not None:
                columns = np.searchsorted(years, part.years)
                observed[start : start + len(part.ids), columns] = part.observed
            start += len(part.ids)
    return Units(
        ids=ids,
        cohort=np.concatenate([part.cohort for part in parts]),
        weight=np.concatenate([part.weight for part in parts]),
        cluster=pd.factorize(cluster.loc[ids].to_numpy())[0].astype(np.intp),
        years=years,
        observed=observed,
        outcome=np.repeat([e.design.outcome for e in found], [len(part.ids) for part in parts]),
    )


def _side_by_side(found: list[Effects]) -> Array:
    """Scale each group's influence, with its small-sample factor, to the mean over all units."""
    n_units = sum(len(_units(one).ids) for one in found)
    scale = [n_units / len(_units(one).ids) * np.sqrt(one.variance_factor) for one in found]
    return block_diag(
        *[factor * np.asarray(one.influence) for one, factor in zip(found, scale, strict=True)]
    )
