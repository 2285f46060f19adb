"""Every rule E101 to E113 fires in its words, and is silent where it does not apply."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medalliance as ma

COUNTIES, YEARS, COHORTS = 24, range(2012, 2022), (2016, 2017, 0)


def clean() -> pd.DataFrame:
    """A small panel that breaks no rule."""
    code = np.repeat(np.arange(COUNTIES), len(YEARS))
    year = np.tile(np.array(YEARS), COUNTIES)
    cohort = np.array(COHORTS)[code % 3]
    frame = pd.DataFrame(
        {
            "county_code": [f"33{1 + c // 4:02d}{1 + c % 4:02d}" for c in code],
            "prefecture_code": [f"33{1 + c // 4:02d}00" for c in code],
            "year": year,
            "cohort": cohort,
            "insured_n": 300_000 + 1_000 * code,
            "budget": np.round(2.1e8 + 1e6 * (year - 2012) + 1e4 * code + 0.25, 2),
            "spending": np.round(2.0e8 + 1e6 * (year - 2012) + 1e4 * code + 0.5, 2),
            "spending_basis": "accrual",
            "visit_def": "2012",
            "pay_T_nurse": 4.0e6,
            "fte_T_nurse": 60.0,
        }
    )
    for name in ("visits_village", "visits_township", "visits_county", "visits_out"):
        frame[name] = 100_000 + code
    return frame.assign(out_of_county_spending=np.round(frame["spending"] * 0.3, 2))


def texts(frame: pd.DataFrame, code: str, **options) -> list[str]:
    return [found.text for found in ma.check_panel(frame, **options).problems if found.code == code]


CODES = [f"E{number}" for number in range(101, 114)]


@pytest.mark.parametrize("code", CODES)
def test_a_clean_panel_breaks_no_rule(code):
    frame = clean()
    totals = frame[["county_code", "year", "spending", "budget"]]
    assert texts(frame, code, totals=totals) == []


def test_a_clean_panel_has_no_problem_at_all():
    report = ma.check_panel(clean())
    assert report.ok and report.problems == ()
    assert {need.outcome for need in report.needs if need.available} >= {
        "fund_surplus_rate",
        "primary_care_visit_share",
    }


def test_e101_doubled_rows():
    frame = pd.concat([clean(), clean().iloc[[4]]])
    report = ma.check_panel(frame)
    (found,) = report.errors
    assert found.text == (
        "County 330101, year 2016 appears 2 times; the panel needs one row per county and year."
    )
    assert found.rows == (5, 241)


def test_e102_treatment_that_turns_off():
    frame = clean()
    frame["treated"] = ((frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])).astype(int)
    assert texts(frame, "E102") == []
    frame.loc[7, "treated"] = 0
    assert texts(frame, "E102") == [
        "County 330101 leaves treatment in 2019; these estimators need absorbing treatment. "
        "Code the exit or drop later years."
    ]


def test_e103_no_budget_refuses_surplus_and_leaves_spending():
    frame = clean()
    never = frame["county_code"] == "330103"
    frame.loc[never, "budget"] = np.nan
    report = ma.check_panel(frame)
    (found,) = [p for p in report.problems if p.code == "E103"]
    assert found.text == (
        "budget_yuan is missing for untreated county 330103 and no notional_budget_yuan is given; "
        "surplus outcomes are refused, spending outcomes remain available."
    )
    assert found.severity == "warning" and report.ok
    needs = {need.outcome: need for need in report.needs}
    assert not needs["fund_surplus_rate"].available
    assert needs["fund_surplus_rate"].reason.startswith("E103")
    assert needs["log_spending_per_insured"].available
    assert texts(frame.assign(notional_budget=2.1e8), "E103") == []


def test_e104_mixed_basis():
    frame = clean()
    frame.loc[frame["year"] < 2014, "spending_basis"] = "cash"
    assert texts(frame, "E104") == [
        "spending_basis changes from cash to accrual in 2014; surplus is not comparable across "
        "the change."
    ]
    refused = [n for n in ma.check_panel(frame).needs if n.reason.startswith("E104")]
    assert {"fund_surplus_rate", "log_spending_per_insured"} <= {n.outcome for n in refused}


def test_e105_outside_above_total():
    frame = clean()
    frame.loc[3, "out_of_county_spending"] = 2.5e8
    assert texts(frame, "E105") == [
        "Out-of-county spending 250,000,000.00 exceeds total 203,000,000.50 in 330101,2015."
    ]


def test_e106_changed_visits():
    frame = clean()
    frame.loc[(frame["year"] >= 2018) & (frame["county_code"] < "330103"), "visit_def"] = "2018"
    assert texts(frame, "E106") == [
        "visit_def changes in 2018 for 2 counties; shares before and after are not compared."
    ]


def test_e107_surplus_below_minus_a_half():
    frame = clean()
    frame.loc[3, "budget"] = 21_300.0  # 1 - 203,000,000.50 / 21,300 = -9,529.516
    assert texts(frame, "E107") == [
        "Surplus ratio -9529.52 below −0.5 in 330101,2015: check yuan / 万元."
    ]


def test_e108_odd_pay():
    frame = clean()
    frame.loc[3, "pay_T_nurse"] = 400.0
    assert texts(frame, "E108") == [
        "Pay per head ¥7 in 330101 in 2015 outside 5,000–1,000,000; check units, FTE."
    ]


def test_e109_no_untreated_county_remains():
    frame = clean()
    frame["cohort"] = frame["cohort"].replace(0, 2019)
    assert texts(frame, "E109") == [
        "No untreated county remains after 2018; later effects are not estimated."
    ]


def test_e110_one_treated_cluster():
    frame = clean()
    frame.loc[frame["county_code"] != "330101", "cohort"] = 0
    assert texts(frame, "E110") == [
        "Only 1 treated clusters: randomisation inference leads; with one treated cluster no "
        "standard error is shown."
    ]


def test_e111_short_before():
    frame = clean()
    frame.loc[frame["county_code"] == "330101", "cohort"] = 2014
    assert texts(frame, "E111") == [
        "County 330101 has fewer than three years before cohort 2014; it is left out of pre-trend "
        "checks."
    ]


def test_e112_totals_differ():
    frame = clean()
    totals = frame[["county_code", "year", "spending"]].copy()
    totals.loc[2, "spending"] -= 1_000.25
    assert texts(frame, "E112", totals=totals) == [
        "Panel totals differ from settlement report by 1,000.25 yuan for 330101,2014."
    ]
    with pytest.raises(ma.DataError, match="needs the columns county_code, year and spending"):
        ma.check_panel(frame, totals=frame[["county_code", "year"]])


def test_e113_money_finer_than_fen():
    frame = clean()
    frame.loc[3, "budget"] += 0.001
    (found,) = ma.check_panel(frame).errors
    assert found.text == (
        "Column budget has more than two decimals; money is yuan with two places "
        "(the settlement engine works in whole fen)."
    )
    assert (found.code, found.rows) == ("E113", (4,))


BROKEN = {
    "E101": lambda f: pd.concat([f, f.iloc[[4]]]),
    "E105": lambda f: f.assign(out_of_county_spending=f["spending"] * 2),
    "E113": lambda f: f.assign(budget=f["budget"] + 0.001),
    "E115": lambda f: f.assign(cohort=f["cohort"].where(f.index != 3)),
    "E117": lambda f: f.assign(insured_n=-5),
    "E118": lambda f: f.assign(spending_basis="other"),
    "E121": lambda f: f.assign(cohort=f["cohort"].where(f.index != 3, 2018)),
    "E126": lambda f: f.assign(budget_na="because"),
    "E129": lambda f: f.assign(spending=np.inf, out_of_county_spending=0.0),
}


@pytest.mark.parametrize("code", BROKEN)
def test_what_the_check_calls_an_error_does_not_load(code):
    frame = BROKEN[code](clean())
    report = ma.check_panel(frame)
    assert code in {found.code for found in report.errors}
    with pytest.raises(ma.DataError, match=code):
        ma.load_panel(frame)
    with pytest.raises(ma.DataError, match=code):
        report.panel()


def test_every_problem_is_reported_at_once():
    frame = clean()
    for name in ("E101", "E113", "E118"):
        frame = BROKEN[name](frame)
    assert {p.code for p in ma.check_panel(frame).errors} == {"E101", "E113", "E118"}


def test_no_treated_county_is_an_error_of_the_check_alone():
    frame = clean().assign(cohort=0)
    assert [found.code for found in ma.check_panel(frame).errors] == ["E131"]
    assert ma.load_panel(frame).n_units == COUNTIES
