"""The threats of reach: panels with known effects, and what each method makes of them."""

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.grading import reach
from medalliance.grading.monte_carlo import run_tasks


@pytest.mark.parametrize("threat", reach.STUDIES)
def test_effects_are_put_in_where_treatment_is(threat):
    panel = ma.reach_panel(threat, 60, seed=3)
    frame = panel.frame
    again = ma.reach_panel(threat, 60, seed=3).frame
    pd.testing.assert_frame_equal(frame, again)
    treated = (frame[panel.cohort] > 0) & (frame[panel.year] >= frame[panel.cohort])
    assert (frame["effect"][~treated] == 0).all()
    assert frame["effect"][treated].ne(0).any()
    assert panel.badge.value == "SYNTHETIC" and threat in panel.source
    assert not np.allclose(frame["y"], ma.reach_panel(threat, 60, seed=4).frame["y"])


def test_an_unknown_threat_is_refused():
    with pytest.raises(ma.DesignError, match="threat='none'"):
        ma.reach_panel("none")


def test_the_plain_method_fails_and_the_other_keeps_its_promise():
    """8 draws of 400 counties: bias within four of its errors, or far outside."""
    draws = run_tasks(reach.one_draw, reach.tasks(8, 400, 20_000))
    table = reach.rates(draws)
    assert list(table["n_draws"]) == [8] * 8
    for _, pair in table.groupby("threat"):
        plain, ours = pair.to_dict("records")
        assert abs(plain["bias"]) > 6 * plain["bias_error"]
        assert abs(ours["bias"]) < 4 * ours["bias_error"]
        assert ours["coverage"] >= 0.6 > plain["coverage"]
