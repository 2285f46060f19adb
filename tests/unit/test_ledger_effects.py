"""Recipes of the ledger chapter on panels whose truth is known."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import medalliance as ma
from medalliance.chapters.ledger_attrition import exits, selection_bounds, trimmed_bounds
from medalliance.chapters.ledger_renewals import moves, rebasing_table, renewal_effects
from medalliance.registered.ledger_effects import (
    REGISTERED,
    estimator_table,
    exact_split,
    group_time,
    headline,
    headline_table,
    left_out_table,
    mean_by_side,
    parts_table,
    pretrend_table,
    registered_text,
    sample_table,
)
from medalliance.registered.ledger_panel import PARTS


def made_panel(n_units=90, effect=0.03, psi=(0.2, 0.8), seed=3):
    """Draw organisations that renew every third year, a third of which then turn two-sided."""
    rng = np.random.default_rng(seed)
    rows = []
    for unit in range(n_units):
        cohort = (2016, 2019, 0)[unit % 3]
        level, good = rng.normal(9.2, 0.1), rng.normal(0, 0.03)
        log_budget, surplus = level, np.nan
        for year in range(2013, 2023):
            start = 2013 + 3 * ((year - 2013) // 3)
            if year > 2013:
                log_budget += 0.02 + np.log1p(-psi[year == start] * surplus)
            treated = bool(cohort and year >= cohort)
            surplus = good + effect * treated + rng.normal(0, 0.01)
            people = 10_000.0 + unit
            budget = round(float(np.exp(log_budget)) * people, 2)
            share = 1 / (
                1 + np.exp(-(good + 0.05 * rng.normal() - 0.02 * year + 40.3 + 0.1 * treated))
            )
            rows.append(
                {
                    "aco": f"A{unit:03d}", "year": year, "cohort": cohort, "state": f"S{unit % 12}",
                    "two_sided": int(treated), "agreement_start": start, "budget": budget,
                    "spending": round(budget * (1 - surplus), 2), "insured_n": people,
                    "low_revenue": float(unit % 2), "quality": 0.9 + rng.normal(0, 0.01),
                    "share_primary": share, "share_physician": share * 0.7,
                    **dict(zip(PARTS, 1000 * np.array(
                        [share * 0.7, 1 - share, share * 0.2, share * 0.1]), strict=True)),
                }
            )  # fmt: skip
    frame = pd.DataFrame(rows)
    return ma.Panel.from_frame(
        frame, unit="aco", year="year", cohort="cohort", currency="USD", badge="SYNTHETIC"
    )


@pytest.fixture(scope="module")
def panel():
    return made_panel()


OTHER = {
    "outcomes": {"quality": "level"},
    "control_group": "never_treated",
    "base_period": "varying",
    "anticipation": 0,
    "horizon": 1,
    "first_year": 2014,
    "last_year": 2021,
    "n_draws": 99,
    "seed": 7,
}


def test_the_list_of_changes_names_every_field():
    assert set(OTHER) == {field.name for field in fields(REGISTERED)}


@pytest.mark.parametrize("name", OTHER)
def test_the_registered_text_tells_every_choice(name):
    changed = replace(REGISTERED, **{name: OTHER[name]})
    assert registered_text(changed) != registered_text()


def test_an_outcome_that_is_not_registered_is_refused(panel):
    with pytest.raises(ma.DesignError, match="not registered"):
        headline(panel, "state")


def test_headline_finds_the_effect(panel):
    made = headline(panel, "fund_surplus_rate").overall
    assert abs(made.estimate[0] - 0.03) < 4 * made.std_error[0]
    assert made.std_error[0] < 0.01


def test_headlines_are_adjusted_together(panel):
    table = headline_table(panel)
    assert table["outcome"].tolist() == list(REGISTERED.outcomes)
    assert (table["p_adjusted"] >= table["p_value"] - 0.02).all()
    assert table.set_index("outcome").loc["fund_surplus_rate", "p_adjusted"] < 0.01
    assert table.set_index("outcome").loc["quality", "p_adjusted"] > 0.05


def test_split_is_exact(panel):
    split = exact_split(panel)
    assert split["when"].tolist() == ["0", "1", "2", "mean"]
    assert split["residual"].abs().max() < 1e-10
    assert_allclose(split["log_spending_to_budget"].iloc[-1], np.log(0.97), atol=0.01)


def test_variants_say_why_one_is_missing(panel):
    table = sample_table(panel, "fund_surplus_rate").set_index("label")
    assert_allclose(
        table.loc["registered", "estimate"],
        headline(panel, "fund_surplus_rate").overall.estimate[0],
    )
    assert table["note"].notna().all()
    assert table.loc["clustered by state", "estimate"] == table.loc["registered", "estimate"]


def test_bounds_close_where_nobody_leaves(panel):
    bounds = selection_bounds(panel, "fund_surplus_rate")
    made = float(group_time(panel, "fund_surplus_rate").overall.estimate[0])
    assert_allclose([bounds["low"], bounds["middle"], bounds["high"]], made, atol=1e-12)
    assert bounds["stay_treated"] == bounds["stay_control"] == 1


def test_bounds_trim_the_side_that_stays():
    treated = np.array([0.0, 1.0, 2.0, 3.0])
    control = np.array([1.0, 1.0, np.nan, np.nan])
    assert trimmed_bounds(treated, control) == (-0.5, 0.5, 1.5)
    low, middle, high = trimmed_bounds(control, treated)
    assert (low, middle, high) == (-1.5, -0.5, 0.5)


def test_exits_are_counted(panel):
    frame = panel.frame
    gone = (frame["aco"] == "A002") & (frame["year"] > 2017)
    table = exits(panel.keep(~gone)).query("left > 0")
    assert table[["year", "side", "left"]].to_numpy().tolist() == [[2017, "one-sided", 1]]


def test_moves_at_a_new_agreement(panel):
    table = moves(panel)
    assert table["cohort"].tolist() == [2016, 2019]
    assert table["new_agreement"].tolist() == [30, 30]
    assert table["same_agreement"].sum() == 0


def test_one_renewal_year_is_its_own_group_time_effect(panel):
    frame = panel.frame
    one = panel.keep((frame["cohort"] != 2019).to_numpy())
    table = renewal_effects(one, "fund_surplus_rate").set_index("when")
    expected = group_time(one, "fund_surplus_rate").overall
    assert_allclose(table.loc["mean", "estimate"], expected.estimate[0], rtol=1e-10)
    assert_allclose(table.loc["mean", "std_error"], expected.std_error[0], rtol=1e-8)
    assert (table.loc["mean", "n_moved"], table.loc["mean", "n_controls"]) == (30, 30)


def test_rebasing_is_found_at_renewals_and_within(panel):
    table = rebasing_table(made_panel(300, effect=0.0)).set_index("next_year")
    for name, truth in (
        ("the agreement goes on", 0.2),
        ("a new agreement, one-sided as before", 0.8),
    ):
        row = table.loc[name]
        assert abs(row["psi_plus"] - truth) < 4 * row["psi_plus_std_error"] + 0.02
        assert row["psi_plus_std_error"] < 0.15


def test_every_estimator_finds_the_share_effect(panel):
    table = estimator_table(panel, "share_primary").set_index("label")
    assert len(table) == 6
    error = (table["estimate"] - table.loc["fractional logit", "estimate"]).abs()
    assert (error < 4 * table["std_error"] + 0.005).all()
    assert (table["estimate"] > 0.01).all()


def test_parts_of_visits_sum_to_zero(panel):
    table = parts_table(panel)
    assert_allclose(table["share"].sum(), 0, atol=1e-10)
    assert table.set_index("part").loc["specialists", "share"] < 0


def test_earlier_years_are_tested_with_their_power(panel):
    table = pretrend_table(panel).set_index("outcome")
    row = table.loc["fund_surplus_rate"]
    assert 0 <= row["p_value"] <= 1
    assert row["slope"] > 0
    assert row["low_1"] < row["estimate_0"] < row["high_1"]
    assert row["breakdown"] > 0


def test_cohorts_are_left_out_in_turn(panel):
    table = left_out_table(panel, "fund_surplus_rate")
    assert sorted(table["left_out"]) == [2016, 2019]


def test_contrast_by_revenue_counts_every_named_row(panel):
    table = mean_by_side(panel)
    assert table["rows"].sum() == len(panel.frame)
    assert set(table["revenue"]) == {"low", "high"}
    side = table.set_index(["revenue", "side"])["surplus"]
    assert side["low", "two-sided"] > side["low", "one-sided"]
