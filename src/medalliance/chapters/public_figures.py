"""What public figures show: the fund, visits and wages of the nation and its provinces."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..evidence import Evidence
from ..evidence.quoting import (
    at_highest,
    at_lowest,
    national,
    percent,
    points,
    spread,
    with_gaps,
)
from ..provenance import Badge
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show

if TYPE_CHECKING:
    import pandas as pd

BILLION = 1e9
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _wide(rows: pd.DataFrame) -> pd.DataFrame:
    return spread(rows, "year", "variable")


def _breaks(evidence: Evidence, variable: str) -> list[float]:
    rows = evidence.series_breaks
    mine = rows[(rows["variable"] == variable) & (rows["geography"] == "China")]
    return [float(year) - 0.5 for year in mine["year"]]


def break_table(evidence: Evidence) -> Exhibit:
    """Set out the breaks in the published series."""
    from ..codebook import label

    rows = evidence.series_breaks.copy()
    rows["variable"] = [label(name) for name in rows["variable"]]
    shown = rows[["variable", "geography", "year", "break_kind", "before", "after"]]
    return show(
        shown,
        "Where a published series changes its meaning.",
        about=evidence.behind(rows),
    )


# ---- the fund


def fund_series(evidence: Evidence) -> Exhibit:
    """Draw revenue and spending of all schemes."""
    from ..show import plots

    names = {"all_schemes_fund_revenue": "revenue", "all_schemes_fund_spending": "spending"}
    rows = national(evidence, *names)
    rows["trillion"] = rows["value"] / 1e12
    rows["series"] = rows["variable"].map(names)
    ax = plots.lines(
        with_gaps(rows, "series"),
        x="year",
        y="trillion",
        by="series",
        labels={"year": "", "trillion": "trillion yuan, current prices"},
        breaks=_breaks(evidence, "all_schemes_fund_revenue"),
    )
    wide = _wide(rows) / 1e12
    first, last = wide.index.min(), wide.index.max()
    ends = wide.iloc[[0, -1]].to_numpy(float)
    return show(
        ax,
        "Basic medical insurance, all schemes: revenue above spending in every year shown. "
        "Right of the dotted line a press report stands in for the bulletin; years without a "
        "final figure are left open.",
        about=evidence.behind(rows),
        alt=f"Two rising lines from {first} to {last}. Revenue goes from "
        f"{ends[0, 0]:.2f} to {ends[1, 0]:.2f} trillion yuan and spending from "
        f"{ends[0, 1]:.2f} to {ends[1, 1]:.2f}; revenue stays above spending.",
        summary=wide.rename(columns=names).reset_index(),
    )


def residents_rate(evidence: Evidence) -> pd.DataFrame:
    """Return the surplus of the residents' pool over its revenue by year.

    Returns
    -------
    DataFrame
        ``year``, ``surplus_rate``, ``basis`` (printed or derived), ``source_id``.
    """
    import pandas as pd

    printed = national(evidence, "residents_fund_surplus_rate")
    parts = national(evidence, "residents_fund_revenue", "residents_fund_spending")
    wide = _wide(parts)
    derived = 1 - wide["residents_fund_spending"] / wide["residents_fund_revenue"]
    missing = derived[~derived.index.isin(printed["year"])]
    last = parts.set_index("year")["source_id"]
    extra = pd.DataFrame(
        {
            "year": missing.index,
            "surplus_rate": missing.to_numpy(),
            "basis": "derived",
            "source_id": [last[[year]].iloc[0] for year in missing.index],
        }
    )
    kept = printed.rename(columns={"value": "surplus_rate"})[list(extra)]
    return pd.concat([kept, extra], ignore_index=True).sort_values("year", ignore_index=True)


def residents_surplus(evidence: Evidence) -> Exhibit:
    """Set out the surplus of the residents' scheme as a share of revenue."""
    rates = residents_rate(evidence)
    wide = _wide(national(evidence, "residents_fund_revenue", "residents_fund_spending"))
    wide = wide.reindex(rates["year"]) / BILLION
    shown = rates.assign(
        revenue=wide["residents_fund_revenue"].to_numpy(float),
        spending=wide["residents_fund_spending"].to_numpy(float),
        rate=100 * rates["surplus_rate"],
    )[["year", "revenue", "spending", "rate", "basis"]]
    return show(
        shown,
        "Residents' scheme, nation: surplus as a share of revenue. "
        "The denominator is revenue of the pool, not the budget of an alliance.",
        about=evidence.behind(rates),
        decimals={"revenue": 1, "spending": 1, "rate": 1},
        labels={
            "revenue": "revenue, billion yuan",
            "spending": "spending, billion yuan",
            "rate": "surplus over revenue, %",
        },
    )


