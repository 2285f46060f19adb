"""Donors and adopters of the synthetic methods, and how they are drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..panel import NEVER_TREATED, Panel
from ..results._cluster import cluster_sums
from ._synthetic import Array, Method, SyntheticFit, synthetic_fit

Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Side:
    """Units of one side.

    Attributes
    ----------
    rows : ndarray, shape (n_units, n_years)
        Outcomes.
    weight : ndarray, shape (n_units,)
    cluster : ndarray of intp, shape (n_units,)
    """

    rows: Array
    weight: Array
    cluster: Codes

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: Codes) -> Side:
        """Return these units, each as often as it is named."""
        return Side(self.rows[index], self.weight[index], self.cluster[index])

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(np.unique(self.cluster))

    @property
    def share(self) -> Array:
        """Weight of each unit in the mean of the side, shape (n_units,)."""
        return self.weight / self.weight.sum()

    @property
    def mean(self) -> Array:
        """Weighted mean by year, shape (n_years,)."""
        if (self.weight == self.weight[0]).all():
            return np.asarray(self.rows.mean(axis=0))
        return self.share @ self.rows


@dataclass(frozen=True, eq=False)
class Blocks:
    """Donors and adopters of a balanced panel.

    Attributes
    ----------
    donors : Side
    adopters : dict of int to Side
        By cohort.
    years : ndarray of int, shape (n_years,)
    donor_ids : Index, shape (n_donors,)
        Of the panel's donors, before any draw.
    """

    donors: Side
    adopters: dict[int, Side]
    years: NDArray[np.int64]
    donor_ids: pd.Index

    @property
    def sides(self) -> list[Side]:
        """Donors, then adopters by date."""
        return [self.donors, *self.adopters.values()]

    @property
    def sizes(self) -> dict[int, float]:
        """Weight of the adopters of each date."""
        return {g: float(side.weight.sum()) for g, side in self.adopters.items()}

    @property
    def n_adopters(self) -> int:
        """Number of adopters."""
        return sum(map(len, self.adopters.values()))

    @property
    def cluster(self) -> Codes:
        """Cluster of every unit, donors first, numbered as they come."""
        joined = np.concatenate([side.cluster for side in self.sides])
        return pd.factorize(joined)[0].astype(np.intp)

    def drawn(self, indices: list[Codes]) -> Blocks:
        """Return the blocks of these units of each side."""
        sides = [side.take(index) for side, index in zip(self.sides, indices, strict=True)]
        return replace(
            self, donors=sides[0], adopters=dict(zip(self.adopters, sides[1:], strict=True))
        )


def donors_only(panel: Panel, donors: Sequence[Any] | None) -> Panel:
    """Leave out never-treated units that are not named; None names all.

    Raises
    ------
    DesignError
        If a name is no never-treated unit.
    """
    if donors is None:
        return panel
    if isinstance(donors, str):
        donors = (donors,)
    never = panel.cohort_by_unit == NEVER_TREATED
    unknown = [name for name in donors if name not in panel.units[never]]
    if unknown or not len(donors):
        raise DesignError(
            f"no never-treated unit {first_three(unknown) if unknown else 'is named'}.\n"
            "  Name donors by their unit, as panel.units writes them."
        )
    return panel.keep((~never | panel.units.isin(list(donors)))[panel.unit_codes])


def fit_all(blocks: Blocks, method: Method) -> dict[int, SyntheticFit]:
    """Fit every adoption date."""
    donors = blocks.donors
    return {
        g: synthetic_fit(
            donors.rows,
            side.rows,
            int(np.sum(blocks.years < g)),
            method,
            mean=side.mean,
            donor_share=donors.share,
        )
        for g, side in blocks.adopters.items()
    }


def in_order(side: Side, order: Codes) -> Codes:
    """List the units of a side with its clusters in this order."""
    code = pd.factorize(side.cluster)[0]
    return np.concatenate([np.flatnonzero(code == c) for c in order])


def placebo(blocks: Blocks, members: Codes) -> Blocks:
    """Give the first donors in this order the adopters' dates."""
    adopters, start = {}, 0
    for g, side in blocks.adopters.items():
        adopters[g] = blocks.donors.take(members[start : start + len(side)])
        start += len(side)
    return replace(blocks, donors=blocks.donors.take(members[start:]), adopters=adopters)


def resample(blocks: Blocks, rng: np.random.Generator) -> Blocks:
    """Draw clusters with replacement until every date keeps an adopter and donors remain."""
    code = blocks.cluster
    size, edges = int(code.max()) + 1, np.cumsum([len(side) for side in blocks.sides])
    starts = np.r_[0, edges[:-1]]
    while True:
        times = np.bincount(rng.integers(0, size, size), minlength=size)
        drawn = np.repeat(np.arange(len(code)), times[code])
        parts = np.split(drawn, np.searchsorted(drawn, edges[:-1]))
        if min(len(part) for part in parts) > 0:
            break
    return blocks.drawn([part - start for part, start in zip(parts, starts, strict=True)])


def resample_cohorts(blocks: Blocks, rng: np.random.Generator) -> Blocks:
    """Draw one cluster fewer than there are, with replacement, in every block by itself."""

    def some(side: Side) -> Codes:
        code, found = pd.factorize(side.cluster)
        chosen = rng.integers(0, len(found), len(found) - 1)
        return np.concatenate([np.flatnonzero(code == c) for c in chosen])

    adopters = [some(side) for side in blocks.adopters.values()]
    return blocks.drawn([some(blocks.donors), *adopters])


def leave_out(blocks: Blocks, cluster: int) -> tuple[Blocks, Codes]:
    """Leave out one cluster; return the rest with the places of the donors that stay."""
    parts = np.split(blocks.cluster, np.cumsum([len(side) for side in blocks.sides])[:-1])
    kept = [np.flatnonzero(part != cluster) for part in parts]
    return blocks.drawn(kept), kept[0]


def repath(fit: SyntheticFit, donors: Side, weights: Array, treated: Side) -> SyntheticFit:
    """Fit anew with donors' weights rescaled and time weights kept."""
    total = weights.sum()
    weights = weights / total if total > 0 else np.full(len(weights), 1.0 / len(weights))
    synthetic = weights @ donors.rows
    gap = treated.mean - synthetic
    path = gap - fit.time_weights @ gap[: len(fit.time_weights)]
    return SyntheticFit(weights, fit.time_weights, path, synthetic, fit.ridge)


def by_cluster(values: Array, side: Side) -> Array:
    """Add up values, shape (n_units,), within clusters of a side."""
    code, found = pd.factorize(side.cluster)
    if len(found) == len(side):
        return values
    return cluster_sums(values[:, None], code.astype(np.intp), len(found))[:, 0]
