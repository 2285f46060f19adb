"""Randomisation test of effects."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import check_choice
from ..panel import Panel
from ..results import Effects, findings_of
from ..show.findings import Findings
from ._refit import exchangeable, need_refit, strata_of, used_panel
from .randomisation import randomisation_inference


def randomisation_test(
    effects: Effects,
    panel: Panel,
    *,
    strata: str | None = None,
    statistic: Literal["t", "estimate"] = "t",
    n_draws: int = 999,
    seed: int = 0,
    n_jobs: int = 1,
) -> Findings:
    """Test that nobody was affected, by permuting cohorts across clusters.

    Every draw estimates the headline (``effects.overall``) again. Where the counties of a cluster
    joined in different years, cohorts are permuted across units instead, and the table says so.

    Parameters
    ----------
    effects : Effects
    panel : Panel
        The panel that the effects were estimated on.
    strata : str, optional
        Column constant in a cluster, as the province; cohorts stay within it.
    statistic : {"t", "estimate"}
        The studentised headline, or the headline itself (with one treated cluster).
    n_draws, seed, n_jobs : int

    Returns
    -------
    Findings, columns ``outcome estimate statistic p_value n_draws permuted n_failed``
        One row; ``.draws`` holds the permuted statistics.

    Raises
    ------
    DesignError
        If the statistic is unknown, the effects cannot be estimated again, or strata change
        within a cluster.

    References
    ----------
    See ``inference.randomisation``.
    """
    check_choice("statistic", statistic, ("t", "estimate"))
    refit = need_refit(effects, "randomisation_test")
    panel = used_panel(effects, panel)
    group, level = exchangeable(panel)
    first = np.unique(group, return_index=True)[1]

    def value(cohorts: NDArray) -> float:
        again = refit(panel.with_columns(**{panel.cohort: cohorts[group][panel.unit_codes]}))
        one = again.overall
        estimate = float(one.estimate[0])
        return estimate / float(one.std_error[0]) if statistic == "t" else estimate

    found = randomisation_inference(
        value,
        panel.cohort_by_unit[first],
        strata=strata_of(panel, strata, group, first),
        n_draws=n_draws,
        seed=seed,
        n_jobs=n_jobs,
    )
    table = pd.DataFrame(
        {
            "outcome": [effects.design.outcome],
            "estimate": [float(effects.overall.estimate[0])],
            "statistic": [found.statistic],
            "p_value": [found.p_value],
            "n_draws": [len(found.draws)],
            "permuted": [f"every assignment of {level}" if found.enumerated else level],
            "n_failed": [found.n_failed],
        }
    )
    title = f"Randomisation test that the reform moved no {effects.design.outcome}"
    return findings_of(effects.design, table, title, draws=found.draws)
