"""Findings: a frame that can be read as one, with what was found beside it."""

import dataclasses
import pickle

import matplotlib.pyplot as plt
import pandas as pd
import pytest

import medalliance as ma
from medalliance.errors import DesignError
from medalliance.panel import YOURS


@pytest.fixture
def left_out(simulated):
    panel = simulated(n_clusters=12, treated=6)
    return ma.leave_one_out(ma.att_gt(panel, "y"), panel, by="cohort")


def test_the_frame_is_reached_directly(left_out):
    frame = left_out.frame
    assert list(left_out) == list(frame.columns) and len(left_out) == len(frame)
    assert "change" in left_out and "headline" not in left_out
    pd.testing.assert_series_equal(left_out["change"], frame["change"])
    pd.testing.assert_series_equal(left_out.iloc[0], frame.iloc[0])
    pd.testing.assert_series_equal(left_out.p_value, frame["p_value"])


def test_what_was_found_beside_is_an_attribute(left_out):
    assert left_out.headline == pytest.approx(
        (left_out["estimate"] - left_out["change"]).iloc[0], rel=1e-12
    )
    assert {"headline", "jackknife_std_error"} <= set(dir(left_out))
    with pytest.raises(AttributeError, match=r"\.frame and headline, .*not 'breakdown'"):
        _ = left_out.breakdown


def test_it_is_frozen_and_hands_out_a_copy(left_out):
    with pytest.raises(dataclasses.FrozenInstanceError):
        left_out.foot = ""
    copy = left_out.to_frame()
    copy["estimate"] = 0.0
    assert (left_out["estimate"] != 0).all()


def test_it_pickles(left_out):
    again = pickle.loads(pickle.dumps(left_out))
    pd.testing.assert_frame_equal(again.frame, left_out.frame)
    assert (again.title, again.foot, again.badge) == (left_out.title, left_out.foot, left_out.badge)
    assert again.headline == left_out.headline
    plt.close(again.plot().figure)


def test_it_is_shown_with_badge_and_foot(left_out):
    html, text, latex = left_out._repr_html_(), repr(left_out), left_out.to_latex()
    assert f'data-badge="{left_out.badge}"' in html
    for shown in (html, text):
        assert left_out.title in shown and left_out.foot[:40] in shown
    assert f"headline: {left_out.headline}" in text
    assert latex.count(r"\\") == len(left_out) + 1 and r"\bottomrule" in latex


def test_a_reading_is_printed_below():
    found = ma.Findings(pd.DataFrame({"x": [1.0]}), "one", "a foot", YOURS, {"reading": "p < 0.1."})
    assert ">p &lt; 0.1. a foot</p>" in found._repr_html_() and "reading: p < 0.1." in repr(found)


def test_findings_without_a_picture_refuse_one():
    found = ma.Findings(pd.DataFrame({"x": [1.0]}), "one number", "a foot", YOURS)
    assert not found.has_picture
    with pytest.raises(DesignError, match="no picture of one number"):
        found.plot()
