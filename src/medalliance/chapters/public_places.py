"""What public figures show of provinces, wages and pay."""

from __future__ import annotations

from typing import Any

from ..codebook import label, load_codebook
from ..evidence import Evidence
from ..evidence.quoting import at_highest, at_lowest, grade_label, national, spread, with_gaps
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show


def wage_series(evidence: Evidence) -> Exhibit:
    """Draw mean wages of the health sector and of all sectors, with the break of definition."""
    from ..show import plots

    names = {
        "wage_health_sector": "health and social work",
        "wage_all_urban_units": "all sectors, urban units",
        "wage_all_urban_nonprivate": "all sectors, urban non-private units",
        "wage_health_sector_private": "health and social work, private units",
    }
    rows = national(evidence, *names)
    rows["thousand"] = rows["value"] / 1000
    rows["series"] = rows["variable"].map(names)
    rows = rows.sort_values(["series", "year"])
    ax = plots.lines(
        with_gaps(rows, "series"),
        x="year",
        y="thousand",
        by="series",
        labels={"thousand": "thousand yuan a year, nominal", "year": ""},
        breaks=[2012.5],
    )
    last = rows.groupby("series")["thousand"].last()
    return show(
        ax,
        "Mean yearly wages, nominal. At the dotted line the definition changes from urban "
        "units to urban non-private units. No level for the health sector is in hand between.",
        about=evidence.behind(rows),
        alt="Four rising series with a gap from 2012. The last values, in thousand yuan: "
        + "; ".join(f"{name} {value:.1f}" for name, value in last.items())
        + ".",
        summary=spread(rows, "year", "series", "thousand").reset_index(),
    )


def wage_sentence(evidence: Evidence) -> Sentence:
    """Say what the health sector earns beside all sectors, under each definition."""
    rows = national(
        evidence, "wage_health_sector", "wage_all_urban_units", "wage_all_urban_nonprivate"
    )
    wide = spread(rows, "year", "variable")
    old = (wide["wage_health_sector"] / wide["wage_all_urban_units"]).dropna()
    new = (wide["wage_health_sector"] / wide["wage_all_urban_nonprivate"]).dropna()
    return say(
        "Under the older definition the health sector earned {iloc_0:.2f} times the mean of "
        "all sectors in {index_0} and {iloc_last:.2f} times in {index_last}. Under the newer "
        "one it earned {iloc_0_2:.2f} times in {index_0_2} and {iloc_last_2:.2f} times in "
        "{index_last_2}.",
        iloc_0=old.iloc[0],
        index_0=old.index[0],
        iloc_last=old.iloc[-1],
        index_last=old.index[-1],
        iloc_0_2=new.iloc[0],
        index_0_2=new.index[0],
        iloc_last_2=new.iloc[-1],
        index_last_2=new.index[-1],
        about=evidence.behind(rows),
    )


def province_surplus(evidence: Evidence, year: int = 2008) -> Exhibit:
    """Draw the surplus of the employees' scheme over its revenue by province."""
    from ..show import plots

    rows = evidence.statistics
    rows = rows[
        (rows["level"] == "province")
        & (rows["year"] == year)
        & rows["variable"].isin(["employees_fund_revenue", "employees_fund_spending"])
        & (rows["source_id"] != "M0951120")
    ]
    wide = spread(rows, "geography", "variable")
    wide["rate"] = 100 * (1 - wide["employees_fund_spending"] / wide["employees_fund_revenue"])
    shown = wide.sort_values("rate", ascending=False).reset_index()[["geography", "rate"]]
    ax = plots.new_axes(height=0.2 * len(shown) + 1.0)
    ax = plots.bars(shown, label="geography", value="rate", unit="surplus over revenue, %", ax=ax)
    ax.tick_params(axis="y", labelsize=9)
    low, high = at_lowest(shown, "rate"), at_highest(shown, "rate")
    return show(
        ax,
        f"Employees' scheme in {year}: surplus over revenue in {len(shown)} of 31 "
        "provinces. The copy of the table that we read is cut.",
        about=evidence.behind(rows),
        alt=f"Bars by province from {high['rate']:.1f} percent in {high['geography']} to "
        f"{low['rate']:.1f} percent in {low['geography']}.",
        summary=shown,
    )


def rural_sentence(evidence: Evidence) -> Sentence:
    """Say how far apart provinces stood in what the rural scheme raised per head."""
    rows = evidence.statistics
    rows = rows[(rows["variable"] == "ncms_premium_per_capita") & (rows["level"] == "province")]
    low, high = at_lowest(rows, "value"), at_highest(rows, "value")
    return say(
        "In {low_year} the rural scheme raised {low_value:.0f} yuan per head in "
        "{low_geography} and {high_value:.0f} in {high_geography}, {high_value_2:.1f} times "
        "as much.",
        low_year=low["year"],
        low_value=low["value"],
        low_geography=low["geography"],
        high_value=high["value"],
        high_geography=high["geography"],
        high_value_2=high["value"] / low["value"],
        about=evidence.behind(rows),
    )


def province_table(evidence: Evidence, variables: dict[str, Any], year: int) -> Exhibit:
    """Set out province figures of one year.

    Parameters
    ----------
    variables : dict
        Name of a variable -> (heading, factor, decimals).
    """
    rows = evidence.statistics
    rows = rows[
        (rows["level"] == "province")
        & (rows["year"] == year)
        & rows["month_start"].isna()
        & rows["variable"].isin(variables)
    ]
    wide = spread(rows, "geography", "variable")[list(variables)]
    shown = wide * [factor for _, factor, _ in variables.values()]
    return show(
        shown.reset_index(),
        f"Provinces in {year}: {len(wide)} of 31.",
        about=evidence.behind(rows),
        decimals={name: digits for name, (_, _, digits) in variables.items()},
        labels={name: heading for name, (heading, _, _) in variables.items()}
        | {"geography": "province"},
    )


def pay_table(evidence: Evidence) -> Exhibit:
    """Set out every published pay figure of a named place."""
    rows = evidence.cases
    rows = rows[
        (rows["country"] == "CN")
        & rows["unit"].isin(["yuan_per_year", "yuan_per_month"])
        & ~rows["variable"].str.startswith("township_")
        | rows["variable"].isin(
            ["township_staff_self_reported_income_median", "township_staff_mean_monthly_wage"]
        )
    ]
    shown = rows[["case", "variable", "year_start", "value", "unit", "grade"]]
    shown = shown.rename(columns={"year_start": "year"})
    shown["variable"] = [label(name) for name in rows["variable"]]
    units = load_codebook().units
    shown["unit"] = [units[name].en for name in rows["unit"]]
    shown["grade"] = [grade_label(name) for name in rows["grade"]]
    return show(
        shown,
        "Published pay figures of places, nominal. None is a county series by tier.",
        about=evidence.behind(rows),
        decimals={"value": 0},
        labels={"case": "place", "variable": "figure"},
        blank="not stated",
    )
