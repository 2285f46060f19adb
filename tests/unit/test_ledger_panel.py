"""Identity, months and cohorts of the ledger's panel, on constructed files."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import medalliance as ma
from medalliance.registered.ledger_panel import (
    PARTS,
    balanced,
    gaps,
    ledger,
    match_identities,
    normalised_name,
)


def row(aco_id, year, name, *, track="1", start="01/01/2016", budget=100_000_000_00, **changes):
    base = {
        "aco_id": aco_id, "year": year, "name": name, "state": "OH", "start_date": start,
        "revenue_category": "Low Revenue" if year >= 2018 else "", "track": track,
        "benchmark": budget, "savings": budget // 50, "person_years": 9_000.0,
        "agreement_period": 1.0, "pay_for_reporting": False, "quality_score": "0.9",
        "minimum_savings_rate": "0.02",
        "months": 12, **dict(zip(PARTS, (4_000.0, 5_000.0, 900.0, 100.0), strict=True)),
    }  # fmt: skip
    return base | changes


@pytest.fixture
def files():
    rows = [row("A11111", year, "Alpha ACO, LLC") for year in (2016, 2017)]
    rows += [row("A1001", year, "ALPHA ACO L.L.C.") for year in (2018, 2020)]
    rows += [row("A1001", 2021, "Alpha ACO", track="E", start="01/01/2021", state="")]
    rows += [row("A22222", year, "Beta Care, Inc.", track="3") for year in (2016, 2017)]
    rows += [row("A33333", 2017, "Gamma"), row("A1003", 2018, "Delta")]
    rows += [row("A44444", year, "Twin") for year in (2016, 2017)]
    rows += [row("A55555", year, "Twin, LLC") for year in (2016, 2017)]
    rows += [row("A1004", 2018, "Twin")]
    frame = pd.DataFrame(rows)
    return frame.astype({"benchmark": "Int64", "savings": "Int64"})


def test_names_lose_case_punctuation_and_legal_forms():
    assert normalised_name("The Alpha Accountable Care Organization, L.L.C.") == "alpha aco"
    assert normalised_name("Smith & Sons Co.") == normalised_name("SMITH AND SONS, INC.")
    assert normalised_name("Alpha North") != normalised_name("Alpha South")


def test_ids_join_by_name_across_the_change(files):
    matches = match_identities(files)
    assert matches[["early_id", "late_id"]].to_numpy().tolist() == [["A11111", "A1001"]]
    assert matches["start_agrees"].tolist() == [True]


def test_a_name_of_two_organisations_matches_nothing(files):
    made = ledger(files)
    assert "A1004" in set(made.panel.units)
    assert {"A44444", "A55555"} <= set(made.unmatched["aco_id"])


def test_unmatched_that_must_have_a_past_are_named(files):
    unmatched = ledger(files).unmatched.set_index("aco_id")
    assert unmatched.loc["A1003", "must_continue"]
    assert not unmatched.loc["A33333", "must_continue"]


def test_every_row_is_kept_or_counted_with_its_money(files):
    losses = ledger(files).losses
    read, rest = losses.iloc[0], losses.iloc[1:]
    for column in ("rows", "budget_cents"):
        assert rest[column].sum() == read[column]
    assert read["budget_cents"] == files["benchmark"].sum()
    assert rest["rows"].tolist() == [2, 0, 12]


def test_a_return_to_one_sided_risk_is_counted(files):
    back = pd.DataFrame([row("A1001", 2022, "Alpha ACO", start="01/01/2021")])
    losses = ledger(pd.concat([files, back])).losses.set_index("reason")
    assert losses.loc["one-sided again after two-sided risk", "rows"] == 1


def test_cohort_is_the_first_two_sided_year(files):
    panel = ledger(files).panel
    cohort = dict(zip(panel.units, panel.cohort_by_unit, strict=True))
    assert cohort["A1001"] == 2021
    assert cohort["A33333"] == 0
    assert "A22222" not in cohort
    assert panel.n_already_treated == 0
    assert gaps(panel) == 1


@pytest.mark.parametrize(
    ("year", "start", "months", "factor"),
    [(2019, "01/01/2018", 6, 2.0), (2013, "04/01/2012", 12, 12 / 21), (2013, "7/1/12", 12, 2 / 3)],
)
def test_money_is_scaled_to_a_whole_year(year, start, months, factor):
    rows = [row("A9", year, "Nine", start=start, months=months), row("A9", 2020, "Nine")]
    files = pd.DataFrame(rows).astype({"benchmark": "Int64", "savings": "Int64"})
    made = ledger(files)
    first = made.panel.frame.iloc[0]
    assert_allclose(first["budget"], 100_000_000 * factor, rtol=1e-10)
    assert_allclose(1 - first["spending"] / first["budget"], 0.02, rtol=1e-8)
    assert made.rows["budget_cents"].iloc[0] == 100_000_000_00


def test_two_rows_in_a_year_are_refused(files):
    with pytest.raises(ma.DataError, match="A1003"):
        ledger(pd.concat([files, files[files["aco_id"] == "A1003"]]))


def test_balanced_keeps_organisations_seen_throughout(files):
    kept = balanced(ledger(files).panel, 2016, 2017)
    assert sorted(kept.units) == ["A1001", "A44444", "A55555"]
    assert kept.is_balanced


def test_shares_come_from_the_four_parts(files):
    frame = ledger(files).panel.frame
    assert_allclose(frame["share_physician"], 0.4)
    assert_allclose(frame["share_primary"], 0.5)
    assert np.isfinite(frame[list(PARTS)]).all().all()
