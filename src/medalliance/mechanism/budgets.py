"""Next year's budget, and the closed loop of budgets and settlements over years."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from ..errors import DataError
from . import exact
from .exact import Exact
from .ledger import open_ledger
from .lookup import Lookup
from .settle import settle

if TYPE_CHECKING:
    from ..reforms import Rules
    from .settlement import Settlement


def next_budget(settlement: Settlement) -> pd.DataFrame:
    """Return next year's budget of each alliance by the contract's own rule.

    Parameters
    ----------
    settlement : Settlement

    Returns
    -------
    DataFrame
        ``alliance``, ``year`` (the next one), ``budget`` in minor units.

    Raises
    ------
    RuleError
        If the basis, the growth or the rebasing share is not published.
    DataError
        If the ledger lacks a column the basis needs.

    Notes
    -----
    With pool B, spending E, growth g and rebasing share psi::

        historical, first budget    (1 + g) mean(E of the last k years)
        historical, later           (1 + g) ((1 - psi) B + psi E)
        capitation                  (1 + g) residents x budget_per_insured
        negotiated                  (1 - pi) budget_low + pi budget_high

    A first budget needs the columns ``spending_1`` .. ``spending_k`` (the years before, latest
    first). Growth is read for the year that the budget is for. Rounded half up.
    """
    rules, columns = settlement.rules, settlement.columns
    frame = columns.assign(year=columns["year"] + 1)
    book = open_ledger(frame.drop(columns=["member"], errors="ignore"), rules.currency)
    look, rows = Lookup(rules, book), np.ones(len(book), dtype=bool)
    basis = look.word("budget_basis", rows)
    out = np.zeros(len(book), dtype=np.int64)
    for name, rule in _BASES.items():
        own = rows & (basis == name)
        if own.any():
            out = np.where(own, exact.round_to(rule(settlement, look, own)), out)
    other = rows & ~np.isin(basis.astype(str), [*_BASES, "None"])
    if other.any():
        book._say_rows(f"{rules.id}: no formula for the budget basis {basis[other][0]}", other)
    look.raise_problems("next year's budget")
    return pd.DataFrame({"alliance": book.frame["alliance"], "year": book.year, "budget": out})


def _one_plus_growth(look: Lookup, rows: NDArray[np.bool_]) -> Exact:
    one = exact.whole(np.ones(len(rows), np.int64))
    return exact.plus(one, look.rate("budget_growth_rate", rows)[0])


def _historical(settlement: Settlement, look: Lookup, rows: NDArray[np.bool_]) -> Exact:
    growth = _one_plus_growth(look, rows)
    years = look.word("budget_basis_years", rows) if "spending_1" in look.ledger.frame else None
    if years is not None:
        count = int(next(year for year in years[rows] if year is not None))
        past = [look.amount(f"ledger.spending_{k}", rows) for k in range(1, count + 1)]
        mean = Exact(np.sum(past, axis=0), count)
        return exact.times(mean, growth)
    one = exact.whole(np.ones(len(rows), np.int64))
    rebase, _ = look.rate("rebasing_share", rows)
    pool = exact.whole(-settlement.lines[0].amounts)
    kept = exact.times(pool, exact.minus(one, rebase))
    spent = exact.times(exact.whole(settlement.spending), rebase)
    return exact.times(exact.plus(kept, spent), growth)


def _capitation(_settlement: Settlement, look: Lookup, rows: NDArray[np.bool_]) -> Exact:
    people = look.ledger.decimal("insured", rows)
    each = exact.whole(look.amount("budget_per_insured", rows))
    return exact.times(exact.times(people, each), _one_plus_growth(look, rows))


def _negotiated(_settlement: Settlement, look: Lookup, rows: NDArray[np.bool_]) -> Exact:
    one = exact.whole(np.ones(len(rows), np.int64))
    weight, _ = look.rate("negotiation_weight", rows)
    low = exact.whole(look.amount("ledger.budget_low", rows))
    high = exact.whole(look.amount("ledger.budget_high", rows))
    return exact.plus(exact.times(low, exact.minus(one, weight)), exact.times(high, weight))


_BASES: Mapping[str, Callable[[Settlement, Lookup, NDArray[np.bool_]], Exact]] = {
    "historical": _historical,
    "capitation": _capitation,
    "negotiated": _negotiated,
}


def settle_years(
    rules: Rules,
    first: pd.DataFrame,
    spending: Mapping[int, pd.Series],
    *,
    progress: bool | None = None,
) -> dict[int, Settlement]:
    """Settle year after year: each budget follows from the year before, reserves carry forward.

    Parameters
    ----------
    rules : Rules
    first : DataFrame
        Ledger of the first year, alliance rows only, money in whole minor units.
    spending : mapping of int to Series
        For each later year, spending in minor units by alliance.
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
    ledger = first
    years = sorted({int(first["year"].iloc[0]), *spending})
    start = int(first["year"].iloc[0])
    if (first["year"] != start).any() or years[0] != start:
        raise DataError("first must hold one year, before every year of spending.")
    if years != list(range(years[0], years[0] + len(years))):
        raise DataError(f"years {years} have a gap; give the spending of every year.")
    out: dict[int, Settlement] = {}
    for year in tqdm(years, disable=None if progress is None else not progress, unit="year"):
        if out:
            ledger = _carry(ledger, out[year - 1], spending[year], year)
        out[year] = settle(rules, ledger, progress=False)
    return out


def _carry(ledger: pd.DataFrame, last: Settlement, spending: pd.Series, year: int) -> pd.DataFrame:
    frame = last.columns.drop(columns=[c for c in last.columns if c.startswith("spending_")])
    found = spending.reindex(frame["alliance"])
    if found.isna().any():
        raise DataError(f"spending of {year} lacks {', '.join(found.index[found.isna()][:3])}.")
    if found.dtype.kind not in "iu":
        raise TypeError(f"spending of {year} is not whole minor units; give integers.")
    reserve = frame["reserve"].to_numpy() if "reserve" in frame else np.zeros(len(frame), int)
    reserve = np.asarray(reserve, dtype=np.int64) + _on_account(
        last, ("risk_reserve", "alliance_reserve")
    )
    return frame.assign(
        year=year,
        budget=next_budget(last)["budget"].to_numpy(),
        spending=found.to_numpy(),
        reserve=reserve,
        carried_deficit=-_on_account(last, ("carry_forward",)),
    )


def _on_account(settlement: Settlement, accounts: tuple[str, ...]) -> NDArray[np.int64]:
    """Return what a settlement put on named accounts (negative: drew), shape (n,)."""
    out = np.zeros(len(settlement), dtype=np.int64)
    for line in settlement.lines:
        if line.party in accounts and line.rows is None:
            out += line.amounts
    return out
