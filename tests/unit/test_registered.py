"""What is registered: outcomes, errors, horizon; attempts keep the reason of a refusal."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import medalliance as ma

OUTCOME = "log_spending_per_insured"


@pytest.fixture(scope="module")
def panel() -> ma.Panel:
    return ma.load_panel()


def test_headlines_average_the_first_years(panel):
    assert ma.registered_outcome(panel) == OUTCOME
    horizon = ma.last_horizon(panel)
    assert horizon == 3
    cells = ma.stated(ma.etwfe(panel, OUTCOME))
    expected = (
        ma.neyman_variance(ma.etwfe(panel, OUTCOME)).aggregate("event_time", balance=3).overall
    )
    found = ma.headline(cells, horizon)
    assert float(found) == pytest.approx(float(expected), abs=1e-12)
    assert found.std_error[0] == pytest.approx(expected.std_error[0], rel=1e-9)
    cells = panel.truth.cells.query("outcome == @OUTCOME and year - cohort < 4")
    truth = (cells["att"] * cells["n_units"]).sum() / cells["n_units"].sum()
    assert found.truth[0] == pytest.approx(truth, abs=1e-9)


def test_attempts_keep_reasons_and_compare_prints_them(panel):
    short = panel.keep(panel.frame["cohort"] != 0)
    tried = ma.attempt({
        "group-time": lambda: ma.att_gt(short, OUTCOME),
        "never treated": lambda: ma.att_gt(short, OUTCOME, control_group="never_treated"),
    })  # fmt: skip
    assert list(tried) == ["group-time"]
    assert "never" in tried.refused["never treated"]
    both = ma.compare(ma.stated(tried))
    assert "Not available: never treated (" in both.foot
    again = pickle.loads(pickle.dumps(tried))
    assert again.refused == tried.refused
    assert list(again) == ["group-time"]
    with pytest.raises(ma.DesignError, match="never"):
        ma.attempt({"x": lambda: ma.att_gt(short, OUTCOME, control_group="never_treated")})


def test_a_comparison_describes_itself_with_the_truth_where_known(panel):
    found = {name: ma.headline(one(panel, OUTCOME), 3) for name, one in
             {"a": ma.etwfe, "b": ma.did_imputation}.items()}  # fmt: skip
    said = ma.compare(found).describe()
    assert "The true effect is" in said.text
    assert said.numbers["all"] == 2
    yours = ma.load_panel(panel.frame)
    said = ma.compare({"a": ma.headline(ma.etwfe(yours, OUTCOME), 3)}).describe()
    assert "true effect" not in said.text
    assert "[YOURS]" in repr(said)


def test_an_outcome_must_be_possible(panel):
    frame = panel.frame[["county_code", "year", "cohort"]]
    with pytest.raises(ma.DesignError, match="gives none of log_spending_per_insured"):
        ma.registered_outcome(ma.load_panel(frame))


def test_prefectures_that_mix_cohorts_leave_estimators_their_own_errors(panel):
    first = panel.frame["county_code"] == panel.frame["county_code"].min()
    moved = panel.frame.assign(cohort=panel.frame["cohort"].where(~first, 2017))
    found = ma.stated(ma.att_gt(ma.load_panel(moved), OUTCOME))
    assert "(Neyman)" not in found.design.std_errors
    assert "t of clusters less one" in found.design.std_errors


def test_cohorts_are_counted(panel):
    found = panel.cohort_table()
    assert found["units"].sum() == panel.n_units
    assert found["cohort"].tolist() == ["never", "2016", "2018", "2020"]
    assert (found["times_before"] + found["times_after"] == len(panel.years)).all()


def test_findings_stand_side_by_side(panel):
    events = ma.stated(ma.att_gt(panel, OUTCOME, base_period="universal")).aggregate("event_time")
    one = ma.honest_did(events, relative_magnitude=(0, 1))
    shown = ma.show({"a": one, "b": one}, "Both.")
    assert shown.kind == "figure"
    assert len(shown.summary) == 4
    low, high = events.overall.conf_int()[0]
    assert np.isclose(one["conf_low"].iloc[0], low, atol=4e-3)
    assert np.isclose(one["conf_high"].iloc[0], high, atol=4e-3)
