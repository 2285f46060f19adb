"""Imputation on arrays: fit untreated rows, average what is left, trace every row's influence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError
from ..results import CompactInfluence
from ..results._cluster import cluster_sums
from ._regression import invert_gram
from ._sample import Sample
from ._within import TwoWay

Array = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Cells:
    """Treated cells, one a cohort and year.

    Attributes
    ----------
    group, year : ndarray of intp, shape (k,)
        Places of the cohort and of the year.
    size : ndarray, shape (k,)
        Weight of the rows in the cell.
    means : ndarray, shape (1 + n_covariates, k)
        Mean gap of the outcome (the effect), then of each covariate.
    multipliers : ndarray, shape (n_years, k)
        How a residual of each year moves the cell's prediction.
    identified : ndarray of bool, shape (k,)
        Whether untreated rows predict the cell.
    """

    group: Ints
    year: Ints
    size: Array
    means: Array
    multipliers: Array
    identified: NDArray[np.bool_]

    def keep(self, rows: NDArray[np.bool_]) -> Cells:
        """Return some of the cells."""
        return Cells(
            self.group[rows],
            self.year[rows],
            self.size[rows],
            self.means[:, rows],
            self.multipliers[:, rows],
            self.identified[rows],
        )


@dataclass(frozen=True, eq=False)
class Imputation:
    """A fit on untreated rows.

    Attributes
    ----------
    sample : Sample
    group : ndarray of intp, shape (n_units,)
        Cohort of each unit, in the order of the distinct cohorts.
    treated : ndarray of bool, shape (n_cohorts, n_years)
    """

    sample: Sample
    group: Ints
    treated: NDArray[np.bool_]

    @cached_property
    def weight(self) -> Array:
        """Weight of each row, zero where not seen, shape (n_units, n_years)."""
        return self.sample.weight[:, None] * self.sample.mask

    @cached_property
    def untreated(self) -> Array:
        """Weight of each untreated row, shape (n_units, n_years)."""
        return np.where(self.treated[self.group], 0.0, self.weight)

    @cached_property
    def effects(self) -> TwoWay:
        """Unit and year effects of untreated rows."""
        return TwoWay(self.untreated)

    def gaps_of(self, grids: Array) -> Array:
        """Take out of other columns what untreated rows predict, covariates' part included.

        Parameters
        ----------
        grids : ndarray, shape (p, n_units, n_years)

        Returns
        -------
        ndarray, shape (p, n_units, n_years)
        """
        gaps = np.empty(grids.shape)
        for place, grid in enumerate(grids):
            unit, year = self.effects.effects(grid)
            gaps[place] = (grid - unit[:, None] - year) * self.sample.mask
        covariates = self.gaps[1:]
        if not len(covariates):
            return gaps
        weighted = (covariates * self.untreated).reshape(len(covariates), -1)
        gram = weighted @ covariates.reshape(len(covariates), -1).T
        slopes = np.linalg.solve(gram, weighted @ gaps.reshape(len(gaps), -1).T)
        return gaps - np.einsum("qp,qit->pit", slopes, covariates)

    def cell_means(self, gaps: Array, cells: Cells) -> Array:
        """Average columns, shape (p, n_units, n_years), over cells, shape (p, k)."""
        sums = [cluster_sums(self.weight * gap, self.group, len(self.treated)) for gap in gaps]
        return np.stack(sums)[:, cells.group, cells.year] / cells.size

    @cached_property
    def _fitted(self) -> tuple[Array, Array, Array]:
        sample = self.sample
        grids = [sample.outcome, *sample.covariates]
        gaps = np.empty((len(grids), *sample.outcome.shape))
        for place, grid in enumerate(grids):
            unit, year = self.effects.effects(grid)
            np.subtract(grid, unit[:, None], out=gaps[place])
            gaps[place] -= year
            if sample.seen is not None:
                gaps[place] *= sample.seen
        if len(grids) == 1:
            return gaps, np.empty((sample.n_units, 0)), np.empty(0)
        flat = gaps[1:].reshape(len(grids) - 1, -1)
        weighted = flat * self.untreated.ravel()
        raw = np.einsum("pit,it->p", sample.covariates**2, self.untreated)
        inverse = invert_gram(weighted @ flat.T, sample.names, raw)
        slopes = inverse @ (weighted @ gaps[0].ravel())
        gaps[0] -= np.tensordot(slopes, gaps[1:], axes=1)
        scores = np.einsum("pit,it->ip", gaps[1:], self.untreated * gaps[0], optimize=True)
        return gaps, sample.n_units * scores @ inverse, slopes

    @property
    def gaps(self) -> Array:
        """Outcome, then covariates, less what untreated rows predict.

        Shape (1 + n_covariates, n_units, n_years); the outcome's is less its covariates' part.
        """
        return self._fitted[0]

    @property
    def scores(self) -> Array:
        """Influence of the covariates' slopes, shape (n_units, n_covariates)."""
        return self._fitted[1]

    @property
    def slopes(self) -> Array:
        """Slopes of the covariates, shape (n_covariates,)."""
        return self._fitted[2]

    def cells(self) -> Cells:
        """Average gaps over treated cells.

        Raises
        ------
        DesignError
            If nobody is treated, or untreated rows predict no cell.
        """
        sample = self.sample
        places = np.argwhere(self.treated)
        folded = np.zeros((len(sample.years), len(places)))
        size = np.zeros(len(places))
        means = np.zeros((len(self.gaps), len(places)))
        for code in np.unique(places[:, 0]):
            mine = np.flatnonzero(places[:, 0] == code)
            rows = np.flatnonzero(self.group == code)
            part = self.weight[np.ix_(rows, places[mine, 1])]
            size[mine] = part.sum(axis=0)
            share = part / np.where(size[mine] > 0, size[mine], 1.0)
            spread = self.untreated[rows] / self.effects.unit_total[rows, None]
            folded[:, mine] = spread.T @ share
            inside = self.gaps[:, rows][:, :, places[mine, 1]]
            means[:, mine] = np.einsum("ij,pij->pj", share, inside)
        year_side = np.zeros_like(folded)
        year_side[places[:, 1], np.arange(len(places))] = 1.0
        multipliers, identified = self.effects.year_multipliers(folded, year_side)
        found = Cells(places[:, 0], places[:, 1], size, means, multipliers, identified)
        found = found.keep(size > 0)
        if not len(found.group):
            raise DesignError(
                f"no unit is treated between {sample.years[0]} and {sample.years[-1]}.\n"
                "  Check the cohort column."
            )
        if not found.identified.any():
            raise DesignError(
                "no treated year has a unit that is not yet treated, so nothing predicts it.\n"
                "  Take units that join later or never, or end the panel earlier."
            )
        return found

    def influence(self, cells: Cells) -> CompactInfluence:
        """Trace untreated residuals through the year multipliers, treated rows about their cell."""
        n_units, count = self.sample.n_units, np.arange(len(cells.group))
        centre = np.zeros(self.treated.shape)
        centre[cells.group, cells.year] = cells.means[0]
        values = (self.gaps[0] - centre[self.group]) * self.weight
        loadings = np.where(self.treated[:, :, None], 0.0, -n_units * cells.multipliers)
        loadings[cells.group, cells.year, count] = n_units / cells.size
        if not self.scores.shape[1]:
            return CompactInfluence(values, self.group, loadings)
        return CompactInfluence(values, self.group, loadings, self.scores, -cells.means[1:])
