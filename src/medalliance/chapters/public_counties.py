"""What public figures show of counties: pilots, Sanming, county accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..codebook import label
from ..evidence import Evidence
from ..evidence.quoting import at_highest, at_lowest, percent, points, spread
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show

if TYPE_CHECKING:
    import pandas as pd

PILOT_SHARES = {
    "in_county_visit_share": "visits in\nthe county",
    "in_county_inpatient_share": "inpatients in\nthe county",
    "in_county_share_of_fund": "fund spent in\nthe county",
    "primary_care_outpatient_share": "outpatients in\nprimary care",
    "primary_care_share_of_fund": "fund paid to\nprimary care",
}


def pilots(evidence: Evidence, *variables: str) -> pd.DataFrame:
    """Return rows of the eight anonymised pilot counties."""
    rows = evidence.cases
    mine = rows["case_slug"].str.match(r"pilot_[a-d][12]$") & rows["variable"].isin(variables)
    return rows[mine].sort_values(["case_slug", "year_start"], ignore_index=True)


def pilot_heatmap(evidence: Evidence) -> Exhibit:
    """Draw the five monitoring indicators of the eight pilot counties."""
    from ..show import plots

    rows = pilots(evidence, *PILOT_SHARES)
    wide = _pilot_shares(rows)
    names = {name: label(name) for name in PILOT_SHARES}
    ax = plots.heatmap(100 * wide, labels=PILOT_SHARES, low=0, high=100, unit="percent")
    low, high = wide["primary_care_outpatient_share"].agg(["min", "max"])
    return show(
        ax,
        "Five indicators in eight pilot counties, 2019, in percent. The counties are "
        "anonymous in the source; the letter stands for the province.",
        about=evidence.behind(rows),
        alt="A grid of eight counties by five indicators. Primary care's share of in-county "
        f"outpatients runs from {percent(low)} to {percent(high)}.",
        summary=(100 * wide).reset_index(names="county").rename(columns=names),
    )


def _pilot_shares(rows: pd.DataFrame) -> pd.DataFrame:
    wide = spread(rows, "case_slug", "variable")[list(PILOT_SHARES)]
    places = rows.drop_duplicates("case_slug").set_index("case_slug")
    short = places["case"].str.extract(r"county (\w\d)")[0] + ", " + places["province"]
    return wide.rename(index=short.to_dict())


def pilot_sentence(evidence: Evidence) -> Sentence:
    """Say how primary care's share of the money compares with its share of visits."""
    rows = pilots(evidence, *PILOT_SHARES)
    wide = _pilot_shares(rows)
    visits, fund = wide["primary_care_outpatient_share"], wide["primary_care_share_of_fund"]
    below = int((fund < visits).sum())
    return say(
        "In {below} of the {n_wide} counties primary care's share of the insurance fund is "
        "below its share of outpatient visits. It sees between {min_visits} and {max_visits} "
        "of the outpatients and is paid between {min_fund} and {max_fund} of the fund.",
        below=below,
        n_wide=len(wide),
        min_visits=percent(visits.min()),
        max_visits=percent(visits.max()),
        min_fund=percent(fund.min()),
        max_fund=percent(fund.max()),
        about=evidence.behind(rows),
    )


def pilot_change(evidence: Evidence) -> Exhibit:
    """Set out revenue, spending and workload of township centres before and after the start."""
    import pandas as pd

    names = {
        "township_revenue_per_staff": "revenue per head",
        "township_expenditure_per_staff": "spending per head",
        "clinical_workload_per_staff": "clinical work per head",
        "public_health_workload_per_staff": "public-health work per head",
    }
    rows = pilots(evidence, *names)
    wide = spread(rows, "case", ["variable", "year_start"])
    change = pd.DataFrame({name: 100 * (wide[name][2019] / wide[name][2018] - 1) for name in names})
    change.index = [name.removeprefix("Pilot county ")[:2] for name in change.index]
    return show(
        change.reset_index(names="county"),
        "Township centres in the eight pilot counties: change from 2018 to 2019, percent. "
        "Revenue belongs to the institution. It is not pay.",
        about=evidence.behind(rows),
        decimals=1,
        labels=names,
    )


# ---- Sanming


def _sanming(evidence: Evidence) -> pd.DataFrame:
    rows = evidence.cases
    return rows[
        (rows["case_slug"] == "sanming_fujian")
        & rows["variable"].isin(
            ["hospital_share_of_alliance_outpatients", "published_fund_surplus_rate"]
        )
    ]


def sanming_table(evidence: Evidence) -> Exhibit:
    """Set the shift of visits beside the fall of the surplus rate."""
    import pandas as pd

    rows = _sanming(evidence)
    wide = spread(rows, "variable", "period")
    hospital = wide.loc["hospital_share_of_alliance_outpatients"]
    surplus = wide.loc["published_fund_surplus_rate"]
    shown = pd.DataFrame(
        [
            ("hospitals' share of outpatients, printed", hospital["before"], hospital["after"]),
            ("primary care's share, one minus it", 1 - hospital["before"], 1 - hospital["after"]),
            ("surplus rate of the fund, printed", surplus["before"], surplus["after"]),
        ],
        columns=["figure", "before", "after"],
    )
    shown["change"] = shown["after"] - shown["before"]
    shown[["before", "after", "change"]] *= 100
    return show(
        shown,
        "Sanming's twelve county alliances, percent and points. Visits: before and after "
        "January 2018. Surplus rate: 2016 and 2019; its denominator is not stated.",
        about=evidence.behind(rows),
        decimals=1,
        labels={"before": "before, %", "after": "after, %", "change": "change, points"},
    )


