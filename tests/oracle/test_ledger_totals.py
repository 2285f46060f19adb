"""The ledger's panel against the settlement test's totals, on the public files."""

from __future__ import annotations

import pytest
from numpy.testing import assert_allclose

from medalliance import load_ledger, share_change_table
from medalliance.chapters.ledger_kept import (
    kept_tables,
    load_by_year_and_track,
    load_headlines,
    trends,
)
from medalliance.chapters.ledger_new_year import kept_new_year, load_new_year
from medalliance.chapters.settlements import load_mssp_table, mssp_reproduced
from medalliance.mssp import ONE_SIDED, read_mssp
from medalliance.registered.ledger_effects import REGISTERED, exact_split
from medalliance.registered.ledger_panel import PARTS, ledger


@pytest.fixture(scope="module")
def files(mssp_folder):
    """Return the registered years."""
    every = read_mssp(mssp_folder)
    return every[every["year"] <= REGISTERED.last_year]


@pytest.fixture(scope="module")
def made(files):
    return ledger(files)


def test_ledger_rows_and_budgets_are_those_of_the_settlement_test(files, made):
    settled = mssp_reproduced(files)
    assert made.rows["budget_cents"].sum() == settled["budget"].sum()
    assert (made.rows["budget_cents"] - made.rows["spending_cents"]).sum() == settled[
        "savings"
    ].sum()
    table = load_mssp_table().query("year <= @REGISTERED.last_year")
    counts = table.groupby("year")["settlements"].sum()
    assert made.rows.groupby("year").size().to_dict() == counts.to_dict()


def test_ledger_two_sided_rows_by_year_are_the_tracks_of_the_settlement_test(made):
    table = load_mssp_table().query("year <= @REGISTERED.last_year")
    expected = table[~table["track"].isin(ONE_SIDED)].groupby("year")["settlements"].sum()
    found = made.rows[made.rows["two_sided"] == 1].groupby("year").size()
    assert found.to_dict() == expected.to_dict()


def test_ledger_kept_and_left_out_add_up(made):
    assert made.losses["rows"].iloc[1:].sum() == made.losses["rows"].iloc[0]
    assert made.losses["budget_cents"].iloc[1:].sum() == made.losses["budget_cents"].iloc[0]
    assert made.losses["rows"].iloc[-1] == len(made.panel.frame)


def test_ledger_organisations(made):
    panel = made.panel
    assert (panel.n_units, int((panel.cohort_by_unit > 0).sum())) == (820, 223)
    assert made.losses["organisations"].tolist() == [934, 114, 0, 820]


def test_ledger_matches_by_name_continue_the_same_agreement(made):
    known = made.matches["start_agrees"].dropna()
    assert len(known) == 342
    assert known.all()


def test_ledger_parts_add_to_the_published_total(files):
    gap = files[list(PARTS)].sum(axis=1, skipna=False) - files["visits_total"]
    assert gap.abs().max() <= 2.0


def test_ledger_half_years_hold_whole_year_money_per_person(made):
    half = made.panel.frame.query("months == 6")
    assert len(half) == 166 - int((made.rows["months"] == 6).sum() - len(half))
    per_person = (half["budget"] / half["insured_n"]).median()
    whole = made.panel.frame.query("year == 2019 and months == 12")
    assert abs(per_person / (whole["budget"] / whole["insured_n"]).median() - 1) < 0.1


def test_ledger_kept_tables_are_what_the_files_give(made):
    fresh = kept_tables(made)
    for name, kept in (
        ("mssp_ledger", load_by_year_and_track()),
        ("mssp_effects", load_headlines()),
    ):
        found = fresh[name].reset_index(drop=True)
        assert list(kept.columns) == list(found.columns)
        for column in found:
            if found[column].dtype.kind == "f":
                assert_allclose(kept[column], found[column], atol=2e-4, err_msg=column)
            else:
                assert kept[column].astype(str).tolist() == found[column].astype(str).tolist()


def test_ledger_new_year_is_what_the_files_give(mssp_folder):
    if 2023 not in set(read_mssp(mssp_folder)["year"]):
        pytest.skip("no file of 2023")
    found, kept = kept_new_year(), load_new_year()
    assert kept[["outcome", "cohorts"]].equals(found[["outcome", "cohorts"]])
    assert kept["moved"].tolist() == found["moved"].tolist()
    for column in ("estimate", "conf_low", "conf_high"):
        assert_allclose(kept[column], found[column], atol=2e-4, err_msg=column)


def test_ledger_new_year_leaves_the_registered_estimates_alone():
    kept = load_new_year().query("cohorts == 'registered'").set_index("outcome")
    registered = load_headlines().set_index("outcome")
    for column in ("estimate", "conf_low", "conf_high"):
        assert_allclose(kept[column], registered[column], atol=1e-12)
    assert (load_new_year().query("cohorts == 'new'")["moved"] == 18).all()


def test_ledger_split_of_the_surplus_is_exact(made):
    assert exact_split(made.panel)["residual"].abs().max() < 1e-10


def test_ledger_count_share_identity_is_exact(made):
    volume = made.panel.frame.groupby("year")[list(PARTS)].sum(min_count=1).dropna()
    table = share_change_table(
        volume.iloc[0].to_numpy(float), volume.iloc[-1].to_numpy(float), PARTS
    )
    assert_allclose(table["change"], table["share_after"] - table["share_before"], atol=1e-12)


def test_ledger_sign_of_the_trend_turns_on_nurses(made):
    yearly = trends(made).dropna()
    change = yearly.iloc[-1] - yearly.iloc[0]
    assert change["share_physician"] < 0 < change["share_primary"]


def test_ledger_registered_years_are_those_of_the_files(made):
    years = made.panel.years
    assert (years[0], years[-1]) == (REGISTERED.first_year, REGISTERED.last_year)


def test_ledger_loads_by_its_public_name(mssp_folder, made):
    assert load_ledger().panel.data_hash == made.panel.data_hash