def fund_sentence(evidence: Evidence) -> Sentence:
    """Say how the residents' surplus moved."""
    rates = residents_rate(evidence)
    first, last = rates.iloc[0], rates.iloc[-1]
    high, low = rates["surplus_rate"].max(), rates["surplus_rate"].min()
    return say(
        "In {first_year} the residents' scheme kept {first_surplus_rate} of its revenue, in "
        "{last_year} {last_surplus_rate}. Within the {n_rates} years the rate moved between "
        "{low} and {high}.",
        first_year=first["year"],
        first_surplus_rate=percent(first["surplus_rate"]),
        last_year=last["year"],
        last_surplus_rate=percent(last["surplus_rate"]),
        n_rates=len(rates),
        low=percent(low),
        high=percent(high),
        about=evidence.behind(rates),
    )


# ---- visits


def share_series(evidence: Evidence) -> pd.DataFrame:
    """Return primary care's share of all visits from three kinds of source.

    Returns
    -------
    DataFrame
        ``year`` (with a fraction for parts of a year), ``share``, ``series``, ``period``,
        ``source_id``.
    """
    import pandas as pd

    printed = national(evidence, "primary_care_share_of_visits")
    journal = printed["grade"] == "journal"
    whole = pd.DataFrame(
        {
            "year": printed["year"].astype(float),
            "share": printed["value"],
            "series": np.where(journal, "journal article, rounded", "bulletins, full years"),
            "period": printed["year"].astype(str),
            "source_id": printed["source_id"],
        }
    )
    rows = national(evidence, "visits_primary_care", "visits_total", whole_years=False)
    rows = rows[rows["month_start"].notna()]
    keys = ["year", "month_start", "month_end", "source_id"]
    wide = spread(rows, keys, "variable").dropna().reset_index()
    first, last = wide["month_start"].astype(int), wide["month_end"].astype(int)
    period = [
        f"{year}, {MONTHS[a - 1]} to {MONTHS[b - 1]}"
        for year, a, b in zip(wide["year"], first, last, strict=True)
    ]
    part = pd.DataFrame(
        {
            "year": wide["year"].astype(float) + (first + last - 1 - 12) / 24,
            "share": wide["visits_primary_care"] / wide["visits_total"],
            "series": "releases for part of a year",
            "period": period,
            "source_id": wide["source_id"],
        }
    )
    both = pd.concat([whole, part], ignore_index=True)
    return both.sort_values(["series", "year"], ignore_index=True)


def primary_share(evidence: Evidence) -> Exhibit:
    """Draw primary care's share of all visits."""
    from ..show import plots

    rows = share_series(evidence)
    rows["percent"] = 100 * rows["share"]
    ax = plots.lines(
        rows,
        x="year",
        y="percent",
        by="series",
        labels={"year": "", "percent": "% of all visits"},
        breaks=_breaks(evidence, "primary_care_share_of_visits")
        + _breaks(evidence, "visits_total"),
    )
    first, last = at_lowest(rows, "year"), at_highest(rows, "year")
    lowest = at_lowest(rows, "percent")
    return show(
        ax,
        "Primary care's share of all visits in China. Dotted lines: from 2014 "
        "the bulletins replace a journal article; from 2020 the epidemic. For parts of a year the "
        "division is ours.",
        about=evidence.behind(rows),
        alt=f"Three short series: {first['percent']:.0f} percent in {first['year']:.0f}, "
        f"{lowest['percent']:.1f} percent at the lowest in {lowest['year']:.0f}, "
        f"{last['percent']:.1f} percent in {last['year']:.0f}.",
        summary=rows[["series", "period", "percent"]],
    )


def _bulletin_fall(evidence: Evidence) -> tuple[pd.Series, pd.Series, pd.DataFrame]:
    rows = share_series(evidence)
    rows = rows[rows["series"] == "bulletins, full years"]
    return rows.iloc[0], at_lowest(rows, "share"), rows


