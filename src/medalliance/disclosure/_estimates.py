"""Estimates that may leave: enough counties, clusters and freedom, and nothing by difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ._attack import Array, Relations
from ._limits import Limits
from ._protect import Need, protect

FEW_COUNTIES = "fewer counties than the limit stand behind it"
BY_DIFFERENCE = "complementary: an average that is shown would give a hidden one away"
_NUMBERS = ("estimate", "std_error", "conf_low", "conf_high", "band_low", "band_high", "p_value")


@dataclass(frozen=True)
class Support:
    """What stands behind an estimate.

    Attributes
    ----------
    counties, treated_clusters, freedom : int
        Counties used, treated clusters, residual degrees of freedom.
    """

    counties: int
    treated_clusters: int
    freedom: int

    def shortfall(self, limits: Limits) -> str:
        """Say which limit is missed, or nothing."""
        checks = {
            "counties": (self.counties, limits.counties),
            "treated clusters": (self.treated_clusters, limits.treated_clusters),
            "residual degrees of freedom": (self.freedom, limits.freedom),
        }
        missed = [f"fewer than {least} {what}" for what, (n, least) in checks.items() if n < least]
        return ", ".join(missed)


def safe_estimates(
    frame: pd.DataFrame, relations: Relations, limits: Limits, *, weight: ArrayLike = 1.0
) -> tuple[pd.DataFrame, NDArray[np.object_]]:
    """Hide estimates from too few counties, and those that averages would give away.

    Parameters
    ----------
    frame : DataFrame
        Tidy estimates with ``estimate`` and ``n_units``; whatever columns of numbers there are
        are hidden together.
    relations : sparse array, shape (n_relations, n_estimates)
        Sums of estimates that are zero, such as an average less its weighted parts.
    limits : Limits
    weight : array_like
        Loss if an estimate is hidden; averages should weigh more than their parts.

    Returns
    -------
    frame : DataFrame
        The same rows, hidden numbers blank, ``na`` reading ``suppressed`` there.
    reasons : ndarray of str, shape (n_estimates,)
        Why each is hidden; ``""`` where it is not.
    """
    values = frame["estimate"].to_numpy(float)
    known = np.nan_to_num(values)
    counties = frame["n_units"].to_numpy(float, na_value=np.nan)
    primary = ~(counties >= limits.counties) & (known != 0)
    need = Need.of(len(known), width=primary.astype(float))
    found = protect(
        known, relations, primary, need, low=-np.inf,
        weight=np.broadcast_to(np.asarray(weight, float), len(known)),
    )  # fmt: skip
    hidden = [primary, found.hidden]
    reasons = np.select(hidden, [FEW_COUNTIES, BY_DIFFERENCE], "").astype(object)
    shown = frame.copy()
    for name in (*_NUMBERS, "n_units"):
        if name in shown.columns:
            shown[name] = shown[name].astype(float).mask(found.hidden)
    shown["na"] = np.where(found.hidden, "suppressed", "")
    return shown, reasons


def average_relations(weights: Array, overall: Array | None = None) -> Relations:
    """Write averages of cells, and an overall average of those, as sums that are zero.

    Parameters
    ----------
    weights : ndarray, shape (n_cells, n_averages)
        Weight of each cell in each average.
    overall : ndarray, shape (n_averages,), optional
        Weight of each average in the overall one.

    Returns
    -------
    sparse array, shape (n_relations, n_cells + n_averages [+ 1])
        Columns: cells, averages, the overall one.
    """
    n_cells, n_averages = weights.shape
    rows = np.hstack([-weights.T, np.eye(n_averages)])
    if overall is not None:
        last = np.concatenate([np.zeros(n_cells), -overall, [1.0]])
        rows = np.vstack([np.hstack([rows, np.zeros((n_averages, 1))]), last])
    return sparse.csr_array(rows)
