"""The ledger of the Shared Savings Program as a panel: one row an organisation and year."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, first_three
from ..mssp import ONE_SIDED
from ..panel import Panel, PanelWarning
from ..provenance import Provenance, provenance_of

NEW_IDS = 2018  # first year of the ids that the files keep since
PARTS = ("visits_primary_physician", "visits_specialist", "visits_nurse", "visits_clinic")
SHORT = {
    "visits_primary_physician": "primary-care physicians",
    "visits_specialist": "specialists",
    "visits_nurse": "nurse practitioners and assistants",
    "visits_clinic": "federally qualified and rural clinics",
}
_LEGAL = r"\b(llc|inc|incorporated|corp|corporation|ltd|limited|pllc|pc|lp|llp|co|company|the)\b"
_STATES = (
    "Alabama AL,Alaska AK,Arizona AZ,Arkansas AR,California CA,Colorado CO,Connecticut CT,"
    "Delaware DE,District of Columbia DC,Florida FL,Georgia GA,Hawaii HI,Idaho ID,Illinois IL,"
    "Indiana IN,Iowa IA,Kansas KS,Kentucky KY,Louisiana LA,Maine ME,Maryland MD,Massachusetts MA,"
    "Michigan MI,Minnesota MN,Mississippi MS,Missouri MO,Montana MT,Nebraska NE,Nevada NV,"
    "New Hampshire NH,New Jersey NJ,New Mexico NM,New York NY,North Carolina NC,North Dakota ND,"
    "Ohio OH,Oklahoma OK,Oregon OR,Pennsylvania PA,Puerto Rico PR,Rhode Island RI,"
    "South Carolina SC,South Dakota SD,Tennessee TN,Texas TX,Utah UT,Vermont VT,Virginia VA,"
    "Washington WA,West Virginia WV,Wisconsin WI,Wyoming WY"
)
_CODE = dict(pair.rsplit(" ", 1) for pair in _STATES.split(","))


@dataclass(frozen=True, eq=False)
class Ledger:
    """The panel with an account of everything that did not enter it.

    Attributes
    ----------
    panel : Panel
        Organisations seen under one-sided risk first. US dollars, whole years.
    rows : DataFrame
        Every row of the files with its organisation, before anything is left out.
    matches : DataFrame
        ``early_id late_id name_before name_after matched_on start_agrees`` of every pair of ids.
    unmatched : DataFrame
        ``aco_id name year start_date must_continue`` at both sides of the change of ids.
    losses : DataFrame
        ``step reason organisations rows budget_cents``; rows and budgets add up to the files'.
    """

    panel: Panel
    rows: pd.DataFrame
    matches: pd.DataFrame
    unmatched: pd.DataFrame
    losses: pd.DataFrame

    @property
    def provenance(self) -> Provenance:
        """Kind of evidence, files and currency."""
        return self.panel.provenance


def normalised_name(name: str) -> str:
    """Return a name without case, punctuation and legal forms, long words shortened.

    >>> normalised_name("The Mercy Accountable Care Organization, L.L.C.")
    'mercy aco'
    """
    text = re.sub(r"[^a-z0-9 ]", "", name.lower().replace("&", " and ").replace("-", " "))
    text = re.sub(r"\baccountable care organization\b", "aco", re.sub(_LEGAL, " ", text))
    return " ".join(text.split())


def match_identities(files: pd.DataFrame) -> pd.DataFrame:
    """Match the ids of 2013-2017 with those from 2018 on by name.

    First the names of the last and the first year beside the change, then any name that an
    organisation bore. A name that several organisations of one side bore matches nothing.

    Parameters
    ----------
    files : DataFrame
        From ``read_mssp``.

    Returns
    -------
    DataFrame
        One row a pair. ``start_agrees`` says whether the agreement of the year before goes on
        with the same start date, blank where a new agreement began.
    """
    named = files.assign(key=files["name"].map(normalised_name), start=_start(files))
    is_late = named["year"] >= NEW_IDS
    early, late = named[~is_late], named[is_late]
    beside = early["year"] == NEW_IDS - 1, late["year"] == NEW_IDS
    first = _pairs(early[beside[0]], late[beside[1]], "name at the change")
    left = ~early["aco_id"].isin(first["early_id"]), ~late["aco_id"].isin(first["late_id"])
    second = _pairs(early[left[0]], late[left[1]], "any name")
    pairs = pd.concat([first, second], ignore_index=True)
    before = _borne(early, pairs["early_id"], keep="last")
    after = _borne(late, pairs["late_id"], keep="first")
    same = (before["start"] == after["start"]).astype("boolean")
    return pairs.assign(
        name_before=before["name"],
        name_after=after["name"],
        start_agrees=same.mask(after["start"].dt.year >= NEW_IDS),
    )


def _borne(side: pd.DataFrame, ids: pd.Series, *, keep: Literal["first", "last"]) -> pd.DataFrame:
    one = side.sort_values("year").drop_duplicates("aco_id", keep=keep).set_index("aco_id")
    return one[["name", "start"]].reindex(ids).reset_index(drop=True)


def _pairs(early: pd.DataFrame, late: pd.DataFrame, matched_on: str) -> pd.DataFrame:
    sides = []
    for side, name in ((early, "early_id"), (late, "late_id")):
        pairs = side[["key", "aco_id"]].drop_duplicates()
        once = ~pairs["key"].duplicated(keep=False)
        sides.append(pairs[once].rename(columns={"aco_id": name}))
    both = sides[0].merge(sides[1], on="key").drop(columns="key").drop_duplicates()
    single = ~both["early_id"].duplicated(keep=False) & ~both["late_id"].duplicated(keep=False)
    return both[single].sort_values("late_id").assign(matched_on=matched_on)


def unmatched_identities(files: pd.DataFrame, matches: pd.DataFrame) -> pd.DataFrame:
    """List the organisations at the change of ids that have no partner on the other side.

    Returns
    -------
    DataFrame
        ``must_continue`` is true where the agreement began before the change, so that the
        organisation was there before under another name.
    """
    last = files["year"] == NEW_IDS - 1
    first = files["year"] == NEW_IDS
    lone = (last & ~files["aco_id"].isin(matches["early_id"])) | (
        first & ~files["aco_id"].isin(matches["late_id"])
    )
    found = files.loc[lone, ["aco_id", "name", "year", "start_date"]]
    must = (found["year"] == NEW_IDS) & (_start(found).dt.year < NEW_IDS)
    return found.assign(must_continue=must).reset_index(drop=True)


def ledger(files: pd.DataFrame) -> Ledger:
    """Arrange the files as a panel with an account of every row.

    The cohort is the first year with a row under two-sided risk. For the agreements that began
    in July 2019 this is 2020: the file of their half year is not public in one table with the
    others, so the reference year lies before it when one year of anticipation is allowed.

    Parameters
    ----------
    files : DataFrame
        From ``read_mssp``.

    Raises
    ------
    DataError
        If an organisation has two rows in a year.
    """
    matches = match_identities(files)
    rows = ledger_rows(files, matches)
    cohort = rows["cohort"].to_numpy()
    first_seen = rows.groupby("aco")["year"].transform("min").to_numpy()
    already = (cohort > 0) & (cohort == first_seen)
    back = (cohort > 0) & ~already & (rows["year"] >= cohort) & (rows["two_sided"] == 0)
    kept = ~already & ~back.to_numpy()
    losses = pd.DataFrame(
        [
            _count(rows, np.ones(len(rows), bool), "read", "rows of the files"),
            _count(rows, already, "left out", "two-sided when first seen: no year before"),
            _count(rows, back.to_numpy(), "left out", "one-sided again after two-sided risk"),
            _count(rows, kept, "kept", "rows of the panel"),
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)  # gaps are counted in ``gaps``
        panel = Panel.from_frame(
            rows[kept].drop(columns=["budget_cents", "spending_cents"]),
            unit="aco",
            year="year",
            cohort="cohort",
            currency="USD",
        )
    panel = replace(panel, provenance=provenance_of(files) or panel.provenance)
    return Ledger(panel, rows, matches, unmatched_identities(files, matches), losses)


def _count(rows: pd.DataFrame, mask: NDArray[np.bool_], step: str, reason: str) -> dict:
    part = rows[mask]
    return {
        "step": step,
        "reason": reason,
        "organisations": part["aco"].nunique(),
        "rows": len(part),
        "budget_cents": int(part["budget_cents"].sum()),
    }


def ledger_rows(files: pd.DataFrame, matches: pd.DataFrame) -> pd.DataFrame:
    """Give every row of the files its organisation, its agreement and whole-year money.

    A first settlement of 18 or 21 months (2013) and the half year of 2019 are scaled to twelve
    months; the amounts as settled stay in ``budget_cents`` and ``spending_cents``. In the
    half-year rows the totals are half the year's, while the benchmark per person and the
    person-years are the whole year's.

    Returns
    -------
    DataFrame
        One row an organisation and year. Money in US dollars, shares and scores 0-1, visits per
        1,000 person-years.
    """
    later = dict(zip(matches["early_id"], matches["late_id"], strict=True))
    aco = files["aco_id"].map(lambda one: later.get(one, one))
    twice = pd.DataFrame({"aco": aco, "year": files["year"]}).duplicated()
    if twice.any():
        raise DataError(
            f"two rows in a year for {first_three(sorted(set(aco[twice])))}.\n"
            "  Keep one file a year."
        )
    start = _start(files)
    months = ledger_months(files)
    budget = files["benchmark"].astype("int64")
    spending = (files["benchmark"] - files["savings"]).astype("int64")
    two_sided = (~files["track"].isin(ONE_SIDED)).astype("int64")
    cohort = files["year"].where(two_sided == 1).groupby(aco).transform("min")
    total = files[list(PARTS)].sum(axis=1, skipna=False)
    primary = files["visits_primary_physician"]
    out = pd.DataFrame(
        {
            "aco": aco,
            "year": files["year"],
            "name": files["name"],
            "state": _state_of(files, aco),
            "cohort": cohort.fillna(0).astype("int64"),
            "track": files["track"],
            "two_sided": two_sided,
            "agreement_start": start.dt.year.astype("int64"),
            "agreement_number": files["agreement_period"].fillna(1).astype("int64"),
            "agreement_year": (files["year"] - start.dt.year + 1).clip(lower=1).astype("int64"),
            "months": months,
            "budget_cents": budget,
            "spending_cents": spending,
            "budget": _whole_year(budget, months),
            "spending": _whole_year(spending, months),
            "insured_n": files["person_years"],
            "low_revenue": files["revenue_category"].map(
                {"Low Revenue": 1.0, "High Revenue": 0.0}
            ).astype(float),
            "minimum_savings_rate": pd.to_numeric(files["minimum_savings_rate"], errors="coerce"),
            "quality": files["quality_score"].astype(float).mask(files["pay_for_reporting"]),
            "share_physician": primary / total,
            "share_primary": 1 - files["visits_specialist"] / total,
            **{name: files[name] for name in PARTS},
        }
    )  # fmt: skip
    return out.sort_values(["aco", "year"], ignore_index=True)


def ledger_months(files: pd.DataFrame) -> NDArray[np.int64]:
    """Return the months that a row settles: 12, 6 (2019), or 18 and 21 for the starts of 2012."""
    start = _start(files)
    first = (files["year"] == 2013) & (start.dt.year == 2012)
    long = 13 - start.dt.month + 12
    return np.where(first, long, files["months"]).astype(np.int64)


def _whole_year(cents: pd.Series, months: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.round(cents.to_numpy(float) * 12 / months) / 100


def _start(files: pd.DataFrame) -> pd.Series:
    text = files["start_date"].astype(str).str.split(" ").str[0]
    return pd.to_datetime(text, format="mixed")


def _state_of(files: pd.DataFrame, aco: pd.Series) -> pd.Series:
    """Return the state that an organisation names first in the first year that names one."""
    text = files["state"].astype(str).str.split(",").str[0].str.strip()
    code = text.map(_CODE).fillna(text.where(text.isin(set(_CODE.values())), "none named"))
    named = pd.DataFrame({"aco": aco, "year": files["year"], "code": code})
    first = named[code != "none named"].sort_values("year").groupby("aco")["code"].first()
    return aco.map(first).fillna("none named")


def gaps(panel: Panel) -> int:
    """Count the organisations with a year missing between two years that are seen."""
    years = panel.frame.groupby(panel.unit)[panel.year]
    return int((years.max() - years.min() + 1 > years.size()).sum())


def balanced(panel: Panel, first: int, last: int) -> Panel:
    """Return the organisations that are seen in every year from the first to the last."""
    frame = panel.frame
    inside = frame[panel.year].between(first, last)
    seen = frame[inside].groupby(panel.unit)[panel.year].size()
    full = frame[panel.unit].isin(seen.index[seen == last - first + 1])
    return panel.keep(inside & full)
