"""What others found: published effects by outcome and unit, never pooled."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..evidence import STRONG_GRADES, Evidence
from ..exhibits import Exhibit, Sentence, figure, sentence
from ._facts import cite, grade_label, percent, points

if TYPE_CHECKING:
    import pandas as pd

DESIGNS = {
    "trial": "randomised trial",
    "synthetic_did": "synthetic difference-in-differences",
    "did": "difference-in-differences",
    "staggered_did": "staggered difference-in-differences",
    "its": "interrupted time series",
    "panel_fe": "fixed-effects panel",
    "pre_post": "before and after",
    "cross_section": "cross-section, not causal",
}
FAMILIES = {
    "primary_care_share": "primary care's share",
    "primary_care_ratio": "primary care over hospitals",
    "primary_care_use": "use of primary care",
    "out_of_county_share": "care outside the county",
    "hospital_use": "use of hospitals",
    "hospital_activity": "activity of hospitals",
    "visits": "visits",
    "visits_per_person": "visits per person",
    "volume_trend": "volume, trend",
    "inpatient_volume_trend": "inpatients, trend",
    "cost_per_visit": "cost per visit or stay",
    "cost_per_visit_trend": "cost per visit, trend",
    "cost_per_admission": "cost per admission",
    "out_of_pocket": "paid by patients",
    "spending": "spending",
    "spending_per_person": "spending per person",
    "fund": "insurance fund",
    "surplus_rate": "surplus rate",
    "prescribing": "prescribing and tests",
    "resources": "staff and facilities",
}
DIRECTIONS = {
    "increase": "rises",
    "decrease": "falls",
    "slower_growth": "grows more slowly",
    "no_effect": "no significant effect; size not printed",
}
_ABBREVIATIONS = {
    "THC": "township centre",
    "PHC": "primary-care",
    "PHI": "primary institution",
    "CHC": "community centre",
    "PCP": "primary-care physician",
    "NRCMS": "rural scheme",
    "FFS ": "",
}
_SHORT = {
    "synthetic_did": "synthetic DiD",
    "did": "DiD",
    "staggered_did": "staggered DiD",
    "its": "time series",
    "panel_fe": "panel",
    "pre_post": "before/after",
    "cross_section": "cross-section",
}
_UNITS = {
    "share_difference": ("points", 100.0),
    "relative_change": ("%", 100.0),
    "yuan": ("yuan", 1.0),
    "usd": ("US dollars", 1.0),
    "persons": ("persons", 1.0),
    "visits": ("visits", 1.0),
    "visits_per_person": ("visits per person", 1.0),
    "visits_per_100_persons": ("visits per 100 persons", 1.0),
    "stays_per_100_persons": ("stays per 100 persons", 1.0),
}


def effect_text(row: pd.Series) -> str:
    """Write an effect with its unit and interval as the source prints it, or its direction."""
    import pandas as pd

    if pd.isna(row["estimate"]):
        return DIRECTIONS[row["direction"]]
    unit, factor = _UNITS[row["unit"]]
    digits = len(str(row["printed"]).partition(".")[2])
    digits = max(digits - 2, 0) if row["printed_unit"] == "share (coef.)" else digits
    per = " a month" if row["per"] == "month" else ""
    text = f"{factor * row['estimate']:+.{digits}f} {unit}{per}"
    if pd.notna(row["conf_low"]):
        low, high = factor * row["conf_low"], factor * row["conf_high"]
        text += f" ({low:.{digits}f} to {high:.{digits}f})"
    elif pd.notna(row["p_value"]):
        text += f" (p {row['p_relation']} {row['p_value']:g})"
    elif row["significance"] == "significant":
        text += " (significant, no interval)"
    return text.replace("-", "\u2212")


def plain(outcome: str) -> str:
    """Write an outcome without the abbreviations of its source."""
    for short, long in _ABBREVIATIONS.items():
        outcome = re.sub(rf"\b{short}\b", long, outcome)
    return outcome


def study_name(row: pd.Series) -> str:
    """Write the study with its year, where one is stated."""
    import pandas as pd

    return row["study"] + ("" if pd.isna(row["published"]) else f" {row['published']}")


def effect_table(
    evidence: Evidence, families: Sequence[str], caption: str, countries: Sequence[str] = ("CN",)
) -> Exhibit:
    """Set out the published effects on some outcomes, one row an effect."""
    import pandas as pd

    from ..tables import table

    rows = evidence.effects
    rows = rows[rows["outcome_family"].isin(families) & rows["country"].isin(countries)]
    shown = pd.DataFrame(
        {
            "study": [study_name(row) for _, row in rows.iterrows()],
            "place": rows["place"].to_numpy(),
            "design": [DESIGNS[name] for name in rows["design_family"]],
            "outcome": [plain(text) for text in rows["outcome"]],
            "effect": [effect_text(row) for _, row in rows.iterrows()],
            "note": [_note(row) for _, row in rows.iterrows()],
        }
    )
    return table(
        shown,
        caption=caption,
        blank="",
        badge=evidence.badge,
        source=cite(evidence, rows),
        labels={name: name for name in shown.columns},
    )


def _note(row: pd.Series) -> str | None:
    import pandas as pd

    weak = [] if row["grade"] in STRONG_GRADES else [grade_label(row["grade"])]
    said = [] if pd.isna(row["remark"]) else [row["remark"]]
    return "; ".join([*weak, *said]) or None


def forest(
    evidence: Evidence,
    families: Sequence[str],
    unit: str,
    *,
    caption: str,
    trend: bool = False,
    countries: Sequence[str] = ("CN", "US"),
) -> Exhibit:
    """Draw the published effects on some outcomes in one unit, one row each.

    Parameters
    ----------
    families : sequence of str
        Outcome families that may stand on one axis.
    unit : str
        Unit of the codebook; effects in another unit are left out.
    trend : bool
        Draw changes of a slope per month; otherwise changes of a level.
    """
    from .. import plots

    rows = evidence.effects
    rows = rows[
        rows["outcome_family"].isin(families)
        & (rows["unit"] == unit)
        & rows["estimate"].notna()
        & (rows["per"].eq("month").fillna(False) == trend)
        & rows["country"].isin(countries)
    ].copy()
    word, factor = _UNITS[unit]
    for name in ("estimate", "conf_low", "conf_high"):
        rows[name] = factor * rows[name]
    rows["label"] = [_label(row) for _, row in rows.iterrows()]
    rows["design"] = [DESIGNS[name] for name in rows["design_family"]]
    rows = rows.sort_values(["outcome_family", "study_slug"], ignore_index=True, kind="stable")
    ax = plots.new_axes(width=7.2, height=0.62 * len(rows) + 1.2)
    ax = plots.forest(rows, unit=_axis(word, trend), ax=ax)
    ax.tick_params(axis="y", labelsize=9)
    known = int(rows["conf_low"].notna().sum())
    summary = rows[["label", "design", "estimate", "conf_low", "conf_high"]].copy()
    summary["label"] = summary["label"].str.replace("\n", " ")
    return figure(
        ax,
        caption=caption,
        alt=f"{len(rows)} published effects, one row each, {known} with an interval. They run from "
        f"{rows['estimate'].min():.2f} to {rows['estimate'].max():.2f} {word}.",
        badge=evidence.badge,
        source=cite(evidence, rows),
        summary=summary,
    )


def _axis(word: str, trend: bool) -> str:
    named = {"points": "percentage points", "%": "percent"}.get(word, word)
    return f"{named} a month, change of the slope" if trend else named


def _label(row: pd.Series) -> str:
    grade = "" if row["grade"] in STRONG_GRADES else f" [{row['grade']}]"
    name = study_name(row).replace(" (computed for this project)", "")
    who = f"{_shorten(name, 30)}, {_SHORT.get(row['design_family'], row['design_family'])}{grade}"
    lines = textwrap.wrap(plain(row["outcome"]), 44, max_lines=2, placeholder="…")
    return "\n".join([*lines, who])


def _shorten(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip(" ,") + "…"


# ---- what the studies are


def design_table(evidence: Evidence) -> Exhibit:
    """Count published effects by design, with how many print a size and an interval."""
    from ..tables import table

    rows = evidence.effects
    counted = rows.groupby("design_family").agg(
        studies=("study_slug", "nunique"),
        effects=("row_id", "size"),
        sized=("estimate", "count"),
        intervals=("conf_low", "count"),
    )
    counted = counted.reindex([name for name in DESIGNS if name in counted.index])
    counted.insert(0, "design", [DESIGNS[name] for name in counted.index])
    return table(
        counted,
        caption="Published effects by design.",
        badge=evidence.badge,
        source="data/published/published_effects.csv, all rows",
        decimals=0,
        labels={
            "design": "design",
            "sized": "with a printed size",
            "intervals": "with a printed interval",
        },
    )


def coverage_sentence(evidence: Evidence) -> Sentence:
    """Say how many effects there are, how many have an interval, and which question is open."""
    rows = evidence.effects
    chinese = rows[rows["country"] == "CN"]
    surplus = chinese[chinese["outcome_family"] == "surplus_rate"]
    pay = rows[rows["outcome"].str.contains("income|remuneration|pay of")]
    return sentence(
        f"We hold {len(rows)} effects from {rows['source_id'].nunique()} sources, "
        f"{len(chinese)} of the effects from China. {rows['estimate'].count()} print a size and "
        f"{rows['conf_low'].count()} an interval. {_count(len(surplus))} of the Chinese effects "
        f"is on the surplus of an alliance and {_count(len(pay)).lower()} of all effects is on "
        "the size of staff pay.",
        badge=evidence.badge,
        source=cite(evidence, rows),
    )


def _count(number: int) -> str:
    return "None" if number == 0 else str(number)


# ---- contradictions


def _cells(evidence: Evidence, *row_ids: str) -> pd.DataFrame:
    import pandas as pd

    both = pd.concat([evidence.effects, evidence.cases], ignore_index=True)
    return both.set_index("row_id").loc[list(row_ids)].reset_index()


def youxi_sanming(evidence: Evidence) -> Exhibit:
    """Set Youxi's before/after figure beside the time series of Sanming."""
    import pandas as pd

    from ..tables import table

    rows = _cells(
        evidence,
        "youxi_fujian:before:primary_care_share_of_visits",
        "youxi_fujian:after:primary_care_share_of_visits",
        "xiong_sanming:1",
        "yang_sanming:2",
        "yang_sanming:1",
    )
    before, after, slower, outpatients, inpatients = (row for _, row in rows.iterrows())
    gain = after["value"] - before["value"]
    shown = pd.DataFrame(
        [
            (
                "Youxi, one of the twelve counties",
                "before and after",
                "primary care's share of visits",
                f"{percent(before['value'])} to {percent(after['value'])}, {points(gain)}",
                grade_label(after["grade"]),
            ),
            *(
                (
                    row["place"],
                    DESIGNS["its"],
                    row["outcome"],
                    effect_text(row),
                    grade_label(row["grade"]),
                )
                for row in (slower, outpatients, inpatients)
            ),
        ],
        columns=["place", "design", "outcome", "finding", "grade"],
    )
    return table(
        shown,
        caption="Sanming, 2018: a county's share jumps; the city's time series does not.",
        badge=evidence.badge,
        source=cite(evidence, rows),
        labels={name: name for name in shown.columns},
    )


