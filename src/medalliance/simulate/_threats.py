"""Every threat to identification as a switch on a drawn world."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ._world import World, assign, stream

Array = NDArray[np.float64]


def _by_prefecture(world: World, values: Array) -> Array:
    total = np.bincount(world.prefecture, weights=values)
    return np.asarray(total / np.bincount(world.prefecture))


def _assigned(world: World, seed: int) -> World:
    return replace(world, cohort=assign(world, seed))


def _treated(world: World) -> Array:
    return (world.cohort > 0).astype(float)[:, None]


def _since(world: World) -> NDArray[np.int64]:
    return np.where(world.cohort[:, None] > 0, world.years - world.cohort[:, None], -99)


def _het_dynamic(world: World, seed: int) -> World:
    return replace(world, dynamic=True)


def _anticipation(world: World, seed: int) -> World:
    return replace(world, before=0.06)


def _select_on_level(world: World, seed: int) -> World:
    """Rich places reform first, and spending grows more slowly where it is rich."""
    noise = stream(seed, "select").normal(0, 0.5, int(world.prefecture.max()) + 1)
    rank = _by_prefecture(world, world.fiscal) + noise
    trend = np.arange(len(world.years)) * world.fiscal[:, None]
    return replace(
        world, cohort=assign(world, seed, rank=rank), log_cost=world.log_cost - 0.010 * trend
    )


def _select_on_shock(world: World, seed: int) -> World:
    """Prefectures reform in the year after a dear one; the shock itself passes."""
    n_pref, t = int(world.prefecture.max()) + 1, len(world.years)
    shock = stream(seed, "dip").normal(0, 0.06, (n_pref, t))
    by_pref = np.zeros(n_pref, np.int64)
    size = max(1, round(0.2 * n_pref))
    for k in (t // 3, t // 2, (2 * t) // 3):
        free = np.flatnonzero(by_pref == 0)
        worst = free[np.argsort(-shock[free, k - 1])[:size]]
        by_pref[worst] = world.years[k]
    return replace(
        world, cohort=by_pref[world.prefecture], log_cost=world.log_cost + shock[world.prefecture]
    )


def _covid(world: World, seed: int) -> World:
    """Visits fall in 2020 to 2022, most where many used to leave; such places reform more."""
    noise = stream(seed, "covid").normal(0, 0.3, int(world.prefecture.max()) + 1)
    rank = _by_prefecture(world, world.out_exposure) + noise
    hit = np.isin(world.years, (2020, 2021, 2022)) * (0.5 + world.out_exposure[:, None])
    appeal = world.appeal.copy()
    appeal[:, :, 3] -= 0.3 * hit
    return replace(
        world,
        cohort=assign(world, seed, rank=rank),
        appeal=appeal,
        log_volume=world.log_volume - 0.10 * hit,
        employee_visits=world.employee_visits - 0.15 * hit,
    )


def _coreform(world: World, seed: int) -> World:
    """Case payment comes to most reforming prefectures a year later, and to some others."""
    n_pref = int(world.prefecture.max()) + 1
    draw = stream(seed, "drg")
    treated = np.zeros(n_pref, bool)
    treated[world.prefecture[world.cohort > 0]] = True
    has = np.where(treated, draw.random(n_pref) < 0.85, draw.random(n_pref) < 0.4)
    start = draw.integers(world.years[len(world.years) // 3], world.years[-2] + 1, n_pref)
    own = np.zeros(n_pref, np.int64)
    own[world.prefecture] = world.cohort
    start = np.where(treated, own + 1, start)
    on = (has[:, None] & (world.years >= start[:, None]))[world.prefecture].astype(float)
    return replace(
        world,
        drg=on,
        log_cost=world.log_cost - 0.06 * on,
        employee_visits=world.employee_visits - 0.06 * on,
    )


def _spillover(world: World, seed: int) -> World:
    return replace(world, leak=0.08)


def _pooling(world: World, seed: int) -> World:
    """One fund a prefecture: its counties share large shocks that last."""
    n_pref, t = int(world.prefecture.max()) + 1, len(world.years)
    shared = stream(seed, "pool").normal(0, 0.03, (n_pref, t)).cumsum(axis=1)
    return replace(world, log_cost=world.log_cost + shared[world.prefecture])


def _def_break(world: World, seed: int) -> World:
    """Linked village clinics are counted: in reforming counties soon, elsewhere now and then."""
    n, t = world.shape
    draw = stream(seed, "linkage")
    start = draw.integers(world.years[t // 3], world.years[-1] + 1, n)
    linked = draw.random(n) < np.where(world.cohort > 0, 0.7, 0.4)
    start = np.where(world.cohort > 0, world.cohort + draw.integers(0, 2, n), start)
    on = linked[:, None] & (world.years >= start[:, None])
    return replace(world, visit_def=np.where(on, 2.0, 1.0))


def _few_treated(world: World, seed: int) -> World:
    return replace(world, cohort=assign(world, seed, few=True))


def _pt_scale(world: World, seed: int) -> World:
    """Treated counties start low, all drift alike on the logit: levels cannot be parallel."""
    t = np.arange(len(world.years))
    appeal = world.appeal.copy()
    treated = _treated(world)
    appeal[:, :, 1:3] += (1.0 - 1.6 * treated + 0.08 * t)[:, :, None]
    return replace(world, appeal=appeal)


def _factors(world: World, seed: int) -> World:
    """Two waves reach all counties, those that reform more: no trend, and no common path."""
    t = np.arange(len(world.years))
    waves = 0.10 * np.stack([np.cos(2 * np.pi * t / 9), np.sin(2 * np.pi * t / 5)])
    answer = stream(seed, "factors").normal(0, 1, (len(world.cohort), 2)) + _treated(world)
    return replace(world, log_cost=world.log_cost + answer @ waves)


Switch = Callable[[World, int], World]
THREATS: dict[str, Switch] = {
    "select_on_level": _select_on_level,
    "select_on_shock": _select_on_shock,
    "covid": _covid,
    "few_treated": _few_treated,
    "het_dynamic": _het_dynamic,
    "anticipation": _anticipation,
    "coreform": _coreform,
    "spillover": _spillover,
    "pooling": _pooling,
    "def_break": _def_break,
    "pt_scale": _pt_scale,
    "factors": _factors,
}
_ASSIGN = ("select_on_level", "select_on_shock", "covid", "few_treated")


def apply_threats(world: World, threats: Iterable[str], seed: int) -> World:
    """Assign cohorts, then switch threats on, those that choose cohorts first.

    Raises
    ------
    DataError
        If a threat is unknown, or two of them choose the cohorts.
    """
    names = [threats] if isinstance(threats, str) else list(threats)
    unknown = [name for name in names if name not in THREATS]
    if unknown:
        raise DataError(f"no threat {', '.join(unknown)}.\n  Choose from {', '.join(THREATS)}.")
    choosing = [name for name in names if name in _ASSIGN]
    if len(choosing) > 1:
        raise DataError(
            f"{' and '.join(choosing)} both choose who reforms when.\n  Switch on one of them."
        )
    world = _assigned(world, seed)
    for name, switch in THREATS.items():
        if name in names:
            world = switch(world, seed)
    return replace(world, switches=tuple(name for name in THREATS if name in names))
