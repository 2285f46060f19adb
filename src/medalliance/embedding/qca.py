"""Solutions of a truth table: conservative, parsimonious, intermediate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, check_choice, first_three, need_type
from .fit import coverage, inclusion, pri, relevance_of_necessity
from .minimise import ANY, Cube, covers, prime_implicants, smallest_covers
from .truth_table import TruthTable, row_membership

Kind = Literal["conservative", "parsimonious", "intermediate"]
KINDS: tuple[Kind, ...] = ("conservative", "parsimonious", "intermediate")


@dataclass(frozen=True, eq=False)
class Solution:
    """All tied models of one kind of solution.

    Attributes
    ----------
    kind : str
        ``"conservative"``, ``"parsimonious"`` or ``"intermediate"``.
    table : TruthTable
        What was minimised.
    models : tuple of tuple of cube
        Every smallest cover; more than one means that the data do not decide.
    """

    kind: str
    table: TruthTable
    models: tuple[tuple[Cube, ...], ...]

    def expressions(self) -> list[str]:
        """Return each model in words, e.g. ``DEV*~URB*LIT*STB + DEV*LIT*IND*STB``."""
        return [expression(model, self.table.conditions) for model in self.models]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a term and a model, with the fit of each term and of the whole model.

        Columns: ``model, term, inclusion, pri, coverage, unique_coverage, cases``; the row with
        term ``"(model)"`` is the union of the model's terms.
        """
        return pd.DataFrame(
            [row for i, model in enumerate(self.models) for row in _fit_rows(i, model, self.table)]
        )

    def membership(self, model: int = 0) -> NDArray[np.float64]:
        """Return membership in a model, shape (n_cases,): the largest of its terms."""
        terms = [row_membership(term, self.table.memberships) for term in self.models[model]]
        return np.max(terms, axis=0)

    def summary(self) -> str:
        """Return the solution as text, saying when several models tie."""
        head = f"{self.kind} solution of {self.table.outcome} ({len(self.table.cases)} cases)"
        tied = "" if len(self.models) == 1 else f"; {len(self.models)} models tie"
        lines = "\n".join(f"  {text}" for text in self.expressions()) or "  no row has output 1"
        mixed = self.table.rows.loc[self.table.rows["contradictory"], "cases"]
        doubt = f"\n  contradictory rows: {'; '.join(mixed)}" if len(mixed) else ""
        return f"{head}{tied}\n{lines}{doubt}"


def expression(model: tuple[Cube, ...], conditions: tuple[str, ...]) -> str:
    """Write a model as a sum of products; ``~`` marks absence."""
    return " + ".join(_term(cube, conditions) for cube in model)


def _term(cube: Cube, conditions: tuple[str, ...]) -> str:
    literals = [
        name if value else f"~{name}"
        for name, value in zip(conditions, cube, strict=True)
        if value != ANY
    ]
    return "*".join(literals) or "1"


def minimise(
    table: TruthTable,
    kind: Kind = "conservative",
    *,
    expectations: Mapping[str, bool] | None = None,
) -> Solution:
    """Minimise a truth table exactly.

    Parameters
    ----------
    table : TruthTable
        From ``truth_table``.
    kind : str
        ``"conservative"`` uses no remainder, ``"parsimonious"`` any, ``"intermediate"`` only
        those that the directional expectations make easy counterfactuals.
    expectations : mapping of str to bool
        Condition -> whether its presence is expected to bring the outcome; needed for, and used
        only by, the intermediate solution.

    Returns
    -------
    Solution
        With every tied model.

    Raises
    ------
    DesignError
        No row has output 1, or an expectation names no condition.

    References
    ----------
    Ragin (2008), chapters 8 and 9; Ragin and Sonnett (2005) for easy counterfactuals.
    """
    check_choice("kind", kind, KINDS)
    need_type("table", table, TruthTable, advice="Make one: ma.truth_table(frame, ...).")
    on = table.combinations(1)
    if not on:
        raise DesignError(
            f"no row reaches output 1 for {table.outcome}: nothing to minimise. "
            "Lower inclusion_cut, or say that no combination is sufficient."
        )
    k = len(table.conditions)
    remainders = table.combinations(None)
    if kind == "conservative":
        return Solution(kind, table, _models(k, on, set()))
    if kind == "parsimonious":
        return Solution(kind, table, _models(k, on, remainders))
    expected = _expected(table.conditions, expectations)
    easy = _easy_counterfactuals(k, on, remainders, expected)
    return Solution(kind, table, _models(k, on, easy))


