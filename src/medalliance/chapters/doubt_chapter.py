"""How wrong could this be? Bounds, earlier trends, leaving one out, and what would be detected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..diagnostics.leave_one_out import leave_one_out
from ..diagnostics.minimum_detectable_effect import minimum_detectable_effect
from ..diagnostics.pretrend_test import pretrend_test
from ..errors import DesignError, what_is_wrong
from ..inference.honest_did import honest_did
from ..outcomes import outcome_label
from ..panel import Panel
from ..registered.estimates import headline
from ..results import Effects
from ..show.exhibits import Exhibit, figure, rounded
from ..show.findings import Findings
from ..show.tables import table
from .outcome_chapters import Study, study

HEADLINES = {
    "notional_surplus_rate": "surplus rate",
    "log_fixed_mix_remuneration_per_fte_township": "township pay (log)",
    "primary_care_visit_share": "primary-care share",
}
MAGNITUDES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
DRAWS = 100


@dataclass(frozen=True, eq=False)
class Doubts:
    """The three registered headlines with the intervals that hold when trends part.

    Attributes
    ----------
    study : Study
    relative, smooth : dict of str to DataFrame
        From :func:`honest_did`, by outcome.
    refused : dict of str to str
    """

    study: Study
    relative: dict[str, Findings]
    smooth: dict[str, Findings]
    refused: dict[str, str]


def run(panel: Panel) -> Doubts:
    """Estimate the three registered headlines with their bounds."""
    found = study(panel, tuple(HEADLINES))
    relative, smooth, refused = {}, {}, {}
    for name in found.effects:
        try:
            effects = _events(found, name)
            relative[name] = honest_did(effects, relative_magnitude=MAGNITUDES)
            smooth[name] = honest_did(effects, smoothness=(0.0,))
        except DesignError as error:
            refused[name] = what_is_wrong(error)
    return Doubts(found, relative, smooth, refused)


def _events(found: Study, name: str) -> Effects:
    return found.effects[name].aggregate("event_time", balance=found.horizon)


def breakdown_table(doubts: Doubts) -> Exhibit:
    """Set the breakdown values of all headlines."""
    found, rows = doubts.study, []
    for name in found.effects:
        effects = _events(found, name)
        row: dict[str, Any] = {"outcome": HEADLINES[name]}
        row["estimate"] = headline(effects, found.horizon)[0]
        if name in doubts.relative:
            row["steps"] = doubts.relative[name].breakdown["relative_magnitude"]
        if name in doubts.smooth:
            row["slope"] = doubts.smooth[name].breakdown["smoothness"]
        if name in doubts.refused:
            row["remark"] = doubts.refused[name]
        rows.append(row)
    return table(
        pd.DataFrame(rows),
        caption="Breakdown values: how far trends may part before the 95 % interval of the "
        "headline reaches zero.",
        badge=found.panel.badge,
        source=f"{found.source}; Rambachan and Roth (2023)",
        decimals={"estimate": 4, "steps": 2, "slope": 5},
        labels={"steps": "largest step after, as a multiple of the largest before",
                "slope": "largest change of slope a year, unit of the outcome"},
        blank="",
    )  # fmt: skip


def bounds_figure(doubts: Doubts) -> Exhibit:
    """Draw the intervals of all headlines as the bound on the violation widens."""
    import matplotlib.pyplot as plt

    from ..show import plots

    found = doubts.study
    frames = doubts.relative
    if not frames:
        raise DesignError("\n  ".join(dict.fromkeys(doubts.refused.values())))
    with plots.style():
        fig, axes = plt.subplots(
            1, max(len(frames), 1), figsize=(6.4, 3.0), constrained_layout=True, squeeze=False
        )
        for ax, (name, frame) in zip(axes.ravel(), frames.items(), strict=False):
            ax.vlines(frame["bound"], frame["conf_low"], frame["conf_high"],
                      color=plots.PALETTE[0], linewidth=3)  # fmt: skip
            ax.axhline(0, color=plots.INK, linewidth=1)
            ax.set_title(HEADLINES[name], loc="left", fontsize=10)
        fig.supxlabel("allowed step after the reform, multiple of the largest before", fontsize=10)
        fig.supylabel("95 % interval", fontsize=10)
    joined = pd.concat([f.frame.assign(outcome=HEADLINES[n]) for n, f in frames.items()])
    told = "; ".join(
        f"{HEADLINES[n]} {f.breakdown['relative_magnitude']:.2f}" for n, f in frames.items()
    )
    return figure(
        list(axes.ravel()),
        caption="The further trends may part, the wider the interval. Left end: no departure from "
        "equal trends.",
        alt=f"Vertical intervals that widen from left to right. They reach zero at: {told}.",
        badge=found.panel.badge,
        source=f"{found.source}; Rambachan and Roth (2023)",
        summary=rounded(joined[["outcome", "bound", "conf_low", "conf_high"]], 3),
    )


def pretrend_table(doubts: Doubts) -> Exhibit:
    """Set the test of earlier trends with the slopes that it would detect."""
    found, rows = doubts.study, []
    for name, effects in found.effects.items():
        row: dict[str, Any] = {"outcome": HEADLINES[name]}
        try:
            tested = pretrend_test(effects.aggregate("event_time"))
        except DesignError as error:
            rows.append({**row, "remark": what_is_wrong(error)})
            continue
        by_power = tested.set_index("power")
        row |= {
            "p_value": float(tested["p_value"].iloc[0]),
            "slope found half the time": float(by_power.loc[0.5, "slope"]),
            "slope found four times in five": float(by_power.loc[0.8, "slope"]),
            "bias that the latter implies": float(by_power.loc[0.8, "implied_bias"]),
        }
        rows.append(row)
    return table(
        pd.DataFrame(rows),
        caption="Joint test of all effects before the reform, and the straight trends that the "
        "usual look at the earlier points would find. With few clusters the joint test rejects "
        "too often.",
        badge=found.panel.badge,
        source=f"{found.source}; Roth (2022)",
        decimals={"slope found half the time": 5, "slope found four times in five": 5,
                  "bias that the latter implies": 4},
        labels={"p_value": "p of the joint test"},
        blank="",
    )  # fmt: skip


def leave_one_out_figure(doubts: Doubts, name: str) -> Exhibit:
    """Draw one headline without each cluster in turn."""
    from ..show import plots

    found = doubts.study
    left = leave_one_out(_events(found, name), found.panel)
    frame = left.dropna(subset=["estimate"]).sort_values("estimate").reset_index(drop=True)
    if frame.empty:
        raise DesignError("without any one cluster no effect is left to estimate.")
    frame = frame.assign(place=range(1, len(frame) + 1))
    whole = float(left.headline)
    ax = plots.new_axes()
    with plots.style():
        ax.vlines(frame["place"], frame["conf_low"], frame["conf_high"], color=plots.PALETTE[0])
        ax.plot(frame["place"], frame["estimate"], "o", color=plots.PALETTE[0], label="without one")
        ax.axhline(whole, color=plots.PALETTE[1], linewidth=1.5, label="with all")
        ax.axhline(0, color=plots.INK, linewidth=1)
        ax.set(xlabel="clusters left out one by one, in order of the estimate", ylabel="headline")
        ax.set_xticks([])
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=10)
    low, high = frame["estimate"].min(), frame["estimate"].max()
    return figure(
        ax,
        caption=f"{outcome_label(name)}: the headline without each of {len(frame)} clusters.",
        alt=f"Points with intervals. Estimates run from {low:.4f} to {high:.4f}; with all clusters "
        f"the estimate is {whole:.4f}.",
        badge=found.panel.badge,
        source=found.source,
        summary=rounded(frame[["left_out", "estimate", "conf_low", "conf_high"]], 3),
    )


def leave_one_out_table(doubts: Doubts) -> Exhibit:
    """Set the range of every headline without each cluster, and without each cohort."""
    found, rows = doubts.study, []
    for name in found.effects:
        for by in ("cluster", "cohort"):
            row = {"outcome": HEADLINES[name], "left out": f"each {by}"}
            try:
                rows.append(row | _range_without(found, name, by))
            except DesignError as error:
                rows.append(row | {"remark": what_is_wrong(error)})
    return table(
        pd.DataFrame(rows),
        caption="Headlines without one cluster or one cohort at a time.",
        badge=found.panel.badge,
        source=found.source,
        decimals={"with all": 4, "lowest": 4, "highest": 4},
        blank="",
    )


def _range_without(found: Study, name: str, by: Literal["cluster", "cohort"]) -> dict[str, Any]:
    left = leave_one_out(_events(found, name), found.panel, by=by)
    kept = left.dropna(subset=["estimate"])
    if kept.empty:
        raise DesignError(f"without any one {by} no effect is left to estimate.")
    known = kept["conf_low"].notna().any()
    across = int(((kept["conf_low"] <= 0) & (kept["conf_high"] >= 0)).sum())
    return {
        "with all": float(left.headline),
        "lowest": kept["estimate"].min(),
        "highest": kept["estimate"].max(),
        "moves it most": str(kept.iloc[0]["left_out"]),
        "interval reaches zero": across if known else np.nan,
    }


def power_table(doubts: Doubts) -> Exhibit:
    """Set what effect this design would have found."""
    found, rows = doubts.study, []
    for name in found.effects:
        effects = _events(found, name)
        row: dict[str, Any] = {
            "outcome": HEADLINES[name],
            "estimate": headline(effects, found.horizon)[0],
        }
        try:
            least = minimum_detectable_effect(effects, found.panel, n_draws=DRAWS)
            row["least"] = float(least["minimum_detectable_effect"].iloc[0])
        except DesignError as error:
            row["remark"] = what_is_wrong(error)
        rows.append(row)
    return table(
        pd.DataFrame(rows),
        caption="The smallest effect that this panel and estimator find four times in five.",
        badge=found.panel.badge,
        source=f"{found.source}; {DRAWS} draws of cohorts on untreated outcomes",
        decimals=4,
        labels={"least": "smallest effect found"},
        blank="",
    )
