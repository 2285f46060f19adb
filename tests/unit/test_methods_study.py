"""The methods chapter's recipes: numbers as estimated, truth where known, refusals said."""

from __future__ import annotations

import pandas as pd
import pytest

import medalliance as ma
from medalliance.chapters import methods
from medalliance.panel import TEACHING_PANEL


@pytest.fixture(scope="module")
def runs() -> methods.Runs:
    return methods.run(ma.load_panel())


def yours() -> ma.Panel:
    frame = ma.load_panel().frame.query("cohort != 0 and year < 2020")
    return ma.load_panel(frame)


def test_headlines_average_the_first_years(runs):
    assert runs.horizon == 3
    assert not runs.refused
    cells = ma.neyman_variance(ma.etwfe(runs.panel, runs.outcome))
    effects = cells.aggregate("event_time", balance=3).overall
    row = runs.headlines.set_index("method").loc["saturated"]
    assert row["estimate"] == pytest.approx(effects.estimate[0], abs=1e-12)
    assert row["std_error"] == pytest.approx(effects.std_error[0], rel=1e-9)


def test_the_truth_is_the_mean_of_the_true_event_times(runs):
    by_event = methods.true_by_event(runs)
    assert list(by_event.index) == [0, 1, 2, 3]
    cells = pd.read_csv(TEACHING_PANEL.with_name("truth.csv"))
    cells = cells[(cells["outcome"] == runs.outcome) & (cells["year"] - cells["cohort"] < 4)]
    assert len(cells) == 12
    expected = (cells["att"] * cells["n_units"]).sum() / cells["n_units"].sum()
    assert methods.true_headline(runs) == pytest.approx(expected, abs=1e-9)
    assert expected < 0
    assert "The true effect is" in repr(methods.spread_sentence(runs))


def test_conventions_are_the_packages(runs):
    pytest.importorskip("linearmodels")
    from linearmodels.panel import PanelOLS

    frame = runs.panel.frame
    treated = (frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])
    data = pd.DataFrame(
        {
            "y": ma.outcome_values(runs.panel, runs.outcome),
            "d": treated * 1.0,
            "c": pd.factorize(frame["prefecture_code"])[0],
            "unit": frame["county_code"],
            "year": frame["year"],
        }
    ).set_index(["unit", "year"])
    fit = PanelOLS(data["y"], data[["d"]], entity_effects=True, time_effects=True)
    expected = fit.fit(cov_type="clustered", clusters=data[["c"]]).std_errors["d"]
    shown = methods.convention_table(runs).summary
    row = shown[shown["who"] == "linearmodels' default"]
    assert float(row.iloc[0, 2]) == pytest.approx(expected, abs=5.1e-6)


def test_a_readers_panel_has_no_truth_and_refusals_are_printed():
    panel = yours()
    found = methods.run(panel)
    assert methods.true_headline(found) is None
    text = repr(methods.spread_sentence(found))
    assert "not available" in text
    assert text.startswith("[YOURS]")
    assert "YOURS" in repr(methods.headline_table(found))
    remarks = methods.control_table(found).summary["remark"]
    assert remarks.str.contains("never").sum() == 2
    methods.event_study_figure(found)
    methods.bacon_sentence(found)
    methods.identity_sentence(found)


def test_an_outcome_must_be_possible():
    frame = ma.load_panel().frame[["county_code", "year", "cohort"]]
    with pytest.raises(ma.DesignError, match="gives none of log_spending_per_insured"):
        methods.run(ma.load_panel(frame))


def test_feet_say_the_convention_of_every_estimator(runs):
    for name in runs.effects:
        assert name in runs.foot
    assert runs.foot.count("(Neyman)") == 1
    assert "R did" not in runs.foot
    assert "20 clusters (prefecture_code)" in runs.foot


def test_prefectures_that_mix_cohorts_leave_estimators_their_own_errors():
    frame = ma.load_panel().frame
    first = frame["county_code"] == frame["county_code"].min()
    moved = frame.assign(cohort=frame["cohort"].where(~first, 2017))
    mixed = methods.run(ma.load_panel(moved))
    table = methods.convention_table(mixed).summary
    assert len(table) == 7
    assert table["standard error"].iloc[-1].strip() == ""
    assert "(Neyman)" not in mixed.foot
    assert "t of clusters less one" in mixed.foot
    assert "fixest" in mixed.foot
    assert "R did" in mixed.foot


def test_the_pretrend_sentence_gives_the_detectable_slope(runs):
    text = methods.pretrend_sentence(runs).text
    assert "would be detected with probability 0.8" in text
    assert "parallel" not in text
