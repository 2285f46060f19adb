"""Classic panel regressions: known identities, gaps and weights, refusals."""

import numpy as np
import pandas as pd
import pytest

import medalliance as ma


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(3)
    unit, year = np.repeat(np.arange(30), 6), np.tile(np.arange(2011, 2017), 30)
    level = rng.normal(size=30)[unit]
    z = rng.normal(size=180)
    hidden = rng.normal(size=180)
    x = 0.8 * z + hidden + 0.5 * level
    w = rng.normal(size=180) + 0.2 * year
    cohort = np.where(unit < 12, 2013 + unit % 2, 0)
    y = 2 * x - w + level + hidden + rng.normal(size=180)
    found = pd.DataFrame({"unit": unit, "year": year, "cohort": cohort, "y": y, "x": x, "w": w})
    found["z"], found["group"], found["size"] = z, unit // 3, 1.0 + unit % 4
    found["treated"] = ((cohort > 0) & (year >= cohort)).astype(float)
    found["fixed"] = level
    return found.drop(index=[3, 40, 41, 100]).reset_index(drop=True)


@pytest.fixture(scope="module")
def panel(frame):
    with pytest.warns(ma.PanelWarning):
        return ma.Panel.from_frame(
            frame, unit="unit", year="year", cohort="cohort", cluster="group", weight="size"
        )


def plain_panel(frame):
    with pytest.warns(ma.PanelWarning):
        return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")


def test_two_way_effects_are_those_of_twfe(panel):
    one = ma.twfe(panel, "y", covariates=["x"])
    found = ma.panel_regression(panel, "y", ["treated", "x"], time_effects=True)
    assert found.estimate[0] == pytest.approx(one.estimate[0], rel=1e-9)
    assert found.std_error[0] == pytest.approx(one.std_error[0], rel=1e-9)
    np.testing.assert_allclose(found.conf_int()[0], one.conf_int()[0], rtol=1e-9)
    kraay = ma.robust_variance(one, "driscoll_kraay", lags=1)
    also = ma.panel_regression(
        panel, "y", ["treated", "x"], time_effects=True, std_errors="driscoll_kraay", lags=1
    )
    assert also.std_error[0] == pytest.approx(kraay.std_error[0], rel=1e-9)


def test_the_dummies_of_units_are_the_units_effects(frame, panel):
    dummies = pd.get_dummies(frame["unit"], prefix="d", dtype=float).iloc[:, 1:]
    wide = panel.with_columns(**dict(dummies.items()))
    asked = {"std_errors": "unadjusted"}
    within = ma.panel_regression(panel, "y", ["x", "w"], **asked)
    pooled = ma.panel_regression(wide, "y", ["x", "w", *dummies], model="pooled", **asked)
    np.testing.assert_allclose(within.estimate, pooled.estimate[:2], rtol=1e-8)
    np.testing.assert_allclose(within.std_error, pooled.std_error[:2], rtol=1e-8)
    options = {"model": "iv", "endogenous": "x", "instruments": "z"}
    for errors in ("unadjusted", "robust", "driscoll_kraay"):
        asked = {"std_errors": errors, **options}
        within = ma.panel_regression(panel, "y", ["x", "w"], entity_effects=True, **asked)
        pooled = ma.panel_regression(wide, "y", ["x", "w", *dummies], **asked)
        np.testing.assert_allclose(within.estimate, pooled.estimate[:2], rtol=1e-7)
        np.testing.assert_allclose(within.std_error, pooled.std_error[:2], rtol=1e-7)
        one, other = (found.tests["first_stage"].iloc[0] for found in (within, pooled))
        assert one["f_statistic"] == pytest.approx(other["f_statistic"], rel=1e-7)
        if errors == "robust":
            assert one["robust_f_statistic"] == pytest.approx(other["robust_f_statistic"])
        one, other = (found.tests["endogeneity"].iloc[0] for found in (within, pooled))
        assert one["statistic"] == pytest.approx(other["statistic"], rel=1e-6)
        assert one["dof_2"] == other["dof_2"]


def test_instruments_take_out_what_the_error_shares_with_the_regressor(panel):
    plain = ma.panel_regression(panel, "y", ["x", "w"], time_effects=True)
    asked = {"entity_effects": True, "time_effects": True, "endogenous": ["x"]}
    found = ma.panel_regression(panel, "y", ["x", "w"], model="iv", instruments=["z"], **asked)
    low, high = found.conf_int()[0]
    assert low < 2 < high and plain.conf_int()[0, 0] > 2
    assert found.tests["endogeneity"]["p_value"].iloc[0] < 0.01
    assert found.tests["first_stage"]["f_statistic"].iloc[0] > 10


