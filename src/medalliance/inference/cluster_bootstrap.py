"""Standard errors by drawing clusters anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import DesignError
from ..panel import Panel
from ..progress import counted
from ..results import Effects
from ._refit import need_refit, used_panel

_DRAW = "_times_drawn"


def cluster_bootstrap(
    effects: Effects, panel: Panel, *, n_draws: int = 199, seed: int = 20260101,
    progress: bool = False,
) -> Effects:  # fmt: skip
    """Return effects with the variance of estimates on clusters drawn with replacement.

    A cluster drawn twice counts twice, which for weighted estimators is the same as repeating its
    rows. Draws that lose every unit of a cell are drawn again, at most ``n_draws`` times.

    Parameters
    ----------
    effects : Effects
        Of an estimator with weights (``etwfe``, ``att_gt``, ``did_imputation``, ``twfe``), or an
        average of it.
    panel : Panel
        The panel they were estimated on.
    n_draws : int
    seed : int
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Effects
        The same estimates; the bootstrap's variance is in place of the analytic one.

    Raises
    ------
    DesignError
        The estimator cannot be run again, or too many draws lose a cell.

    References
    ----------
    Cameron, Gelbach and Miller (2008), pairs cluster bootstrap; Efron and Tibshirani (1993).
    """
    refit = need_refit(effects, "cluster_bootstrap")
    kept = used_panel(effects, panel)
    cluster = kept.cluster_by_unit
    n_clusters = int(cluster.max()) + 1
    rng = np.random.default_rng(seed)
    draws, spare = [], n_draws
    for _ in counted(range(n_draws), show=progress, title="bootstrap", unit="draw"):
        found = None
        while found is None:
            found = _one_draw(effects, refit, kept, rng.multinomial(
                n_clusters, np.full(n_clusters, 1 / n_clusters))[cluster])  # fmt: skip
            if found is None:
                spare -= 1
            if spare < 0:
                raise DesignError(
                    f"more than {n_draws} draws lose every unit of a cell: clusters are too few.\n"
                    "  Use analytic errors, wild_bootstrap or randomisation_test."
                )
        draws.append(found)
    vcov = np.atleast_2d(np.cov(np.array(draws), rowvar=False))
    design = replace(
        effects.design,
        std_errors=f"pairs cluster bootstrap, {n_draws} draws",
        seed=seed,
        n_draws=n_draws,
    )
    return replace(
        effects, design=design, given_vcov=vcov, influence_function=None, mass=None, units=None
    )


def _one_draw(effects: Effects, refit: Any, panel: Panel, times: np.ndarray) -> np.ndarray | None:
    weight = panel.weight_by_unit * times
    drawn = panel.with_columns(**{_DRAW: weight[panel.unit_codes]}).keep(
        times[panel.unit_codes] > 0
    )
    try:
        again = refit(drawn, weights=_DRAW)
    except DesignError:
        return None
    same = (
        len(again.terms) == len(effects.terms)
        and (
            again.terms[["outcome", "term"]].to_numpy()
            == effects.terms[["outcome", "term"]].to_numpy()
        ).all()
    )
    return again.estimate if same else None
