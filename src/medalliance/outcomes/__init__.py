"""Outcomes: raw columns of a panel become the three outcome families."""

from __future__ import annotations

from ._registry import OUTCOMES, Outcome
from ._values import outcome_label, outcome_values, surplus_split

__all__ = ["OUTCOMES", "Outcome", "outcome_label", "outcome_values", "surplus_split"]
