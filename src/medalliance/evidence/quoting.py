"""Quote published facts: words for numbers, source lines, rows of a series."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from ..codebook import load_codebook
from ..provenance import Provenance
from . import Evidence, load_evidence

if TYPE_CHECKING:
    import pandas as pd


@cache
def facts() -> Evidence:
    """Return the published facts, read once; whoever changes a frame copies it first."""
    return load_evidence()


def cited(ids: Iterable[str]) -> Provenance:
    """Return the provenance of published facts by the ids of their sources."""
    about = facts().about(*ids)
    return about.saying(about.source.rstrip("."))


def percent(share: float, digits: int = 1) -> str:
    """Write a share as percent, with a true minus sign."""
    return f"{100 * share:.{digits}f} %".replace("-", "\u2212")


def points(difference: float, digits: int = 1) -> str:
    """Write a difference of shares as percentage points, with its sign."""
    return f"{100 * difference:+.{digits}f}".replace("-", "\u2212") + " percentage points"


def grade_label(grade: str) -> str:
    """Return the English label of a grade."""
    return load_codebook().grades[grade]["en"]


def national(
    evidence: Evidence, *variables: str, vintage: str = "final", whole_years: bool = True
) -> pd.DataFrame:
    """Return national rows of some variables, in order of year."""
    rows = evidence.statistics
    kept = rows[
        (rows["geography"] == "China")
        & rows["variable"].isin(variables)
        & (rows["vintage"] == vintage)
    ]
    kept = kept[kept["month_start"].isna()] if whole_years else kept
    return kept.sort_values(["variable", "year", "month_end"], ignore_index=True)


def spread(
    rows: pd.DataFrame, index: str | list[str], columns: str | list[str], values: str = "value"
) -> pd.DataFrame:
    """Return long rows as a wide table; keys are unique in the published tables."""
    return rows.pivot_table(index=index, columns=columns, values=values, aggfunc="first")


def at_lowest(rows: pd.DataFrame, column: str) -> pd.Series:
    """Return the row with the lowest value of a column."""
    return rows.iloc[int(rows[column].to_numpy(float).argmin())]


def at_highest(rows: pd.DataFrame, column: str) -> pd.Series:
    """Return the row with the highest value of a column."""
    return rows.iloc[int(rows[column].to_numpy(float).argmax())]


def with_gaps(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return the rows with an empty one for each year that a series skips, so that lines break."""
    import pandas as pd

    filled: list[pd.DataFrame] = []
    for key in dict.fromkeys(rows[by]):
        mine = rows[rows[by] == key].set_index("year")
        whole = mine.reindex(range(int(mine.index.min()), int(mine.index.max()) + 1))
        whole[by] = key
        filled.append(whole.rename_axis("year").reset_index())
    return pd.concat(filled, ignore_index=True)
