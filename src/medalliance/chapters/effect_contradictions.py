"""Where published effects contradict each other, or say less than they seem to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..evidence import Evidence
from ..evidence.quoting import grade_label, percent, points
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from .effect_words import DESIGNS, DIRECTIONS, UNITS, effect_text, plain

if TYPE_CHECKING:
    import pandas as pd


def _cells(evidence: Evidence, *row_ids: str) -> pd.DataFrame:
    import pandas as pd

    both = pd.concat([evidence.effects, evidence.cases], ignore_index=True)
    return both.set_index("row_id").loc[list(row_ids)].reset_index()


def youxi_sanming(evidence: Evidence) -> Exhibit:
    """Set Youxi's before/after figure beside the time series of Sanming."""
    import pandas as pd

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
    return show(
        shown,
        "Sanming, 2018: a county's share jumps; the city's time series does not.",
        about=evidence.behind(rows),
        labels={name: name for name in shown.columns},
    )


def funan_dingyuan(evidence: Evidence) -> Exhibit:
    """Draw the slopes of Funan and Dingyuan side by side."""
    from ..show import plots

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
    return show(
        ax,
        "The same kind of contract, the same months, one study: in Funan township "
        "centres gain patients and money, in Dingyuan the outflow from the county grows.",
        about=evidence.behind(rows),
        alt=f"Four slopes with intervals between {low:.2f} and {high:.2f} points a month, two for "
        "each county, all above zero.",
        summary=rows[["county", "label", "estimate", "conf_low", "conf_high"]],
    )


def maryland(evidence: Evidence, unit: str) -> Exhibit:
    """Draw one Maryland outcome under two assumptions on trends."""
    from ..show import plots

    rows = evidence.effects
    rows = rows[(rows["study_slug"] == "maryland_all_payer") & (rows["unit"] == unit)].copy()
    rows["label"] = rows["design"].str.removeprefix("DID, ")
    word, _ = UNITS[unit]
    ax = plots.forest(rows, unit=word)
    outcome = rows["outcome"].iloc[0]
    return show(
        ax,
        f"Maryland's hospital budgets, {outcome}, under two assumptions on trends.",
        about=evidence.behind(rows),
        alt="Two estimates with intervals: "
        + "; ".join(f"{row['label']} {effect_text(row)}" for _, row in rows.iterrows())
        + ".",
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
    return say(" ".join(said), about=evidence.behind(rows))


def pay_sentence(evidence: Evidence) -> Sentence:
    """Say what is known of effects on staff pay: directions only."""
    rows = evidence.cases
    rows = rows[rows["variable"].isin(["provider_income", "primary_staff_monthly_income"])]
    said = [
        f"{row['case']}, {_years(row)}: {DIRECTIONS[row['direction']]}"
        for _, row in rows.sort_values("year_start").iterrows()
    ]
    return say(
        "On pay we have directions only. Income of providers or primary-care staff in {said}.",
        said="; ".join(said),
        about=evidence.behind(rows),
    )


def _years(row: pd.Series) -> str:
    first, last = row["year_start"], row["year_end"]
    return str(first) if first == last else f"{first} to {last}"


def cost_shift_sentence(evidence: Evidence) -> Sentence:
    """Say what the global budget of YC County did to the insurer and to patients."""
    rows = _cells(evidence, "global_budget_yc:1", "global_budget_yc:2", "global_budget_yc:3")
    insurer, total, patient = (row for _, row in rows.iterrows())
    return say(
        "Under a global budget in YC County the insurer's payment per admission changed by "
        "{insurer}, total cost by {total} and the patient's own payment by "
        "{patient}.",
        insurer=effect_text(insurer),
        total=effect_text(total),
        patient=effect_text(patient),
        about=evidence.behind(rows),
    )
