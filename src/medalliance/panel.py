"""The panel: unit by year, checked on entry and frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .provenance import Badge

NEVER_TREATED = 0


@dataclass(frozen=True, eq=False)
class Panel:
    """A unit-by-year table that knows its unit, year, cohort, cluster and weight.

    Attributes
    ----------
    frame : DataFrame, shape (n_obs, n_columns)
        Sorted by unit, then year, with a ``RangeIndex``. A copy: never the caller's frame.
    unit, year, cohort : str
        Column names. ``cohort`` is the first treated year, ``NEVER_TREATED`` (0) if never.
    cluster : str or None
        Column that names the cluster of a unit; ``None`` clusters by unit.
    weight : str or None
        Column of unit weights, constant in a unit; ``None`` weights units equally.
    currency : str
        ``"CNY"`` or ``"USD"``; money columns are in its main unit.
    badge : Badge
        Kind of evidence; travels to every figure and table made from the panel.
    """

    frame: pd.DataFrame
    unit: str
    year: str
    cohort: str
    cluster: str | None = None
    weight: str | None = None
    currency: str = "CNY"
    badge: Badge = field(default=Badge.YOURS)

    @cached_property
    def _unit_factor(self) -> tuple[NDArray[np.intp], pd.Index]:
        return pd.factorize(self.frame[self.unit])

    @property
    def unit_codes(self) -> NDArray[np.intp]:
        """Unit of each row as a code, shape (n_obs,), 0..n_units-1 in sorted order."""
        return self._unit_factor[0]

    @property
    def units(self) -> pd.Index:
        """Unit labels, shape (n_units,)."""
        return self._unit_factor[1]

    @cached_property
    def years(self) -> NDArray[np.int64]:
        """Distinct years in order, shape (n_years,)."""
        return np.unique(self.frame[self.year].to_numpy(np.int64))

    @cached_property
    def year_codes(self) -> NDArray[np.intp]:
        """Year of each row as a code into ``years``, shape (n_obs,)."""
        return np.searchsorted(self.years, self.frame[self.year].to_numpy(np.int64))

    @cached_property
    def first_rows(self) -> NDArray[np.intp]:
        """First row of each unit, shape (n_units,)."""
        return np.flatnonzero(np.r_[True, np.diff(self.unit_codes) != 0])

    @cached_property
    def cohort_by_unit(self) -> NDArray[np.int64]:
        """First treated year of each unit, 0 if never, shape (n_units,)."""
        return self.frame[self.cohort].to_numpy(np.int64)[self.first_rows]

    @cached_property
    def weight_by_unit(self) -> NDArray[np.float64]:
        """Weight of each unit, shape (n_units,); ones without a weight column."""
        if self.weight is None:
            return np.ones(len(self.units))
        return self.frame[self.weight].to_numpy(float)[self.first_rows]

    @cached_property
    def cluster_by_unit(self) -> NDArray[np.intp]:
        """Cluster code of each unit, shape (n_units,); the unit itself without a cluster column."""
        if self.cluster is None:
            return np.arange(len(self.units))
        return pd.factorize(self.frame[self.cluster].to_numpy()[self.first_rows])[0]

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.units)

    @property
    def is_balanced(self) -> bool:
        """Whether every unit is seen in every year."""
        return len(self.frame) == self.n_units * len(self.years)
