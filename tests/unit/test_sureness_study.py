"""The chapter on doubt shows what the diagnostics say, and runs on a reader's panel."""

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.chapters import sureness


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


def test_what_has_no_variance_says_so_in_the_table():
    """Two prefectures that both join are fitted without a residual."""
    frame = ma.load_panel().frame
    joined = frame.loc[frame["cohort"] > 0].drop_duplicates("cohort")["prefecture_code"].iloc[:2]
    found = sureness.run(ma.load_panel(frame[frame["prefecture_code"].isin(joined)]))
    rows = sureness.inference_table(found).summary.set_index("method")
    for method, why in (
        ("clustered (CRV1)", "nothing to learn their variance from"),
        ("cluster jackknife (CRV3)", "nothing to learn their variance from"),
        ("Neyman by cohort, Welch's t", "one cluster only in cohort"),
    ):
        assert rows.loc[method, "standard error"].strip() == "", method
        assert why in rows.loc[method, "remark"]
    assert "no variance between clusters" in rows.loc["wild bootstrap, not", "remark"]


def test_the_note_of_a_bootstrap_is_its_remark(checks, monkeypatch):
    row = {"conf_low": [-np.inf], "conf_high": [np.inf], "p_value": [0.5], "note": ["no end."]}
    monkeypatch.setattr(sureness, "wild_bootstrap", lambda *_, **__: pd.DataFrame(row))
    shown = sureness.inference_table(checks).summary.set_index("method")
    assert shown.loc["wild bootstrap, not", "remark"] == "no end."
    assert "∞" in shown.loc["wild bootstrap, not", "upper limit"]