def _models(k: int, on: set[Cube], do_not_care: set[Cube]) -> tuple[tuple[Cube, ...], ...]:
    return tuple(smallest_covers(prime_implicants(k, on, do_not_care), on))


def _expected(
    conditions: tuple[str, ...], expectations: Mapping[str, bool] | None
) -> tuple[int | None, ...]:
    if expectations is None:
        raise DesignError(
            "the intermediate solution needs expectations, e.g. expectations={'DEV': True}."
        )
    unknown = [name for name in expectations if name not in conditions]
    if unknown:
        raise DesignError(
            f"expectation for {first_three(unknown)}, which is no condition. "
            f"Conditions are {', '.join(conditions)}."
        )
    return tuple(int(expectations[c]) if c in expectations else None for c in conditions)


def _easy_counterfactuals(
    k: int, on: set[Cube], remainders: set[Cube], expected: tuple[int | None, ...]
) -> set[Cube]:
    """Return remainders that a parsimonious term uses in the expected direction."""
    easy: set[Cube] = set()
    for complex_term in prime_implicants(k, on, set()):
        for simple_term in prime_implicants(k, on, remainders):
            if not covers(simple_term, complex_term):
                continue
            kept = tuple(
                s if s != ANY else (c if c == e or e is None else ANY)
                for s, c, e in zip(simple_term, complex_term, expected, strict=True)
            )
            easy |= {row for row in remainders if covers(kept, row)}
    return easy


def _fit_rows(i: int, model: tuple[Cube, ...], table: TruthTable) -> list[dict[str, object]]:
    y = table.outcome_membership
    terms = [row_membership(term, table.memberships) for term in model]
    union = np.max(terms, axis=0)
    rows = []
    for j, (cube, x) in enumerate(zip(model, terms, strict=True)):
        others = [t for m, t in enumerate(terms) if m != j]
        rest = coverage(np.max(others, axis=0), y) if others else 0.0
        unique = coverage(union, y) - rest
        rows.append(_fit_row(i, _term(cube, table.conditions), x, table, unique))
    rows.append(_fit_row(i, "(model)", union, table, float("nan")))
    return rows


def _fit_row(
    i: int, term: str, x: NDArray[np.float64], table: TruthTable, unique: float
) -> dict[str, object]:
    y = table.outcome_membership
    inside = [case for case, is_in in zip(table.cases, x > 0.5, strict=True) if is_in]
    return {
        "model": i + 1,
        "term": term,
        "inclusion": inclusion(x, y),
        "pri": pri(x, y),
        "coverage": coverage(x, y),
        "unique_coverage": unique,
        "cases": ", ".join(inside),
    }


def necessity(frame: pd.DataFrame, outcome: str, conditions: list[str]) -> pd.DataFrame:
    """Tabulate how necessary each condition, or its absence, is for the outcome.

    Returns
    -------
    DataFrame, shape (2k, 4)
        Columns ``condition, inclusion, coverage, relevance`` (relevance of necessity).
    """
    y = frame[outcome.removeprefix("~")].to_numpy(float)
    y = 1.0 - y if outcome.startswith("~") else y
    rows = []
    for name in conditions:
        x = frame[name].to_numpy(float)
        for label, member in ((name, x), (f"~{name}", 1.0 - x)):
            rows.append(
                {
                    "condition": label,
                    "inclusion": inclusion(y, member),
                    "coverage": coverage(y, member),
                    "relevance": relevance_of_necessity(member, y),
                }
            )
    return pd.DataFrame(rows)
