"""What a settlement posted: who receives what, by which rule field, with a trace of each step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError
from ..provenance import Badge, Provenance, provenance_of
from ..spreadsheet import csv_of
from .ledger import MAIN_UNIT, MINOR_UNIT

if TYPE_CHECKING:
    from ..reforms import Rules

SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€"}


@dataclass(frozen=True, eq=False)
class Line:
    """One kind of posting for many alliance rows.

    Attributes
    ----------
    party, account, why : str
        Who is paid (negative: pays), on which account, by which rule field.
    step : int
        Place of the step in the contract; 0 for the opening entries.
    side : str
        ``pool``, ``surplus`` or ``deficit``.
    amounts : ndarray of int64, shape (m,)
        Minor units.
    rows : ndarray of int or None
        Alliance row of each amount; None: all rows in order.
    members : ndarray of str or None
    """

    party: str
    account: str
    why: str
    step: int
    side: str
    amounts: NDArray[np.int64]
    rows: NDArray[np.intp] | None = None
    members: NDArray[np.object_] | None = None


@dataclass(frozen=True, eq=False)
class Trace:
    """What one step did: balances before and after, shape (n,), minor units."""

    place: int
    step: Any
    rows: NDArray[np.bool_]
    before: NDArray[np.int64]
    after: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Postings:
    """Postings and traces of every alliance and year of a ledger.

    Attributes
    ----------
    rules : Rules
        The contract that was applied.
    frame : DataFrame, shape (n, 3)
        ``alliance``, ``year``, ``track``.
    budget, spending : ndarray of int64, shape (n,)
        After prior deductions; minor units.
    lines, traces : tuple
        Postings by kind, and what each step did.
    columns, members : DataFrame
        The ledger as it was read.
    digest : str
        Hash of the rules and the inputs.
    """

    rules: Rules
    frame: pd.DataFrame
    budget: NDArray[np.int64]
    spending: NDArray[np.int64]
    lines: tuple[Line, ...]
    traces: tuple[Trace, ...]
    columns: pd.DataFrame
    members: pd.DataFrame
    digest: str

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def surplus(self) -> NDArray[np.int64]:
        """Budget less spending, shape (n,), minor units; negative is a deficit."""
        return self.budget - self.spending

    @cached_property
    def settled(self) -> NDArray[np.int64]:
        """What the alliance as a whole receives (or owes: negative), shape (n,), minor units."""
        out = np.zeros(len(self), dtype=np.int64)
        for line in self.lines:
            if line.account.startswith(("retained", "owed")):
                rows: Any = slice(None) if line.rows is None else line.rows
                np.add.at(out, rows, line.amounts)
        return out

    @property
    def badge(self) -> Badge:
        """Kind of evidence of the rules."""
        return self.provenance.badge

    @property
    def provenance(self) -> Provenance:
        """Kind of evidence, rules and currency; that of the ledger too, where it carries one."""
        ledger = provenance_of(self.frame)
        return self.rules.provenance if ledger is None else self.rules.provenance | ledger

    @property
    def assumed(self) -> tuple[str, ...]:
        """Rule fields used here whose value is assumed."""
        used = {name for line in self.lines for name in line.why.split(" + ")}
        for step in self.rules.steps:
            used |= set(step.fields)
        return tuple(sorted(used & set(self.rules.assumed)))

    def to_frame(self) -> pd.DataFrame:
        """Return one posting a row; amounts of zero are left out.

        Returns
        -------
        DataFrame
            ``alliance, year, track, step, side, party, account, member, amount, why, status``.
            ``amount`` is in minor units and sums to zero in each alliance and year; positive is
            received. ``status`` is that of the rule field that is the reason.
        """
        parts = [self._part(line) for line in self.lines]
        filled = [part for part in parts if len(part)]  # none where every amount is 0
        table = pd.concat(filled or parts[:1], ignore_index=True)
        order = np.lexsort((table["step"].to_numpy(), table["row"].to_numpy()))
        table = table.take(order).reset_index(drop=True)
        own = self.frame.take(table.pop("row").to_numpy()).reset_index(drop=True)
        return pd.concat([own, table], axis=1)

    def to_csv(self) -> str:
        """Return the postings as CSV text, amounts in minor units and, exactly, in main units."""
        table = self.to_frame()
        main, minor = MAIN_UNIT[self.rules.currency], MINOR_UNIT[self.rules.currency]
        exact = [money(amount, "").replace(",", "") for amount in table["amount"]]
        table.insert(table.columns.get_loc("amount"), f"amount_{main}", exact)
        table = table.rename(columns={"amount": f"amount_{minor}"})
        return csv_of(table)

    def _part(self, line: Line) -> pd.DataFrame:
        kept = np.flatnonzero(line.amounts)
        rows = kept if line.rows is None else line.rows[kept]
        return pd.DataFrame(
            {
                "row": rows,
                "step": np.int16(line.step),
                "side": line.side,
                "party": line.party,
                "account": line.account,
                "member": "" if line.members is None else line.members[kept],
                "amount": line.amounts[kept],
                "why": line.why,
                "status": self._status(line.why),
            },
            index=range(len(kept)),
        )

    def _status(self, why: str) -> str:
        names = why.split(" + ")
        found = {value.status for name in names for value in self.rules.parameters.get(name, ())}
        if not found:
            return "ledger"
        return "assumed" if "assumed" in found else sorted(found)[0]

    def party_totals(self) -> pd.DataFrame:
        """Return what each party receives in all (negative: pays), by party and account.

        Returns
        -------
        DataFrame
            ``party, account, amount, amount_main`` (minor and main units), ``n`` postings and
            ``status``, which is ``assumed`` where a reason is.
        """
        table = self.to_frame()
        table["grey"] = table["status"] == "assumed"
        grouped = table.groupby(["party", "account"], sort=False)
        out = grouped.agg(
            amount=("amount", "sum"), n=("amount", "size"), grey=("grey", "any")
        ).reset_index()
        out.insert(3, "amount_main", out["amount"] / 100)
        out["status"] = np.where(out.pop("grey"), "assumed", "")
        return out

    def summary_frame(self) -> pd.DataFrame:
        """Return one row an alliance and year: budget, spending, surplus, settled (minor units)."""
        return self.frame.assign(
            budget=self.budget, spending=self.spending, surplus=self.surplus, settled=self.settled
        )

    def position(self, alliance: str | None = None, year: int | None = None) -> int:
        """Return the row of one alliance and year.

        Raises
        ------
        DataError
            If there is none, or more than one fits.
        """
        fits = np.ones(len(self), dtype=bool)
        if alliance is not None:
            fits &= (self.frame["alliance"] == str(alliance)).to_numpy()
        if year is not None:
            fits &= (self.frame["year"] == year).to_numpy()
        if fits.sum() != 1:
            raise DataError(
                f"{fits.sum()} settlements fit alliance={alliance!r}, year={year}.\n"
                "  Name one alliance and one year of this settlement."
            )
        return int(np.flatnonzero(fits)[0])


def money(minor: int, sign: str) -> str:
    """Format minor units exactly: ``¥1,234.56``.

    >>> money(-123456, "¥")
    '-¥1,234.56'
    """
    whole, cents = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{sign}{whole:,}.{cents:02d}"