def fall_sentence(evidence: Evidence) -> Sentence:
    """Say by how much the national share fell, with where it stands since."""
    first, last, rows = _bulletin_fall(evidence)
    change = last["share"] - first["share"]
    now = rows.iloc[-1]
    since = (
        ""
        if now["period"] == last["period"]
        else (
            f" It was {percent(now['share'])} in {now['period']}: the fall has ended."
            if now["share"] > last["share"]
            else ""
        )
    )
    return say(
        "In the bulletins primary care's share of all visits was {first_share} in "
        "{first_period} and {last_share} in {last_period}, a change of {change}.{since}",
        first_share=percent(first["share"]),
        first_period=first["period"],
        last_share=percent(last["share"]),
        last_period=last["period"],
        change=points(change),
        since=since,
        about=evidence.behind(rows),
    )


def before_after_trap(evidence: Evidence) -> Exhibit:
    """Show what a before/after comparison says of places that move with or against the nation."""
    import pandas as pd

    first, last, rows = _bulletin_fall(evidence)
    nation = last["share"] - first["share"]
    named = [
        (f"follows the nation ({percent(first['share'])} to {percent(last['share'])})", nation),
        ("stays where it was", 0.0),
        ("falls half as fast as the nation", nation / 2),
    ]
    shown = pd.DataFrame(
        [(text, 100 * change, 100 * (change - nation)) for text, change in named],
        columns=["a county whose share", "before_after", "difference"],
    )
    return show(
        shown,
        f"The same reform judged in two ways, {first['period']} to {last['period']}. "
        "The nation's change is published; the three counties are thought of.",
        about=replace(evidence.behind(rows), badge=Badge.ILLUSTRATIVE),
        decimals=1,
        labels={
            "before_after": "before/after says, points",
            "difference": "minus the nation's change, points",
        },
    )


def visits_by_tier(evidence: Evidence) -> Exhibit:
    """Draw where visits took place in the two years with figures by tier."""
    from ..show import plots

    names = {
        "visits_county_hospital": "county hospitals",
        "visits_hospital": "all hospitals",
        "visits_township_centre": "township centres",
        "visits_community_centre_only": "community centres",
        "visits_community_station_only": "community stations",
        "visits_village_clinic": "village clinics",
    }
    rows = national(evidence, *names)
    rows = rows[rows["year"].isin([2022, 2023])]
    wide = spread(rows, "variable", "year") / BILLION
    wide = wide.reindex(list(names)).rename(index=names)
    wide.columns = [str(year) for year in wide.columns]
    frame, latest = wide.reset_index(names="tier"), wide["2023"]
    ax = plots.bars(frame, label="tier", value=["2022", "2023"], unit="billion visits")
    return show(
        ax,
        "Visits by kind of institution as the bulletins give them. A missing bar is a "
        "figure that the bulletin of that year does not give.",
        about=evidence.behind(rows),
        alt="Horizontal bars by kind of institution for 2022 and 2023. In 2023 all hospitals have "
        f"{latest['all hospitals']:.2f} billion visits, village clinics "
        f"{latest['village clinics']:.2f} and township centres "
        f"{latest['township centres']:.2f}.",
        summary=frame,
    )


def township_series(evidence: Evidence) -> Exhibit:
    """Draw visits and bed use of township health centres from the yearbook series."""
    from ..show import plots

    rows = national(evidence, "visits_township_centre", "township_centre_bed_utilisation")
    wide = _wide(rows).reset_index()
    wide = wide[wide["year"] <= 2010]
    wide["visits"] = wide["visits_township_centre"] / BILLION
    ax = plots.lines(wide, x="year", y="visits", labels={"visits": "billion visits", "year": ""})
    ax.set_ylim(bottom=0)
    low = at_lowest(wide, "visits")
    beds = 100 * wide["township_centre_bed_utilisation"]
    return show(
        ax,
        "Visits at township health centres, yearbook series.",
        about=evidence.behind(rows[rows["year"] <= 2010]),
        alt=f"A line that falls from {wide['visits'].iloc[0]:.2f} billion visits in "
        f"{wide['year'].iloc[0]} to {low['visits']:.2f} in {low['year']:.0f} and rises again to "
        f"{wide['visits'].iloc[-1]:.2f} in {wide['year'].iloc[-1]}.",
        summary=wide.assign(bed_use_percent=beds)[["year", "visits", "bed_use_percent"]],
    )
