"""Romano-Wolf stepdown over the headlines of several outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ..errors import DesignError, first_three
from ..results import Effects, findings_of, need_effects
from ..results._cluster import cluster_sums
from ..results.few_clusters import WEBB_BELOW
from ..show.findings import Findings
from ._fit import need_two_treated_clusters
from ._romano_wolf import stepdown_p_values
from ._signs import check_options, sign_blocks
from .score_bootstrap import studentised

Array = NDArray[np.float64]


def romano_wolf(
    effects: Sequence[Effects],
    *,
    null: float = 0.0,
    weights: Literal["rademacher", "webb"] | None = None,
    n_draws: int = 9_999,
    seed: int = 0,
) -> Findings:
    """Adjust the p-values of several headlines for testing them together.

    All outcomes share the draws of a cluster, so that their dependence is kept; clusters are
    matched by the units in them, also where outcomes are missing for some.

    Parameters
    ----------
    effects : sequence of Effects
        One outcome each; the headline of each (``.overall``) is tested.
    null : float
    weights : {"rademacher", "webb"}, optional
        Webb's points below 12 clusters, signs from there on, if not given.
    n_draws : int
    seed : int

    Returns
    -------
    Findings, columns ``outcome term estimate std_error t_statistic p_value p_adjusted``
        ``p_value`` is the bootstrap's for one outcome alone, with ``(1 + #) / (1 + R)``.

    Raises
    ------
    DesignError
        If there is no estimate, one treated cluster, or influence functions are missing.

    References
    ----------
    Romano, Wolf (2005, 2016); Clarke, Romano, Wolf (2020).
    """
    effects = [effects] if isinstance(effects, Effects) else list(effects)
    if not effects:
        raise DesignError("no estimates.\n  Pass a list of Effects, one an outcome.")
    for one in effects:
        need_effects(one, "romano_wolf")
    headlines = [one.overall for one in effects]
    for one in headlines:
        need_two_treated_clusters(one, "romano_wolf")
    psi = _cluster_influence(headlines)
    chosen = weights or ("webb" if len(psi) < WEBB_BELOW else "rademacher")
    check_options(chosen, n_draws, 0.95)
    spread = np.sqrt((psi**2).sum(axis=0))
    if not spread.all():
        still = [headlines[m].design.outcome for m in np.flatnonzero(spread == 0)]
        raise DesignError(
            f"no standard error of the effect on {first_three(still)}.\n"
            "  Leave these outcomes out; look whether they vary."
        )
    estimate = np.array([one.estimate[0] for one in headlines])
    t = (estimate - null) / spread
    signs = list(sign_blocks(len(psi), n_draws, chosen, seed))
    draws = np.concatenate(
        [np.column_stack([studentised(v, column) for column in psi.T]) for v in signs]
    )
    alone = (1 + (np.abs(draws) >= np.abs(t)).sum(axis=0)) / (1 + len(draws))
    table = pd.DataFrame(
        {
            "outcome": [one.design.outcome for one in headlines],
            "term": [one.terms["term"].iloc[0] for one in headlines],
            "estimate": estimate,
            "std_error": [one.std_error[0] for one in headlines],
            "t_statistic": t,
            "p_value": alone,
            "p_adjusted": stepdown_p_values(t, draws),
        }
    )
    foot = (
        f"Romano-Wolf stepdown, {len(draws):,} draws of {len(psi)} clusters shared by all "
        f"outcomes, seed {seed}."
    )
    title = "Effects on several outcomes tested together"
    return findings_of(headlines[0].design, table, title, foot=foot)


def _cluster_influence(headlines: Sequence[Effects]) -> Array:
    """Sum influence by cluster over the clusters of all outcomes, shape (n_clusters, m)."""
    ids, nodes = [], []
    offset = 0
    for one in headlines:
        if one.units is None or one.influence_function is None:
            raise DesignError(
                f"{one.design.estimator} of {one.design.outcome} carries no influence functions.\n"
                "  romano_wolf takes att_gt, did_imputation, twfe and the like."
            )
        ids.append(one.units.ids)
        nodes.append(one.units.cluster + offset)
        offset += int(one.units.cluster.max()) + 1
    together = ids[0]
    for more in ids[1:]:
        together = together.union(more, sort=False)
    unit = np.concatenate([together.get_indexer(each) for each in ids])
    node = np.concatenate(nodes)
    link = sparse.coo_array(
        (np.ones(len(unit)), (unit, len(together) + node)),
        shape=(len(together) + offset,) * 2,
    )
    component = connected_components(link, directed=False)[1]
    labels = np.unique(component[unit], return_inverse=True)
    psi = np.zeros((len(labels[0]), len(headlines)))
    at = 0
    for m, one in enumerate(headlines):
        size = len(ids[m])
        influence = one.project(np.eye(1))[:, 0]
        code = labels[1][at : at + size].astype(np.intp)
        psi[:, m] = cluster_sums(influence, code, len(psi)) / size
        at += size
    return psi
