"""Unit and year effects: the within transformation and its adjoint, written once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TwoWay:
    """Unit and year effects of a weighted unit-by-year table, solved exactly.

    Unit effects are eliminated, which leaves a system as large as the number of years (the Schur
    complement of the normal equations). On a complete table with unit weights that system has a
    closed form.

    Attributes
    ----------
    weight : ndarray, shape (n_units,) or (n_units, n_years)
        Unit weights of a complete table, or a weight a cell, zero where a unit is not seen.
    """

    weight: Array

    @property
    def complete(self) -> bool:
        """Whether every cell is seen, with weights by unit alone."""
        return self.weight.ndim == 1

    @cached_property
    def unit_total(self) -> Array:
        """Weight of each unit, shape (n_units,); one where a unit has none."""
        total = self.weight.sum(axis=1)
        return np.where(total > 0, total, 1.0)

    @cached_property
    def year_system(self) -> Array:
        """The system that is left for year effects, shape (n_years, n_years)."""
        crossed = self.weight.T @ (self.weight / self.unit_total[:, None])
        return np.diag(self.weight.sum(axis=0)) - crossed

    @cached_property
    def year_inverse(self) -> Array:
        """Generalised inverse of ``year_system``."""
        scale = np.sqrt(np.maximum(np.diag(self.year_system), 0))
        scale = np.where(scale > 0, scale, 1.0)
        scaled = self.year_system / np.outer(scale, scale)
        return np.linalg.pinv(scaled, rcond=1e-11, hermitian=True) / np.outer(scale, scale)

    def effects(self, values: Array) -> tuple[Array, Array]:
        """Fit ``values = unit effect + year effect`` by weighted least squares.

        Parameters
        ----------
        values : ndarray, shape (n_units, n_years)
            Zero where a unit is not seen.

        Returns
        -------
        unit_effect : ndarray, shape (n_units,)
        year_effect : ndarray, shape (n_years,)
        """
        if self.complete:
            year = self.weight @ values / self.weight.sum()
            return values.mean(axis=1) - year.mean(), year
        unit_mean = np.einsum("it,it->i", self.weight, values) / self.unit_total
        right = np.einsum("it,it->t", self.weight, values) - self.weight.T @ unit_mean
        year = self.year_inverse @ right
        return unit_mean - (self.weight @ year) / self.unit_total, year

    def residual(self, values: Array) -> Array:
        """Take unit and year effects out; zero where a unit is not seen.

        Parameters
        ----------
        values : ndarray, shape (n_units, n_years)

        Returns
        -------
        ndarray, shape (n_units, n_years)
        """
        unit, year = self.effects(values)
        left = values - unit[:, None]
        left -= year
        if not self.complete:
            left *= self.weight > 0
        return left

    def year_multipliers(
        self, unit_side: Array, year_side: Array
    ) -> tuple[Array, NDArray[np.bool_]]:
        """Solve the adjoint system for linear combinations of the effects.

        For a target ``sum_i unit_side_i a_i + sum_t year_side_t b_t`` of the fitted effects, the
        estimate's influence through residual ``e_it`` is ``w_it (lambda_i + mu_t) e_it``. The
        ``lambda`` part sums to zero within each unit, so only ``mu`` is needed.

        Parameters
        ----------
        unit_side : ndarray, shape (n_years, m)
            ``sum_i w_is unit_side_i / w_i.`` for each year ``s``.
        year_side : ndarray, shape (n_years, m)

        Returns
        -------
        mu : ndarray, shape (n_years, m)
        identified : ndarray of bool, shape (m,)
            Whether the target is a function of what is observed.
        """
        right = year_side - unit_side
        mu = self.year_inverse @ right
        gap = np.abs(self.year_system @ mu - right).max(axis=0)
        return mu, gap <= 1e-8 * np.maximum(np.abs(year_side).max(axis=0), 1e-300)
