"""Triple differences: known truth, what pooling and two differences get wrong, refusals."""

import sys
from pathlib import Path

import numpy as np
import pytest

import medalliance as ma

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from triple_panels import triple_panel


def panel_of(frame, **roles):
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort", **roles)


def test_without_covariates_a_cell_is_eight_means():
    frame = triple_panel(200, 6, seed=2)
    effects = ma.triple_did(
        panel_of(frame), "y", subgroup="eligible", control_group="never_treated"
    )
    mean = frame.groupby(["cohort", "eligible", "year"])["y"].mean()

    def gap(cohort):
        return sum(
            sign * (mean[cohort, side, 2005] - mean[cohort, side, 2003])
            for side, sign in ((1, 1), (0, -1))
        )

    row = (effects.terms["cohort"] == 2004) & (effects.terms["year"] == 2005)
    assert effects.estimate[row.to_numpy()][0] == pytest.approx(gap(2004) - gap(0), abs=1e-10)


def test_with_one_side_of_no_change_it_is_a_difference_of_two():
    """Where the ineligible never move, the estimate is that of the eligible alone."""
    frame = triple_panel(200, 6, seed=3)
    frame["y"] = frame["y"].where(frame["eligible"] == 1, 0.0)
    panel = panel_of(frame)
    options = {"control_group": "never_treated"}
    ours = ma.triple_did(panel, "y", subgroup="eligible", **options)
    alone = ma.att_gt(panel.keep(panel.frame["eligible"] == 1), "y", **options)
    np.testing.assert_allclose(ours.estimate, alone.estimate, atol=1e-10)
    np.testing.assert_allclose(ours.std_error, alone.std_error, rtol=1e-8)
    for average in ("simple", "event_time", "cohort", "year"):
        mine, theirs = ours.aggregate(average), alone.aggregate(average)
        np.testing.assert_allclose(mine.estimate, theirs.estimate, atol=1e-10)
        np.testing.assert_allclose(mine.std_error, theirs.std_error, rtol=1e-8)


def test_covers_the_truth_where_the_difference_of_two_does_not():
    """Trends by a covariate whose mean differs on all four sides; 40 draws of the average."""
    triple, double = [], []
    for seed in range(40):
        frame = triple_panel(400, 6, seed=seed, covariate=True)
        panel = panel_of(frame)
        truth = frame.loc[frame["effect"] != 0, "effect"].mean()
        one = ma.triple_did(panel, "y", subgroup="eligible", covariates=["x"]).overall
        low, high = one.conf_int()[0]
        parts = [
            ma.att_gt(panel.keep(panel.frame["eligible"] == side), "y", covariates=["x"]).overall
            for side in (1, 0)
        ]
        triple.append((one.estimate[0] - truth, low <= truth <= high))
        double.append(parts[0].estimate[0] - parts[1].estimate[0] - truth)
    error = np.array([row[0] for row in triple])
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(40)
    assert 0.85 <= np.mean([row[1] for row in triple]) <= 1
    # each is right for its own covariates, and these differ
    assert abs(np.mean(double)) > 4 * np.std(double) / np.sqrt(40)


def test_several_control_cohorts_lower_the_variance():
    panel = panel_of(triple_panel(600, 6, seed=5))
    never = ma.triple_did(panel, "y", subgroup="eligible", control_group="never_treated")
    both = ma.triple_did(panel, "y", subgroup="eligible")
    assert (both.std_error <= never.std_error + 1e-9).all()
    assert (both.std_error < 0.98 * never.std_error).any()


def test_an_unbalanced_cell_takes_units_seen_twice():
    frame = triple_panel(200, 5, seed=2)
    frame = frame[(frame["unit"] % 7 != 0) | (frame["year"] != 2005)]
    panel = panel_of(frame)
    both = panel.keep(panel.frame["unit"] % 7 != 0)
    rows = [
        ma.triple_did(p, "y", subgroup="eligible")
        .to_frame(bands=False)
        .set_index(["cohort", "year"])
        for p in (panel, both)
    ]
    assert rows[0].loc[(2004, 2005), "estimate"] == pytest.approx(
        rows[1].loc[(2004, 2005), "estimate"]
    )


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"eligible": lambda f: f["eligible"] + 1}, {}, "takes 1, 2"),
        ({"eligible": 1}, {}, "takes 1"),
        ({"eligible": lambda f: f["year"] % 2}, {}, "moves within"),
        (
            {"eligible": lambda f: np.where(f["cohort"] != 2004, 1, f["eligible"])},
            {"control_group": "never_treated"},
            "no cell can be estimated: one of the four sides is empty",
        ),
        ({}, {"subgroup": "nobody"}, "neither a column"),
        ({}, {"method": "best"}, "method='best'"),
    ],
)
def test_refuses(change, options, message):
    panel = panel_of(triple_panel(80, 5, seed=1).assign(**change))
    with pytest.raises(ma.DesignError, match=message):
        ma.triple_did(panel, "y", **{"subgroup": "eligible", **options})
