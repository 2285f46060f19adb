"""Truth table of fuzzy or crisp sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, DesignError, first_three, raise_problems
from .fit import inclusion, pri
from .minimise import Cube


@dataclass(frozen=True, eq=False)
class TruthTable:
    """Every combination of the conditions, with what the cases say about it.

    Attributes
    ----------
    conditions : tuple of str
        Names of the k conditions.
    outcome : str
        Name of the outcome; ``~`` before it means its absence.
    rows : DataFrame, shape (2**k, k + 7)
        One row a combination: conditions (0/1), ``n`` cases in it, ``inclusion``, ``pri``,
        ``output`` (1, 0, or missing for a remainder), ``contradictory`` (cases inside the row
        differ on the outcome), ``cases``.
    memberships : ndarray, shape (n_cases, k)
        Memberships in the conditions.
    outcome_membership : ndarray, shape (n_cases,)
        Membership in the outcome (already negated if asked).
    cases : tuple of str
        Case labels.
    """

    conditions: tuple[str, ...]
    outcome: str
    rows: pd.DataFrame
    memberships: NDArray[np.float64]
    outcome_membership: NDArray[np.float64]
    cases: tuple[str, ...]

    def combinations(self, output: int | None) -> set[Cube]:
        """Return the rows with this output; ``None`` gives the remainders."""
        column = self.rows["output"]
        chosen = column.isna() if output is None else column.eq(output)
        keep = self.rows.loc[chosen.fillna(False).astype(bool), list(self.conditions)]
        return {tuple(int(v) for v in row) for row in keep.to_numpy()}


def truth_table(
    frame: pd.DataFrame,
    outcome: str,
    conditions: Sequence[str],
    *,
    inclusion_cut: float = 0.8,
    pri_cut: float = 0.0,
    frequency_cut: int = 1,
) -> TruthTable:
    """Build the truth table of a set-theoretic analysis.

    Parameters
    ----------
    frame : DataFrame, shape (n_cases, >= k + 1)
        Memberships between 0 and 1, cases in the index.
    outcome : str
        Outcome column; ``"~Y"`` analyses its absence.
    conditions : sequence of str
        Condition columns.
    inclusion_cut, pri_cut : float
        A row's output is 1 if its inclusion and its PRI reach these cuts.
    frequency_cut : int
        Rows with fewer cases are remainders.

    Returns
    -------
    TruthTable
        One row a combination of conditions, with its cases, inclusion, PRI and output.

    Raises
    ------
    DesignError
        A column is missing.
    DataError
        Memberships outside 0..1, a case at exactly 0.5 in a condition, or an outcome without
        variation. All problems are listed at once.

    References
    ----------
    Ragin (2008), chapter 7.
    """
    names = list(conditions)
    target = outcome.removeprefix("~")
    absent = [c for c in [*names, target] if c not in frame.columns]
    if absent:
        raise DesignError(
            f"no column {first_three(absent)}. The frame has {first_three(frame.columns)}."
        )
    _fail_if_not_memberships(frame, names, target)
    x = frame[names].to_numpy(float)
    y = frame[target].to_numpy(float)
    y = 1.0 - y if outcome.startswith("~") else y
    cases = tuple(str(label) for label in frame.index)
    rows = [
        _row(row, x, y, cases, inclusion_cut, pri_cut, frequency_cut)
        for row in product((0, 1), repeat=len(names))
    ]
    columns = [*names, "n", "inclusion", "pri", "output", "contradictory", "cases"]
    table = pd.DataFrame(rows, columns=columns)
    table["output"] = table["output"].astype("Int64")
    return TruthTable(tuple(names), outcome, table, x, y, cases)


def row_membership(row: Cube, memberships: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return memberships in a cube, shape (n_cases,): the smallest of its literals."""
    literals = [
        memberships[:, j] if value == 1 else 1.0 - memberships[:, j]
        for j, value in enumerate(row)
        if value in (0, 1)
    ]
    return np.min(literals, axis=0) if literals else np.ones(len(memberships))


def _row(
    row: Cube,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    cases: tuple[str, ...],
    inclusion_cut: float,
    pri_cut: float,
    frequency_cut: int,
) -> list[object]:
    member = row_membership(row, x)
    inside = member > 0.5
    n = int(inside.sum())
    incl, reduction = inclusion(member, y), pri(member, y)
    output: int | None = None
    if n >= frequency_cut:
        output = int(incl >= inclusion_cut and not reduction < pri_cut)
    mixed = bool(n and len(set((y[inside] > 0.5).tolist())) > 1)
    labels = ", ".join(case for case, is_in in zip(cases, inside, strict=True) if is_in)
    return [*row, n, incl, reduction, output, mixed, labels]


def _fail_if_not_memberships(frame: pd.DataFrame, names: list[str], target: str) -> None:
    problems = []
    for column in [*names, target]:
        values = pd.to_numeric(frame[column], errors="coerce")
        outside = frame.index[~values.between(0, 1)]
        if len(outside):
            problems.append(
                f"{column} is not a membership between 0 and 1 for {first_three(outside)}"
            )
        at_half = frame.index[values.eq(0.5)]
        if column != target and len(at_half):
            problems.append(f"{column} is exactly 0.5 for {first_three(at_half)}: in no row")
    y = pd.to_numeric(frame[target], errors="coerce")
    if y.gt(0.5).all() or y.le(0.5).all():
        side = "inside" if y.gt(0.5).all() else "outside"
        problems.append(f"outcome {target} does not vary: all {len(y)} cases are {side} the set")
    raise_problems(
        problems,
        where="truth table",
        advice="Recalibrate the named cases, or leave them out and say so.",
        error=DataError,
    )
