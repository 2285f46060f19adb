"""The truth: effects that were put into a simulated panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, first_three

if TYPE_CHECKING:
    import pandas as pd


_THE_EFFECT = frozenset({"overall", "treated", "total", "without mediators"})


@dataclass(frozen=True, eq=False)
class Truth:
    """True effects of a simulated panel.

    Attributes
    ----------
    cells : DataFrame
        ``outcome, cohort, year, att, n_units``: mean effect on the units of a cohort in a year,
        in the outcome's unit; shares are 0 to 1.
    """

    cells: pd.DataFrame

    def knows(self, outcome: str) -> bool:
        """Return whether the true effect on an outcome is known."""
        return bool((self.cells["outcome"] == outcome).any())

    def by_event(self, outcome: str, *, horizon: int | None = None) -> pd.Series:
        """Return the true effect by years since treatment, averaged over units.

        Parameters
        ----------
        outcome : str
        horizon : int, optional
            Last event time; by default the last that any cohort is seen.

        Raises
        ------
        DataError
            If no effect on the outcome is known.
        """
        rows = self._rows(outcome)
        rows = rows.assign(event_time=rows["year"] - rows["cohort"])
        if horizon is not None:
            rows = rows[rows["event_time"] <= horizon]
        total = (rows["att"] * rows["n_units"]).groupby(rows["event_time"]).sum()
        return total / rows.groupby("event_time")["n_units"].sum()

    def effect(self, outcome: str, *, horizon: int | None = None) -> float:
        """Return the true effect: the mean over treated rows, or over years 0 to a horizon.

        Parameters
        ----------
        outcome : str
        horizon : int, optional
            Average event times 0 to this one, each cohort counted where it is seen throughout.

        Raises
        ------
        DataError
            If no effect on the outcome is known.
        """
        rows = self._rows(outcome)
        if horizon is not None:
            last = rows.groupby("cohort")["year"].transform("max")
            rows = rows[last >= rows["cohort"] + horizon]
            rows = rows[rows["year"] - rows["cohort"] <= horizon]
        return float(np.average(rows["att"], weights=rows["n_units"]))

    def of_terms(self, terms: pd.DataFrame) -> NDArray[np.float64]:
        """Return the true effect of estimated terms, shape (k,); NaN where it is not known.

        Terms are cells (cohort and year), event times, or by their name the effect itself: then
        the mean over treated rows. Other terms (what moved along with pay, a first stage) have no
        truth here. Before treatment it is not known: some responded already, or nobody did.

        Parameters
        ----------
        terms : DataFrame
            ``outcome term cohort year event_time`` of each, as ``terms_frame`` makes them.
        """
        att = self.cells.set_index(["outcome", "cohort", "year"])["att"]
        found = np.full(len(terms), np.nan)
        rows = terms[["outcome", "term", "cohort", "year", "event_time"]].itertuples(index=False)
        blank = terms[["cohort", "year", "event_time"]].isna().to_numpy()
        for place, ((outcome, term, cohort, year, event), bare) in enumerate(
            zip(rows, blank, strict=True)
        ):
            if not self.knows(outcome):
                continue
            if not bare[:2].any():
                found[place] = att.get((outcome, int(cohort), int(year)), np.nan)
            elif not bare[2]:
                found[place] = self.by_event(outcome).get(int(event), np.nan)
            elif bare.all() and term in _THE_EFFECT:
                found[place] = self.effect(outcome)
        return found

    def within(self, cohort: ArrayLike, year: ArrayLike) -> Truth | None:
        """Return the truth of some rows of the panel; None where a cell lost some of its units.

        Parameters
        ----------
        cohort, year : array_like of int, shape (n_rows,)
            Of the rows that are kept.
        """
        import pandas as pd

        seen = pd.DataFrame({"cohort": np.asarray(cohort), "year": np.asarray(year)})
        counted = seen.value_counts().rename("n_kept").reset_index()
        cells = self.cells.merge(counted, on=["cohort", "year"], how="inner")
        if (cells["n_kept"] != cells["n_units"]).any():
            return None
        return Truth(cells.drop(columns="n_kept"))

    def _rows(self, outcome: str) -> pd.DataFrame:
        rows = self.cells[self.cells["outcome"] == outcome]
        if rows.empty:
            known = first_three(self.cells["outcome"].unique())
            raise DataError(f"no true effect on {outcome} is known.\n  Known: {known}.")
        return rows