def funan_dingyuan(evidence: Evidence) -> Exhibit:
    """Draw the slopes of Funan and Dingyuan side by side."""
    from .. import plots

    rows = _cells(
        evidence,
        "anhui_its_funan:1",
        "anhui_its_funan:2",
        "anhui_its_dingyuan:1",
        "anhui_its_dingyuan:2",
    )
    for name in ("estimate", "conf_low", "conf_high"):
        rows[name] = 100 * rows[name]
    rows["county"] = rows["place"].str.partition(",")[0]
    named = rows["outcome"].str.removeprefix("trend in ").str.replace(", Funan", "")
    rows["label"] = [plain(text) for text in named]
    ax = plots.new_axes(width=7.2, height=3.2)
    unit = "percentage points a month, unit by context"
    ax = plots.forest(rows, group="county", unit=unit, ax=ax)
    low, high = rows["conf_low"].min(), rows["conf_high"].max()
    return figure(
        ax,
        caption="The same kind of contract, the same months, one study: in Funan township "
        "centres gain patients and money, in Dingyuan the outflow from the county grows.",
        alt=f"Four slopes with intervals between {low:.2f} and {high:.2f} points a month, two for "
        "each county, all above zero.",
        badge=evidence.badge,
        source=cite(evidence, rows),
        summary=rows[["county", "label", "estimate", "conf_low", "conf_high"]],
    )


