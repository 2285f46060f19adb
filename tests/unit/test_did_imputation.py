"""Imputation against dense least squares on small panels."""

import warnings

import numpy as np
import pandas as pd
import pytest

from medalliance import DesignError, Panel, PanelWarning, did_imputation


def make(drop=0.0, seed=3, n=40, never=True):
    rng = np.random.default_rng(seed)
    cohort = rng.choice([0, 2003, 2005] if never else [2003, 2005], n)
    data = pd.DataFrame({"unit": np.repeat(np.arange(n), 7), "year": np.tile(range(2000, 2007), n)})
    data["cohort"] = np.repeat(cohort, 7)
    data["weight"] = np.repeat(rng.uniform(0.5, 2, n), 7)
    data["x"] = rng.normal(size=7 * n)
    treated = (data.cohort > 0) & (data.year >= data.cohort)
    data["y"] = data.x + treated * (1 + 0.3 * (data.year - data.cohort)) + rng.normal(size=7 * n)
    if drop:
        data = data[(rng.random(7 * n) > drop) | (data.year == 2000)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        return Panel.from_frame(data, unit="unit", year="year", cohort="cohort", weight="weight")


def dense(panel, covariates=()):
    """Fit dummies on untreated rows; average what is left in treated rows by event time."""
    data = panel.frame
    event = np.where(data["cohort"] > 0, data["year"] - data["cohort"], -1)
    design = pd.get_dummies(data[["unit", "year"]].astype(str), dtype=float).to_numpy()
    design = np.column_stack([design, data[list(covariates)]])
    root = np.sqrt(data["weight"].to_numpy())[event < 0]
    slopes = np.linalg.lstsq(design[event < 0] * root[:, None], data["y"][event < 0] * root)[0]
    left = data["y"] - design @ slopes
    return [np.average(left[event == e], weights=data["weight"][event == e]) for e in range(4)]


@pytest.mark.parametrize("drop", [0.0, 0.1])
@pytest.mark.parametrize("covariates", [(), ("x",)])
def test_equals_dense_least_squares(drop, covariates):
    panel = make(drop)
    event = did_imputation(panel, "y", covariates=covariates).aggregate("event_time")
    np.testing.assert_allclose(event.estimate, dense(panel, covariates), rtol=1e-9)


@pytest.mark.parametrize("drop", [0.0, 0.1])
@pytest.mark.parametrize("covariates", [(), ("x",)])
def test_gardner_influence_is_the_derivative_in_a_units_weight(drop, covariates):
    panel = make(drop)

    def simple(frame):
        moved = Panel(frame, "unit", "year", "cohort", None, "weight")
        return did_imputation(moved, "y", covariates=covariates, std_errors="gardner").aggregate(
            "simple"
        )

    base = simple(panel.frame)
    step = 1e-5
    for place, unit in enumerate(panel.units[:6]):
        frame = panel.frame.copy()
        mine = frame["unit"] == unit
        weight = float(frame.loc[mine, "weight"].iloc[0])
        frame.loc[mine, "weight"] = weight * (1 + step)
        slope = (simple(frame).estimate[0] - base.estimate[0]) / step
        assert base.influence[place, 0] / panel.n_units == pytest.approx(slope, abs=1e-5)


def test_cells_have_the_same_error_either_way_but_averages_do_not():
    panel = make()
    given = did_imputation(panel, "y")
    estimated = did_imputation(panel, "y", std_errors="gardner")
    np.testing.assert_allclose(given.std_error, estimated.std_error)
    pair = [e.aggregate("simple").std_error[0] for e in (given, estimated)]
    assert pair[0] != pytest.approx(pair[1], rel=1e-6)
    assert "Gardner" in estimated.design.foot()


def test_years_with_nobody_untreated_are_left_out_and_named():
    effects = did_imputation(make(never=False), "y")
    assert effects.terms["year"].max() == 2004
    assert "2003 in 2005" in effects.design.foot()


def test_anticipation_moves_the_fit_back_and_shows_those_years():
    effects = did_imputation(make(), "y", anticipation=1)
    assert effects.terms["event_time"].min() == -1
    assert effects.aggregate("event_time").overall.terms.shape[0] == 1


def test_nobody_treated_is_refused():
    panel = make()
    frame = panel.frame.assign(cohort=0)
    with pytest.raises(DesignError, match="no unit is treated"):
        did_imputation(Panel(frame, "unit", "year", "cohort"), "y")
