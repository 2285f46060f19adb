"""Primary-care group against hospital-led alliance as the budget unit, with two real hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..evidence.quoting import cited, facts
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from .contract_anatomy import anatomy_table
from .embedding_chapter import comparison_map

if TYPE_CHECKING:
    import pandas as pd

PRIMARY = ("qianjiang_chongqing", "pengshui_chongqing")
HOSPITAL = ("sanming_fujian", "youxi_fujian", "funan_anhui", "dingyuan_anhui")
_STUDIES = {
    "primary-care group": ("pengshui_sdid",),
    "hospital-led alliance": (
        "xiong_sanming",
        "yang_sanming",
        "anhui_its_funan",
        "anhui_its_dingyuan",
    ),
}
_HOOK, _REVENUE = "pengshui_sdid", "mssp_low_high"


def contract_table() -> Exhibit:
    """Set who holds the budget in the two groups of cases, and how staff are paid."""
    return anatomy_table(
        ("budget_unit", "budget_holder", "payment_model", "surplus_rule", "pay_rule"),
        caption="Two answers to who holds the budget",
        names=(*PRIMARY, *HOSPITAL),
        fold=False,
    )


def code_map() -> Exhibit:
    """Draw the embedding codes of the two groups side by side."""
    return comparison_map((*PRIMARY, *HOSPITAL))


def effects_table() -> Exhibit:
    """Set what studies found in the two groups, each in its own design and unit."""
    import pandas as pd

    parts = []
    for group, studies in _STUDIES.items():
        found = _rows(*studies)
        parts.append(found.assign(group=group))
    frame = pd.concat(parts, ignore_index=True)
    shown = pd.DataFrame(
        {
            "budget unit": frame["group"],
            "study": frame["study"],
            "design": frame["design"],
            "outcome": frame["outcome"],
            "printed": [_printed(row) for row in frame.itertuples()],
        }
    )
    return show(
        shown,
        "What studies found, never pooled: designs, outcomes and units differ",
        about=cited(frame["source_id"]),
        labels={},
    )


def pengshui_figure() -> Exhibit:
    """Draw the published effect on Pengshui's primary-care share beside the raw change."""
    import pandas as pd

    from ..show import plots

    found = _rows(_HOOK)
    row = found[found["unit"] == "share_difference"].iloc[0]
    raw = facts().cases
    mine = raw["case_slug"].eq(PRIMARY[1]) & raw["variable"].eq(
        "primary_care_share_of_first_contacts"
    )
    shares = raw[mine].sort_values("year_start")
    first, last = shares["value"].iloc[[0, -1]]
    years = f"{shares['year_start'].iloc[0]} to {shares['year_start'].iloc[-1]}"
    frame = pd.DataFrame(
        {
            "label": [
                "synthetic difference-in-differences",
                f"raw change of first contacts, {years}",
            ],
            "estimate": [row["estimate"] * 100, (last - first) * 100],
            "conf_low": [row["conf_low"] * 100, None],
            "conf_high": [row["conf_high"] * 100, None],
        }
    ).astype({"conf_low": float, "conf_high": float})
    ax = plots.forest(frame, unit="percentage points of outpatient visits")
    return show(
        ax,
        "Pengshui: primary care's share of outpatient visits",
        about=cited((row["source_id"], shares["source_id"].iloc[0])),
        alt=f"The study's effect is {row['estimate'] * 100:.2f} points, from "
        f"{row['conf_low'] * 100:.2f} to {row['conf_high'] * 100:.2f}. The raw change of "
        f"first contacts from {years} "
        f"is {(last - first) * 100:.0f} points, without an interval.",
        summary=frame,
    )


def pengshui_sentence() -> Sentence:
    """Say the published effect with its interval."""
    found = _rows(_HOOK)
    row = found[found["unit"] == "share_difference"].iloc[0]
    return say(
        "The study reports {estimate:+.2f} percentage points in the share of outpatient "
        "visits at primary care ({conf_low:.2f} to {conf_high:.2f}), from one treated "
        "county, {period}.",
        estimate=row["estimate"] * 100,
        conf_low=row["conf_low"] * 100,
        conf_high=row["conf_high"] * 100,
        period=row["period"],
        about=cited(found["source_id"]),
    )


def revenue_figure() -> Exhibit:
    """Draw how low-revenue organisations differ from high-revenue ones in the public ledgers."""
    from ..show import plots

    found = _rows(_REVENUE)
    frame = found.assign(
        label=found["outcome"].replace({"PCP visit share": "primary-care visit share"})
        + ", "
        + found["period"].astype(str),
        **{name: found[name] * 100 for name in ("estimate", "conf_low", "conf_high")},
    )[["label", "estimate", "conf_low", "conf_high"]].reset_index(drop=True)
    ax = plots.forest(frame, unit="low-revenue minus high-revenue, percentage points")
    told = "; ".join(
        f"{row.label} {row.estimate:.2f} ({row.conf_low:.2f} to {row.conf_high:.2f})"
        for row in frame.itertuples()
    )
    return show(
        ax,
        "Shared Savings Program: low-revenue organisations, mostly physicians, against "
        "high-revenue ones, mostly with hospitals. A difference, not an effect",
        about=cited(found["source_id"]),
        alt=f"Four differences in points with 95% intervals: {told}.",
        summary=frame,
    )


def _rows(*studies: str) -> pd.DataFrame:
    effects = facts().effects
    return effects[effects["study_slug"].isin(studies)].reset_index(drop=True)


def _printed(row: object) -> str:
    from .case_page import _effect

    return _effect(row)
