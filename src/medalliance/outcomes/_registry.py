"""The registry of outcomes: what each needs, what it is measured in, how it is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..panel import Panel
from ..panel._checks import suggest

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Outcome:
    """A registered outcome.

    Attributes
    ----------
    name : str
        Identifier, also the codebook's.
    needs : tuple of str
        Raw columns, in the order of the function's arguments.
    function : callable
        Arrays of shape (n_obs,) -> array of shape (n_obs,).
    label, label_zh, unit : str
        What figures and tables print.
    """

    name: str
    needs: tuple[str, ...]
    function: Callable[..., Array]
    label: str
    label_zh: str
    unit: str


OUTCOMES: dict[str, Outcome] = {}


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
        If there is no such outcome, the column is not numeric, or a raw column is missing.
    """
    if name in panel.frame.columns:
        return _numeric(panel.frame[name])
    if name not in OUTCOMES:
        known = [*OUTCOMES, *map(str, panel.frame.columns)]
        raise DesignError(
            f"{name!r} is neither a column of the panel nor a registered outcome."
            f"{suggest(name, known)}\n  Registered outcomes: {', '.join(sorted(OUTCOMES))}."
        )
    outcome = OUTCOMES[name]
    absent = [column for column in outcome.needs if column not in panel.frame.columns]
    if absent:
        raise DesignError(
            f"{name} needs the columns {', '.join(outcome.needs)}; "
            f"the panel lacks {', '.join(absent)}.\n  Add them, or choose another outcome."
        )
    columns = (_numeric(panel.frame[column]) for column in outcome.needs)
    return outcome.function(*columns)


def outcome_label(name: str) -> str:
    """Return the English label of an outcome, or the name itself if it is not registered."""
    return OUTCOMES[name].label if name in OUTCOMES else name


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
