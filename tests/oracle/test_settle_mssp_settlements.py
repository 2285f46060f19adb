"""Settle every organisation and year of the public Shared Savings files in hand.

Source: Performance Year Financial and Quality Results, Centers for Medicare & Medicaid Services.
Tolerance: published amounts are whole dollars, so a settled amount must lie within one dollar;
where the quality score is printed to four places (since 2015) and counts, the published amount
must lie between the settlements at both ends of that rounding, one dollar wider. Every file in the
folder is settled, whatever its year; what does not come out is listed by name with its reason.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.chapters.settlements import (
    MSSP_ELEMENTS,
    MSSP_EXCEPTIONS,
    REVENUE_CAP,
    load_mssp_elements,
    load_mssp_table,
    mssp_missed,
    mssp_reproduced,
    mssp_table,
    mssp_without,
)
from medalliance.mssp import ELECTIVE, ONE_SIDED, mssp_ledger, read_mssp
from medalliance.reforms import load_rules

# files whose settlements were counted when the rules were written; later ones are settled too
COUNTS = {
    2013: 220,
    2014: 333,
    2015: 392,
    2016: 432,
    2017: 472,
    2018: 548,
    2019: 475,
    2020: 513,
    2021: 475,
    2022: 482,
    2023: 453,
}
# settlements of these files that fail without the element
DROPPED = {
    "first dollar": 2032,
    "sequester": 1643,
    "quality score": 1129,
    "minimum savings gate": 1084,
    "sequester suspension": 582,
    "rate by size": 288,
    "disaster adjustment": 44,
    "loss gate": 37,
    "loss rate floor and ceiling": 27,
    "fixed loss rate": 15,
    "quality gate": 12,
    "forgiven losses": 4,
    "half-year adjustment": 2,
}


@pytest.fixture(scope="module")
def files(mssp_folder):
    return read_mssp(mssp_folder)


@pytest.fixture(scope="module")
def reproduced(files):
    return mssp_reproduced(files)


@pytest.fixture(scope="module")
def counted(files, reproduced):
    """Return the files of the counted years with their settlements, if all are in hand."""
    inside = files["year"].isin(COUNTS).to_numpy()
    if set(files.loc[inside, "year"]) != set(COUNTS):
        pytest.skip(f"counts are for the files of {min(COUNTS)}-{max(COUNTS)}")
    return files[inside], reproduced[inside]


def test_settle_mssp_every_published_zero_is_a_zero(reproduced):
    zero = reproduced[reproduced["earned"] == 0]
    assert len(zero) > 0
    assert (zero["settled"] == 0).all()


def test_settle_mssp_every_settlement_is_reproduced_but_those_named(reproduced):
    missed = mssp_missed(reproduced)
    print(missed.to_string())
    assert missed[missed["reason"] != REVENUE_CAP].empty, missed.to_string()
    known = missed[missed["year"].isin(COUNTS)]
    present = {key for key in MSSP_EXCEPTIONS if key[0] in set(reproduced["year"])}
    assert set(zip(known["year"], known["aco_id"], strict=True)) == present


def test_settle_mssp_misses_few_of_any_year(reproduced):
    missed = (reproduced["result"] == "not reproduced").groupby(reproduced["year"]).mean()
    assert missed.max() < 0.01, missed.to_string()


def test_settle_mssp_to_the_dollar_where_the_score_is_unrounded_or_does_not_count(reproduced):
    sure = reproduced[(reproduced["low"] == reproduced["high"])
                      & (reproduced["result"] != "not reproduced")]  # fmt: skip
    assert set(sure["year"]) == set(reproduced["year"])
    assert ((sure["settled"] - sure["earned"]).abs() < 100).all()
    whole = reproduced[reproduced["year"].isin([2013, 2014, 2021, 2022])]
    assert ((whole["settled"] - whole["earned"]).abs() < 100).all()


def test_settle_mssp_gains_of_2013_to_the_cent_of_the_printed_savings(reproduced):
    early = reproduced[reproduced["year"] == 2013]
    if early.empty:
        pytest.skip("no file of 2013")
    assert ((early["settled"] - early["earned"]).abs() <= 25).all()


def test_settle_mssp_intervals_are_narrow(reproduced):
    width = (reproduced["high"] - reproduced["low"]).abs()
    budget = reproduced["budget"]
    assert (width <= 200 + 0.0001 * 0.75 * 0.25 * budget).all()


def test_settle_mssp_rate_by_size_is_the_published_rate(files):
    one_sided = files[files["track"].isin(ONE_SIDED) & (files["beneficiaries"] >= 500)]
    pairs = load_rules("mssp").value("minimum_savings_rate_by_size", 2018)
    size = one_sided["beneficiaries"].to_numpy()
    starts = np.array([float(a) for a, _ in pairs])
    rates = np.array([float(b) for _, b in pairs])
    place = np.searchsorted(starts, size, side="right") - 1
    following = np.minimum(place + 1, len(pairs) - 1)
    span = np.where(following > place, starts[following] - 1 - starts[place], 1)
    expected = rates[place] - (rates[place] - rates[following]) * (size - starts[place]) / span
    published = one_sided["minimum_savings_rate"].astype(float)
    assert np.max(np.abs(published - expected)) <= 0.000051


def test_settle_mssp_two_sided_contracts_elect_what_the_rules_offer(files):
    ledger = mssp_ledger(files)
    elected = ledger["minimum_savings_rate"].notna() & (ledger["beneficiaries"] >= 500)
    assert set(ledger.loc[elected, "minimum_savings_rate"]) <= set(ELECTIVE)
    assert not ledger.loc[elected, "track"].isin(ONE_SIDED).any()


@pytest.mark.parametrize("element", MSSP_ELEMENTS)
def test_settle_mssp_breaks_without(element, counted):
    assert mssp_without(element, *counted) == DROPPED[element]


def test_settle_mssp_compares_the_unrounded_rate(files):
    close = files[(files["year"] == 2021) & (files["aco_id"] == "A2833")]
    if close.empty:
        pytest.skip("no file of 2021")
    row = close.iloc[0]
    assert row["savings"] >= float(row["minimum_savings_rate"]) * row["benchmark"]
    assert row["earned"] == 0
    assert ma.settle(load_rules("mssp"), mssp_ledger(close), progress=False).settled[0] == 0


def test_settle_mssp_table_counts_every_row(files, reproduced):
    table = mssp_table(files, reproduced)
    assert table["settlements"].sum() == len(files)
    assert (
        table["to_the_dollar"] + table["in_the_interval"] + table["not_reproduced"]
        == table["settlements"]
    ).all()


def test_settle_mssp_kept_tables_are_what_the_files_give(counted):
    made = mssp_table(*counted)
    kept = load_mssp_table()[made.columns]
    assert kept.astype(str).to_numpy().tolist() == made.astype(str).to_numpy().tolist()
    elements = load_mssp_elements()
    assert dict(zip(elements["element"], elements["fails_without"], strict=True)) == DROPPED


def test_settle_mssp_money_is_conserved(files):
    settlement = ma.settle(load_rules("mssp"), mssp_ledger(files), progress=False)
    total = np.zeros(len(settlement), dtype=np.int64)
    for line in settlement.lines:
        total += line.amounts
    assert not total.any()


def test_settle_mssp_reader_keeps_every_row_and_unit(files):
    found = files.groupby("year").size().to_dict()
    assert {year: rows for year, rows in found.items() if year in COUNTS} == {
        year: rows for year, rows in COUNTS.items() if year in found
    }
    rate = pd.to_numeric(files["minimum_savings_rate"])
    assert rate.between(0, 0.3).all()
    assert pd.to_numeric(files["quality_score"]).between(0, 1).all()
    assert (
        (files["months"] == 6).groupby(files["year"]).sum().drop(2019, errors="ignore").eq(0).all()
    )
