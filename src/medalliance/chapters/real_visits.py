"""What the chapters on visits and on the link cannot hold in a cell."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..diagnostics.pretrend_test import pretrend_test
from ..evidence.grade import grade
from ..evidence.quoting import facts
from ..outcomes import outcome_values
from ..registered.ledger_effects import LABELS, group_time
from ..show import plots
from ..show.exhibits import Sentence
from ..show.front import say
from .effect_words import DESIGNS, effect_text, plain
from .ledger_attrition import selection_bounds
from .ledger_kept import load_headlines

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ..panel import Panel
    from ..results import Effects

LEVEL = 0.05
SHARES = ("share_physician", "share_primary")
TIERS = {
    "primary care": ("primary_care_share", "primary_care_ratio", "primary_care_use"),
    "hospitals": ("hospital_use",),
    "outside the county": ("out_of_county_share",),
    "all or several places": (
        "visits",
        "visits_per_person",
        "volume_trend",
        "inpatient_volume_trend",
    ),
}
_SIDE = {"decrease": -1, "increase": 1, "no_effect": 0, "slower_growth": -1}


def visits_opening(panel: Panel) -> Sentence:
    """Say what bearing losses did to the visit mix under both definitions, with what is weak."""
    found = load_headlines().set_index("outcome")
    alone, wide = (found.loc[LABELS[name]] for name in SHARES)
    told = [float(row["p_adjusted"]) < LEVEL for row in (alone, wide)]
    verdict = (
        "Neither can be told from nothing: this is a null result."
        if not any(told)
        else "Both can be told from nothing."
        if all(told)
        else "Only one of the two can be told from nothing, so the finding hangs on who is counted."
    )
    linear = group_time(panel, SHARES[0])
    before = float(pretrend_test(linear)["p_value"].iloc[0])
    bounds = selection_bounds(panel, SHARES[0])
    crossed = bounds["low"] <= 0 <= bounds["high"]
    weak = (
        "This is weak evidence: organisations about to move were already on another path"
        if before < LEVEL
        else "The years before do not reject equal paths"
    )
    return say(
        "When organisations come to bear losses, the share of office visits at primary-care "
        "physicians moves by {alone:+.2f} points ({alone_low:+.2f} to {alone_high:+.2f}, adjusted "
        "p {alone_p:.3f}); with nurses and clinics counted it moves by {wide:+.2f} points "
        "({wide_low:+.2f} to {wide_high:+.2f}, adjusted p {wide_p:.3f}). {verdict} {weak} (p "
        "{before:.3f}), the estimate on points instead of log-odds is {linear:+.2f}, and who "
        "leaves the programme could put it between {low:+.2f} and {high:+.2f}{crossed}. {moved:,} "
        "organisations moved in time to be counted. They chose their date, they are American, and "
        "no patient there needs a referral.",
        about=facts().about("I09"),
        verdict=verdict,
        weak=weak,
        before=before,
        linear=100 * float(linear.overall),
        low=100 * bounds["low"],
        high=100 * bounds["high"],
        crossed=", so that nothing may be left" if crossed else "",
        moved=int(alone["moved"]),
        **{
            f"{name}{end}": factor * row[column]
            for name, row in (("alone", alone), ("wide", wide))
            for end, column, factor in (
                ("", "estimate", 100),
                ("_low", "conf_low", 100),
                ("_high", "conf_high", 100),
                ("_p", "p_adjusted", 1),
            )
        },
    )


def chinese_effects() -> pd.DataFrame:
    """Gather every published effect on visits in China, with its sign and what stands behind it.

    Returns
    -------
    DataFrame
        ``tier place outcome design effect grade side known``: ``grade`` follows from design and
        interval, the units being counted in words alone; ``side`` is -1, 0 or 1, 0 where the source
        finds no difference from nothing; ``known`` says whether a size with an interval or a
        p-value, a size alone, or a sign alone was read.
    """
    evidence = facts()
    tier = {family: name for name, families in TIERS.items() for family in families}
    rows = evidence.effects.query("country == 'CN'")
    rows = rows[rows["outcome_family"].isin(tier)].copy()
    sized = rows["estimate"].notna()
    tested = rows["conf_low"].notna() | rows["p_value"].notna()
    rows["tier"] = rows["outcome_family"].map(tier)
    rows["side"] = rows["direction"].map(_SIDE).where(rows["significance"] != "not_significant", 0)
    rows["known"] = np.select(
        [sized & tested, sized], ["size, with interval or p-value", "size alone"], "sign alone"
    )
    rows["effect"] = [effect_text(row) for _, row in rows.iterrows()]
    rows["design"] = rows["design_family"].map(DESIGNS)
    rows["grade"] = [
        grade(design, interval=interval).label()
        for design, interval in zip(rows["design_family"], rows["conf_low"].notna(), strict=True)
    ]
    rows["outcome"] = [plain(text) for text in rows["outcome"]]
    rows["tier"] = rows["tier"].astype("category").cat.set_categories(list(TIERS))
    rows = rows.sort_values(["tier", "side"], ascending=[True, False], kind="stable")
    columns = ["tier", "place", "outcome", "design", "effect", "grade", "side", "known"]
    return evidence.about(*rows["source_id"]).carried_by(
        rows[columns].astype({"tier": str, "side": int}).reset_index(drop=True)
    )


@plots.styled
def draw_sides(frame: pd.DataFrame) -> Axes:
    """Draw one row an effect: does it fall, stay or rise, and what is known of it.

    Parameters
    ----------
    frame : DataFrame
        As ``chinese_effects`` returns it.
    """
    ax = plots.new_axes(width=7.2, height=0.4 * len(frame) + 1.6)
    row = np.arange(len(frame))[::-1]
    marks = {"size, with interval or p-value": "o", "size alone": "D", "sign alone": "^"}
    for number, (known, mark) in enumerate(marks.items()):
        here = (frame["known"] == known).to_numpy()
        color = plots.PALETTE[number]
        ax.scatter(frame["side"][here], row[here], marker=mark, s=62, color=color, label=known)
    for place, (above, below) in enumerate(zip(frame["tier"][:-1], frame["tier"][1:], strict=True)):
        if above != below:
            ax.axhline(row[place] - 0.5, color=plots.INK, linewidth=0.8)
    for tier, part in frame.groupby("tier", sort=False):
        ax.text(-1.55, row[part.index[0]] + 0.15, str(tier), fontsize=9, fontstyle="italic")
    labels = [
        textwrap.fill(f"{outcome} · {place.split(',')[0]}", 44)
        for outcome, place in zip(frame["outcome"], frame["place"], strict=True)
    ]
    ax.set_yticks(row, labels, fontsize=8.5)
    ax.set_xticks([-1, 0, 1], ["falls or\nslows", "not told\nfrom 0", "rises"], fontsize=10)
    ax.set_xlim(-1.6, 1.6)
    ax.set_ylim(-0.8, len(frame) - 0.2)
    ax.axvline(0, color=plots.INK, linewidth=1)
    ax.legend(loc="lower center", bbox_to_anchor=(0.0, 1.0), ncols=3, fontsize=9)
    return ax


def chinese_count(frame: pd.DataFrame) -> Sentence:
    """Count what stands behind the published effects on visits in China."""
    primary = frame[frame["tier"] == "primary care"]
    return say(
        "{all} effects on visits in China were found in print. {tested} come with a size and an "
        "interval or a p-value, {sized} with a size alone, {sign} with a sign alone. Of the "
        "{primary} on primary care {up} rise. A study that found nothing is less likely to be "
        "printed, and {series} of the {all} rest on the past of a single place.",
        about=frame,
        all=len(frame),
        tested=int((frame["known"] == "size, with interval or p-value").sum()),
        sized=int((frame["known"] == "size alone").sum()),
        sign=int((frame["known"] == "sign alone").sum()),
        primary=len(primary),
        up=int((primary["side"] > 0).sum()),
        series=int((frame["design"] == DESIGNS["its"]).sum()),
    )


_LINKS = {
    "contract changes at known dates": ("cohort",),
    "surplus (budget, spending)": ("budget", "spending"),
    "income of the member": ("income_per_patient",),
    "pay of staff": ("pay_T_physician",),
    "visits by place": ("share_physician", "visits_township"),
}


def what_each_holds(panels: Mapping[str, Panel]) -> pd.DataFrame:
    """List which links of the chain each panel holds, read off its columns.

    Returns
    -------
    DataFrame
        ``panel units`` and a column a link, yes or blank; surplus needs both of its columns, the
        other links one of theirs.
    """
    import pandas as pd

    rows = []
    for name, panel in panels.items():
        have = [
            (all if link.startswith("surplus") else any)(c in panel.frame for c in columns)
            for link, columns in _LINKS.items()
        ]
        said = {link: "yes" if has else None for link, has in zip(_LINKS, have, strict=True)}
        rows.append({"panel": name, "units": len(panel.units), **said})
    return pd.DataFrame(rows)


def with_last_surplus(panel: Panel) -> Panel:
    """Return the panel with each unit's surplus rate of the year before, blank where unseen."""
    frame = panel.frame
    before = frame[[panel.unit]].assign(
        rate=outcome_values(panel, "fund_surplus_rate"), year_of=frame[panel.year] + 1
    )
    last = before.set_index([panel.unit, "year_of"])["rate"]
    keys = list(zip(frame[panel.unit], frame[panel.year], strict=True))
    return panel.with_columns(last_surplus=last.reindex(keys).to_numpy(float))


