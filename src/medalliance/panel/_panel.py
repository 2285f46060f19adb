"""The ``Panel`` class: one row a unit and year, sorted, checked and frozen."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, DesignError, first_three, raise_problems
from ..provenance import Badge, Provenance
from . import _checks
from ._inspect import NEVER_TREATED, inspect
from ._path import first_changes, need_frame, read_level
from ._people import from_people
from ._time import YEARLY, TimeStep, check_step, gap_line
from ._truth import Truth

YOURS = Provenance(Badge.YOURS, "the panel that you loaded", "CNY")
_SAID = {
    Badge.REAL: "the records that the panel was made from",
    Badge.YOURS: YOURS.source,
    Badge.SYNTHETIC: "invented counties with known effects",
    Badge.ILLUSTRATIVE: "numbers chosen to show a method",
}


def cohorts_within(
    cohort: NDArray[np.int64], last_year: int, *, anticipation: int = 0
) -> NDArray[np.int64]:
    """Return cohorts as the years up to the last one show them.

    Units that start, less the anticipation, after the last year are never treated in the window.

    Parameters
    ----------
    cohort : ndarray of int
    last_year : int
    anticipation : int

    >>> cohorts_within(np.array([0, 2019, 2021, 2022]), 2020, anticipation=1)
    array([   0, 2019, 2021,    0])
    """
    return np.where(cohort - anticipation > last_year, NEVER_TREATED, cohort)


def need_panel(value: object) -> None:
    """Refuse what is not a panel, saying how one is made.

    Raises
    ------
    DesignError
    """
    if not isinstance(value, Panel):
        raise DesignError(
            f"a Panel is needed, not a {type(value).__name__}.\n"
            "  Make one: ma.Panel.from_frame(df, unit=..., year=..., cohort=...), or "
            'ma.load_panel("mine.csv").'
        )


@dataclass(frozen=True, eq=False)
class Panel:
    """A unit-by-year table that knows its unit, year, cohort, cluster and weight.

    Make one with :meth:`from_frame` or :func:`load_panel`, which check and sort it.

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
    provenance : Provenance
        Kind of evidence, source and currency (an ISO 4217 code; money columns are in its
        main unit). It travels to every result, figure and table made from the panel.
    truth : Truth or None
        True effects, where the panel is simulated; None where nobody knows them.
    step : TimeStep
        What time is counted in. The columns ``year`` and ``cohort`` of ``frame`` hold whole
        numbers of steps, so that event time is their difference; years stand as they are, and
        :meth:`say` writes any time as people do.
    path : str or None
        Column of a treatment that may change more than once; ``cohort`` is its first change.
    area : str or None
        In a repeated cross-section the column of groups that treatment reaches. Then each row is
        a unit, a person seen once, and ``unit`` numbers rows.
    """

    frame: pd.DataFrame
    unit: str
    year: str
    cohort: str
    cluster: str | None = None
    weight: str | None = None
    provenance: Provenance = YOURS
    truth: Truth | None = None
    step: TimeStep = YEARLY
    path: str | None = None
    area: str | None = None

    @classmethod
    def from_frame(
        cls,
        df: pd.DataFrame,
        *,
        unit: str,
        year: str,
        cohort: str | None = None,
        cluster: str | None = None,
        weight: str | None = None,
        treatment: str | None = None,
        path: str | None = None,
        currency: str = "CNY",
        badge: Badge | str = Badge.YOURS,
        source: str = "",
        truth: Truth | None = None,
        step: str | int | None = None,
        repeated_cross_section: bool = False,
    ) -> Self:
        """Check a table with any column names, returning it as a panel.

        Parameters
        ----------
        df : DataFrame, shape (n_obs, n_columns)
            One row a unit and year, in any order. It is not changed.
        unit, year : str
            Columns that together name a row.
        cohort : str, optional
            First treated year, 0 (or infinity) if never. Without it, the ``treatment`` column
            gives the cohort.
        cluster, weight : str, optional
            Cluster, constant in a unit, and positive weight. A weight that moves over years is
            taken by ``att_gt(..., fix_weights=...)`` and refused by name elsewhere.
        treatment : str, optional
            A 0/1 column to check: it must be absorbing and agree with ``cohort``.
        path : str, optional
            The treatment's level in each year, in place of ``cohort`` and ``treatment``: it may
            start, stop, return and have sizes. The cohort is the year of its first change, for
            ``switching_did`` and ``lp_did``.
        currency : str
            ISO 4217 code of the columns of money, such as ``"CNY"`` or ``"GBP"``.
        badge : Badge or str
            Kind of evidence.
        source : str, optional
            Where the table comes from, as it is printed below figures and tables.
        truth : Truth, optional
            True effects of a simulated table.
        step : {"year", "quarter", "month"} or int, optional
            What time is counted in. Without it the cells say so: whole numbers are years;
            ``2012Q1``, ``2012-03``, ``2012年3月``, ``201203``, dates and pandas periods are read
            as quarters or months (dates as the coarsest unit that tells them apart). An integer
            counts whole numbers, that many in a step: ``step=2`` for a panel of every second
            year (event time 1 is then two years), ``step=1`` for any other numbers. A cohort
            between two times is first treated at the second.
        repeated_cross_section : bool
            Whether rows are people asked once, in place of units seen again. ``unit`` then names
            the area that treatment reaches (the county, not the person), which has many rows a
            year and one cohort; rows are clustered by it unless ``cluster`` says otherwise, and
            ``weight`` is each person's. For ``att_gt``, ``etwfe`` and ``twfe``.

        Returns
        -------
        Panel

        Raises
        ------
        DataError
            Every problem of the table at once.

        Warns
        -----
        PanelWarning
            If a unit has a year missing between two years that are seen, or all units have; if
            units differ by blanks or leading zeros alone.
        """
        if repeated_cross_section:
            if path is not None or treatment is not None:
                raise DataError(
                    "panel: a repeated cross-section takes cohort=, not path= or treatment=.\n"
                    "  Give each area the year in which treatment reaches it."
                )
            return from_people(  # type: ignore[no-any-return]
                cls.from_frame, df, unit, year=year, cohort=cohort, cluster=cluster,
                weight=weight, currency=currency, badge=badge, source=source, truth=truth,
                step=step,
            )  # fmt: skip
        if path is not None:
            return _from_path(  # type: ignore[return-value]
                cls.from_frame, df, path, (cohort, treatment), unit=unit, year=year,
                cluster=cluster, weight=weight, currency=currency, badge=badge,
                source=source, truth=truth, step=step,
            )  # fmt: skip
        return _build(  # type: ignore[return-value]
            cls,
            df,
            {"unit": unit, "year": year, "cohort": cohort, "cluster": cluster, "weight": weight},
            treatment,
            Provenance(Badge(badge), source or _SAID[Badge(badge)], currency),
            truth,
            step,
        )

    @property
    def badge(self) -> Badge:
        """Kind of evidence."""
        return self.provenance.badge

    @property
    def source(self) -> str:
        """Where the numbers come from."""
        return self.provenance.source

    @property
    def currency(self) -> str:
        """Currency of the columns of money, an ISO 4217 code."""
        return self.provenance.currency

    def say(self, time: int | np.integer) -> str:
        """Write a time (an entry of ``years`` or a cohort) as people do: 2015, 2015Q3, 2015-07."""
        return self.step.label(time)

    @cached_property
    def _unit_factor(self) -> tuple[NDArray[np.intp], pd.Index]:
        codes, units = pd.factorize(self.frame[self.unit])
        return codes, pd.Index(units)

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
        return np.sort(pd.unique(self.frame[self.year].to_numpy(np.int64)))

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
        """Weight of each unit, shape (n_units,); ones without a weight column.

        Raises
        ------
        DesignError
            If the weight moves over time.
        """
        if self.weight is None:
            return np.ones(len(self.units))
        values = self.frame[self.weight].to_numpy(float)
        first = values[self.first_rows]
        moves = values != first[self.unit_codes]
        if moves.any():
            shown = first_three(self.units[np.unique(self.unit_codes[moves])])
            raise DesignError(
                f"the weight {self.weight!r} moves over time for {shown}, and this method takes "
                "one weight a unit.\n  Use att_gt(..., fix_weights=...), or give each unit the "
                "weight of its first year."
            )
        return first

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

    @cached_property
    def already_treated(self) -> NDArray[np.bool_]:
        """Whether a unit was treated when first seen, shape (n_units,): it has no pre-period.

        In a repeated cross-section, when its cohort was first seen.
        """
        first_seen = self.years[self.year_codes[self.first_rows]]
        if self.area is not None:
            code = np.unique(self.cohort_by_unit, return_inverse=True)[1]
            earliest = np.full(int(code.max(initial=0)) + 1, first_seen.max(initial=0))
            np.minimum.at(earliest, code, first_seen)
            first_seen = earliest[code]
        return (self.cohort_by_unit != NEVER_TREATED) & (self.cohort_by_unit <= first_seen)

    @property
    def n_already_treated(self) -> int:
        """Number of units without a pre-period, which estimators leave out of effects."""
        return int(self.already_treated.sum())

    @cached_property
    def data_hash(self) -> str:
        """Short SHA-256 of the panel's values, for the foot of tables."""
        digest = hashlib.sha256("|".join(map(str, self.frame.columns)).encode())
        for _, column in self.frame.items():
            if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
                digest.update(np.ascontiguousarray(column.to_numpy()))  # type: ignore[arg-type]
            else:
                digest.update(pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes())
        return digest.hexdigest()[:12]

    def grid(self, values: ArrayLike) -> NDArray[np.float64]:
        """Lay a value a row out as units by years, NaN where a unit is not seen.

        Parameters
        ----------
        values : array_like, shape (n_obs,)

        Returns
        -------
        ndarray, shape (n_units, n_years)
        """
        flat = np.asarray(values, dtype=np.float64)
        if self.is_balanced:
            return flat.reshape(self.n_units, len(self.years)).copy()
        out = np.full((self.n_units, len(self.years)), np.nan)
        out[self.unit_codes, self.year_codes] = flat
        return out

    def keep(self, rows: ArrayLike) -> Panel:
        """Return the panel of the rows where a mask is true.

        Parameters
        ----------
        rows : array_like of bool, shape (n_obs,)
        """
        mask = np.asarray(rows, dtype=bool)
        frame = self.frame[mask].reset_index(drop=True)
        truth = self.truth and self.truth.within(frame[self.cohort], frame[self.year])
        return replace(self, frame=frame, truth=truth)

    def with_columns(self, **columns: ArrayLike) -> Panel:
        """Return the panel with columns added or replaced, each of shape (n_obs,).

        True effects are known no more once a column is replaced.
        """
        replaced = any(name in self.frame.columns for name in columns)
        truth = None if replaced else self.truth
        return replace(self, frame=self.frame.assign(**columns), truth=truth)

    def cohort_table(self) -> pd.DataFrame:
        """Return who is treated when, one row a cohort, those never treated first.

        Returns
        -------
        DataFrame
            ``cohort units clusters times_before times_after``.
        """
        rows = []
        for cohort in np.unique(self.cohort_by_unit):
            mine, never = self.cohort_by_unit == cohort, cohort == NEVER_TREATED
            rows.append(
                {
                    "cohort": "never" if never else self.say(cohort),
                    "units": int(mine.sum()),
                    "clusters": len(np.unique(self.cluster_by_unit[mine])),
                    "times_before": int((never | (self.years < cohort)).sum()),
                    "times_after": int((~never & (self.years >= cohort)).sum()),
                }
            )
        return self.provenance.carried_by(pd.DataFrame(rows))

    def __repr__(self) -> str:
        if self.area is not None:
            areas = self.frame[self.area].nunique()
            return (
                f"Panel({self.n_units:,} people in {areas:,} areas x {len(self.years)} years, "
                f"repeated cross-section; area={self.area!r}, year={self.year!r}, "
                f"cohort={self.cohort!r}, cluster={self.cluster!r}, weight={self.weight!r}, "
                f"badge={self.badge.value})"
            )
        shape = "balanced" if self.is_balanced else "unbalanced"
        return (
            f"Panel({self.n_units:,} units x {len(self.years)} years, {shape}; unit={self.unit!r}, "
            f"year={self.year!r}, cohort={self.cohort!r}, cluster={self.cluster!r}, "
            f"weight={self.weight!r}, badge={self.badge.value})"
        )


