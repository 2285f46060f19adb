"""Published effects by outcome and unit, as tables and forests; never pooled."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..evidence import STRONG_GRADES, Evidence
from ..evidence.quoting import grade_label
from ..show.exhibits import Exhibit
from ..show.front import show
from .effect_words import DESIGNS, UNITS, effect_text, plain, study_name

if TYPE_CHECKING:
    import pandas as pd


_SHORT = {
    "synthetic_did": "synthetic DiD",
    "did": "DiD",
    "staggered_did": "staggered DiD",
    "its": "time series",
    "panel_fe": "panel",
    "pre_post": "before/after",
    "cross_section": "cross-section",
}


def effect_table(
    evidence: Evidence, families: Sequence[str], caption: str, countries: Sequence[str] = ("CN",)
) -> Exhibit:
    """Set out the published effects on some outcomes, one row an effect."""
    import pandas as pd

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
    return show(
        shown,
        caption,
        about=evidence.behind(rows),
        blank="",
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
    from ..show import plots

    rows = evidence.effects
    rows = rows[
        rows["outcome_family"].isin(families)
        & (rows["unit"] == unit)
        & rows["estimate"].notna()
        & (rows["per"].eq("month").fillna(False) == trend)
        & rows["country"].isin(countries)
    ].copy()
    word, factor = UNITS[unit]
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
    return show(
        ax,
        caption,
        about=evidence.behind(rows),
        alt=f"{len(rows)} published effects, one row each, {known} with an interval. They run from "
        f"{rows['estimate'].min():.2f} to {rows['estimate'].max():.2f} {word}.",
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
