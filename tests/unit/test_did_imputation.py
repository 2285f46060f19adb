"""Imputation against dense least squares on small panels."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from medalliance import (
    DesignError,
    Panel,
    PanelWarning,
    did_imputation,
    honest_did,
    pretrend_test,
    twfe,
)


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


def untreated_regression(panel, leads):
    """Fit dummies and leads to untreated rows with statsmodels; errors clustered as fixest has."""
    import statsmodels.api as sm

    rows = panel.frame[(panel.frame["cohort"] == 0) | (panel.frame["year"] < panel.frame["cohort"])]
    event = np.where(rows["cohort"] > 0, rows["year"] - rows["cohort"], 99)
    design = pd.get_dummies(rows[["unit", "year"]].astype(str), dtype=float).iloc[:, :-1]
    design["x"] = rows["x"]
    for lead in leads:
        design[f"lead {lead}"] = 1.0 * (event == lead)
    clusters = {"groups": rows["unit"], "use_correction": False}
    fit = sm.WLS(rows["y"], design, weights=rows["weight"]).fit(
        cov_type="cluster", cov_kwds=clusters
    )
    names = [f"lead {lead}" for lead in leads]
    g, n, k = rows["unit"].nunique(), len(rows), len(leads) + 1 + rows["year"].nunique()
    return fit.params[names], fit.cov_params().loc[names, names] * g / (g - 1) * (n - 1) / (n - k)


@pytest.mark.parametrize("drop", [0.0, 0.1])
def test_years_before_treatment_are_the_regression_on_untreated_rows(drop):
    panel = make(drop)
    plain = did_imputation(panel, "y", covariates=["x"])
    for asked in (2, [-1, -2]):
        found = did_imputation(panel, "y", covariates=["x"], pretrends=asked)
        slopes, variance = untreated_regression(panel, [-2, -1])
        assert found.terms["event_time"].tolist()[:2] == [-2, -1]
        np.testing.assert_allclose(found.estimate[:2], slopes, rtol=1e-8)
        np.testing.assert_allclose(found.vcov[:2, :2], variance, rtol=1e-8)
        np.testing.assert_allclose(found.estimate[2:], plain.estimate, rtol=1e-12)
        np.testing.assert_allclose(found.vcov[2:, 2:], plain.vcov, rtol=1e-12)
        assert "measured from event time -5, -4, -3" in found.design.foot()
    for kind in ("simple", "cohort", "year"):
        one, two = found.aggregate(kind), plain.aggregate(kind)
        np.testing.assert_allclose(one.estimate, two.estimate, rtol=1e-12)
        np.testing.assert_allclose(one.overall.std_error, two.overall.std_error, rtol=1e-12)
    event = found.aggregate("event_time")
    assert event.terms["event_time"].tolist() == [-2, -1, 0, 1, 2, 3]
    np.testing.assert_allclose(event.vcov[:2, :2], variance, rtol=1e-8)
    assert found.aggregate("event_time", balance=1).terms["event_time"].tolist() == [-2, -1, 0, 1]


def test_all_years_before_treatment_leave_the_first_as_reference():
    panel = make()
    for asked in (True, 5, 9):
        found = did_imputation(panel, "y", pretrends=asked)
        assert found.terms["event_time"].tolist()[:4] == [-4, -3, -2, -1]
        assert "event time -5 in" in found.design.notes[-1]
    shifted = did_imputation(panel, "y", pretrends=2, anticipation=1).aggregate("event_time")
    assert shifted.terms["event_time"].tolist() == [-3, -2, -1, 0, 1, 2, 3]


@pytest.mark.parametrize("asked", [-1, [0], [-1.5], [-2, 1], [-9, -1]])
def test_years_that_are_not_before_treatment_are_refused(asked):
    with pytest.raises(DesignError, match="pretrends"):
        did_imputation(make(), "y", pretrends=asked)


def with_leads(panel):
    """Add a column for each of the three years before treatment."""
    event = panel.frame["year"] - panel.frame["cohort"]
    leads = {f"lead{e}": 1.0 * (event == -e) for e in (3, 2, 1)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        return Panel.from_frame(
            panel.frame.assign(**leads), unit="unit", year="year", cohort="cohort", weight="weight"
        ), list(leads)


@pytest.mark.parametrize("drop", [0.0, 0.1])
@pytest.mark.parametrize("covariates", [(), ("x",)])
def test_held_against_the_last_year_effects_are_those_of_a_fit_with_the_leads(drop, covariates):
    panel = make(drop)
    found = did_imputation(panel, "y", covariates=covariates, pretrends=3)
    other, leads = with_leads(panel)
    fitted = did_imputation(other, "y", covariates=[*covariates, *leads])
    held = found.universal()
    last = found.estimate[2]
    np.testing.assert_allclose(held.estimate[:3], found.estimate[:3] - last, atol=1e-12)
    np.testing.assert_allclose(held.estimate[3:], fitted.estimate - last, rtol=1e-9)
    first_less_last = np.r_[1.0, 0.0, -1.0, np.zeros(len(found.estimate) - 3)]
    root = held.std_error[0] / found.combine(first_less_last).std_error
    both = held.cluster_influence[:, 3:] + (found.cluster_influence[:, 2] * root)[:, None]
    if not drop and not covariates:  # otherwise gaps of leads and covariates vary within a cell
        np.testing.assert_allclose(both.T @ both, fitted.vcov, rtol=1e-8, atol=1e-10)


def test_one_cohort_held_against_the_last_year_is_the_event_study():
    """Then honest_did on imputation is honest_did on the regression."""
    frame = make().frame
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        panel = Panel.from_frame(
            frame[frame["cohort"] != 2005], unit="unit", year="year", cohort="cohort"
        )
    event = did_imputation(panel, "y", pretrends=True).aggregate("event_time")
    study = twfe(panel, "y", event_study=True)
    held = event.universal()
    np.testing.assert_allclose(held.estimate, study.estimate, atol=1e-10)
    keep = held.terms["event_time"] != -1
    ratio = held.vcov[np.ix_(keep, keep)] / study.vcov[np.ix_(keep, keep)]
    assert 0.9 < ratio.min() <= ratio.max() < 1.1
    bounds = {"relative_magnitude": [0.5], "smoothness": [0.1]}
    one, two = honest_did(event, **bounds).frame, honest_did(held, **bounds).frame
    assert one.equals(two)
    one, two = (
        frame["conf_high"] - frame["conf_low"] for frame in (one, honest_did(study, **bounds).frame)
    )
    np.testing.assert_allclose(one, two, rtol=0.1)


def test_a_straight_trend_moves_coefficients_as_the_test_of_pretrends_says():
    panel = make(0.1)
    before = did_imputation(panel, "y", pretrends=2).aggregate("event_time")
    data = panel.frame
    trend = np.where(data["cohort"] > 0, data["year"] - data["cohort"], 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        bent = Panel.from_frame(
            data.assign(y=data["y"] + 0.1 * trend),
            unit="unit", year="year", cohort="cohort", weight="weight",
        )  # fmt: skip
    after = did_imputation(bent, "y", pretrends=2).aggregate("event_time")
    moved = (after.estimate - before.estimate) / 0.1
    np.testing.assert_allclose(moved, before.unit_trend, rtol=1e-8)
    row = pretrend_test(before, power=[0.5]).frame.iloc[0]
    assert row.implied_bias == pytest.approx(row.slope * moved[2:].mean(), rel=1e-6)


def test_a_picture_and_a_sentence_show_the_years_before():
    event = did_imputation(make(), "y", pretrends=3).aggregate("event_time")
    assert "Before treatment, " in event.describe()
    ax = event.plot()
    assert min(ax.get_xlim()) < -3 < 3 < max(ax.get_xlim())
    plt.close(ax.figure)


def test_without_the_last_year_honest_did_refuses():
    event = did_imputation(make(), "y", pretrends=[-3, -2]).aggregate("event_time")
    with pytest.raises(DesignError, match="universal base period"):
        honest_did(event, relative_magnitude=[1.0])
