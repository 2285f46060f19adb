"""England's payments against the sums that the publisher prints, to the penny."""

from __future__ import annotations

import pandas as pd
import pytest

from medalliance.england import (
    read_england_earnings,
    read_england_payments,
    read_england_series,
    read_england_staff,
)
from medalliance.registered.england_panel import practices

INCLUDING = {
    2020: {
        "Total NHS Payments including covid vaccination and covid support and expansion payments": [
            "covid_money"
        ],
        "Total NHS Payments including PCN Workforce, Leadership and Support": ["network_money"],
    },
    2021: {
        "Total NHS Payments to General Practice including Covid and PCN payments": [
            "covid_money",
            "network_money",
        ],
    },
}


@pytest.fixture(scope="module")
def folder(shared):
    return shared("england")


@pytest.fixture(scope="module")
def payments(folder):
    return read_england_payments(folder)


def test_england_payments_read_every_row(payments):
    rows = payments.groupby("year").size().to_dict()
    known = {2014: 7959, 2015: 7841, 2016: 7763, 2017: 7543, 2018: 7279, 2019: 7001, 2020: 6808,
             2021: 6758}  # fmt: skip
    assert {year: rows[year] for year in known} == known


@pytest.mark.parametrize("year", sorted(INCLUDING))
def test_england_payments_with_networks_and_pandemic_are_the_published_sums(folder, payments, year):
    raw = pd.read_csv(
        folder / "payments" / f"{year - 2000}-{year - 1999}.csv", encoding="utf-8-sig"
    )
    raw = raw.rename(columns=str.strip).set_index("Practice Code")
    ours = payments[payments["year"] == year].set_index("practice")
    for published, added in INCLUDING[year].items():
        made = ours["total"] + ours[added].sum(axis=1)
        assert (made - raw[published]).abs().max() < 0.005


def test_england_payments_per_patient_are_the_published_averages(folder, payments):
    """All years but 2014, whose averages use another list, are printed to the penny."""
    raw = pd.read_csv(folder / "payments" / "18-19.csv").rename(columns=str.strip)
    raw = raw.set_index("Practice Code")
    ours = payments[payments["year"] == 2018].set_index("practice")
    ours = ours[ours["weighted_patients"] > 0]
    made = ours["total"] / ours["weighted_patients"]
    gap = made - raw["Average payments per weighted patient"].reindex(ours.index)
    assert (gap.abs() < 0.006).mean() > 0.99


def test_england_moves_are_counted_as_by_an_independent_hand(payments):
    """First moves of practices PMS in 2014 and seen in all years, on whole files.

    The independent count asked for a ninth year as well, so that it lost some practices.
    """
    early = payments[payments["year"] <= 2021]
    seen = early.groupby("practice")["year"].transform("nunique") == 8
    start = early[early["year"] == 2014].set_index("practice")["contract"]
    chosen = early[seen & (early["practice"].map(start) == "PMS")]
    first = chosen[chosen["contract"] == "GMS"].groupby("practice")["year"].min()
    counts = first.value_counts().sort_index().to_dict()
    theirs = {2015: 446, 2016: 434, 2017: 24, 2018: 44, 2019: 37, 2020: 66, 2021: 82}
    assert set(counts) == set(theirs)
    assert all(theirs[year] <= counts[year] <= 1.1 * theirs[year] for year in theirs), counts


def test_england_panel_accounts_for_every_row(payments):
    made = practices(payments)
    assert made.losses["rows"].iloc[1:].sum() == made.losses["rows"].iloc[0] == len(payments)
    assert made.panel.currency == "GBP"
    assert made.panel.frame.groupby("practice")["cluster"].nunique().max() == 1
    assert 100 <= made.panel.frame["cluster"].nunique() <= 120


def test_england_earnings_are_the_printed_ones(folder):
    frame = read_england_earnings(folder)
    whole = frame[(frame["country"] == "England") & (frame["region"] == "All")
                  & (frame["list_size"] == "All") & (frame["gender"] == "All")
                  & (frame["age"] == "All") & (frame["rurality"] == "All")
                  & (frame["practice_type"] == "All") & (frame["hours"] == "All")]  # fmt: skip
    pay = whole[(whole["doctor"] == "Contractor") & (whole["contract"] != "GPMS")
                & (whole["measure"] == "Average Tot Income Before Tax")]  # fmt: skip
    assert not pay["ambiguous"].any()
    value = pay.set_index(["year", "contract"])["value"]
    assert value[2018, "GMS"] == 112_400 and value[2018, "PMS"] == 116_200
    assert value[2022, "GMS"] == 152_700 and value[2022, "PMS"] == 155_500


def test_england_staff_read(folder):
    frame = read_england_staff(folder)
    assert set(frame["year"]) >= set(range(2020, 2026))
    assert frame["rows"].sum() == 15_206


def test_england_time_series_agrees_with_the_yearly_files(folder):
    series = read_england_series(folder)
    partners = series[(series["country"] == "England") & ~series["revised"]
                      & (series["practice_type"] == "All practices")
                      & (series["measure"] == "Income Before Tax")]  # fmt: skip
    value = partners.set_index(["year", "contract"])["value"]
    yearly = read_england_earnings(folder)
    plain = ["region", "list_size", "gender", "age", "rurality", "practice_type", "hours"]
    pay = yearly[(yearly["country"] == "England") & (yearly[plain] == "All").all(axis=1)
                 & (yearly["doctor"] == "Contractor")
                 & (yearly["measure"] == "Average Tot Income Before Tax")]  # fmt: skip
    printed = pay[pay["contract"].isin(["GMS", "PMS"])].set_index(["year", "contract"])["value"]
    assert len(printed) == 10
    assert (value.reindex(printed.index) == printed).all()
    assert value[2003, "GMS"] == 72_011 and value[2003, "PMS"] == 85_881
    assert set(partners["year"]) == set(range(2003, 2023))