def maryland(evidence: Evidence, unit: str) -> Exhibit:
    """Draw one Maryland outcome under two assumptions on trends."""
    from .. import plots

    rows = evidence.effects
    rows = rows[(rows["study_slug"] == "maryland_all_payer") & (rows["unit"] == unit)].copy()
    rows["label"] = rows["design"].str.removeprefix("DID, ")
    word, _ = _UNITS[unit]
    ax = plots.forest(rows, unit=word)
    outcome = rows["outcome"].iloc[0]
    return figure(
        ax,
        caption=f"Maryland's hospital budgets, {outcome}, under two assumptions on trends.",
        alt="Two estimates with intervals: "
        + "; ".join(f"{row['label']} {effect_text(row)}" for _, row in rows.iterrows())
        + ".",
        badge=evidence.badge,
        source=cite(evidence, rows),
        summary=rows[["label", "estimate", "conf_low", "conf_high"]],
    )


def maryland_sentence(evidence: Evidence) -> Sentence:
    """Say for each outcome whether the two assumptions agree that there is an effect."""
    rows = evidence.effects
    rows = rows[(rows["study_slug"] == "maryland_all_payer") & rows["conf_low"].notna()]
    said = []
    for outcome in dict.fromkeys(rows["outcome"]):
        mine = rows[rows["outcome"] == outcome]
        parts = [
            f"{effect_text(row)} under {row['design'].removeprefix('DID, ')}"
            for _, row in mine.iterrows()
        ]
        agree = len(set(mine["significance"])) == 1
        verdict = "The two agree." if agree else "Only one of the two intervals leaves out zero."
        said.append(f"{outcome[0].upper()}{outcome[1:]}: {' and '.join(parts)}. {verdict}")
    return sentence(" ".join(said), badge=evidence.badge, source=cite(evidence, rows))


