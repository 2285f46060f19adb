"""Whether the treated have others like them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DesignError, check_choice
from ..estimators._sample import describe_design, draw_sample
from ..estimators._two_by_two import propensity
from ..panel import NEVER_TREATED, Panel, need_panel
from ..results import findings_of
from ..show.findings import Findings
from ..show.plots import dumbbell

Array = NDArray[np.float64]
LARGE = 0.1  # standardised difference from which a covariate is called apart


def overlap(
    panel: Panel,
    covariates: Sequence[str],
    *,
    target: Literal["treated", "everyone"] = "treated",
    cohort: int | None = None,
    weights: str | None = None,
) -> Findings:
    """Compare treated with untreated units before treatment, plain or weighted by propensity.

    Covariates are means of the years before the first treatment; the propensity is a logit of
    being treated.

    Parameters
    ----------
    panel : Panel
    covariates : sequence of str
        Columns or registered outcomes.
    target : {"treated", "everyone"}
        Whom the weighted comparison is about: untreated units by the odds of treatment, as
        ``att_gt(..., method="ipw")`` weights them, or both by the inverse of their chance.
    cohort : int, optional
        Compare this cohort alone with the never treated, by the years before it.
    weights : str, optional
        Column of weights, constant in a unit; the panel's own without it.

    Returns
    -------
    Findings, columns ``covariate treated untreated difference weighted trimmed variance_ratio``
        Means, standardised differences before weighting, after it, and after trimming and
        weighting anew, and the ratio of variances before. ``.weights`` is a table of units with
        ``propensity weight kept``; ``.effective_sample`` counts, by side, units, the effective
        number after weighting (``(sum w)^2 / sum w^2``) and those kept; ``.cutoff`` is the bound on
        the propensity; ``.reading`` says it with the reason. The picture shows differences before
        and after weighting.

    Raises
    ------
    DesignError
        If no covariate is named, a side is empty, or covariates separate the sides.

    References
    ----------
    Crump, Hotz, Imbens, Mitnik (2009), Biometrika 96: Corollary 1 for everyone; the same argument
    for the treated. Imbens, Rubin (2015), chapter 14, for standardised differences.
    """
    need_panel(panel)
    check_choice("target", target, ("treated", "everyone"))
    names = [covariates] if isinstance(covariates, str) else list(covariates)
    if not names:
        raise DesignError("no covariate.\n  Name the columns that treated units may differ in.")
    sample = draw_sample(panel, names[0], covariates=names[1:], weights=weights)
    starts = np.unique(sample.cohort[sample.cohort != NEVER_TREATED])
    if cohort is not None:
        if cohort not in starts:
            raise DesignError(f"no cohort {cohort}.\n  Choose from {list(map(int, starts))}.")
        sample = sample.take_units(np.isin(sample.cohort, (NEVER_TREATED, cohort)))
        starts = np.array([cohort])
    treated = sample.cohort != NEVER_TREATED
    if not treated.any() or treated.all():
        side = "treated" if not treated.any() else "never treated"
        raise DesignError(f"no unit is {side}.\n  Overlap compares both sides.")
    early = sample.mask & (sample.years < starts[0])
    known = early.any(axis=1)
    count = np.maximum(early.sum(axis=1), 1)
    grids = [sample.outcome, *sample.covariates]
    labels = [names[0], *sample.names]
    x = np.column_stack([(grid * early).sum(axis=1) / count for grid in grids])[known]
    treated, weight = treated[known], sample.weight[known]
    chance = propensity(treated, np.column_stack([np.ones(len(x)), x]), weight)
    cutoff = _cutoff(chance, treated, target)
    kept = chance <= cutoff if target == "treated" else (chance >= 1 - cutoff) & (chance <= cutoff)
    again = chance.copy()
    if not kept.all() and treated[kept].any() and not treated[kept].all():
        design = np.column_stack([np.ones(int(kept.sum())), x[kept]])
        again[kept] = propensity(treated[kept], design, weight[kept])
    plain, after = (weight * _weights(part, treated, target) for part in (chance, again))
    frame = _balance(x, treated, labels, weight, plain, after * kept)
    table = pd.DataFrame(
        {"unit": sample.ids[known], "treated": treated, "propensity": chance, "weight": plain,
         "kept": kept}
    )  # fmt: skip
    sizes = _sizes(treated, weight, plain, after * kept, kept)
    return findings_of(
        describe_design(panel, sample, names[0], "overlap", covariates=names[1:], weights=weights),
        frame,
        "Treated and untreated units before treatment",
        draw=partial(
            dumbbell, label="covariate", start="difference", end="weighted",
            unit="standardised difference",
            labels={"difference": "before weighting", "weighted": "after weighting"},
        ),
        foot=f"{panel.provenance.source}. Means of years before {panel.say(starts[0])}; logit of "
        f"treatment on {', '.join(labels)}; {len(x):,} units.",
        weights=table,
        effective_sample=sizes,
        cutoff=cutoff,
        reading=_reading(frame, sizes, table, cutoff, target),
    )  # fmt: skip


def _weights(chance: Array, treated: NDArray[np.bool_], target: str) -> Array:
    if target == "treated":
        return np.where(treated, 1.0, chance / (1 - chance))
    return np.where(treated, 1 / chance, 1 / (1 - chance))


def _cutoff(chance: Array, treated: NDArray[np.bool_], target: str) -> float:
    """Bound the propensity so that the variance of the weighted comparison is least.

    Of everyone, ``1 / (e (1 - e))`` is kept up to twice its mean over those kept; of the treated,
    ``1 / (1 - e)`` up to twice its mean over the treated kept.
    """
    if target == "treated":
        cost = np.sort(1 / (1 - chance[treated]))
    else:
        cost = np.sort(1 / (chance * (1 - chance)))
    mean = np.cumsum(cost) / np.arange(1, len(cost) + 1)
    bound = float(cost[np.flatnonzero(cost <= 2 * mean)[-1]])
    if bound >= cost[-1]:
        return 1.0
    twice = 2 * float(mean[np.flatnonzero(cost <= 2 * mean)[-1]])
    return 1 - 1 / twice if target == "treated" else 0.5 + float(np.sqrt(0.25 - 1 / twice))


def _balance(
    x: Array, treated: NDArray[np.bool_], labels: list[str], weight: Array, plain: Array,
    trimmed: Array,
) -> pd.DataFrame:  # fmt: skip
    """Compare means; differences are in standard deviations before weighting."""
    sides = treated, ~treated

    def moments(by: Array) -> list[tuple[Array, Array]]:
        found = []
        for side in sides:
            share = by * side / (by * side).sum()
            mean = share @ x
            found.append((mean, share @ (x - mean) ** 2))
        return found

    (one, spread_one), (two, spread_two) = moments(weight)
    scale = np.sqrt((spread_one + spread_two) / 2)
    scale = np.where(scale > 0, scale, np.nan)

    def apart(by: Array) -> Array:
        first, second = moments(by)
        return (first[0] - second[0]) / scale

    return pd.DataFrame(
        {
            "covariate": labels,
            "treated": one,
            "untreated": two,
            "difference": (one - two) / scale,
            "weighted": apart(plain),
            "trimmed": apart(trimmed),
            "variance_ratio": spread_one / np.where(spread_two > 0, spread_two, np.nan),
        }
    )


def _sizes(
    treated: NDArray[np.bool_], weight: Array, plain: Array, trimmed: Array, kept: NDArray[np.bool_]
) -> pd.DataFrame:
    rows = []
    for name, side in (("treated", treated), ("untreated", ~treated)):
        effective = [float((by[side].sum()) ** 2 / (by[side] ** 2).sum())
                     for by in (weight, plain, trimmed)]  # fmt: skip
        rows.append(
            {"side": name, "units": int(side.sum()), "effective": effective[0],
             "effective_weighted": effective[1], "kept": int((side & kept).sum()),
             "effective_trimmed": effective[2]}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _reading(
    frame: pd.DataFrame, sizes: pd.DataFrame, table: pd.DataFrame, cutoff: float, target: str
) -> str:
    """Say what weighting does, and what trimming would."""
    before, after = (int((frame[name].abs() > LARGE).sum()) for name in ("difference", "weighted"))
    others = sizes.iloc[1]
    said = (
        f"{before} of {len(frame)} covariates differ by more than {LARGE:g} standard deviations, "
        f"{after} after weighting. {others['units']:,.0f} untreated units then count as "
        f"{others['effective_weighted']:.1f}."
    )
    gone = int((~table["kept"]).sum())
    if not gone:
        return f"{said} No unit is trimmed: each lowers the variance of the weighted comparison."
    within = f"above {cutoff:.3f}" if target == "treated" else (
        f"outside {1 - cutoff:.3f} to {cutoff:.3f}"
    )  # fmt: skip
    return (
        f"{said} Units with a propensity {within} ({gone:,}) raise the variance of the weighted "
        "comparison more than they add: without them the effect is that on the units kept."
    )
