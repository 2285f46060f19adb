"""The ledger a contract is settled on: one documented table, whole minor units, checked at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, first_three, need_type
from ..reforms import exact
from ..reforms.exact import Exact

MINOR_UNIT = {"CNY": "fen", "USD": "cents", "EUR": "cents"}
MAIN_UNIT = {"CNY": "yuan", "USD": "usd", "EUR": "eur"}
LARGEST = 10**17
YEARS = (1900, 2200)
PARTIES = ("lead_hospital", "township", "village")

COLUMNS = {
    "alliance": "id of the alliance (required)",
    "year": "settlement year (required)",
    "track": "variant of the contract, where the rules have tracks",
    "budget": "budget of the year, minor units (required)",
    "spending": "spending held against the budget, minor units (required)",
    "member": "blank on the alliance's own row; the member's id on a member's row",
    "party": "party the member belongs to: lead_hospital, township, village, …",
    "headcount": "full-time equivalents of the member",
    "residents": "residents who have signed up with the member",
    "score": "performance score of the alliance or member, 0-1",
}


class FloatError(DataError, TypeError):
    """Money, a rate or a score came as a binary float."""


@dataclass(eq=False)
class Ledger:
    """The alliance rows of a ledger, read column by column as the rules ask for them.

    Attributes
    ----------
    frame : DataFrame, shape (n, n_columns)
        Alliance rows with a ``RangeIndex``.
    members : DataFrame
        Member rows; ``row`` is the position of the alliance row they belong to.
    labels : ndarray of str, shape (n,)
        What an error calls each row.
    problems : list of str
        Everything found wrong so far; ``floats`` counts those that are binary floats.
    usable : bool
        False where a row has no year, so that no rule can be looked up.
    """

    frame: pd.DataFrame
    members: pd.DataFrame
    labels: NDArray[np.object_]
    problems: list[str] = field(default_factory=list)
    floats: int = 0
    usable: bool = True
    _cache: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def year(self) -> NDArray[np.int64]:
        """Year of each row, shape (n,)."""
        return self.frame["year"].to_numpy(np.int64)

    @cached_property
    def track(self) -> NDArray[np.object_]:
        """Track of each row, shape (n,); None without a column."""
        if "track" not in self.frame:
            return np.full(len(self), None, dtype=object)
        text = self.frame["track"].astype("string").str.strip()
        return text.replace("", None).astype(object).where(text.notna() & (text != ""), None).array

    def _raw(self, name: str, rows: NDArray[np.bool_], *, blank_ok: bool) -> pd.Series | None:
        column = self.frame.get(name)
        if column is None:
            if rows.any() and not blank_ok:
                self._say_once(f"column {name} is missing; the rules read it")
            return None
        if column.dtype.kind == "f" or any(isinstance(v, float) and v == v for v in column[rows]):
            if column[rows].notna().any():
                self.floats += self._say_once(
                    f"column {name} holds binary floats; give whole minor units, or decimals as "
                    "text (a missing value turns a column of whole numbers into floats)"
                )
                return None
            column = column.astype(object).where(column.notna(), None)
        blank = column.isna().to_numpy() | (column.astype("string") == "").fillna(True).to_numpy(
            bool
        )
        if not blank_ok and (blank & rows).any():
            self._say_rows(f"{name} is missing", blank & rows)
        return column.astype(object).where(~blank, None)

    def _say_once(self, text: str) -> int:
        if text in self.problems:
            return 0
        self.problems.append(text)
        return 1

    def _say_rows(self, what: str, rows: NDArray[np.bool_]) -> None:
        self._say_once(f"{what} in {first_three(self.labels[rows])}")

    def money(
        self, name: str, rows: NDArray[np.bool_] | None = None, *, signed: bool = False
    ) -> NDArray[np.int64]:
        """Return a column of minor units, shape (n,); 0 outside ``rows``."""
        rows = np.ones(len(self), dtype=bool) if rows is None else rows
        fast = self._whole_numbers(name)
        values = fast if fast is not None else self._money_text(name, rows)
        if not signed and (values[rows] < 0).any():
            self._say_rows(f"{name} is negative", rows & (values < 0))
        if (np.abs(values[rows]) > LARGEST).any():
            self._say_rows(f"{name} is above {LARGEST}", rows & (np.abs(values) > LARGEST))
            values = np.zeros_like(values)
        return np.where(rows, values, 0)

    def _whole_numbers(self, name: str) -> NDArray[np.int64] | None:
        column = self.frame.get(name)
        if column is None or column.dtype.kind not in "iu" or column.isna().any():
            return None
        return column.to_numpy(np.int64)

    def _money_text(self, name: str, rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        raw = self._raw(name, rows, blank_ok=False)
        out = np.zeros(len(self), dtype=np.int64)
        if raw is None:
            return out
        wrong = np.zeros(len(self), dtype=bool)
        for place in np.flatnonzero(rows & raw.notna().to_numpy()):
            try:
                number = Decimal(str(raw.iloc[place]).strip())
                wrong[place] = number != number.to_integral_value() or abs(number) > LARGEST
                out[place] = 0 if wrong[place] else int(number)
            except (InvalidOperation, ValueError):
                wrong[place] = True
        if wrong.any():
            self._say_rows(f"{name} is not a whole number of minor units", wrong)
        return out

    def rate(
        self, name: str, rows: NDArray[np.bool_], *, blank_ok: bool = False
    ) -> tuple[Exact, NDArray[np.bool_]]:
        """Return a column of shares or scores in 0-1 with the rows that state one."""
        if name not in self._cache:
            self._cache[name] = self._read_rate(name)
        numbers, stated, blank = self._cache[name]
        if not blank_ok and name not in self.frame:
            self._raw(name, rows, blank_ok=False)
        elif not blank_ok and (rows & blank).any():
            self._say_rows(f"{name} is missing", rows & blank)
        return numbers, stated & rows

    def _read_rate(self, name: str) -> tuple[Exact, NDArray[np.bool_], NDArray[np.bool_]]:
        """Read a whole column, so that a value out of range is found wherever it stands.

        Returns the numbers, the rows that state one, and the rows that are blank.
        """
        every = np.ones(len(self), dtype=bool)
        raw = self._raw(name, every, blank_ok=True)
        if raw is None:
            return exact.whole(np.zeros(len(self), np.int64)), ~every, ~every
        stated = raw.notna().to_numpy()
        numbers, wrong = read_decimals(raw.to_numpy(object), stated)
        outside = np.array([not 0 <= number <= 1 for number in numbers], dtype=bool) & stated
        if wrong.any():
            self._say_rows(f"{name} is not a number", wrong)
        if outside.any():
            self._say_rows(f"{name} lies outside 0-1 (never percent)", outside)
        kept = [number if 0 <= number <= 1 else Decimal(0) for number in numbers]
        return exact.from_decimals(kept), stated & ~wrong, ~stated

    def decimal(self, name: str, rows: NDArray[np.bool_]) -> Exact:
        """Return a column of numbers of zero or more (staff, people); 0 outside ``rows``."""
        raw = self._raw(name, rows, blank_ok=False) if rows.any() else None
        if raw is None:
            return exact.whole(np.zeros(len(self), np.int64))
        numbers, wrong = read_decimals(raw.to_numpy(object), rows & raw.notna().to_numpy())
        negative = np.array([number < 0 for number in numbers], dtype=bool)
        for what, where in (("is not a number", wrong), ("is negative", negative)):
            if where.any():
                self._say_rows(f"{name} {what}", where)
        return exact.from_decimals([max(number, Decimal(0)) for number in numbers])

    def flag(self, name: str, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return a column of 0/1 flags, shape (n,); False outside ``rows``."""
        raw = self._raw(name, rows, blank_ok=False)
        if raw is None:
            return np.zeros(len(self), dtype=bool)
        known = {"1": True, "0": False, "True": True, "False": False, "None": False}
        text = raw.astype(str).str.strip()
        wrong = ~text.isin(list(known)).to_numpy() & rows
        if wrong.any():
            self._say_rows(f"{name} is neither 0 nor 1", wrong)
        return text.map(known).fillna(False).to_numpy(bool) & rows


