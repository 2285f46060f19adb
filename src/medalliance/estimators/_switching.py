"""Changing treatments on arrays: who switches when, compared with whom, with which influence.

References
----------
De Chaisemartin, D'Haultfoeuille (2024), "Difference-in-Differences Estimators of Intertemporal
Treatment Effects", Review of Economics and Statistics 106(6): equations 3 and 5 (effects), section
3.2 (normalised, cost and benefit), section 3.3 (variance), section 4.1 (placebos).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..outcomes import outcome_values
from ..panel import Panel
from ._sample import Sample

Array = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
NEVER = np.iinfo(np.intp).max


def path_levels(panel: Panel, sample: Sample, column: str) -> Array:
    """Lay a treatment's level out as the sample is, NaN where it is not known.

    Raises
    ------
    DesignError
        If it is missing where the outcome is known.
    """
    if (np.diff(sample.years) != 1).any():
        gap = sample.years[:-1][np.diff(sample.years) != 1]
        raise DesignError(
            f"no unit is seen right after {first_three(panel.say(year) for year in gap)}, so "
            "changes cannot be dated.\n"
            "  Name the time between rows: Panel.from_frame(..., step=...)."
        )
    units = panel.units.get_indexer(sample.ids)
    years = np.searchsorted(panel.years, sample.years)
    level = panel.grid(outcome_values(panel, column))[np.ix_(units, years)]
    blank = sample.mask & ~np.isfinite(level)
    if blank.any():
        rows = np.argwhere(blank)
        names = first_three(f"{sample.ids[i]} in {sample.years[t]}" for i, t in rows)
        raise DesignError(
            f"{column!r} is missing for {names}.\n"
            "  Fill it, or leave these rows out with panel.keep."
        )
    return level


@dataclass(frozen=True, eq=False)
class Paths:
    """Treatment paths with each unit's first change.

    Attributes
    ----------
    level : ndarray, shape (n_units, n_years)
        Treatment; NaN where it is not known.
    first : ndarray of intp, shape (n_units,)
        Place of the year of the first change; ``NEVER`` if there is none.
    sign : ndarray of intp, shape (n_units,)
        1 if the first change is a rise, -1 if it is a fall, 0 if there is none.
    base : ndarray of intp, shape (n_units,)
        Code of the first level.
    usable : ndarray of bool, shape (n_units, n_years)
        False from the year in which a unit has been above and below its first level, and where
        the date of the first change is hidden by missing years.
    """

    level: Array
    first: Ints
    sign: Ints
    base: Ints
    usable: Bools

    @cached_property
    def baseline(self) -> Array:
        """First level that is known, shape (n_units,)."""
        known = np.isfinite(self.level)
        return self.level[np.arange(len(self.level)), known.argmax(axis=1)]

    @cached_property
    def cohort(self) -> Ints:
        """Code of the first level, the year of the change and the level then, shape (n_units,)."""
        never = self.first == NEVER
        at = np.where(never, 0, self.first)
        level = np.where(never, 0.0, self.level[np.arange(len(at)), at])
        keys = np.column_stack([self.base, self.first, level])
        return np.unique(keys, axis=0, return_inverse=True)[1].astype(np.intp)


def read_paths(level: Array) -> Paths:
    """Find the first change of each path.

    Parameters
    ----------
    level : ndarray, shape (n_units, n_years)
        NaN where not known; at least one year of each unit is.
    """
    n_units = len(level)
    known = np.isfinite(level)
    start = known.argmax(axis=1)
    baseline = level[np.arange(n_units), start]
    change = known & (level != baseline[:, None])
    changes = change.any(axis=1)
    first = np.where(changes, change.argmax(axis=1), NEVER)
    at = np.where(changes, first, 0)
    sign = np.sign(np.where(changes, level[np.arange(n_units), at] - baseline, 0.0)).astype(np.intp)
    above = np.logical_or.accumulate(known & (level > baseline[:, None]), axis=1)
    below = np.logical_or.accumulate(known & (level < baseline[:, None]), axis=1)
    usable = ~(above & below)
    hidden = changes & ~known[np.arange(n_units), np.maximum(at - 1, 0)]
    for unit in np.flatnonzero(hidden):
        last = np.flatnonzero(known[unit, : first[unit]])[-1]
        usable[unit, last + 1 :] = False
        first[unit], sign[unit] = NEVER, 0
    return Paths(level, first, sign, np.unique(baseline, return_inverse=True)[1], usable)


@dataclass(frozen=True, eq=False)
class Horizon:
    """Estimate of one horizon.

    Attributes
    ----------
    estimate : float
        Mean effect of having left the first level for so many years, signed so that it is the
        effect of more treatment.
    influence : ndarray, shape (n_units,)
        Scaled so that its mean is the estimate's error.
    n_switchers : int
    weight : float
        Weight of the switchers.
    dose : float
        Mean over switchers of the treatment added up since the change.
    last_dose : float
        Mean over switchers of the treatment in the last year.
    """

    estimate: float
    influence: Array
    n_switchers: int
    weight: float
    dose: float
    last_dose: float


@dataclass(frozen=True, eq=False)
class Switching:
    """Outcomes and paths of a design.

    Attributes
    ----------
    outcome : ndarray, shape (n_units, n_years)
    seen : ndarray of bool, shape (n_units, n_years)
    weight : ndarray, shape (n_units,)
    cluster : ndarray of intp, shape (n_units,)
    paths : Paths
    only_never : bool
        Whether controls never change.
    """

    outcome: Array
    seen: Bools
    weight: Array
    cluster: Ints
    paths: Paths
    only_never: bool

    def horizon(
        self, length: int, signs: Sequence[int], *, placebo: bool = False
    ) -> Horizon | None:
        """Compare switchers with units of the same first level that have not changed yet.

        Parameters
        ----------
        length : int
            Years since the year before the change: 1 in the year of the change. A placebo goes
            back as many years from the year before the change, for the same switchers.
        signs : sequence of {1, -1}
            Rises, falls, or both.
        placebo : bool

        Returns
        -------
        Horizon or None
            None if there is no such switcher with a control.
        """
        change, known = self._changes(length, placebo)
        found = [self._one_sign(change, known, length, sign) for sign in signs]
        parts = [(part, sign) for part, sign in zip(found, signs, strict=True) if part is not None]
        if not parts:
            return None
        total = sum(part.weight for part, _ in parts)
        share = [part.weight / total for part, _ in parts]
        return Horizon(
            estimate=sum(s * k * p.estimate for s, (p, k) in zip(share, parts, strict=True)),
            influence=np.sum(
                [s * k * p.influence for s, (p, k) in zip(share, parts, strict=True)], axis=0
            ),
            n_switchers=sum(part.n_switchers for part, _ in parts),
            weight=total,
            dose=sum(s * k * p.dose for s, (p, k) in zip(share, parts, strict=True)),
            last_dose=sum(s * k * p.last_dose for s, (p, k) in zip(share, parts, strict=True)),
        )

    def _changes(self, length: int, placebo: bool) -> tuple[Array, Bools]:
        """Change of the outcome up to each year, zero where not known; whether it is known."""
        n_years = self.outcome.shape[1]
        known = np.zeros(self.outcome.shape, bool)
        change = np.zeros(self.outcome.shape)
        seen = self.seen & self.paths.usable
        base = slice(length, n_years - length) if placebo else slice(0, n_years - length)
        other = slice(0, n_years - 2 * length) if placebo else slice(length, n_years)
        at = slice(2 * length if placebo else length, n_years)
        if at.start >= n_years:
            return change, known
        known[:, at] = seen[:, base] & seen[:, other] & seen[:, at]
        change[:, at] = self.outcome[:, other] - self.outcome[:, base]
        change[~known] = 0.0
        return change, known

    def _one_sign(self, change: Array, known: Bools, length: int, sign: int) -> Horizon | None:
        n_units, n_years = change.shape
        paths, row = self.paths, np.arange(n_units)
        control = known & (paths.first[:, None] > np.arange(n_years))
        if self.only_never:
            control &= (paths.first == NEVER)[:, None]
        n_bases = int(paths.base.max()) + 1
        controls = _sums(self.weight[:, None] * control, paths.base, n_bases)
        at = np.where(paths.first == NEVER, n_years, paths.first - 1 + length)
        inside = (paths.sign == sign) & (at < n_years)
        place = np.where(inside, at, 0)
        switch = inside & known[row, place] & (controls[paths.base, place] > 0)
        switch &= self.weight > 0
        total = float(self.weight[switch].sum())
        if not switch.any():
            return None
        who, when = np.flatnonzero(switch), place[switch]
        treated = np.zeros_like(controls)
        np.add.at(treated, (paths.base[who], when), self.weight[who])
        pull = -np.divide(treated, controls, out=np.zeros_like(controls), where=controls > 0)
        pull = pull[paths.base] * control
        pull[who, when] += 1.0
        pull *= self.weight[:, None] / total
        used = pull != 0
        unit, year = np.nonzero(used)
        flat = pull[unit, year], change[unit, year]
        residual = self._residuals(flat[1], unit, year, switch[unit] & (year == place[unit]))
        influence = n_units * np.bincount(unit, flat[0] * residual, n_units)
        dose, last = self._doses(who, when)
        share = self.weight[who] / total
        return Horizon(
            estimate=float(flat[0] @ flat[1]),
            influence=influence,
            n_switchers=len(who),
            weight=total,
            dose=float(share @ dose),
            last_dose=float(share @ last),
        )

    def _residuals(self, change: Array, unit: Ints, year: Ints, switches: Bools) -> Array:
        """Hold changes against the mean of their cohort, with its degrees of freedom.

        Switchers of a cohort share the first level, the year of the change and the level then;
        controls share the first level. Where a cohort is one cluster, all of the year are taken.
        """
        n_cells = (int(self.paths.base.max()) + 1) * self.outcome.shape[1]
        wide = self.paths.base[unit] * self.outcome.shape[1] + year
        narrow = np.where(switches, n_cells + self.paths.cohort[unit], wide)
        weight, cluster = self.weight[unit], self.cluster[unit]
        single = int(self.cluster.max()) + 1 == len(self.cluster)
        result = change.copy()
        own, own_count = _means(change, weight, narrow, None if single else cluster)
        every, every_count = _means(change, weight, wide, None if single else cluster)
        many = own_count[narrow] >= 2
        shared = ~many & (every_count[wide] >= 2)
        result[many] -= own[narrow[many]]
        result[many] *= _correction(own_count)[narrow[many]]
        result[shared] -= every[wide[shared]]
        result[shared] *= _correction(every_count)[wide[shared]]
        return result

    def _doses(self, who: Ints, when: Ints) -> tuple[Array, Array]:
        """Treatment added since the first change, in sum and in the last year."""
        gap = self.paths.level[who] - self.paths.baseline[who, None]
        year = np.arange(gap.shape[1])
        since = (year >= self.paths.first[who, None]) & (year <= when[:, None])
        total = np.where(since & np.isfinite(gap), gap, 0.0).sum(axis=1)
        return total, np.nan_to_num(gap[np.arange(len(who)), when])


def _sums(values: Array, codes: Ints, size: int) -> Array:
    out = np.zeros((size, values.shape[1]))
    for code in range(size):
        out[code] = values[codes == code].sum(axis=0)
    return out


def _means(values: Array, weight: Array, codes: Ints, cluster: Ints | None) -> tuple[Array, Ints]:
    """Weighted mean of each group, and its number of clusters (of rows without clusters)."""
    total = np.bincount(codes, weight)
    mean = np.bincount(codes, weight * values) / np.where(total > 0, total, 1.0)
    if cluster is None:
        return mean, np.bincount(codes)
    width = int(cluster.max(initial=0)) + 1
    pairs = np.unique(codes * width + cluster)
    return mean, np.bincount(pairs // width, minlength=len(mean))


def _correction(count: Ints) -> Array:
    return np.sqrt(count / np.maximum(count - 1, 1))