def _build(
    cls: type[Panel],
    df: pd.DataFrame,
    roles: dict[str, str | None],
    treatment: str | None,
    provenance: Provenance,
    truth: Truth | None,
    step: str | int | None,
) -> Panel:
    """Run every check on a caller's frame, then sort a copy of it into a panel."""
    need_frame(df)
    check_step(step)
    lines = _problems_of_names(df, roles, treatment)
    if not re.fullmatch("[A-Z]{3}", provenance.currency):
        lines.append(f"currency {provenance.currency!r} is no ISO 4217 code (CNY, USD, GBP, …).")
    raise_problems(lines, where="panel", advice="Name the columns as they stand in the table.")

    unit, year = str(roles["unit"]), str(roles["year"])
    if roles["cohort"] is None:
        df = _add_cohort(df, unit, year, str(treatment), step)
        roles = {**roles, "cohort": "cohort"}
    cohort = str(roles["cohort"])
    found = inspect(df, roles, treatment, step=step)
    advice = "Row numbers count from 1 in the table as given. Correct the table and load it again."
    # an infinite value stops who uses its column, not the panel
    stops = [item.line for item in found.problems if item.code != "E129"]
    raise_problems(stops, where="panel", advice=advice)

    frame = found.frame.reset_index(drop=True)
    frame[year] = found.keys.years
    frame[cohort] = found.keys.cohorts
    panel = cls(
        frame, unit, year, cohort, roles["cluster"], roles["weight"], provenance, truth,
        found.keys.step,
    )  # fmt: skip
    panel.__dict__["_unit_factor"] = (found.keys.unit_codes, found.keys.units)
    _warn_of_what_is_odd(panel)
    return panel