def test_weights_count_rows(frame):
    often = frame.loc[frame.index.repeat(frame["size"].astype(int))].reset_index(drop=True)
    often["unit"] = often["unit"] + 100 * often.groupby(["unit", "year"]).cumcount()
    twice, once = plain_panel(often), plain_panel(frame)
    for model in ("pooled", "within"):
        one = ma.panel_regression(once, "y", ["x", "w"], model=model, weights="size")
        other = ma.panel_regression(twice, "y", ["x", "w"], model=model)
        np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-9)


def test_hausman_is_not_rejected_where_levels_are_unrelated(frame):
    rng = np.random.default_rng(0)
    free = frame.assign(x=rng.normal(size=len(frame)))
    free["y"] = free["x"] + free["fixed"] + rng.normal(size=len(frame))
    p_values = []
    for data in (free, frame):
        found = ma.panel_regression(plain_panel(data), "y", ["x", "w"], model="random")
        p_values.append(float(found.tests["hausman"]["p_value"].iloc[1]))
        assert found.tests["effects"]["p_value"].iloc[0] < 0.05
    assert p_values[0] > 0.05 > p_values[1]


def test_it_is_shown_and_estimated_again(panel):
    found = ma.panel_regression(panel, "y", ["x", "w"], model="pooled")
    assert list(found.terms["term"]) == ["x", "w", "constant"]
    assert "clustered by group" in found.summary() and r"\bottomrule" in found.to_latex()
    again = found.refit(panel, outcome="w", regressors=["x"])
    assert again.design.outcome == "w" and again.design.weights == "size"
    with pytest.raises(ma.DesignError, match="no influence functions"):
        found.conf_int(simultaneous=True)


REFUSED = {
    "no regressor": ({"regressors": []}, "no regressors"),
    "absorbed": ({"regressors": ["x", "fixed"]}, "nothing is left of 'fixed'|fixed"),
    "collinear": ({"regressors": ["x", "x2"]}, "x2.*combination"),
    "unknown model": ({"model": "fixed"}, "within"),
    "unknown column": ({"regressors": ["nothing"]}, "nothing"),
    "stray instruments": ({"instruments": ["z"]}, "takes no instruments"),
    "too few instruments": ({"model": "iv", "endogenous": ["x"]}, "0 instruments for 1"),
    "nothing endogenous": ({"model": "iv", "instruments": ["z"]}, "no endogenous"),
    "endogenous stranger": (
        {"model": "iv", "endogenous": ["w"], "instruments": ["z"]},
        "w.*not a regressor",
    ),
    "pooled with effects": ({"model": "pooled", "entity_effects": True}, "entity_effects"),
    "within without": ({"entity_effects": False}, "without effects"),
    "years between units": ({"model": "between", "time_effects": True}, "no years"),
    "clusters unused": ({"clusters": "group", "std_errors": "robust"}, "takes no clusters"),
    "clusters unknown": ({"clusters": "province"}, "province"),
    "three ways": ({"clusters": ["unit", "year", "group"]}, "one or two"),
    "lags unused": ({"lags": 2}, "driscoll_kraay"),
    "twice": ({"regressors": ["x", "y"]}, "named twice"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses_what_does_not_fit(panel, name):
    options, words = REFUSED[name]
    wider = panel.with_columns(x2=panel.frame["x"] * 2 + panel.frame["fixed"])
    with pytest.raises(ma.DesignError, match=words):
        ma.panel_regression(wider, "y", **{"regressors": ["x"], **options})


def test_several_coefficients_have_no_average_but_are_shown():
    outcome, regressors = "log_spending_per_insured", ["quota", "in_county_visit_share"]
    panel = ma.load_panel()
    panel = panel.with_columns(quota=panel.frame["insured_n"] / 1e6)
    effects = ma.panel_regression(panel, outcome, regressors)
    with pytest.raises(ma.DesignError, match=r"holds 2 coefficients[\s\S]*combine"):
        effects.overall  # noqa: B018
    said = effects.describe()
    assert all(name in said for name in (outcome, *regressors))
    assert effects.combine(np.array([0.0, 1.0])).estimate[0] == effects.estimate[1]
    assert ma.show(effects).alt == said
