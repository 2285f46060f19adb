"""The closed loop of budgets and settlements over years."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, need_type
from ..progress import counted
from ..reforms import need_rules
from .settle import settle
from .settlement import Settlement

if TYPE_CHECKING:
    from ..reforms import Rules


def settle_years(
    rules: Rules,
    first: pd.DataFrame,
    spending: Mapping[int, pd.Series],
    *,
    scores: Mapping[int, pd.Series] | None = None,
    progress: bool | None = None,
) -> dict[int, Settlement]:
    """Settle year after year: budget, reserve and score carry forward.

    Parameters
    ----------
    rules : Rules
    first : DataFrame
        Ledger of the first year, alliance rows only, money in whole minor units.
    spending : mapping of int to Series
        For each later year, spending in minor units by alliance.
    scores : mapping of int to Series, optional
        For later years, performance scores by alliance, 0-1, exact (``Decimal`` or text); a year
        without keeps those of the year before. A score scales its own year, and next year's
        budget where the contract states a ``score_budget_share``.
    progress : bool or None
        Show a progress bar; None shows it on a terminal only.

    Returns
    -------
    dict of int to Settlement
        By year. In each later year ``budget`` is the contract's rebased budget, ``reserve`` is
        last year's reserve plus what was deducted to ``risk_reserve`` or withheld on
        ``alliance_reserve``, less what was drawn, and ``carried_deficit`` is what a year left on
        the account ``carry_forward``.

    Raises
    ------
    DataError
        If a later year lacks the spending of an alliance.
    """
    need_rules(rules)
    need_type("first", first, pd.DataFrame, advice="Give the first year's ledger.", error=DataError)
    if first.empty or "year" not in first:
        raise DataError("first holds no year.\n  Give the ledger of the first year.")
    need_type(
        "spending", spending, Mapping, advice="Give {year: Series by alliance}.", error=DataError
    )
    ledger = first
    years = sorted({int(first["year"].iloc[0]), *spending})
    start = int(first["year"].iloc[0])
    if (first["year"] != start).any() or years[0] != start:
        raise DataError("first must hold one year, before every year of spending.")
    if years != list(range(years[0], years[0] + len(years))):
        raise DataError(f"years {years} have a gap; give the spending of every year.")
    out: dict[int, Settlement] = {}
    for year in counted(years, show=progress, unit="year"):
        if out:
            ledger = _carry(ledger, out[year - 1], spending[year], year)
            if scores is not None and year in scores:
                ledger = ledger.assign(score=_by_alliance(scores[year], ledger, f"score of {year}"))
        out[year] = settle(rules, ledger, progress=False)
    return out


def _carry(ledger: pd.DataFrame, last: Settlement, spending: pd.Series, year: int) -> pd.DataFrame:
    frame = last.columns.drop(columns=[c for c in last.columns if c.startswith("spending_")])
    found = _by_alliance(spending, frame, f"spending of {year}")
    if found.dtype.kind not in "iu":
        raise TypeError(f"spending of {year} is not whole minor units; give integers.")
    reserve = frame["reserve"].to_numpy() if "reserve" in frame else np.zeros(len(frame), int)
    reserve = np.asarray(reserve, dtype=np.int64) + _on_account(
        last, ("risk_reserve", "alliance_reserve")
    )
    return frame.assign(
        year=year,
        budget=last.next_budget()["budget"].to_numpy(),
        spending=found,
        reserve=reserve,
        carried_deficit=-_on_account(last, ("carry_forward",)),
    )


def _by_alliance(values: pd.Series, frame: pd.DataFrame, what: str) -> NDArray[Any]:
    found = values.reindex(frame["alliance"])
    if found.isna().any():
        raise DataError(f"{what} lacks {', '.join(found.index[found.isna()][:3])}.")
    return found.to_numpy()


def _on_account(settlement: Settlement, accounts: tuple[str, ...]) -> NDArray[np.int64]:
    """Return what a settlement put on named accounts (negative: drew), shape (n,)."""
    out = np.zeros(len(settlement), dtype=np.int64)
    for line in settlement.lines:
        if line.party in accounts and line.rows is None:
            out += line.amounts
    return out