def _from_path(
    make: Callable[..., Panel],
    df: pd.DataFrame,
    path: str,
    others: tuple[str | None, str | None],
    **roles: Any,
) -> Panel:
    """Make a panel whose cohort is the year of the first change of a treatment."""
    if any(other is not None for other in others) or "cohort" in getattr(df, "columns", ()):
        raise DataError(
            f"panel: path={path!r} makes the cohort, and there is another.\n"
            "  Pass path alone, and drop or rename a column 'cohort'."
        )
    need_frame(df)
    level = read_level(df, path)
    panel = make(df.assign(**{path: level, "cohort": NEVER_TREATED}), cohort="cohort", **roles)
    years = panel.frame[panel.year].to_numpy(np.int64)
    cohort = first_changes(panel.frame[path].to_numpy(float), panel.unit_codes, years)
    return replace(panel.with_columns(cohort=cohort), path=path)


def _problems_of_names(
    df: pd.DataFrame, roles: dict[str, str | None], treatment: str | None
) -> list[str]:
    missing = _checks.missing_columns(df, {**roles, "treatment": treatment})
    lines = [item.line for item in missing]
    if roles["cohort"] is None and treatment is None:
        lines.append("name the cohort column, or a 0/1 treatment column.")
    twice = sorted({str(name) for name in df.columns[df.columns.duplicated()]})
    if twice:
        lines.append(f"E132 column names appear twice: {first_three(twice)}.")
    return lines


