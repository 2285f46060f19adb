"""Sensitivity of an event study to violations of parallel trends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError, first_three, listed_numbers
from ..results import Effects, findings_of, need_effects
from ..show.findings import Findings
from ..show.plots import widening
from ._event_time import EventStudy, read_event_study
from .relative_magnitude import relative_magnitude_interval
from .smoothness import smoothness_interval

Interval = tuple[float, float]
Arrays = tuple[NDArray[np.float64], NDArray[np.float64], int, NDArray[np.float64]]


def honest_did(
    effects: Effects,
    *,
    relative_magnitude: Iterable[float] | None = None,
    smoothness: Iterable[float] | None = None,
    event_time: int | None = None,
    level: float = 0.95,
    null: float = 0.0,
    seed: int = 0,
) -> Findings:
    """Compute intervals that stay valid when parallel trends fails by at most a bound.

    Parameters
    ----------
    effects : Effects
        Event study with a universal base period: ``twfe(..., event_study=True)``, ``att_gt(...,
        base_period="universal").aggregate("event_time")``, or ``did_imputation(...,
        pretrends=True).aggregate("event_time")``, whose coefficients are first held against the
        last year before treatment.
    relative_magnitude : iterable of float, optional
        Bounds ``Mbar``: a step of the violation after treatment is at most this multiple of the
        largest step before. Conditional least-favourable hybrid intervals.
    smoothness : iterable of float, optional
        Bounds ``M`` on the change of slope of the violation between years, in the outcome's unit.
        Fixed-length intervals.
    event_time : int, optional
        Target; the average over event times from 0 without it.
    level : float
        The methods take normal quantiles. Where the effects have t quantiles, the variance is
        widened so that no violation gives the interval of the effects.
    null : float
        Value for the breakdown bound.
    seed : int

    Returns
    -------
    Findings, columns ``restriction bound conf_low conf_high``
        ``.breakdown`` maps each restriction to the largest bound whose interval leaves ``null``
        out (0.0 if none does, infinite beyond 1,000 times the scale of the data); ``.target``,
        ``.level``, ``.original`` (the interval under parallel trends) and ``.reading`` say what is
        shown.

    Raises
    ------
    DesignError
        If neither restriction is given, the base period is not universal, event times have gaps, or
        the target is not among them.

    References
    ----------
    Rambachan, Roth (2023). Roth (2024), why the base must be universal.
    """
    need_effects(effects, "honest_did")
    if effects.universal is not None:
        effects = effects.universal()
    study = _check(effects)
    n_pre, post = study.n_pre, study.event_time > study.reference
    contrast, target = _target(study.event_time[post], event_time)
    study = _with_t_quantiles(study, effects, contrast, level)
    arrays = (study.estimate, study.vcov, n_pre, contrast)
    finders: dict[str, Callable[[float], Interval]] = {
        "relative_magnitude": lambda m: relative_magnitude_interval(
            *arrays, m, level=level, seed=seed
        ),
        "smoothness": lambda m: _fixed_length(arrays, m, level),
    }
    asked = {"relative_magnitude": relative_magnitude, "smoothness": smoothness}
    bounds = {
        name: listed_numbers(name, values) for name, values in asked.items() if values is not None
    }
    if not any(bounds.values()):
        raise DesignError(
            "no restriction is given.\n"
            "  Pass relative_magnitude=(0.5, 1, 2) or smoothness=(0, 0.01)."
        )
    rows = [
        (name, bound, *finders[name](bound)) for name, values in bounds.items() for bound in values
    ]
    table = pd.DataFrame(rows, columns=["restriction", "bound", "conf_low", "conf_high"])
    scale = {"relative_magnitude": 1.0, "smoothness": float(np.sqrt(np.diag(study.vcov)).mean())}
    breakdown = {name: _breakdown(finders[name], scale[name], null) for name in bounds}
    return findings_of(
        effects.design,
        table,
        f"Intervals of the {target} on {effects.design.outcome} if parallel trends fails",
        draw=widening if len(bounds) == 1 else None,
        breakdown=breakdown,
        target=target,
        level=level,
        original=_original(study, contrast, level),
        reading=_reading(breakdown, target, level, null),
    )


def _check(effects: Effects) -> EventStudy:
    if effects.design.base_period == "two-point":
        raise DesignError(
            "honest_did: with two reference years a straight violation shows in no effect, so "
            "nothing bounds it.\n  Use effects with a never-treated or later-treated group, as "
            'att_gt(..., base_period="universal").aggregate("event_time").'
        )
    if effects.design.base_period != "universal":
        raise DesignError(
            f"honest_did needs a universal base period; {effects.design.estimator} has "
            f"{effects.design.base_period or 'none'}.\n"
            '  Use att_gt(..., base_period="universal").aggregate("event_time"), '
            "twfe(..., event_study=True), or did_imputation(..., pretrends=True)."
        )
    study = read_event_study(effects, need="honest_did")
    expected = np.arange(study.event_time.min(), study.event_time.max() + 1)
    gaps = sorted(set(expected) - set(study.event_time) - {study.reference})
    if gaps or not study.n_pre:
        lack = f"no event time {first_three(gaps)}" if gaps else "no event time before the base"
        raise DesignError(
            f"honest_did: {lack}.\n  Take effects with consecutive event times on both sides of "
            "the base."
        )
    return study


def _target(post: NDArray[np.int64], event_time: int | None) -> tuple[NDArray[np.float64], str]:
    if event_time is None:
        chosen = post >= 0
        last = int(post.max(initial=-1))
        target = f"average effect over event times 0 to {last}"
    else:
        chosen = post == event_time
        target = f"effect at event time {event_time}"
    if not chosen.any():
        raise DesignError(
            f"no {target}.\n  Event times after the base are {', '.join(map(str, post))}."
        )
    return chosen / chosen.sum(), target


def _with_t_quantiles(
    study: EventStudy, effects: Effects, contrast: NDArray[np.float64], level: float
) -> EventStudy:
    """Widen the variance so that normal quantiles give the t interval of the target."""
    weight = dict(zip(study.event_time[study.n_pre :].tolist(), contrast, strict=True))
    event = effects.terms["event_time"].to_numpy(np.int64)
    dof = effects.combine(np.array([weight.get(int(time), 0.0) for time in event])).dof[0]
    if not np.isfinite(dof):
        return study
    ratio = stats.t.ppf((1 + level) / 2, dof) / stats.norm.ppf((1 + level) / 2)
    return replace(study, vcov=study.vcov * ratio**2)


def _original(study: EventStudy, contrast: NDArray[np.float64], level: float) -> Interval:
    """Return the interval under parallel trends."""
    post, vcov = study.estimate[study.n_pre :], study.vcov[study.n_pre :, study.n_pre :]
    centre = float(contrast @ post)
    half = float(stats.norm.ppf((1 + level) / 2) * np.sqrt(contrast @ vcov @ contrast))
    return centre - half, centre + half


def _fixed_length(arrays: Arrays, bound: float, level: float) -> Interval:
    found = smoothness_interval(*arrays, bound, level=level)
    return found.centre - found.half_length, found.centre + found.half_length


def _breakdown(find: Callable[[float], Interval], scale: float, null: float) -> float:
    """Find the largest bound whose interval leaves the null out, to four digits."""

    def excludes(bound: float) -> bool:
        low, high = find(bound)
        return not low <= null <= high

    if not excludes(0.0):
        return 0.0
    low, high = 0.0, scale
    while excludes(high):
        low, high = high, 2 * high
        if high > 1_000 * scale:
            return float("inf")
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if excludes(middle) else (low, middle)
    return low


def _reading(breakdown: dict[str, float], target: str, level: float, null: float) -> str:
    """Write what the breakdown bounds say, and no more."""
    meaning = {
        "relative_magnitude": "steps of the violation after treatment are at most {} times the "
        "largest one seen before",
        "smoothness": "the slope of the violation changes by at most {} a period",
    }
    sentences = []
    for name, bound in breakdown.items():
        if bound == 0:
            sentences.append(
                f"The {100 * level:g} % interval of the {target} contains {null:g} at a bound of 0 "
                f"({name.replace('_', ' ')})."
            )
        else:
            sentences.append(
                f"The {100 * level:g} % interval of the {target} leaves {null:g} out if "
                f"{meaning[name].format(f'{bound:.3g}')}."
            )
    return " ".join(sentences)