def pay_sentence(evidence: Evidence) -> Sentence:
    """Say what is known of effects on staff pay: directions only."""
    rows = evidence.cases
    rows = rows[rows["variable"].isin(["provider_income", "primary_staff_monthly_income"])]
    said = [
        f"{row['case']}, {_years(row)}: {DIRECTIONS[row['direction']]}"
        for _, row in rows.sort_values("year_start").iterrows()
    ]
    return sentence(
        f"On pay we have directions only. Income of providers or primary-care staff in "
        f"{'; '.join(said)}.",
        badge=evidence.badge,
        source=cite(evidence, rows),
    )


def _years(row: pd.Series) -> str:
    first, last = row["year_start"], row["year_end"]
    return str(first) if first == last else f"{first} to {last}"


def cost_shift_sentence(evidence: Evidence) -> Sentence:
    """Say what the global budget of YC County did to the insurer and to patients."""
    rows = _cells(evidence, "global_budget_yc:1", "global_budget_yc:2", "global_budget_yc:3")
    insurer, total, patient = (row for _, row in rows.iterrows())
    return sentence(
        f"Under a global budget in YC County the insurer's payment per admission changed by "
        f"{effect_text(insurer)}, total cost by {effect_text(total)} and the patient's own "
        f"payment by {effect_text(patient)}.",
        badge=evidence.badge,
        source=cite(evidence, rows),
    )