def read_decimals(
    values: NDArray[np.object_], rows: NDArray[np.bool_]
) -> tuple[list[Decimal], NDArray[np.bool_]]:
    """Read decimals where ``rows`` holds; zero elsewhere. Also the rows that are no number."""
    seen: dict[str, Decimal | None] = {}
    out, wrong = [Decimal(0)] * len(values), np.zeros(len(values), dtype=bool)
    for place in np.flatnonzero(rows):
        text = str(values[place]).strip()
        if text not in seen:
            try:
                read = Decimal(text)
                seen[text] = read if read.is_finite() else None
            except InvalidOperation:
                seen[text] = None
        number = seen[text]
        if number is None:
            wrong[place] = True
        else:
            out[place] = number
    return out, wrong


def open_ledger(
    frame: pd.DataFrame,
    currency: str,
    *,
    parties: Iterable[str] = (),
    first_row: int = 0,
    where: str = "ledger",
) -> Ledger:
    """Sort a table into alliance rows and member rows, noting every structural problem.

    Parameters
    ----------
    frame : DataFrame
        See ``COLUMNS``; money columns may carry the minor unit's name (``budget_fen``).
    currency : str
        Decides which unit suffix is right.
    parties : iterable of str
        Parties that the rules name beside the usual three; any other is a problem.
    first_row : int
        Number an error gives to the first row (2 for a CSV file with a header line).
    where : str
        What an error calls the ledger.
    """
    need_type("ledger", frame, pd.DataFrame, advice="Give a table.", error=DataError)
    frame, problems = _plain_names(frame, currency)
    missing = [name for name in ("alliance", "year", "budget", "spending") if name not in frame]
    problems += [f"column {name} is missing" for name in missing]
    if missing:
        raise DataError(f"{where}: {'; '.join(problems)}.\n  Columns: {', '.join(COLUMNS)}.")
    number = np.arange(first_row, first_row + len(frame))
    is_member = np.zeros(len(frame), dtype=bool)
    if "member" in frame:
        text = frame["member"].astype("string").str.strip().fillna("")
        is_member = (text != "").to_numpy(bool)
    years = pd.to_numeric(frame["year"], errors="coerce")
    bad = (years.isna() | (years % 1 != 0) | ~years.between(*YEARS)).to_numpy()
    if bad.any():
        problems.append(
            f"year is not a whole number of {YEARS[0]}-{YEARS[1]} in row {first_three(number[bad])}"
        )
    frame = frame.assign(year=years.where(~bad, YEARS[0]).astype("int64"))
    ids = frame["alliance"].astype("string").str.strip().replace("", pd.NA)
    if ids.isna().any():
        blank = ids.isna().to_numpy()
        problems.append(f"alliance is missing in row {first_three(number[blank])}")
    frame = frame.assign(alliance=ids.fillna("").astype(str).astype(object))
    own = frame[~is_member].reset_index(drop=True)
    labels = np.array(
        [
            f"row {row} ({name}, {year})"
            for row, name, year in zip(
                number[~is_member], own["alliance"], own["year"], strict=True
            )
        ],
        dtype=object,
    )
    twice = own.duplicated(["alliance", "year"]).to_numpy()
    if twice.any():
        problems.append(f"alliance and year appear twice in {first_three(labels[twice])}")
    members = _members(frame[is_member], own, number[is_member], tuple(parties), problems)
    return Ledger(own, members, labels, problems, usable=not bad.any())


