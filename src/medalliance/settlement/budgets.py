"""Next year's budget by the contract's own rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..reforms import exact
from ..reforms.exact import Exact
from .ledger import open_ledger
from .lookup import Lookup
from .postings import Postings


def next_budget(settlement: Postings) -> pd.DataFrame:
    """Return next year's budget of each alliance by the contract's own rule.

    Parameters
    ----------
    settlement : Postings

    Returns
    -------
    DataFrame
        ``alliance``, ``year`` (the next one), ``budget`` in minor units.

    Raises
    ------
    RuleError
        If the basis, the growth or the rebasing share is stated nowhere in what was read.
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
    first). Where the contract states a ``score_budget_share`` the score of the year takes
    ``share (1 - score)`` off. Growth is read for the year that the budget is for. Rounded half up.
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
            out = np.where(
                own, exact.round_to(_scored(rule(settlement, look, own), look, own)), out
            )
    other = rows & ~np.isin(basis.astype(str), [*_BASES, "None"])
    if other.any():
        book._say_rows(f"{rules.id}: no formula for the budget basis {basis[other][0]}", other)
    look.raise_problems("next year's budget")
    return pd.DataFrame({"alliance": book.frame["alliance"], "year": book.year, "budget": out})


def _scored(budget: Exact, look: Lookup, rows: NDArray[np.bool_]) -> Exact:
    """Take off a budget what the year's score costs it."""
    share, stated = look.rate("score_budget_share", rows, required=False)
    if not stated.any():
        return budget
    one = exact.whole(np.ones(len(rows), np.int64))
    score, _ = look.rate("ledger.score", stated)
    lost = exact.times(share, exact.minus(one, score))
    return exact.choose(stated, exact.times(budget, exact.minus(one, lost)), budget)


def _one_plus_growth(look: Lookup, rows: NDArray[np.bool_]) -> Exact:
    one = exact.whole(np.ones(len(rows), np.int64))
    return exact.plus(one, look.rate("budget_growth_rate", rows)[0])


def _historical(settlement: Postings, look: Lookup, rows: NDArray[np.bool_]) -> Exact:
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


def _capitation(_settlement: Postings, look: Lookup, rows: NDArray[np.bool_]) -> Exact:
    people = look.ledger.decimal("insured", rows)
    each = exact.whole(look.amount("budget_per_insured", rows))
    return exact.times(exact.times(people, each), _one_plus_growth(look, rows))


def _negotiated(_settlement: Postings, look: Lookup, rows: NDArray[np.bool_]) -> Exact:
    one = exact.whole(np.ones(len(rows), np.int64))
    weight, _ = look.rate("negotiation_weight", rows)
    low = exact.whole(look.amount("ledger.budget_low", rows))
    high = exact.whole(look.amount("ledger.budget_high", rows))
    return exact.plus(exact.times(low, exact.minus(one, weight)), exact.times(high, weight))


_BASES: Mapping[str, Callable[[Postings, Lookup, NDArray[np.bool_]], Exact]] = {
    "historical": _historical,
    "capitation": _capitation,
    "negotiated": _negotiated,
}