def told(effects: Effects) -> str:
    """Say whether the first of some estimates, or their mean, can be told from nothing."""
    low, high = (effects.overall if "event_time" in effects.terms else effects).conf_int()[0]
    return "it cannot be told from nothing" if low <= 0 <= high else "it can be told from nothing"


def chinese_surplus() -> pd.DataFrame:
    """Gather what is printed of the surplus rate of Chinese alliances, before and after.

    Returns
    -------
    DataFrame
        ``case when value printed source_id``; ``value`` is 0-1 and its denominator is not printed.
    """
    evidence = facts()
    rows = evidence.cases.query("variable == 'published_fund_surplus_rate'")
    when = rows["year_start"].astype("string").fillna(rows["period"].astype("string"))
    made = rows.assign(when=when, printed=rows["printed"] + " " + rows["printed_unit"])
    made = made[["case", "when", "value", "printed", "source_id"]].reset_index(drop=True)
    return evidence.about(*rows["source_id"]).carried_by(made)


def chinese_surplus_sentence() -> Sentence:
    """Say how the printed surplus rates moved, which no comparison group stands behind."""
    found = chinese_surplus()
    sanming = found[found["case"].str.startswith("Sanming")]["value"]
    youxi = found[found["case"].str.startswith("Youxi")]["value"]
    return say(
        "Sanming's surplus rate is printed as {first:.1%} before and {last:.1%} after its package, "
        "and that of Youxi, one of Sanming's counties, as {youxi:.2%} after it. These are "
        "{printed} printed numbers of {places} places, before and after, without a comparison "
        "group, and neither source prints what the rate is divided by.",
        about=found,
        first=sanming.iloc[0],
        last=sanming.iloc[-1],
        youxi=youxi.iloc[-1],
        printed=len(found),
        places=found["case"].nunique(),
    )
