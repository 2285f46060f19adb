"""Outcomes: raw columns of a panel become the three outcome families."""

from __future__ import annotations

from ._registry import OUTCOMES, Outcome
from ._rules import missing_budgets, mixed_basis, numbers_of, rules_of_outcomes
from ._values import need_outcome, outcome_label, outcome_values, surplus_split

__all__ = [
    "OUTCOMES",
    "Outcome",
    "missing_budgets",
    "mixed_basis",
    "need_outcome",
    "numbers_of",
    "outcome_label",
    "outcome_values",
    "rules_of_outcomes",
    "surplus_split",
]
