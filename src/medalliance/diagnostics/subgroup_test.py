"""Whether effects differ between groups."""

from __future__ import annotations

from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..errors import DesignError, check_level, first_three
from ..inference._fit import need_two_treated_clusters
from ..inference._romano_wolf import stepdown_p_values
from ..inference._signs import check_options, sign_blocks
from ..inference.score_bootstrap import studentised
from ..results import Effects, findings_of, need_effects
from ..results.few_clusters import WEBB_BELOW
from ..show.findings import Findings
from ..show.plots import forest

Array = NDArray[np.float64]


def subgroup_test(
    effects: Effects, *, level: float = 0.95, n_draws: int = 9_999, seed: int = 0
) -> Findings:
    """Test that the effects of all groups are equal.

    Look at the joint test before single groups: a group that differs from zero where another does
    not is no proof that the two differ.

    Parameters
    ----------
    effects : Effects
        Of ``subgroup_effects``, or any with several headlines (``.overall``) on the same units.
    level : float
        Of the intervals, which are pointwise.
    n_draws : int
        Draws of signs of clusters (Webb's points below 12), shared by all groups.
    seed : int

    Returns
    -------
    Findings, columns ``kind term estimate std_error conf_low conf_high p_value p_adjusted``
        Each group (``kind`` is ``"group"``), then the second less the first of each pair
        (``"difference"``). ``p_adjusted`` is Romano and Wolf's within each kind. ``.statistic``,
        ``.dof`` and ``.p_equal`` are the Wald test that all are equal, held against F with the
        effects' degrees of freedom where these are finite; ``.reading`` says it in words. The
        picture is a forest of groups and differences.

    Raises
    ------
    DesignError
        If there is one headline, no influence function, or a group without a standard error.

    References
    ----------
    Bloom, Michalopoulos (2013) on the joint test; Romano, Wolf (2005, 2016) on the adjustment.
    """
    need_effects(effects, "subgroup_test")
    check_level(level)
    shown = effects.overall
    size = len(shown.estimate)
    if size < 2:
        raise DesignError(
            "there is one headline, so nothing to compare.\n  Estimate with subgroup_effects(by=)."
        )
    need_two_treated_clusters(shown, "subgroup_test")
    names = _names(shown)
    if not np.isfinite(shown.std_error).all():
        lost = [names[j] for j in np.flatnonzero(~np.isfinite(shown.std_error))]
        raise DesignError(f"no standard error for {first_three(lost)}.\n  Join or drop the group.")
    pairs = list(combinations(range(size), 2))
    apart = np.zeros((size, len(pairs)))
    for column, (first, second) in enumerate(pairs):
        apart[[first, second], column] = -1.0, 1.0
    signs = "webb" if shown.design.n_clusters < WEBB_BELOW else "rademacher"
    check_options(signs, n_draws, level)
    blocks = list(sign_blocks(shown.design.n_clusters, n_draws, signs, seed))
    frames = [
        _tested(shown, np.eye(size), "group", names, level, blocks),
        _tested(
            shown, apart, "difference", [f"{names[b]} less {names[a]}" for a, b in pairs],
            level, blocks,
        ),
    ]  # fmt: skip
    statistic, free, p_equal = _wald(shown, apart[:, : size - 1])
    verdict = "rejected" if p_equal <= 1 - level else "not rejected"
    said = "< 0.001" if p_equal < 0.001 else f"= {p_equal:.3f}"
    return findings_of(
        shown.design,
        pd.concat(frames, ignore_index=True),
        f"Effects by group, {shown.design.estimator}, and their differences",
        draw=partial(forest, label="term", group="kind", unit=shown.design.unit_of_measure),
        statistic=statistic,
        dof=free,
        p_equal=p_equal,
        reading=(
            f"That the effects of all {size} groups are equal is {verdict} at "
            f"{100 * (1 - level):.3g} % (p {said}). Adjusted p-values hold for all groups, and for "
            f"all differences, together ({sum(map(len, blocks)):,} draws, seed {seed})."
        ),
    )


def _names(shown: Effects) -> list[str]:
    """Name headlines by what tells them apart."""
    outcomes = list(shown.terms["outcome"])
    if len(set(outcomes)) < len(outcomes):
        return [str(term) for term in shown.terms["term"]]
    heads = {name.partition(", ")[0] for name in outcomes}
    return [name.partition(", ")[2] or name for name in outcomes] if len(heads) == 1 else outcomes


def _tested(
    shown: Effects, apart: Array, kind: str, names: list[str], level: float, blocks: list[Array]
) -> pd.DataFrame:
    """Estimate contrasts, shape (k, m), with intervals and p-values adjusted for all of them."""
    psi = np.sqrt(shown.variance_factor) * shown.cluster_influence @ apart
    estimate, error = shown.estimate @ apart, np.sqrt((psi**2).sum(axis=0))
    half = stats.t.ppf((1 + level) / 2, shown.design.dof) * error
    t = estimate / error
    draws = np.concatenate(
        [np.column_stack([studentised(v, column) for column in psi.T]) for v in blocks]
    )
    return pd.DataFrame(
        {
            "kind": kind,
            "term": names,
            "estimate": estimate,
            "std_error": error,
            "conf_low": estimate - half,
            "conf_high": estimate + half,
            "p_value": 2 * stats.t.sf(np.abs(t), shown.design.dof),
            "p_adjusted": stepdown_p_values(t, draws),
        }
    )


def _wald(shown: Effects, apart: Array) -> tuple[float, int, float]:
    """Test that contrasts are zero together."""
    gap, vcov = shown.estimate @ apart, apart.T @ shown.vcov @ apart
    free = apart.shape[1]
    statistic = float(gap @ np.linalg.solve(vcov, gap))
    if np.isfinite(shown.design.dof):
        return statistic, free, float(stats.f.sf(statistic / free, free, shown.design.dof))
    return statistic, free, float(stats.chi2.sf(statistic, free))
