"""Look an outcome up in a panel, with the checks that belong to it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..panel import Panel, PanelWarning, need_panel, suggest
from . import _rules
from ._registry import BUDGET, NOTIONAL, OUTCOMES, VISITS, Outcome

Array = NDArray[np.float64]


def outcome_values(panel: Panel, name: str) -> Array:
    """Compute an outcome of a panel.

    A column of the panel comes first; a registered outcome is computed from raw columns.

    Parameters
    ----------
    panel : Panel
    name : str
        A registered outcome, or any numeric column.

    Returns
    -------
    ndarray of float64, shape (n_obs,)
        In the order of ``panel.frame``; NaN where the outcome is missing.

    Raises
    ------
    DesignError
        If there is no such outcome, the column is not numeric, a raw column is missing, or a
        surplus is asked for where there is no budget (E103) or spending changes its basis (E104).

    Warns
    -----
    PanelWarning
        If visit definitions change (E106), or values look like a slip of units (E107, E108).
    """
    need_outcome(panel, name)
    if name in panel.frame.columns:
        return _numeric(panel.frame[name])
    outcome = OUTCOMES[name]
    _check_columns(panel, outcome)
    _check_surplus(panel, outcome)
    given = [_numeric(panel.frame[column]) for column in outcome.needs]
    given += [
        _numeric(panel.frame[column])
        for column in outcome.optional
        if column in panel.frame.columns
    ]
    first = (panel,) if outcome.of_panel else ()
    values = outcome.function(*first, *given)
    _warn_of_units(panel, outcome, values)
    return values


def need_outcome(panel: Panel, name: str) -> None:
    """Refuse a name that is neither a column of the panel nor a registered outcome.

    Raises
    ------
    DesignError
        With the nearest known names.
    """
    need_panel(panel)
    if not isinstance(name, str | int):
        raise DesignError(
            f"an outcome is named by one text, not by a {type(name).__name__}.\n"
            '  Name a column or a registered outcome, as "fund_surplus_rate".'
        )
    if name not in panel.frame.columns and name not in OUTCOMES:
        known = [*OUTCOMES, *map(str, panel.frame.columns)]
        raise DesignError(
            f"{name!r} is neither a column of the panel nor a registered outcome.\n"
            f" {suggest(str(name), known, cutoff=0.0)}"
        )


def outcome_label(name: str) -> str:
    """Return the English label of an outcome, or the name itself if it is not registered."""
    return OUTCOMES[name].label if name in OUTCOMES else name


def surplus_split(panel: Panel, estimator: Callable[..., Any], **options: Any) -> pd.DataFrame:
    """Split the effect on a surplus into its spending part and its budget part.

    With a linear estimator on one sample, ``tau[ln(1 - s)] = tau[ln E] - tau[ln B]`` exactly:
    a surplus grows because less is spent or because more is budgeted, and the split says which.

    Parameters
    ----------
    panel : Panel
    estimator : callable
        ``estimator(panel, outcome, **options)`` with an attribute ``estimate`` of shape (k,) and
        a method ``to_frame()``, e.g. ``att_gt``.

    Returns
    -------
    DataFrame, shape (k, ...)
        The keys of the estimator's terms, then ``log_spending_to_budget``,
        ``log_spending_per_insured``, ``log_budget_per_insured`` and ``residual``.

    Raises
    ------
    DesignError
        If a county has no budget.
    """
    if not callable(estimator):
        raise DesignError(
            f"estimator={estimator!r} is no function.\n  Pass one, as estimator=ma.att_gt."
        )
    names = ("log_spending_to_budget", "log_spending_per_insured", "log_budget_per_insured")
    columns = {name: outcome_values(panel, name) for name in names}
    seen = np.isfinite(np.column_stack(list(columns.values()))).all(axis=1)
    sample = panel.with_columns(**columns).keep(seen)
    fits = [estimator(sample, name, **options) for name in names]
    keys = [c for c in ("term", "cohort", "year", "event_time") if c in fits[0].to_frame()]
    table = (
        fits[0]
        .to_frame()[keys]
        .assign(**{name: np.asarray(fit.estimate) for name, fit in zip(names, fits, strict=True)})
    )
    table["residual"] = table[names[0]] - (table[names[1]] - table[names[2]])
    return panel.provenance.carried_by(table)


def _check_columns(panel: Panel, outcome: Outcome) -> None:
    absent = [column for column in outcome.needs if column not in panel.frame.columns]
    if set(outcome.optional) & set(panel.frame.columns) and absent == ["budget"]:
        raise DesignError(
            f"{outcome.name} needs budget, the budget as settled, and the panel has only "
            "notional budgets.\n  Use notional_surplus_rate, or add budget."
        )
    if absent:
        raise DesignError(
            f"{outcome.name} needs the columns {', '.join(outcome.needs)}; "
            f"the panel lacks {', '.join(absent)}.\n  Add them, or choose another outcome."
        )


def _check_surplus(panel: Panel, outcome: Outcome) -> None:
    """Refuse a surplus without a budget (E103), or across a change of basis (E104)."""
    if outcome.family != "surplus":
        return
    if "budget" in outcome.needs and outcome.optional:
        for name in (BUDGET[0], *NOTIONAL):
            if name in panel.frame.columns:
                _numeric(panel.frame[name])
        for found in _rules.missing_budgets(panel):
            raise DesignError(
                f"{found.line}\n  Add notional_budget by one fixed rule, or use "
                "log_spending_per_insured."
            )
    if "spending" in outcome.needs:
        for found in _rules.mixed_basis(panel):
            raise DesignError(f"{found.line}\n  Keep the years on one basis.")


def _warn_of_units(panel: Panel, outcome: Outcome, values: Array) -> None:
    """Warn of changed definitions (E106) and of values that suggest a wrong unit (E107, E108)."""
    problems = _rules.changed_visits(panel) if set(VISITS) & set(outcome.needs) else []
    if outcome.name.endswith("surplus_rate"):
        problems += _rules.low_surplus(panel, values)
    if "remuneration_per_fte_yuan" in outcome.name:
        problems += _rules.odd_pay(panel, values, outcome.name)
    for found in problems:
        warnings.warn(f"{outcome.name}: {found.line}", PanelWarning, stacklevel=3)


def _numeric(column: pd.Series) -> Array:
    if not pd.api.types.is_numeric_dtype(column.dtype):
        shown = first_three(repr(value) for value in column.dropna().unique()[:4])
        raise DesignError(
            f"{column.name!r} is not numeric (it holds {shown}).\n"
            "  Convert the column to numbers before making the panel."
        )
    values = column.to_numpy(np.float64, na_value=np.nan)
    infinite = np.isinf(values)
    if infinite.any():
        raise DesignError(
            f"{column.name!r} is infinite in rows {first_three(np.flatnonzero(infinite))}.\n"
            "  Use a blank for a missing value."
        )
    return values