def _plain_names(frame: pd.DataFrame, currency: str) -> tuple[pd.DataFrame, list[str]]:
    minor, problems, rename = MINOR_UNIT[currency], [], {}
    for name in frame.columns:
        for unit in {*MINOR_UNIT.values(), *MAIN_UNIT.values()}:
            if str(name).endswith(f"_{unit}"):
                if unit == minor:
                    rename[name] = str(name).removesuffix(f"_{unit}")
                else:
                    problems.append(f"column {name} is in {unit}; the rules settle in {minor}")
    return frame.rename(columns=rename), problems


def _members(
    frame: pd.DataFrame,
    own: pd.DataFrame,
    number: NDArray[np.int64],
    parties: tuple[str, ...],
    problems: list[str],
) -> pd.DataFrame:
    """Attach member rows to their alliance row; note unknown parties, orphans and floats."""
    position = pd.Series(
        np.arange(len(own)), index=pd.MultiIndex.from_frame(own[["alliance", "year"]])
    )
    position = position[~position.index.duplicated()]
    keys = pd.MultiIndex.from_frame(frame[["alliance", "year"]])
    row = position.reindex(keys).to_numpy(float)
    if np.isnan(row).any():
        problems.append(
            f"member without an alliance row in row {first_three(number[np.isnan(row)])}"
        )
    if len(frame) and "party" not in frame:
        problems.append("column party is missing; member rows name their party")
    out = frame.assign(row=np.nan_to_num(row).astype(np.int64), line=number)
    out = out.assign(member=out["member"].astype(str)) if len(out) else out
    if len(out) and "party" in out:
        known = tuple(dict.fromkeys([*PARTIES, *parties]))
        strange = ~out["party"].isin(known).to_numpy()
        if strange.any():
            names = first_three(
                f"{party} (row {line})"
                for party, line in zip(out["party"][strange], number[strange], strict=True)
            )
            problems.append(f"unknown party: {names}; known are {', '.join(known)}")
    if len(out):
        twice = out.duplicated(["row", "party", "member"]).to_numpy()
        if twice.any():
            problems.append(f"member appears twice in row {first_three(number[twice])}")
    return out.reset_index(drop=True)


def ledger_from_claims(claims: pd.DataFrame) -> pd.DataFrame:
    """Sum fund payments to one ledger row an alliance and year.

    Parameters
    ----------
    claims : DataFrame
        Columns ``alliance``, ``year``, ``fund`` (whole minor units) and ``out_of_county`` (0/1).

    Returns
    -------
    DataFrame
        Columns ``alliance``, ``year``, ``spending`` (inside the county) and
        ``out_of_county_spending``, minor units, sorted; the claims' order does not matter.

    Raises
    ------
    FloatError
        If ``fund`` holds floats.
    """
    if claims["fund"].dtype.kind not in "iu":
        raise FloatError("claims: column fund is not whole minor units; give integers.")
    outside = claims["out_of_county"].astype(bool)
    parts = pd.DataFrame(
        {
            "alliance": claims["alliance"],
            "year": claims["year"],
            "spending": claims["fund"].where(~outside, 0),
            "out_of_county_spending": claims["fund"].where(outside, 0),
        }
    )
    return parts.groupby(["alliance", "year"], as_index=False, sort=True).sum()