def sanming_sentence(evidence: Evidence) -> Sentence:
    """Say that the two figures moved in opposite directions, or that they did not."""
    rows = _sanming(evidence)
    wide = spread(rows, "variable", "period")
    change = wide["after"] - wide["before"]
    primary = -change["hospital_share_of_alliance_outpatients"]
    surplus = change["published_fund_surplus_rate"]
    opposite = "opposite directions" if primary * surplus < 0 else "the same direction"
    return say(
        "Primary care's share of visits moved by {primary} and the surplus rate by "
        "{surplus}: {opposite}.",
        primary=points(primary),
        surplus=points(surplus),
        opposite=opposite,
        about=evidence.behind(rows),
    )


# ---- county accounts


def county_accounts(evidence: Evidence, scheme: str = "residents") -> pd.DataFrame:
    """Return county accounts of a scheme that cover a whole year.

    Returns
    -------
    DataFrame
        ``county``, ``year``, ``basis``, ``revenue``, ``spending``, ``balance`` in million yuan,
        ``rate`` of the balance over revenue, and where printed ``paid_up`` and ``benefits``.
    """
    rows = evidence.cases
    prefix = f"{scheme}_account_"
    mine = rows[rows["variable"].str.startswith(prefix) & rows["month_start"].isna()]
    wide = spread(mine, ["case", "year_start"], "variable")
    wide = wide.rename(columns=lambda name: name.removeprefix(prefix)).reset_index()
    wide = wide.rename(
        columns={"case": "county", "year_start": "year", "current_balance": "balance"}
    )
    wide["rate"] = wide["balance"] / wide["revenue"]
    first = mine[mine["variable"] == f"{prefix}revenue"].set_index(["case", "year_start"])["basis"]
    wide["basis"] = [first[key] for key in zip(wide["county"], wide["year"], strict=True)]
    money = ["revenue", "spending", "balance", "benefits", "paid_up"]
    for name in money:
        wide[name] = wide.get(name, float("nan")) / 1e6
    return wide[["county", "year", *money, "rate", "basis"]].sort_values(
        ["county", "year"], ignore_index=True
    )


def _account_rows(evidence: Evidence) -> pd.DataFrame:
    rows = evidence.cases
    return rows[rows["variable"].str.contains("_account_") & rows["month_start"].isna()]


def account_table(evidence: Evidence) -> Exhibit:
    """Set out the residents' accounts of counties for whole years."""
    shown = county_accounts(evidence)
    shown["rate"] = 100 * shown["rate"]
    derived = shown.pop("basis").eq("derived")
    shown["county"] = shown["county"] + [" (derived)" if yes else "" for yes in derived]
    return show(
        shown,
        "County accounts of the residents' scheme, whole years, million yuan. None of the "
        "pages mentions an alliance budget. Derived: from printed changes on the year before.",
        about=evidence.behind(_account_rows(evidence)),
        decimals={"rate": 1} | dict.fromkeys(shown.columns[2:7], 1),
        labels={
            "paid_up": "paid up to the prefecture",
            "benefits": "spent on benefits",
            "rate": "balance / revenue, %",
        },
    )


def account_figure(evidence: Evidence) -> Exhibit:
    """Draw the balance of county accounts over revenue, both schemes."""
    import pandas as pd

    from ..show import plots

    both = []
    for scheme in ("residents", "employees"):
        part = county_accounts(evidence, scheme)
        part["scheme"] = scheme
        both.append(part)
    shown = pd.concat(both, ignore_index=True)
    shown["label"] = shown["county"] + " " + shown["year"].astype(str)
    wide = spread(shown, "label", "scheme", "rate") * 100
    lowest = at_lowest(shown, "rate")
    ax = plots.bars(
        wide.reset_index(),
        label="label",
        value=["residents", "employees"],
        unit="balance over revenue of the county account, %",
        labels={"residents": "residents' scheme", "employees": "employees' scheme"},
    )
    return show(
        ax,
        "Balance of county fund accounts over their revenue. After prefecture pooling "
        "these are transfers between levels, not an alliance's surplus.",
        about=evidence.behind(_account_rows(evidence)),
        alt=f"Bars for counties and years. The longest runs to {percent(lowest['rate'])} in "
        f"{lowest['county']} {lowest['year']}; most of the others are close to zero.",
        summary=wide.reset_index(),
    )


def account_sentence(evidence: Evidence) -> Sentence:
    """Say what the largest county deficit consists of."""
    rows = evidence.cases
    accounts = county_accounts(evidence)
    yunlong = accounts[(accounts["county"] == "Yunlong") & (accounts["year"] == 2021)].iloc[0]
    paid = rows[(rows["case"] == "Yunlong") & (rows["year_start"] == 2021)]
    above = rows[rows["variable"].str.endswith("_account_share_from_above")]
    top = at_highest(above, "value")
    return say(
        "In 2021 the account of Yunlong County spent {spending:.1f} million yuan out of a "
        "revenue of {revenue:.1f} million, an overspend of {rate}. The county handed its "
        "accumulated balance to the prefecture in that year. The deficit is that transfer "
        "and not the cost of care. In {top_case} {top_value} of the account's revenue came "
        "from above.",
        spending=yunlong["spending"],
        revenue=yunlong["revenue"],
        rate=percent(-yunlong["rate"]),
        top_case=top["case"],
        top_value=percent(top["value"]),
        about=evidence.behind(paid, above),
    )
