"""How far a solution depends on anchors, cuts, single cases and estimated outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, DesignError
from .calibrate import calibrate
from .qca import Kind, minimise
from .truth_table import truth_table

Anchors = tuple[float, float, float]


def calibrate_frame(raw: pd.DataFrame, anchors: Mapping[str, Anchors]) -> pd.DataFrame:
    """Calibrate several columns; anchors are (out, cross, full) by column."""
    return pd.DataFrame(
        {
            name: calibrate(raw[name], out=out, cross=cross, full=full)
            for name, (out, cross, full) in anchors.items()
        },
        index=raw.index,
    )


def robustness(
    raw: pd.DataFrame,
    outcome: str,
    anchors: Mapping[str, Anchors],
    *,
    kind: Kind = "conservative",
    cuts: Sequence[float] = (0.75, 0.80, 0.85),
    move: float = 0.10,
    expectations: Mapping[str, bool] | None = None,
) -> pd.DataFrame:
    """Repeat an analysis under other anchors, cuts and without each case.

    Parameters
    ----------
    raw : DataFrame, shape (n_cases, >= k + 1)
        Raw values, cases in the index.
    outcome : str
        Outcome column.
    anchors : mapping
        Column -> (out, cross, full) for conditions and outcome.
    cuts : sequence of float
        Inclusion cuts; the middle one is the base.
    move : float
        Cross-over points move up and down by this share of the distance to the outer anchor.

    Returns
    -------
    DataFrame
        One row a variant: ``variant, detail, solution, n_models, same_as_base``; a variant that
        cannot be computed carries the reason as its solution.
    """
    conditions = [name for name in anchors if name != outcome]
    base_cut = cuts[len(cuts) // 2]

    def solve(frame: pd.DataFrame, sets: Mapping[str, Anchors], cut: float) -> tuple[str, int]:
        try:
            table = truth_table(
                calibrate_frame(frame, sets), outcome, conditions, inclusion_cut=cut
            )
            found = minimise(table, kind, expectations=expectations)
        except (DataError, DesignError) as reason:
            return f"not computed: {reason}".splitlines()[0], 0
        return " | ".join(found.expressions()), len(found.models)

    rows: list[dict[str, Any]] = []
    base, _ = solve(raw, anchors, base_cut)
    for variant, detail, frame, sets, cut in _variants(raw, anchors, cuts, base_cut, move):
        text, n_models = solve(frame, sets, cut)
        rows.append(
            {
                "variant": variant,
                "detail": detail,
                "solution": text,
                "n_models": n_models,
                "same_as_base": text == base,
            }
        )
    return pd.DataFrame(rows)


def _variants(
    raw: pd.DataFrame,
    anchors: Mapping[str, Anchors],
    cuts: Sequence[float],
    base_cut: float,
    move: float,
) -> Iterator[tuple[str, str, pd.DataFrame, Mapping[str, Anchors], float]]:
    yield "base", f"inclusion cut {base_cut}", raw, anchors, base_cut
    for cut in cuts:
        if cut != base_cut:
            yield "cut", f"inclusion cut {cut}", raw, anchors, cut
    for name, (out, cross, full) in anchors.items():
        for toward, label in ((out, "towards out"), (full, "towards full")):
            shifted = (out, cross + move * (toward - cross), full)
            yield "anchor", f"{name} {label}", raw, {**anchors, name: shifted}, base_cut
    for case in raw.index:
        yield "case", f"without {case}", raw.drop(index=case), anchors, base_cut


def term_survival(
    conditions: pd.DataFrame,
    estimate: NDArray[np.float64],
    vcov: NDArray[np.float64],
    anchors: Anchors,
    *,
    kind: Kind = "conservative",
    inclusion_cut: float = 0.8,
    n_draws: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Count how often each term survives when the outcome is an estimate with error.

    Each draw takes the cases' effects from their joint normal law, calibrates them afresh and
    minimises.

    Parameters
    ----------
    conditions : DataFrame, shape (n_cases, k)
        Memberships in the conditions.
    estimate, vcov : ndarray, shapes (n_cases,), (n_cases, n_cases)
        Estimated effect of each case, with its covariance.
    anchors : tuple of float
        (out, cross, full) of the outcome.

    Returns
    -------
    DataFrame
        ``term, survival`` (share of draws in which some tied model holds the term), most
        frequent first; the term ``"(no solution)"`` counts draws without one.
    """
    rng = np.random.default_rng(seed)
    draws = rng.multivariate_normal(estimate, vcov, size=n_draws)
    out, cross, full = anchors
    seen: Counter[str] = Counter()
    for draw in draws:
        frame = conditions.assign(_outcome=calibrate(draw, out=out, cross=cross, full=full))
        try:
            table = truth_table(
                frame, "_outcome", list(conditions.columns), inclusion_cut=inclusion_cut
            )
            terms = {t for text in minimise(table, kind).expressions() for t in text.split(" + ")}
        except (DataError, DesignError):
            terms = {"(no solution)"}
        seen.update(terms)
    rows = [{"term": term, "survival": count / n_draws} for term, count in seen.most_common()]
    return pd.DataFrame(rows, columns=["term", "survival"])
