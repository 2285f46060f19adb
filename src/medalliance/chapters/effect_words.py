"""Published effects in words: designs, outcomes, units, intervals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

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
    "quality_and_harm": "quality and harm",
    "prescribing": "prescribing and tests",
    "resources": "staff and facilities",
}
DIRECTIONS = {
    "increase": "rises",
    "decrease": "falls",
    "slower_growth": "grows more slowly",
    "no_effect": "no significant effect; size not printed",
    "not_read": "not read",
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
UNITS = {
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
    unit, factor = UNITS[row["unit"]]
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
