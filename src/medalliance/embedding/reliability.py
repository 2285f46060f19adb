"""Agreement of coders, and what an index made from their codes can bear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, check_choice, first_three, need_type, needed

Level = Literal["nominal", "ordinal", "interval", "ratio"]
USE, TENTATIVE = 0.80, 0.667

CELLS = "Give cases by cells, as ma.load_coding().cells()."


@dataclass(frozen=True)
class Agreement:
    """Krippendorff's alpha with its bootstrap interval.

    Attributes
    ----------
    alpha : float
        1 is perfect agreement, 0 is what chance gives.
    conf_low, conf_high : float
        Percentile interval from resampling units; missing if no draw could be computed.
    level : str
        Level of measurement.
    n_units, n_coders : int
        Units with at least two codes, and coders.
    """

    alpha: float
    conf_low: float
    conf_high: float
    level: str
    n_units: int
    n_coders: int

    @property
    def verdict(self) -> str:
        """Return what the conventional cut-offs allow: use, tentative, or recode."""
        if self.alpha >= USE:
            return "use"
        return "tentative" if self.alpha >= TENTATIVE else "recode"


def krippendorff_alpha(
    codes: ArrayLike, *, level: Level = "ordinal", n_draws: int = 999, seed: int = 0
) -> Agreement:
    """Measure how well coders agree.

    Parameters
    ----------
    codes : array_like, shape (n_coders, n_units)
        Codes as numbers; missing codes are NaN.
    level : str
        ``"nominal"``, ``"ordinal"``, ``"interval"`` or ``"ratio"``.
    n_draws : int
        Bootstrap draws of units; 0 gives no interval.
    seed : int
        Seed of the draws.

    Returns
    -------
    Agreement

    Raises
    ------
    DesignError
        If the level is unknown.
    DataError
        Fewer than two coders share a unit, every shared code is the same, a code is infinite, or a
        code is negative on a ratio scale.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's alpha-reliability.
    """
    try:
        table = np.asarray(codes, dtype=float)
    except (TypeError, ValueError):
        raise DataError("codes are not numbers.\n  Give numbers, NaN for a blank.") from None
    if table.ndim != 2 or len(table) < 2:
        raise DataError(f"codes have shape {table.shape}. Give coders x units, two coders or more.")
    check_choice("level", level, ("nominal", "ordinal", "interval", "ratio"))
    if np.isinf(table).any():
        where = np.argwhere(np.isinf(table))
        raise DataError(
            "infinite codes: "
            + first_three(f"coder {i + 1}, unit {j + 1}" for i, j in where)
            + ".\n  Give numbers, NaN for a blank."
        )
    if level == "ratio" and (table < 0).any():
        where = np.argwhere(table < 0)
        raise DataError(
            "negative codes on a ratio scale: "
            + first_three(f"coder {i + 1}, unit {j + 1}" for i, j in where)
            + '.\n  A ratio scale starts at zero: use level="interval".'
        )
    shared = np.isfinite(table).sum(axis=0) >= 2
    pairable = table[:, shared]
    if not shared.any():
        raise DataError("no unit has two codes. Agreement needs units that two coders coded.")
    if len(np.unique(pairable[np.isfinite(pairable)])) < 2:
        raise DataError("all shared codes are equal: agreement is not defined without variation.")
    alpha = _alpha(pairable, level)
    rng = np.random.default_rng(seed)
    n = pairable.shape[1]
    draws = [_alpha(pairable[:, rng.integers(0, n, n)], level) for _ in range(n_draws)]
    finite = np.array([d for d in draws if np.isfinite(d)])
    low, high = np.quantile(finite, [0.025, 0.975]) if finite.size else (np.nan, np.nan)
    return Agreement(alpha, float(low), float(high), level, n, len(table))


def _alpha(codes: NDArray[np.float64], level: Level) -> float:
    with needed():
        import krippendorff

    if len(np.unique(codes[np.isfinite(codes)])) < 2:
        return float("nan")
    return float(krippendorff.alpha(reliability_data=codes, level_of_measurement=level))


def embedding_index(cells: pd.DataFrame, *, highest: float = 3.0) -> pd.DataFrame:
    """Summarise the cells of each case in three ways.

    Parameters
    ----------
    cells : DataFrame, shape (n_cases, n_cells)
        Codes from 0 to ``highest``; blank cells are missing.
    highest : float
        Code of the strongest anchor.

    Returns
    -------
    DataFrame, shape (n_cases, 4)
        ``mean``, ``weakest_link`` and ``geometric`` between 0 and 1 over the coded cells, and
        ``coded_share``, the share of cells that carry a code.
    """
    need_type("cells", cells, pd.DataFrame, advice=CELLS, error=DataError)
    scaled = cells.astype(float) / highest
    return pd.DataFrame(
        {
            "mean": scaled.mean(axis=1),
            "weakest_link": scaled.min(axis=1),
            "geometric": scaled.prod(axis=1, min_count=1) ** (1.0 / scaled.notna().sum(axis=1)),
            "coded_share": scaled.notna().mean(axis=1),
        }
    )


def rank_ranges(
    cells: pd.DataFrame, *, highest: float = 3.0, n_draws: int = 5_000, seed: int = 0
) -> pd.DataFrame:
    """Tabulate between which ranks a case can stand when the weights are not known.

    Weights are drawn uniformly from the simplex (Dirichlet with ones). A blank cell is bounded by
    0 and ``highest``, so that missing evidence widens the range instead of lowering the case.

    Parameters
    ----------
    cells : DataFrame, shape (n_cases, n_cells)
        Codes from 0 to ``highest``; blank cells are missing.
    highest : float
        Code of the strongest anchor.

    Returns
    -------
    DataFrame, shape (n_cases, 3)
        ``best_rank``, ``worst_rank`` (1 is deepest) and ``decided``: whether they are equal.
    """
    need_type("cells", cells, pd.DataFrame, advice=CELLS, error=DataError)
    rng = np.random.default_rng(seed)
    values = cells.to_numpy(float)
    weights = rng.dirichlet(np.ones(values.shape[1]), size=n_draws)
    low = np.where(np.isnan(values), 0.0, values) @ weights.T
    high = np.where(np.isnan(values), highest, values) @ weights.T
    surely_above = (low[:, None, :] > high[None, :, :] + 1e-12).sum(axis=0)
    maybe_above = (high[:, None, :] > low[None, :, :] + 1e-12).sum(axis=0) - (high > low + 1e-12)
    best = 1 + surely_above.min(axis=1)
    worst = 1 + maybe_above.max(axis=1)
    return pd.DataFrame(
        {"best_rank": best, "worst_rank": worst, "decided": best == worst}, index=cells.index
    )
