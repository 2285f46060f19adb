"""Outcomes: raw columns of a panel become the three outcome families."""

from __future__ import annotations

from ._registry import OUTCOMES, Outcome, outcome_label, outcome_values

__all__ = ["OUTCOMES", "Outcome", "outcome_label", "outcome_values"]
