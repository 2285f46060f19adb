"""The headline without each cluster or cohort."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from ..errors import DesignError
from ..inference._refit import HEADLINE, attempt, need_refit, used_panel
from ..panel import NEVER_TREATED, Panel
from ..progress import counted
from ..results import Effects, findings_of
from ..show.findings import Findings
from ..show.plots import forest


def leave_one_out(
    effects: Effects, panel: Panel, *, by: str = "cluster", level: float = 0.95
) -> Findings:
    """Estimate the headline again without each cluster, cohort or other group.

    Parameters
    ----------
    effects : Effects
    panel : Panel
        The panel that the effects were estimated on.
    by : str
        ``"cluster"`` (units without a cluster column), ``"cohort"`` (treated ones), or a column.
    level : float

    Returns
    -------
    Findings
        ``left_out estimate std_error conf_low conf_high p_value n_units note change``, one row a
        group by falling absolute change; ``note`` says why there is no estimate.
        ``.headline`` is the estimate from all; ``.jackknife_std_error`` is the CRV3 error
        ``((G - 1) / G sum change^2)^(1/2)`` where all clusters were left out in turn, NaN if one of
        them alone identifies the effect.

    Raises
    ------
    DesignError
        If the effects cannot be estimated again, or there are no two groups.

    References
    ----------
    MacKinnon, Nielsen, Webb (2023), section 4.
    """
    refit = need_refit(effects, "leave_one_out")
    panel = used_panel(effects, panel)
    column = {"cluster": panel.cluster or panel.unit, "cohort": panel.cohort}.get(by, by)
    if column not in panel.frame.columns:
        raise DesignError(
            f"no column {by!r} in the panel.\n"
            '  Use by="cluster", by="cohort" or the name of a column.'
        )
    labels = panel.frame[column]
    groups = [g for g in pd.unique(labels) if by != "cohort" or g != NEVER_TREATED]
    if len(groups) < 2:
        raise DesignError(
            f"{len(groups)} group to leave out by {by!r}, where two or more are needed.\n"
            '  Use by="cluster" or a column with more groups.'
        )
    shown = counted(sorted(groups), title="leave one out", unit="group", leave=False)
    rows = [
        {"left_out": group, **attempt(refit, panel.keep((labels != group).to_numpy()), level)}
        for group in shown
    ]
    table = pd.DataFrame(rows, columns=["left_out", *HEADLINE, "n_units", "note"])
    full = float(effects.overall.estimate[0])
    table["change"] = table["estimate"] - full
    jackknife = np.nan
    if by == "cluster":
        moved = table["change"].to_numpy()
        jackknife = float(np.sqrt((len(moved) - 1) / len(moved) * (moved**2).sum()))
    order = table["change"].abs().sort_values(ascending=False, kind="stable").index
    table = table.loc[order].reset_index(drop=True)
    return findings_of(
        effects.design,
        table,
        f"The effect on {effects.design.outcome} without each {by}",
        draw=partial(forest, label="left_out"),
        headline=full,
        jackknife_std_error=jackknife,
    )
