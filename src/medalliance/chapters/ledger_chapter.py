"""The exhibits of the ledger chapter, by the names that the chapter calls."""

from __future__ import annotations

from .ledger_doubts import (
    bounds_exhibit,
    cohorts_exhibit,
    detectable,
    entry_sentence,
    estimators_figure,
    exits_exhibit,
    power_sentence,
    pretrend_exhibit,
    reference_sentence,
    samples_exhibit,
    states_sentence,
)
from .ledger_headlines import (
    MONEY,
    SHARES,
    checks,
    headline_exhibit,
    money_figure,
    opening,
    parts_exhibit,
    share_figure,
    split_exhibit,
)
from .ledger_new_year import new_year_exhibit, new_year_sentence
from .ledger_organisations import (
    identity_exhibit,
    identity_sentence,
    losses_exhibit,
    revenue_exhibit,
    sides_exhibit,
    sides_sentence,
    trap_figure,
    trap_sentence,
    unmatched_exhibit,
)

__all__ = [
    "MONEY",
    "SHARES",
    "bounds_exhibit",
    "checks",
    "cohorts_exhibit",
    "detectable",
    "entry_sentence",
    "estimators_figure",
    "exits_exhibit",
    "headline_exhibit",
    "identity_exhibit",
    "identity_sentence",
    "losses_exhibit",
    "money_figure",
    "new_year_exhibit",
    "new_year_sentence",
    "opening",
    "parts_exhibit",
    "power_sentence",
    "pretrend_exhibit",
    "reference_sentence",
    "revenue_exhibit",
    "samples_exhibit",
    "share_figure",
    "sides_exhibit",
    "sides_sentence",
    "split_exhibit",
    "states_sentence",
    "trap_figure",
    "trap_sentence",
    "unmatched_exhibit",
]
