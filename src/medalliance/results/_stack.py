"""Several estimates side by side: of several outcomes, or of the parts of a composition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd
from scipy.linalg import block_diag

from ..errors import DesignError, first_three
from ._estimates import Estimates
from ._influence import CompactInfluence

E = TypeVar("E", bound=Estimates)


def stack_effects(effects: Sequence[E]) -> E:
    """Put estimates of the same units into one, keeping their covariance.

    Parameters
    ----------
    effects : sequence of Effects
        Same units in the same order. Without influence functions the covariance between the
        estimates is not known and is set to zero only if each carries its own variance; then
        tests across them must not be made.

    Returns
    -------
    Effects
        Terms one after the other; ``design.outcome`` joins the names.

    Raises
    ------
    DesignError
        There are no effects, or their units differ.
    """
    if not isinstance(effects, Sequence) or not effects:
        raise DesignError("no effects to stack.\n  Pass a list of Effects of the same units.")
    odd = [type(one).__name__ for one in effects if not hasattr(one, "terms")]
    if odd:
        raise DesignError(
            f"{first_three(odd)} among the effects to stack.\n  Pass a list of Effects."
        )
    first = effects[0]
    if len(effects) == 1:
        return first
    _fail_if_units_differ(effects)
    conventions = list(dict.fromkeys(e.design.std_errors for e in effects))
    if len({(e.by_cohort, e.variance_factor, e.mass_estimated) for e in effects}) > 1:
        raise DesignError(
            "the effects to stack count their errors in different ways: "
            f"{first_three(conventions)}.\n  Give all of them neyman_variance, or none."
        )
    outcomes = list(dict.fromkeys(name for e in effects for name in e.terms["outcome"]))
    masses = [e.mass for e in effects if e.mass is not None]
    overalls = [e.overall_effect for e in effects]
    with_influence = all(e.influence_function is not None for e in effects)
    truths = [np.full(len(e.estimate), np.nan) if e.truth is None else e.truth for e in effects]
    return replace(
        first,
        estimate=np.concatenate([e.estimate for e in effects]),
        terms=pd.concat([e.terms for e in effects], ignore_index=True),
        design=replace(first.design, outcome=", ".join(outcomes)),
        influence_function=(
            np.hstack([np.asarray(e.influence) for e in effects]) if with_influence else None
        ),
        given_vcov=None if with_influence else block_diag(*[e.vcov for e in effects]),
        mass=np.concatenate(masses) if len(masses) == len(effects) else None,
        regression=None,
        refit=None,
        universal=None,
        unit_trend=None,
        tests={},
        treated_clusters=np.concatenate([e.held_by for e in effects]),
        overall_effect=(
            None if any(o is None for o in overalls) else stack_effects([o for o in overalls if o])
        ),
        given_truth=None if all(e.truth is None for e in effects) else np.concatenate(truths),
    )


def split_by_outcome(effects: E) -> list[E]:
    """Take stacked estimates apart, one an outcome, in the order of their terms."""
    column = effects.terms["outcome"]
    return [_select(effects, np.flatnonzero(column == name), str(name)) for name in column.unique()]


def _select(effects: E, index: np.ndarray, name: str) -> E:
    influence = effects.influence_function
    if isinstance(influence, CompactInfluence):
        influence = influence.take(index)
    elif influence is not None:
        influence = influence[:, index]
    overall = effects.overall_effect
    if overall is not None:
        overall = _select(overall, np.flatnonzero(overall.terms["outcome"] == name), name)
    return replace(
        effects,
        estimate=effects.estimate[index],
        terms=effects.terms.iloc[index].reset_index(drop=True),
        design=replace(effects.design, outcome=name),
        influence_function=influence,
        given_vcov=None if influence is not None else effects.vcov[np.ix_(index, index)],
        mass=None if effects.mass is None else effects.mass[index],
        regression=None,
        refit=None,
        universal=None,
        unit_trend=None if effects.unit_trend is None else effects.unit_trend[index],
        treated_clusters=effects.held_by[index],
        overall_effect=overall,
        given_truth=None if effects.truth is None else effects.truth[index],
    )


def _fail_if_units_differ(effects: Sequence[Estimates]) -> None:
    ids = [None if e.units is None else e.units.ids for e in effects]
    reference = ids[0]
    for e, own in zip(effects[1:], ids[1:], strict=True):
        if own is None or reference is None or not own.equals(reference):
            differing = "units are not recorded"
            if own is not None and reference is not None:
                differing = first_three(own.symmetric_difference(reference))
            raise DesignError(
                f"{e.design.outcome} and {effects[0].design.outcome} are estimated on different "
                f"units: {differing}.\n  Keep the units that both have (panel.keep)."
            )
