"""The eight pilot counties that a source compares under letters: rules and shares side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..codebook import label
from ..evidence.quoting import cited, facts
from ..show.exhibits import Exhibit
from ..show.front import show

if TYPE_CHECKING:
    import pandas as pd

NAMES = tuple(f"pilot_{letter}{number}" for letter in "abcd" for number in (1, 2))


def published(unit: str) -> pd.DataFrame:
    """Return the counties' published figures in a unit: county, province, variable, year, value."""
    cases = facts().cases
    found = cases[cases["case_slug"].isin(NAMES) & cases["unit"].eq(unit)]
    county = found["case_slug"].str.removeprefix("pilot_").str.upper()
    frame = found.assign(county=county + ", " + found["province"])
    return frame[["county", "variable", "year_start", "value", "source_id"]]


def share_map() -> Exhibit:
    """Draw the five shares of the first pilot year: counties down, shares across."""
    from ..show import plots

    long = published("share")
    wide = long.pivot_table(index="county", columns="variable", values="value", sort=False)
    wide.columns = [label(name) for name in wide.columns]
    ax = plots.heatmap(wide, low=0, high=1, unit="share")
    ranges = "; ".join(
        f"{name} from {wide[name].min():.3f} to {wide[name].max():.3f}" for name in wide.columns
    )
    return show(
        ax,
        "Eight pilot counties in their first pilot year: where patients and money go",
        about=cited(long["source_id"]),
        alt=f"A grid of {len(wide)} counties by {wide.shape[1]} shares. {ranges}.",
        summary=wide.rename_axis("county").reset_index(),
    )


def money_table() -> Exhibit:
    """Set revenue and spending per member of staff of township centres, 2018 and 2019."""
    import pandas as pd

    long = published("yuan_per_year")
    long = long.assign(
        column=[
            f"{label(name)}, {year}"
            for name, year in zip(long["variable"], long["year_start"], strict=True)
        ]
    )
    wide = long.pivot_table(index="county", columns="column", values="value", sort=False)
    frame = pd.DataFrame(wide.sort_index(axis=1).reset_index())
    return show(
        frame,
        "Township centres: revenue and spending per member of staff, yuan. Not pay.",
        about=cited(long["source_id"]),
        labels={},
        decimals=0,
    )
