"""Who enters treatment in a year and who is clean, for local projections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, check_choice, first_three
from ..panel import NEVER_TREATED, Panel
from ._sample import Sample, draw_sample
from ._switching import path_levels

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
MODES = ("first_entry", "stabilised")


class Entries(Protocol):
    """Sides of the comparison of each year of entry."""

    def sides(self, place: int, horizon: int) -> tuple[Bools, Bools]:
        """Return who enters in a year and who is clean through the horizon, (n_units,) each."""


@dataclass(frozen=True, eq=False)
class Absorbing:
    """Treatment that starts in the cohort's year and stays."""

    cohort: NDArray[np.int64]
    years: NDArray[np.int64]
    control_group: str
    anticipation: int

    def sides(self, place: int, horizon: int) -> tuple[Bools, Bools]:
        """Return who enters in a year and who is untreated through the horizon."""
        start = self.years[place]
        never = self.cohort == NEVER_TREATED
        later = self.cohort - self.anticipation > start + max(horizon, 0)
        control = never | later if self.control_group == "not_yet_treated" else never
        return self.cohort == start, control


@dataclass(frozen=True, eq=False)
class _Paths:
    """Running counts of a 0/1 treatment, with a column of zeros before the first year.

    Attributes
    ----------
    treated, changes, hidden : ndarray, shape (n_units, n_years + 1)
        Years treated, changes, and years not known, up to each year.
    enters : ndarray of bool, shape (n_units, n_years)
        Whether treatment is 1 after 0 in the year before.
    """

    treated: Array
    changes: Array
    hidden: Array
    enters: Bools

    def inside(self, counts: Array, first: int, last: int) -> Array:
        """Count what happens from one year to another, both included; none outside the panel."""
        size = counts.shape[1] - 1
        first, last = np.clip([first, last + 1], 0, size)
        return counts[:, max(first, last)] - counts[:, first]

    def known(self, first: int, last: int) -> Bools:
        """Whether no year from one to another is hidden."""
        return self.inside(self.hidden, first, last) == 0


@dataclass(frozen=True, eq=False)
class FirstEntry:
    """Units that enter for the first time and have not left, against those never treated so far."""

    paths: _Paths

    def sides(self, place: int, horizon: int) -> tuple[Bools, Bools]:
        """Return who enters first and stays, and who is untreated, through the horizon."""
        paths, end = self.paths, place + max(horizon, 0)
        known = paths.known(0, end)
        new = paths.enters[:, place] & (paths.inside(paths.treated, 0, place - 1) == 0)
        stays = paths.inside(paths.changes, place + 1, end) == 0
        return new & stays & known, (paths.inside(paths.treated, 0, end) == 0) & known


@dataclass(frozen=True, eq=False)
class Stabilised:
    """Units that enter after untreated years, against those whose treatment has not moved."""

    paths: _Paths
    window: int

    def sides(self, place: int, horizon: int) -> tuple[Bools, Bools]:
        """Return who enters and stays, and whose treatment does not move, through the horizon."""
        paths = self.paths
        back, end = max(self.window, -horizon), place + max(horizon, 0)
        known = paths.known(place - back, end)
        new = paths.enters[:, place] & (paths.inside(paths.treated, place - back, place - 1) == 0)
        stays = paths.inside(paths.changes, place + 1, end) == 0
        last = end if horizon >= 0 else place - 1
        still = paths.inside(paths.changes, place - back, last) == 0
        treated = new & stays & known
        return treated, still & known & ~treated


def read_binary_path(
    panel: Panel, outcome: str, *, covariates: Sequence[str], weights: str | None
) -> tuple[Sample, Array]:
    """Draw the sample of a 0/1 path, its cohorts being the years of the first entry.

    Returns
    -------
    sample : Sample
    level : ndarray, shape (n_units, n_years)
        NaN where not known.

    Raises
    ------
    DesignError
        If the panel has no path, or it takes other values than 0 and 1.
    """
    if panel.path is None:
        raise DesignError(
            "nonabsorbing needs a panel that knows how treatment moved.\n"
            "  Make it with Panel.from_frame(..., path=<0/1 column>)."
        )
    sample = draw_sample(
        panel, outcome, covariates=covariates, weights=weights, keep_already_treated=True, path=True
    )
    level = path_levels(panel, sample, panel.path)
    odd = np.unique(level[np.isfinite(level) & (level != 0) & (level != 1)])
    if len(odd):
        raise DesignError(
            f"lp_did takes a treatment of 0 and 1; {panel.path!r} is {first_three(odd)} too.\n"
            "  Use switching_did, which takes levels."
        )
    enters = _enters(level)
    cohort = np.where(enters.any(axis=1), sample.years[enters.argmax(axis=1)], NEVER_TREATED)
    return replace(sample, cohort=cohort.astype(np.int64)), level


def read_entries(level: Array, mode: str, stable_after: int | None) -> Entries:
    """Read entries of a 0/1 treatment that may end.

    Parameters
    ----------
    level : ndarray, shape (n_units, n_years)
    mode : {"first_entry", "stabilised"}
    stable_after : int or None

    Raises
    ------
    DesignError
        If the mode is unknown, or ``stable_after`` does not go with it.
    """
    check_choice("nonabsorbing", mode, MODES)
    whole = isinstance(stable_after, int | np.integer) and stable_after >= 1
    if whole != (mode == "stabilised"):
        raise DesignError(
            f"nonabsorbing={mode!r} with stable_after={stable_after!r}.\n"
            '  Give the years after which effects are stable with "stabilised", and none else.'
        )
    before = np.logical_or.accumulate(np.isfinite(level), axis=1)
    filled = np.where(before, level, 0.0)  # before a unit is first seen it counts as untreated
    change = np.abs(np.diff(filled, axis=1, prepend=0.0))
    paths = _Paths(
        treated=_running(np.nan_to_num(filled)),
        changes=_running(np.nan_to_num(change)),
        hidden=_running(np.isnan(filled) * 1.0),
        enters=_enters(level),
    )
    return FirstEntry(paths) if mode == "first_entry" else Stabilised(paths, int(stable_after or 0))


def _enters(level: Array) -> Bools:
    enters = np.zeros(level.shape, bool)
    enters[:, 1:] = (level[:, 1:] == 1) & (level[:, :-1] == 0)
    return enters


def _running(values: Array) -> Array:
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
