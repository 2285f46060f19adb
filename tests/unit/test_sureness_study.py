"""The chapter on doubt shows what the diagnostics say, and runs on a reader's panel."""

import pytest

import medalliance as ma
from medalliance.studies import sureness


@pytest.fixture(scope="module")
def checks():
    return sureness.run(ma.load_panel())


def test_the_registered_headline_is_balanced_and_leaves_a_year_out(checks):
    panel = checks.panel
    expected = (
        ma.att_gt(panel, checks.outcome, base_period="universal", anticipation=1)
        .aggregate("event_time", balance=3)
        .overall
    )
    assert checks.event_study.overall.estimate[0] == pytest.approx(expected.estimate[0])


def test_every_method_gives_an_answer(checks):
    shown = sureness.inference_table(checks).summary
    assert len(shown) == 9
    assert (shown["remark"].str.strip() == "").all()
    crv3 = ma.robust_variance(checks.regression, "crv3").overall.std_error[0]
    assert float(shown["standard error"].iloc[2]) == pytest.approx(crv3, abs=5.1e-5)


def test_sensitivity_starts_from_the_ordinary_interval(checks):
    shown = sureness.sensitivity_figure(checks).summary
    low, high = checks.event_study.overall.conf_int()[0]
    assert float(shown["conf_low"].iloc[0]) == pytest.approx(low, abs=2e-4)
    assert float(shown["conf_high"].iloc[0]) == pytest.approx(high, abs=2e-4)


def test_leave_out_names_no_cluster(checks):
    exhibit = sureness.leave_out_figure(checks)
    assert "clusters that move it most" in exhibit.caption
    assert exhibit.badge == checks.panel.badge


def test_panels_without_never_treated_units_run_or_say_why():
    everyone = ma.load_panel().frame.query("cohort != 0")
    short = sureness.run(ma.load_panel(everyone.query("year < 2020")))
    assert "is detected with probability" in repr(sureness.detectable_sentence(short))
    assert len(sureness.inference_table(short).summary) == 9
    late = sureness.run(ma.load_panel(everyone))
    assert "Not available here: no untreated unit" in repr(sureness.detectable_sentence(late))
    assert "clusters are treated" in repr(sureness.choice_sentence(late))
