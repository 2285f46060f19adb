"""Process tracing: the steps of each case, and what they do to the odds of a hypothesis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, first_three, raise_problems
from ..paths import chosen_folder
from ._sheets import DATE, case_names, known_sources, named_rows, read_text_table
from .coding import load_grid

COLUMNS = (
    "case",
    "date",
    "actor",
    "act",
    "source_id",
    "hypothesis",
    "test",
    "likelihood_ratio",
)
TESTS = ("straw in the wind", "hoop", "smoking gun", "doubly decisive")


def load_process(folder: str | Path | None = None) -> pd.DataFrame:
    """Load the steps of the cases.

    Parameters
    ----------
    folder : Path, optional
        A folder with ``process.csv`` and ``grid.yaml``; the project's by default.

    Returns
    -------
    DataFrame
        ``case, date, actor, act, source_id, hypothesis, test, likelihood_ratio``, sorted by case
        and date. Steps that test nothing have no hypothesis. A likelihood ratio is a judgement:
        how much more likely the step is if the hypothesis holds than if it does not.

    Raises
    ------
    DataError
        Every problem of the file at once.
    """
    folder = chosen_folder(folder, "coding", holds="process.csv")
    raw = read_text_table(folder / "process.csv", COLUMNS)
    known = set(load_grid(folder / "grid.yaml").hypotheses)
    raise_problems(
        list(_problems(raw, known)),
        where="process.csv",
        advice="A step has a date, an actor, an act and a source; a test has all three or none.",
    )
    ratio = pd.to_numeric(raw["likelihood_ratio"].replace("", None))
    steps = raw.assign(likelihood_ratio=ratio.astype(float))
    return steps.sort_values(["case", "date"], kind="stable", ignore_index=True)


def _problems(raw: pd.DataFrame, hypotheses: set[str]) -> Iterator[str]:
    yield from named_rows(raw, ~raw["case"].isin(set(case_names())), "unknown case", "case")
    yield from named_rows(
        raw, ~raw["source_id"].isin(known_sources()), "unknown source", "source_id"
    )
    undated = ~raw["date"].map(lambda text: bool(DATE.fullmatch(text)))
    yield from named_rows(raw, undated, "date is not YYYY, YYYY-MM or YYYY-MM-DD", "date")
    for column in ("actor", "act"):
        yield from named_rows(raw, raw[column].str.strip().eq(""), f"step without {column}", "case")
    filled = raw[["hypothesis", "test", "likelihood_ratio"]].ne("").sum(axis=1)
    yield from named_rows(raw, filled.between(1, 2), "test is not complete", "case")
    tests = filled.eq(3)
    strange = tests & ~raw["hypothesis"].isin(hypotheses)
    yield from named_rows(raw, strange, "unknown hypothesis", "hypothesis")
    yield from named_rows(raw, tests & ~raw["test"].isin(TESTS), "unknown test", "test")
    ratio = pd.to_numeric(raw["likelihood_ratio"], errors="coerce")
    bad = tests & ~(np.isfinite(ratio) & ratio.gt(0))
    yield from named_rows(raw, bad, "likelihood ratio is not above 0", "likelihood_ratio")


def posterior_odds(prior_odds: float, ratios: ArrayLike) -> float:
    """Multiply prior odds by the likelihood ratios of independent pieces of evidence.

    Parameters
    ----------
    prior_odds : float
        Odds before the evidence; 1 is undecided.
    ratios : array_like, shape (n_pieces,)
        Likelihood ratios, all above 0.

    Raises
    ------
    DataError
        The prior odds or a ratio is not a positive number.

    References
    ----------
    Bennett and Checkel (2015), Process Tracing, appendix.
    """
    values = _ratios(ratios)
    bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if bad.size or not (np.isfinite(prior_odds) and prior_odds > 0):
        where = f"position {first_three(bad)}" if bad.size else "the prior"
        raise DataError(f"odds or ratio not above 0 at {where}. Write 1 for no evidence.")
    return float(prior_odds * values.prod())


def odds_sensitivity(ratios: ArrayLike, *, prior_odds: float = 1.0) -> pd.DataFrame:
    """Tabulate posterior odds with each likelihood ratio halved, doubled and left out.

    Parameters
    ----------
    ratios : array_like, shape (n_pieces,)
        Likelihood ratios, all above 0.
    prior_odds : float
        Odds before the evidence.

    Returns
    -------
    DataFrame, shape (n_pieces + 1, 5)
        ``piece`` (position, -1 for all at once), ``as_judged``, ``halved``, ``doubled``,
        ``left_out``: posterior odds.
    """
    values = _ratios(ratios)
    if values.ndim != 1:
        raise DataError("ratios is no list.\n  Give one likelihood ratio a piece, as [4, 0.5].")
    judged = posterior_odds(prior_odds, values)
    pieces = [(i, judged, judged / 2, judged * 2, judged / values[i]) for i in range(len(values))]
    every = 2.0 ** len(values)
    rows = [*pieces, (-1, judged, judged / every, judged * every, prior_odds)]
    return pd.DataFrame(rows, columns=["piece", "as_judged", "halved", "doubled", "left_out"])


def _ratios(ratios: ArrayLike) -> NDArray[np.float64]:
    try:
        return np.asarray(ratios, dtype=float)
    except (TypeError, ValueError):
        raise DataError(
            f"ratios {ratios!r} are not numbers.\n  Give likelihood ratios, as [4, 0.5]."
        ) from None
