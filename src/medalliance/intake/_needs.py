"""What each registered outcome still needs from a table."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..outcomes import OUTCOMES, Outcome, missing_budgets, mixed_basis
from ..panel import Panel

NAN = float("nan")


@dataclass(frozen=True)
class Need:
    """What one registered outcome needs from a panel.

    Attributes
    ----------
    outcome, label, family : str
        The outcome, its English label, ``"surplus"``, ``"remuneration"`` or ``"shares"``.
    available : bool
        Whether it can be computed.
    missing : tuple of str
        Columns that the panel lacks, or that are blank throughout.
    coverage : float
        Share of rows in which every needed column has a value; NaN if a column is missing.
    reason : str
        Why it is refused although the columns are there, ``""`` if it is not.
    """

    outcome: str
    label: str
    family: str
    available: bool
    missing: tuple[str, ...] = ()
    coverage: float = NAN
    reason: str = ""


def needs_of(frame: pd.DataFrame, panel: Panel | None = None) -> tuple[Need, ...]:
    """Return, for each registered outcome, whether a table can carry it.

    Parameters
    ----------
    frame : DataFrame
        Standard names.
    panel : Panel, optional
        The same table as a panel, for refusals that depend on values (E103, E104).
    """
    there = {str(name) for name in frame.columns if frame[name].notna().any()}
    refused = _refusals(panel) if panel is not None and len(panel.frame) else {}
    return tuple(_need(outcome, frame, refused, there) for outcome in OUTCOMES.values())


def _need(outcome: Outcome, frame: pd.DataFrame, refused: dict[str, str], there: set[str]) -> Need:
    missing = tuple(name for name in outcome.needs if name not in there)
    label, family = outcome.label, outcome.family
    if missing:
        return Need(outcome.name, label, family, False, missing)
    filled = frame[list(outcome.needs)].notna()
    if outcome.optional and set(outcome.optional) <= there:
        settled = filled["budget"] | frame[outcome.optional[0]].notna()
        filled = filled.assign(budget=settled)
    share = float(filled.all(axis=1).mean()) if len(frame) else 0.0
    reason = ""
    if family == "surplus":
        on_budget = "budget" in outcome.needs and bool(outcome.optional)
        reason = refused.get("budget", "") if on_budget else ""
        reason = reason or (refused.get("basis", "") if "spending" in outcome.needs else "")
    if not reason and share == 0:
        reason = "no row has a value in every column"
    return Need(outcome.name, label, family, not reason, (), share, reason)


def _refusals(panel: Panel) -> dict[str, str]:
    found = {"budget": missing_budgets(panel), "basis": mixed_basis(panel)}
    return {name: f"{each[0].code} {each[0].text}" for name, each in found.items() if each}
