"""What the replacement of zeros does to effects on a composition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..panel import Panel
from .log_ratio_did import log_ratio_did


def zero_sensitivity(
    panel: Panel,
    parts: str | Sequence[str],
    *,
    deltas: Sequence[float] = (0.5, 1.0, 2.0),
    **options: Any,
) -> pd.DataFrame:
    """Tabulate the overall effects at several replacements of zero parts.

    Parameters
    ----------
    panel : Panel
    parts : str or sequence of str
        As in ``log_ratio_did``.
    deltas : sequence of float
        Multipliers of 0.65 / volume.
    **options
        Further arguments of ``log_ratio_did``.

    Returns
    -------
    DataFrame, shape (n_deltas * n_parts, 4)
        ``delta, outcome, estimate, std_error``.

    Raises
    ------
    DesignError
        As ``log_ratio_did``.

    References
    ----------
    Martín-Fernández et al. (2003), section 5.
    """
    rows = []
    for delta in deltas:
        overall = log_ratio_did(panel, parts, delta=delta, **options).overall.to_frame(bands=False)
        rows.append(overall[["outcome", "estimate", "std_error"]].assign(delta=delta))
    return pd.concat(rows, ignore_index=True)[["delta", "outcome", "estimate", "std_error"]]
