"""The chapter on pay: tiers, the gaps between them, and who is on the payroll."""

from __future__ import annotations

import numpy as np

from ..errors import DesignError
from ..panel import Panel
from ..registered.estimates import first_years, headline
from ..show.exhibits import Exhibit, Sentence, figure, rounded, sentence
from .outcome_chapters import NO_INTERVAL, Study, event_figure, headline_row, headline_table, study

FIXED = "log_fixed_mix_remuneration_per_fte_"
RAW = "log_remuneration_per_fte_"
MIX = "composition_effect_"
TIERS = {"hospital": "lead hospital", "township": "township centre", "village": "village clinic"}
TITLES = {
    **{f"{FIXED}{tier}": f"{name}, staff mix held fixed (log)" for tier, name in TIERS.items()},
    **{f"{RAW}{tier}": f"{name}, raw mean (log)" for tier, name in TIERS.items()},
    **{f"{MIX}{tier}": f"{name}, part due to staff mix (log)" for tier, name in TIERS.items()},
    "pay_gap_hospital_township": "gap hospital to township (log)",
    "pay_gap_township_village": "gap township to village (log)",
    "pay_theil_between_tiers": "inequality between tiers (Theil)",
    "personnel_share": "personnel share of revenue",
}
PLAIN = {
    **{f"{FIXED}{tier}": name for tier, name in TIERS.items()},
    "pay_gap_hospital_township": "gap hospital to township",
}
GAPS = (
    "pay_gap_hospital_township", "pay_gap_township_village", "pay_theil_between_tiers",
    "personnel_share",
)  # fmt: skip


def run(panel: Panel) -> Study:
    """Estimate all pay outcomes."""
    return study(panel, tuple(TITLES))


def events(found: Study) -> Exhibit:
    """Draw the event studies of pay by tier with the gap between hospital and township."""
    names = [*(f"{FIXED}{tier}" for tier in TIERS), GAPS[0]]
    caption = "Pay per full-time post in constant prices, by tier, and the gap between two tiers."
    return event_figure(found, names, caption=caption, unit="effect, log points",
                        titles={**TITLES, **PLAIN})  # fmt: skip


def tier_table(found: Study) -> Exhibit:
    """Set the headlines of pay by tier."""
    names = [f"{stem}{tier}" for tier in TIERS for stem in (FIXED, RAW, MIX)]
    return headline_table(found, names, caption="Effects on pay per full-time post.", titles=TITLES)


def gap_table(found: Study) -> Exhibit:
    """Set the headlines of gaps between tiers."""
    return headline_table(
        found, list(GAPS), caption="Effects on the distance between tiers.", titles=TITLES
    )


def composition_figure(found: Study) -> Exhibit:
    """Draw the effect on mean pay of a tier as pay at a fixed mix and as a change of the mix."""
    import pandas as pd

    from ..show import plots

    rows = []
    for tier, name in TIERS.items():
        if all(f"{stem}{tier}" in found.effects for stem in (FIXED, MIX, RAW)):
            fixed, mix, raw = (
                headline(found.effects[f"{stem}{tier}"], found.horizon)[0]
                for stem in (FIXED, MIX, RAW)
            )
            rows.append({"tier": name, "same staff paid more": fixed, "another staff mix": mix,
                         "raw mean": raw, "miss": raw - fixed - mix})  # fmt: skip
    if not rows:
        found.shown([f"{FIXED}{tier}" for tier in TIERS])
        raise DesignError("no tier has pay at a fixed staff mix beside its raw mean.")
    frame = pd.DataFrame(rows)
    parts = ["same staff paid more", "another staff mix"]
    ax = plots.bars(frame, label="tier", value=parts, unit="effect, log points")
    told = "; ".join(
        f"{r['tier']} {r[parts[0]]:+.3f} and {r[parts[1]]:+.3f}" for r in frame.to_dict("records")
    )
    return figure(
        ax,
        caption="What the raw mean hides: the same staff paid more or less, and other staff. "
        f"The parts add up to the raw mean to within {frame['miss'].abs().max():.0e}.",
        alt=f"Two bars a tier, pay at a fixed mix and change of the mix: {told}.",
        badge=found.panel.badge,
        source=found.source,
        summary=rounded(frame.drop(columns="miss"), 3),
    )


def percent_sentence(found: Study) -> Sentence:
    """Say the effects on tiers in percent."""
    parts = []
    for key in found.shown([f"{FIXED}{tier}" for tier in TIERS]):
        row = headline_row(found, key)
        low, mid, high = (np.expm1(row[k]) for k in ("conf_low", "estimate", "conf_high"))
        around = f" ({low:+.1%} to {high:+.1%})" if np.isfinite(low) else ""
        parts.append(f"{TIERS[key.removeprefix(FIXED)]} {mid:+.1%}{around}")
    text = (
        f"Pay per post at a fixed staff mix, mean of {first_years(found.horizon)}: "
        f"{'; '.join(parts)}."
    )
    if not any("(" in part for part in parts):
        text += f" {NO_INTERVAL[0].upper()}{NO_INTERVAL[1:]}."
    return sentence(text, badge=found.panel.badge, source=found.source)


def stacked_sentence(found: Study) -> Sentence:
    """Say what the design with county-and-year effects identifies, beside the difference."""
    if GAPS[0] not in found.effects:
        return sentence(
            f"The gap is not available: {found.refused[GAPS[0]]}",
            badge=found.panel.badge,
            source=found.source,
        )
    gap = headline_row(found, GAPS[0])
    error = f"standard error {gap['std_error']:.4f}"
    text = (
        f"Within the same county and year, hospital pay moves against township pay by "
        f"{gap['estimate']:+.4f} log points, "
        f"{error if np.isfinite(gap['std_error']) else NO_INTERVAL}."
    )
    raw = [f"{RAW}{tier}" for tier in ("hospital", "township")]
    if all(name in found.effects for name in raw):
        apart = [headline(found.effects[name], found.horizon)[0] for name in raw]
        text += f" The difference of the two separate effects is {apart[0] - apart[1]:+.4f}."
    return sentence(text, badge=found.panel.badge, source=found.source)