def _add_cohort(
    df: pd.DataFrame, unit: str, year: str, treatment: str, step: str | int | None
) -> pd.DataFrame:
    if "cohort" in df.columns:
        raise_problems(
            ["cohort is not named, but the table has a column 'cohort'."],
            where="panel",
            advice="Pass cohort='cohort', or rename that column.",
        )
    keys, _, _ = _checks.read_keys(
        df.assign(cohort=0), unit, year, "cohort", never=NEVER_TREATED, step=step
    )
    cohort = _checks.cohort_from_treatment(keys, df[treatment])
    if keys.step == YEARLY:
        return df.assign(cohort=cohort)
    times, first = np.unique(keys.years, return_index=True)
    cells = df[year].astype(object).to_numpy()[first]
    found = cells[np.searchsorted(times, cohort).clip(0, len(times) - 1)]
    return df.assign(cohort=np.where(cohort == NEVER_TREATED, 0, found))


def gappy_units(panel: Panel) -> NDArray[np.intp]:
    """Return the codes of units with a year missing between two years that are seen."""
    return _checks.gaps(panel.unit_codes, panel.year_codes)


def _warn_of_what_is_odd(panel: Panel) -> None:
    pairs = _checks.alike(panel.units)
    if pairs:
        warnings.warn(
            f"units that differ by blanks or leading zeros alone are counted as different: "
            f"{first_three(pairs)}. Write each in one way if they are the same.",
            _checks.PanelWarning,
            stacklevel=4,
        )
    gap = gap_line(panel.years, panel.step)
    if gap:
        warnings.warn(gap, _checks.PanelWarning, stacklevel=4)
    gappy = gappy_units(panel)
    if len(gappy):
        shown = first_three(panel.units[gappy])
        warnings.warn(
            f"{len(gappy)} of {panel.n_units} units have a year missing between two years that "
            f"are seen: {shown}. Estimators use the rows there are.",
            _checks.PanelWarning,
            stacklevel=4,
        )
