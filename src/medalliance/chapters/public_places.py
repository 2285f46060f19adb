"""What public figures show of provinces, wages and pay."""

from __future__ import annotations

from typing import Any

from ..codebook import label, load_codebook
from ..evidence import Evidence
from ..evidence.quoting import at_highest, at_lowest, cite, grade_label, national, spread, with_gaps
from ..show.exhibits import Exhibit, Sentence, sentence
from ..show.pictures import figure


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
    return figure(
        ax,
        caption="Mean yearly wages, nominal. At the dotted line the definition changes from urban "
        "units to urban non-private units. No level for the health sector is in hand between.",
        alt="Four rising series with a gap from 2012. The last values, in thousand yuan: "
        + "; ".join(f"{name} {value:.1f}" for name, value in last.items())
        + ".",
        badge=evidence.badge,
        source=cite(evidence, rows),
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
    return sentence(
        f"Under the older definition the health sector earned {old.iloc[0]:.2f} times the mean of "
        f"all sectors in {old.index[0]} and {old.iloc[-1]:.2f} times in {old.index[-1]}. Under the "
        f"newer one it earned {new.iloc[0]:.2f} times in {new.index[0]} and {new.iloc[-1]:.2f} "
        f"times in {new.index[-1]}.",
        badge=evidence.badge,
        source=cite(evidence, rows),
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
    return figure(
        ax,
        caption=f"Employees' scheme in {year}: surplus over revenue in {len(shown)} of 31 "
        "provinces. The copy of the table that we read is cut.",
        alt=f"Bars by province from {high['rate']:.1f} percent in {high['geography']} to "
        f"{low['rate']:.1f} percent in {low['geography']}.",
        badge=evidence.badge,
        source=cite(evidence, rows),
        summary=shown,
    )


def rural_sentence(evidence: Evidence) -> Sentence:
    """Say how far apart provinces stood in what the rural scheme raised per head."""
    rows = evidence.statistics
    rows = rows[(rows["variable"] == "ncms_premium_per_capita") & (rows["level"] == "province")]
    low, high = at_lowest(rows, "value"), at_highest(rows, "value")
    return sentence(
        f"In {low['year']} the rural scheme raised {low['value']:.0f} yuan per head in "
        f"{low['geography']} and {high['value']:.0f} in {high['geography']}, "
        f"{high['value'] / low['value']:.1f} times as much.",
        badge=evidence.badge,
        source=cite(evidence, rows),
    )


def province_table(evidence: Evidence, variables: dict[str, Any], year: int) -> Exhibit:
    """Set out province figures of one year.

    Parameters
    ----------
    variables : dict
        Name of a variable -> (heading, factor, decimals).
    """
    from ..show.tables import table

    rows = evidence.statistics
    rows = rows[
        (rows["level"] == "province")
        & (rows["year"] == year)
        & rows["month_start"].isna()
        & rows["variable"].isin(variables)
    ]
    wide = spread(rows, "geography", "variable")[list(variables)]
    shown = wide * [factor for _, factor, _ in variables.values()]
    return table(
        shown.reset_index(),
        caption=f"Provinces in {year}: {len(wide)} of 31.",
        badge=evidence.badge,
        source=cite(evidence, rows),
        decimals={name: digits for name, (_, _, digits) in variables.items()},
        labels={name: heading for name, (heading, _, _) in variables.items()}
        | {"geography": "province"},
    )


def pay_table(evidence: Evidence) -> Exhibit:
    """Set out every published pay figure of a named place."""
    from ..show.tables import table

    rows = evidence.cases
    rows = rows[
        (rows["country"] == "CN")
        & rows["unit"].isin(["yuan_per_year", "yuan_per_month"])
        & ~rows["variable"].str.startswith("township_")
        | rows["variable"].isin(
            ["township_staff_self_reported_income_median", "township_staff_mean_monthly_wage"]
        )
    ]
    shown = rows[["case", "variable", "year_start", "value", "unit", "grade"]].copy()
    shown["variable"] = [label(name) for name in rows["variable"]]
    units = load_codebook().units
    shown["unit"] = [units[name].en for name in rows["unit"]]
    shown["grade"] = [grade_label(name) for name in rows["grade"]]
    return table(
        shown,
        caption="Published pay figures of places, nominal. None is a county series by tier.",
        badge=evidence.badge,
        source=cite(evidence, rows),
        decimals={"value": 0, "year_start": None},  # type: ignore[dict-item]
        labels={"case": "place", "variable": "figure", "year_start": "year"},
        blank="not stated",
    )
