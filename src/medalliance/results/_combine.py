"""Linear combinations of effects as one term."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ._estimates import Estimates
from ._terms import terms_frame

E = TypeVar("E", bound=Estimates)
Array = NDArray[np.float64]


def average_truth(truth: Array | None, weights: Array) -> Array | None:
    """Average true effects, shape (k,), by weights, shape (k, m); NaN where one is not known."""
    if truth is None:
        return None
    known = np.isfinite(truth)
    lacking = np.any((weights != 0) & ~known[:, None], axis=0)
    return np.where(lacking, np.nan, np.where(known, truth, 0.0) @ weights)


def one_term(effects: E, estimate: float, influence: Array | None, weights: Array) -> E:
    """Make one term of effects by weights, shape (k,); estimated again, it is their overall."""
    refit = effects.refit
    counts = effects.terms["n_units"]
    return replace(
        effects,
        estimate=np.array([estimate]),
        terms=terms_frame(
            effects.design.outcome,
            ["overall"],
            n_units=None if counts.isna().all() else [int(counts.max())],
        ),
        influence_function=None if influence is None else influence[:, None],
        given_vcov=None,
        mass=None,
        regression=None,
        refit=None if refit is None else partial(_overall_again, refit),
        overall_effect=None,
        universal=None,
        unit_trend=None,
        given_truth=average_truth(effects.truth, weights[:, None]),
        treated_clusters=effects.held_by[weights != 0].max(keepdims=True),
    )


def _overall_again(refit: Callable[..., Any], *args: Any, **options: Any) -> Any:
    return refit(*args, **options).overall


def combine_effects(effects: E, weights: Array) -> E:
    """Combine terms by weights, shape (k,), with their influence or their variance."""
    estimate, used = float(weights @ effects.estimate), weights != 0
    if effects.influence_function is not None:
        return one_term(effects, estimate, effects.project(weights[:, None])[:, 0], weights)
    variance = np.atleast_2d(weights[used] @ effects.vcov[np.ix_(used, used)] @ weights[used])
    return replace(one_term(effects, estimate, None, weights), given_vcov=variance)


def combine_terms(effects: E, weights: Array) -> E:
    """Combine terms so that another estimate is combined by the same names.

    Raises
    ------
    DesignError
        Later, if the other estimate lacks a term.
    """
    named = dict(zip(effects.terms["term"], weights, strict=True))
    refit = effects.refit
    again = None if refit is None else partial(_combined_again, refit, named)
    return replace(combine_effects(effects, weights), refit=again)


def _combined_again(
    refit: Callable[..., E], named: dict[str, float], *args: Any, **options: Any
) -> E:
    found = refit(*args, **options)
    names = list(found.terms["term"])
    lost = [name for name, weight in named.items() if weight and name not in names]
    if lost:
        raise DesignError(f"no effect {first_three(lost)} there.\n  Combine other terms.")
    return combine_terms(found, np.array([named.get(name, 0.0) for name in names]))
