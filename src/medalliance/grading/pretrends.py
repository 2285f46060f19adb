"""Grade the checks of pre-trends with few clusters: how often they reject without any trend."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from ..diagnostics.pretrend_test import pretrend_test
from ..estimators.att_gt import att_gt
from ..estimators.did_imputation import did_imputation
from ..estimators.twfe import twfe
from ..inference.simultaneous_band import simultaneous_band
from ..panel import Panel, PanelWarning
from ..results import Effects
from ..simulate import simulate_panel
from .grading import ALPHA, SPEND, band, only
from .monte_carlo import Record, Task

N_CLUSTERS, BAND_DRAWS = 20, 499
JOINT, BAND = "joint test", "simultaneous band"
STUDIES: dict[str, Callable[[Panel, str], Effects]] = {
    "group-time": att_gt,
    "two-way effects, event study": partial(twfe, event_study=True),
    "imputation, four years": partial(did_imputation, pretrends=4),
}


def one_draw(task: Task) -> list[Record]:
    """Check counties that no reform reaches: each record says whether a check rejects.

    The band rejects if zero lies outside it at any event time: no effect is true.
    """
    found = simulate_panel(task.n_counties, 12, task.seed, None, channels=False, outcomes=())
    panel = only(found.panel, SPEND)
    records: list[Record] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        for name, estimator in STUDIES.items():
            effects = estimator(panel, "value").aggregate("event_time")
            p_value = pretrend_test(effects, power=(), level=1 - ALPHA).p_value
            shown = simultaneous_band(effects, n_draws=BAND_DRAWS, seed=task.seed).frame
            outside = ((shown["band_low"] > 0) | (shown["band_high"] < 0)).any()
            for check, rejects in ((JOINT, p_value <= ALPHA), (BAND, outside)):
                if check == BAND or np.isfinite(p_value):
                    records.append({"estimator": name, "check": check, "rejects": bool(rejects)})
    return records


def rates(draws: pd.DataFrame) -> pd.DataFrame:
    """Summarise draws by estimator and check.

    Returns
    -------
    DataFrame
        ``estimator check rejection n_draws size_ok``, the last not above 0.05 by more than three
        binomial standard deviations: a check that rejects less often keeps its promise.
    """
    found = draws.groupby(["estimator", "check"], sort=False)["rejects"]
    table = found.agg(rejection="mean", n_draws="size").reset_index()
    room = table["n_draws"].map(band)
    return table.assign(size_ok=table["rejection"] - ALPHA <= room)


def tasks(n_draws: int, n_counties: int = 400, first_seed: int = 0) -> list[Task]:
    """List the draws: ten counties a cluster, whatever other studies take."""
    name = f"{N_CLUSTERS} clusters"
    return [Task("pretrends", name, first_seed + draw, 10 * N_CLUSTERS) for draw in range(n_draws)]
