"""Group-time effects: influence as a derivative, refusals, what is left out and said."""

import warnings

import numpy as np
import pandas as pd
import pytest

from medalliance import DesignError, Panel, PanelWarning, att_gt


def make(drop=0.0, cohorts=(0, 2003, 2004), first=2000, seed=4, n=45, **roles):
    rng = np.random.default_rng(seed)
    years = np.arange(first, 2006)
    cohort = np.resize(cohorts, n)
    data = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n), len(years)),
            "year": np.tile(years, n),
            "cohort": np.repeat(cohort, len(years)),
            "weight": np.repeat(rng.uniform(0.5, 2, n), len(years)),
            "x": np.repeat(rng.normal(size=n), len(years)),
            "y": rng.normal(size=n * len(years)),
        }
    )
    if drop:
        data = data[(rng.random(len(data)) > drop) | (data["year"] == first)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        return Panel.from_frame(data, unit="unit", year="year", cohort="cohort", **roles)


@pytest.mark.parametrize("drop", [0.0, 0.08])
@pytest.mark.parametrize("method", ["dr", "ipw", "reg"])
@pytest.mark.parametrize("covariates", [(), ("x",)])
def test_influence_is_the_derivative_in_a_units_weight(drop, method, covariates):
    """For every path: what a unit adds is what moving its weight does."""
    panel = make(drop, weight="weight")

    def simple(frame):
        moved = Panel(frame, "unit", "year", "cohort", None, "weight")
        return att_gt(moved, "y", method=method, covariates=covariates).aggregate("simple")

    base, step = simple(panel.frame), 1e-5
    for place in range(6):
        frame = panel.frame.copy()
        mine = frame["unit"] == panel.units[place]
        weight = float(frame.loc[mine, "weight"].iloc[0])
        ends = []
        for sign in (1, -1):
            frame.loc[mine, "weight"] = weight * (1 + sign * step)
            ends.append(simple(frame).estimate[0])
        slope = (ends[0] - ends[1]) / (2 * step)
        assert base.influence[place, 0] / panel.n_units == pytest.approx(slope, abs=1e-8)


def test_no_never_treated_unit_is_refused_with_the_way_out():
    panel = make(cohorts=(2003, 2004))
    with pytest.raises(DesignError, match="no never-treated unit in 2005") as caught:
        att_gt(panel, "y", control_group="never_treated")
    assert "not_yet_treated" in str(caught.value)
    assert "end the panel in 2003" in str(caught.value)


def test_cells_without_a_clean_control_are_left_out_and_named():
    effects = att_gt(make(cohorts=(2003, 2004)), "y")
    assert effects.terms["year"].max() == 2003
    assert "2003 in 2004" in effects.design.foot()


def test_nobody_left_to_compare_with_is_refused():
    with pytest.raises(DesignError, match="no treated cell has a not-yet-treated control"):
        att_gt(make(cohorts=(2003,)), "y")
    with pytest.raises(DesignError, match="no cohort starts treatment"):
        att_gt(make(cohorts=(0,)), "y")


def test_units_treated_when_first_seen_are_counted_and_left_out():
    panel = make(cohorts=(0, 1998, 2003))
    effects = att_gt(panel, "y")
    assert effects.design.n_left_out == 15
    assert "15 units treated when first seen left out" in effects.design.foot()
    kept = panel.keep(panel.frame["cohort"] != 1998)
    np.testing.assert_allclose(effects.estimate, att_gt(kept, "y").estimate)


def test_cohorts_after_the_panel_are_controls():
    panel = make(cohorts=(0, 2003, 2010))
    never = panel.with_columns(
        cohort=np.where(panel.frame["cohort"] == 2010, 0, panel.frame["cohort"])
    )
    np.testing.assert_allclose(
        att_gt(panel, "y", control_group="never_treated").estimate,
        att_gt(never, "y", control_group="never_treated").estimate,
    )


def test_anticipation_moves_the_base_back():
    panel = make()
    effects = att_gt(panel, "y", anticipation=1, control_group="never_treated")
    grid, cohort = panel.grid(panel.frame["y"]), panel.cohort_by_unit
    change = grid[:, 4] - grid[:, 1]
    row = ((effects.terms["cohort"] == 2003) & (effects.terms["year"] == 2004)).to_numpy()
    by_hand = change[cohort == 2003].mean() - change[cohort == 0].mean()
    assert effects.estimate[row][0] == pytest.approx(by_hand)


def test_universal_base_has_a_zero_reference_without_error():
    effects = att_gt(make(), "y", base_period="universal")
    base = (effects.terms["event_time"] == -1).to_numpy()
    assert (effects.estimate[base] == 0).all()
    assert np.isnan(effects.std_error[base]).all()
    assert np.isfinite(effects.std_error[~base]).all()


def test_missing_outcomes_count_as_rows_not_seen():
    panel = make()
    holes = panel.frame["y"].where(panel.frame.index % 17 != 5)
    gappy = panel.with_columns(y=holes)
    dropped = panel.keep(holes.notna())
    np.testing.assert_allclose(att_gt(gappy, "y").estimate, att_gt(dropped, "y").estimate)


def test_one_treated_cluster_gets_no_standard_error():
    panel = make(cohorts=(0, 2003, 2030))  # those of 2030 start after the panel ends
    group = panel.frame["unit"].where(panel.frame["cohort"] != 2003, 999)
    one = Panel.from_frame(
        panel.frame.assign(group=group), unit="unit", year="year", cohort="cohort", cluster="group"
    )
    effects = att_gt(one, "y").aggregate("simple")
    assert np.isnan(effects.std_error).all()
    assert np.isfinite(effects.estimate).all()


def test_covariates_that_separate_are_refused_or_left_out():
    panel = make()
    split = panel.with_columns(x=(panel.frame["cohort"] == 2003).astype(float))
    found = att_gt(split, "y", covariates=["x"])
    assert 2003 not in set(found.terms["cohort"])
    assert "Cells left out because" in found.design.foot()
    assert "x is not used in" in found.design.foot()
    ever = panel.with_columns(x=(panel.frame["cohort"] > 0).astype(float))
    with pytest.raises(DesignError, match="no cell can be fitted"):
        att_gt(ever, "y", covariates=["x"], control_group="never_treated")


@pytest.mark.parametrize(
    "options",
    [
        {"control_group": "all"},
        {"method": "ols"},
        {"base_period": "first"},
        {"anticipation": -1},
        {"covariates": ["nothing"]},
        {"weights": "y"},
    ],
)
def test_unknown_choices_are_refused(options):
    with pytest.raises(DesignError):
        att_gt(make(), "y", **options)


def test_refit_gives_the_same_on_the_same_panel():
    panel = make()
    effects = att_gt(panel, "y").aggregate("event_time")
    np.testing.assert_array_equal(effects.refit(panel).estimate, effects.estimate)
    np.testing.assert_array_equal(effects.overall.refit(panel).estimate, effects.overall.estimate)
