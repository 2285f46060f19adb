"""Settle every organisation and year of the public Shared Savings files in hand.

Source: Performance Year Financial and Quality Results, Centers for Medicare & Medicaid Services.
Tolerance: published amounts are whole dollars, so a settled amount must lie within one dollar;
where the quality score is printed to four places (2015-2020) the published amount must lie
between the settlements at both ends of that rounding, one dollar wider.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.chapters.settlements import (
    MSSP_ELEMENTS,
    MSSP_EXCEPTIONS,
    load_mssp_elements,
    load_mssp_table,
    mssp_reproduced,
    mssp_table,
    mssp_without,
)
from medalliance.mssp import ELECTIVE, ONE_SIDED, mssp_ledger, read_mssp
from medalliance.reforms import load_rules

# settlements of the ten files 2013-2022 that fail without the element
DROPPED = {
    "first dollar": 1771,
    "sequester": 1330,
    "quality score": 1129,
    "minimum savings gate": 1014,
    "sequester suspension": 582,
    "rate by size": 264,
    "disaster adjustment": 27,
    "loss gate": 23,
    "loss rate floor and ceiling": 20,
    "quality gate": 12,
    "fixed loss rate": 7,
    "forgiven losses": 4,
    "half-year adjustment": 2,
}


@pytest.fixture(scope="module")
def files(mssp_folder):
    return read_mssp(mssp_folder)


@pytest.fixture(scope="module")
def reproduced(files):
    return mssp_reproduced(files)


def test_settle_mssp_every_published_zero_is_a_zero(reproduced):
    zero = reproduced[reproduced["earned"] == 0]
    assert len(zero) > 0
    assert (zero["settled"] == 0).all()


def test_settle_mssp_every_settlement_is_reproduced_but_the_named_exception(reproduced):
    missed = reproduced[reproduced["result"] == "not reproduced"]
    found = set(zip(missed["year"], missed["aco_id"], strict=True))
    present = {key for key in MSSP_EXCEPTIONS if key[0] in set(reproduced["year"])}
    assert found == present


def test_settle_mssp_to_the_dollar_where_the_score_is_unrounded(reproduced):
    exact = reproduced[reproduced["year"].isin([2013, 2014, 2021, 2022])]
    assert ((exact["settled"] - exact["earned"]).abs() < 100).all()


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
def test_settle_mssp_breaks_without(element, files, reproduced):
    if set(files["year"]) != set(range(2013, 2023)):
        pytest.skip("counts are for the ten files of 2013-2022")
    assert mssp_without(element, files, reproduced) == DROPPED[element]


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


def test_settle_mssp_kept_tables_are_what_the_files_give(files, reproduced):
    if set(files["year"]) != set(range(2013, 2023)):
        pytest.skip("the kept tables are for the ten files of 2013-2022")
    made = mssp_table(files, reproduced)
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
    counts = {
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
    }
    found = files.groupby("year").size().to_dict()
    assert found == {year: counts[year] for year in found}
    rate = pd.to_numeric(files["minimum_savings_rate"])
    assert rate.between(0, 0.3).all()
    assert pd.to_numeric(files["quality_score"]).between(0, 1).all()
    assert (
        (files["months"] == 6).groupby(files["year"]).sum().drop(2019, errors="ignore").eq(0).all()
    )
