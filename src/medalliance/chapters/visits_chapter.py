"""The chapter on visit shares: parts that sum to zero, the volumes behind them, the identity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import DesignError, what_is_wrong
from ..estimators.etwfe import etwfe
from ..estimators.log_ratio_did import log_ratio_did
from ..outcomes.composition import share_change_table
from ..panel import Panel
from ..registered.estimates import first_years, stated
from ..results import Effects
from ..show.exhibits import Exhibit, Sentence, figure, rounded, sentence
from ..show.tables import table
from .outcome_chapters import Study, event_figure, headline_row, study
from .share_lessons import draw_visit_shares

PARTS = ("visits_village", "visits_township", "visits_county", "visits_out")
SHORT = dict(
    zip(PARTS, ("village", "township or community", "county hospital", "out of county"),
        strict=True)
)  # fmt: skip
PRIMARY, INSIDE = "primary_care_visit_share", "in_county_visit_share"
VOLUMES = {f"log_visits_per_insured_{p.removeprefix('visits_')}": SHORT[p] for p in PARTS}
TITLES = {PRIMARY: "primary-care share", INSIDE: "in-county share", **VOLUMES}


@dataclass(frozen=True, eq=False)
class Shares:
    """Registered event studies with the estimate of all four parts together.

    Attributes
    ----------
    study : Study
    parts : Effects or None
        None where the panel does not carry it; ``refusal`` says why.
    refusal : str
    """

    study: Study
    parts: Effects | None
    refusal: str = ""


def run(panel: Panel) -> Shares:
    """Estimate shares, volumes and the four parts together."""
    found = study(panel, tuple(TITLES))
    try:
        return Shares(found, stated(etwfe(panel, PARTS, family="multinomial")))
    except DesignError as error:
        return Shares(found, None, str(error))


def stacked_figure(found: Shares) -> Exhibit:
    """Draw the effects on the four parts as bars that sum to zero."""
    from ..show import plots

    wide = _by_event(found)
    time = wide.index.to_numpy(float)
    ax = plots.new_axes()
    with plots.style():
        above, below = np.zeros(len(time)), np.zeros(len(time))
        for number, part in enumerate(wide.columns):
            values = wide[part].to_numpy()
            base = np.where(values >= 0, above, below)
            ax.bar(time, values, 0.6, bottom=base, color=plots.PALETTE[number], label=part)
            above, below = above + np.clip(values, 0, None), below + np.clip(values, None, 0)
        ax.axhline(0, color=plots.INK, linewidth=1)
        ax.set(xlabel="years since the reform", ylabel="effect on the share of visits")
        ax.set_xticks(time)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=10)
    last = "; ".join(f"{part} {wide[part].iloc[-1]:+.3f}" for part in wide.columns)
    return figure(
        ax,
        caption="Effects on the four parts, estimated together: the bars above zero and below "
        "zero have the same height.",
        alt=f"Stacked bars by years since the reform. In the last year: {last}.",
        badge=found.study.panel.badge,
        source=f"{found.study.source}; fractional multinomial logit",
        summary=rounded(wide.reset_index(), 3),
    )


def _by_event(found: Shares) -> pd.DataFrame:
    if found.parts is None:
        raise DesignError(found.refusal)
    frame = found.parts.aggregate("event_time", balance=found.study.horizon).to_frame(bands=False)
    frame = frame[frame["event_time"].between(0, found.study.horizon)]
    wide = frame.pivot_table(index="event_time", columns="outcome", values="estimate", sort=False)
    return wide[list(PARTS)].rename(columns=SHORT)


def sum_sentence(found: Shares) -> Sentence:
    """Say that the effects on the parts sum to zero, from the numbers."""
    wide = _by_event(found)
    return sentence(
        f"In no year do the four effects miss a sum of zero by more than "
        f"{wide.sum(axis=1).abs().max():.0e}.",
        badge=found.study.panel.badge,
        source=found.study.source,
    )


def scale_table(found: Shares) -> Exhibit:
    """Set the headline share under three scales of parallel trends."""
    panel, horizon = found.study.panel, found.study.horizon
    rows = []
    logit = stated(etwfe(panel, PRIMARY, family="logit")).aggregate("event_time", balance=horizon)
    linear = stated(etwfe(panel, PRIMARY)).aggregate("event_time", balance=horizon)
    for name, effects in (("logit (the headline)", logit), ("points", linear)):
        overall = effects.overall.to_frame(bands=False).iloc[0]
        rows.append({"equal trends assumed on": name, "estimate": overall["estimate"],
                     "std_error": overall["std_error"]})  # fmt: skip
    row: dict[str, object] = {"equal trends assumed on": "ratios of the parts"}
    try:
        ratio = log_ratio_did(panel, PARTS).aggregate("event_time", balance=horizon).overall
        parts = ratio.to_frame(bands=False).set_index("outcome")["estimate"]
        row["estimate"] = float(parts[list(PARTS[:2])].sum())
    except DesignError as error:
        row["remark"] = what_is_wrong(error)
    rows.append(row)
    frame = pd.DataFrame(rows)
    truth = found.study.true_by_event(PRIMARY)
    known = "" if truth is None else f" The true effect is {truth.mean():.4f}."
    return table(
        frame,
        caption=f"The effect on the primary-care share, mean of {first_years(horizon)}, "
        f"under three scales.{known}",
        badge=panel.badge,
        source=found.study.source,
        decimals=4,
        labels={"std_error": "standard error"},
        blank="",
    )


def volumes_figure(found: Shares) -> Exhibit:
    """Draw the event studies of visits per insured at the four places."""
    caption = "Visits per insured resident at each place: the volumes behind the shares."
    return event_figure(
        found.study, list(VOLUMES), caption=caption, unit="effect, log points", titles=TITLES
    )


def shares_figure(found: Shares) -> Exhibit:
    """Draw the event studies of the two headline shares."""
    caption = "The two shares by years since the reform."
    return event_figure(
        found.study, [PRIMARY, INSIDE], caption=caption, unit="effect, share", titles=TITLES
    )


def identity_table(found: Shares) -> Exhibit:
    """Split the effect on each share into what the effect on each volume brings."""
    panel = found.study.panel
    effect = np.array([headline_row(found.study, name)["estimate"] for name in VOLUMES])
    on = (panel.frame[panel.cohort] > 0) & (panel.frame[panel.year] >= panel.frame[panel.cohort])
    with_it = panel.frame.loc[on, list(PARTS)].sum().to_numpy(float)
    change = share_change_table(with_it / np.exp(effect), with_it, list(PARTS))
    change["part"] = change["part"].map(SHORT)
    change.columns = [
        f"from {SHORT[c.removeprefix('from ')]}" if c.startswith("from ") else c
        for c in change.columns
    ]
    return table(
        change,
        caption="The effect on each share of treated counties' visits, and the volume that "
        "brings it (share, 0-1). The last four columns sum to the effect.",
        badge=panel.badge,
        source=f"{found.study.source}; count-share identity with logarithmic means, volumes "
        "without the reform from the effects on log visits",
        decimals=4,
        labels={"part": "place", "share_before": "share without", "share_after": "share with",
                "change": "effect", "log_volume_growth": "effect on its log visits"},
    )  # fmt: skip


def triangle_figure(found: Shares) -> Exhibit:
    """Draw the mean composition of each cohort through the years."""
    panel = found.study.panel
    cohort = panel.cohort_by_unit[panel.unit_codes]
    group = np.where(cohort > 0, "cohort " + cohort.astype(str).astype(object), "never")
    ax, mean = draw_visit_shares(panel, group)
    return figure(
        ax,
        caption="Where each cohort's visits go, a point a year, in a part of the triangle.",
        alt="A triangle with corners county hospital, out of county and primary care, and the "
        "path of each cohort's mean composition over the years.",
        badge=panel.badge,
        source=found.study.source,
        summary=rounded(mean, 3),
    )
