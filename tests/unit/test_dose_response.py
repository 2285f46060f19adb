"""Effects by dose: known truth, both targets, splines, refusals."""

import sys
from pathlib import Path

import numpy as np
import pytest

import medalliance as ma

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from dose_panels import dose_panel

AT = np.array([0.3, 0.8, 1.3])


def panel_of(frame, **roles):
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort", **roles)


def test_covers_the_curve_and_its_slope():
    """95 % intervals at three doses and a band, 60 draws; clusters of four units."""
    # years since treatment: 1.5 on average in the cohort of 2003, 0.5 in that of 2005
    inside = {"level": [], "slope": []}
    bands, errors = [], []
    for seed in range(60):
        frame = dose_panel(240, 6, seed)
        panel = panel_of(frame, cluster="cluster")
        share = frame.drop_duplicates("unit")["cohort"].value_counts()
        since = (1.5 * share[2003] + 0.5 * share[2005]) / (share[2003] + share[2005])
        truth = {"level": 2 * AT - 0.8 * AT**2 + 0.1 * since, "slope": 2 - 1.6 * AT}
        for target, right in truth.items():
            effects = ma.dose_response(panel, "y", dose="dose", target=target, at=AT, degree=2)
            low, high = effects.conf_int().T
            inside[target].append((low <= right) & (right <= high))
        low, high = (
            ma.dose_response(panel, "y", dose="dose", at=AT, degree=2).conf_int(simultaneous=True).T
        )
        bands.append(((low <= truth["level"]) & (truth["level"] <= high)).all())
        errors.append(effects.estimate - truth["slope"])
    for target in inside:
        assert 0.88 <= np.mean(inside[target]) <= 0.99
    assert np.mean(bands) >= 0.85
    error = np.array(errors)
    assert (np.abs(error.mean(axis=0)) < 4 * error.std(axis=0) / np.sqrt(60)).all()


def test_the_average_level_is_that_of_a_treatment_without_sizes():
    panel = panel_of(dose_panel(200, 6, 3))
    ours = ma.dose_response(panel, "y", dose="dose").overall
    cells = ma.att_gt(panel, "y", base_period="universal")
    theirs = cells.aggregate("cohort").overall
    assert ours.estimate[0] == pytest.approx(theirs.estimate[0], abs=1e-10)
    assert ours.std_error[0] == pytest.approx(theirs.std_error[0], rel=0.05)


def test_a_slope_is_the_derivative_of_the_level():
    panel = panel_of(dose_panel(200, 6, 3))
    options = {"dose": "dose", "degree": 3, "n_knots": 2}
    step = 1e-5
    level = ma.dose_response(panel, "y", at=[0.7 - step, 0.7 + step], **options).estimate
    slope = ma.dose_response(panel, "y", at=[0.7], target="slope", **options)
    assert slope.estimate[0] == pytest.approx((level[1] - level[0]) / (2 * step), rel=1e-5)
    assert "strong parallel trends" in slope.design.foot()


def test_the_unit_of_the_dose_does_not_matter():
    frame = dose_panel(150, 6, 1)
    one = ma.dose_response(panel_of(frame), "y", dose="dose", target="slope", at=[0.5])
    other = panel_of(frame.assign(dose=100 * frame["dose"]))
    two = ma.dose_response(other, "y", dose="dose", target="slope", at=[50])
    np.testing.assert_allclose(100 * two.estimate, one.estimate, rtol=1e-8)
    np.testing.assert_allclose(100 * two.std_error, one.std_error, rtol=1e-8)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"dose": 1.0}, {}, "same dose"),
        ({"dose": lambda f: f["dose"] * f["year"]}, {}, "moves after treatment starts"),
        ({"dose": lambda f: -f["dose"]}, {}, "not positive after treatment starts"),
        ({"dose": np.nan}, {}, "missing after treatment starts"),
        ({"cohort": lambda f: f["cohort"].where(f["cohort"] > 0, 2005)}, {}, "not positive"),
        (
            {"cohort": 2003, "dose": lambda f: 0.1 + f["unit"] % 7},
            {},
            "Nobody has dose zero: only differences between doses",
        ),
        ({}, {"at": [9.0]}, "outside the doses of the treated"),
        ({}, {"degree": 0}, "degree=0"),
        ({"dose": lambda f: (f["unit"] % 2) + 1.0}, {}, "different doses"),
        ({}, {"target": "response"}, "target='response'"),
    ],
)
def test_refuses(change, options, message):
    panel = panel_of(dose_panel(60, 6, 1).assign(**change))
    with pytest.raises(ma.DesignError, match=message):
        ma.dose_response(panel, "y", **{"dose": "dose", **options})


def one_cell(seed=2):
    frame = dose_panel(300, 5, seed)
    frame = frame[frame["cohort"].isin([0, 2003]) & frame["year"].isin([2002, 2003])]
    rng = np.random.default_rng(seed)
    x = rng.normal(size=frame["unit"].max() + 1)
    return frame.assign(
        x=x[frame["unit"]], y=frame["y"] + x[frame["unit"]] * (frame["year"] - 2002)
    )


@pytest.mark.parametrize("target", ["level", "slope"])
def test_a_local_polynomial_is_weighted_least_squares_near_a_dose(target):
    import statsmodels.api as sm

    frame = one_cell()
    change = frame.pivot(index="unit", columns="year", values="y").diff(axis=1)[2003]
    dose = frame.groupby("unit")["dose"].first()
    effects = ma.dose_response(
        panel_of(frame), "y", dose="dose", target=target, method="local", bandwidth=0.4, at=[0.7]
    )
    degree = 1 if target == "level" else 2
    near = np.maximum(1 - ((dose - 0.7) / 0.4) ** 2, 0)[dose > 0]
    powers = np.column_stack([(dose[dose > 0] - 0.7) ** k for k in range(degree + 1)])
    fit = sm.WLS(change[dose > 0], powers, weights=near).fit(cov_type="HC2")
    if target == "slope":
        assert effects.estimate[0] == pytest.approx(fit.params.iloc[1], rel=1e-8)
        assert effects.std_error[0] == pytest.approx(fit.bse.iloc[1], rel=1e-8)
        return
    control = change[dose == 0]
    error = np.hypot(fit.bse.iloc[0], control.std(ddof=0) / np.sqrt(len(control)))
    assert effects.estimate[0] == pytest.approx(fit.params.iloc[0] - control.mean(), rel=1e-8)
    assert effects.std_error[0] == pytest.approx(error, rel=1e-8)
    assert "local, degree 1, bandwidth 0.4" in effects.design.foot()


def test_a_wide_local_polynomial_is_the_polynomial():
    panel = panel_of(dose_panel(200, 6, 3))
    for target in ("level", "slope"):
        one = ma.dose_response(panel, "y", dose="dose", target=target, degree=2, at=AT)
        two = ma.dose_response(
            panel, "y", dose="dose", target=target, degree=2, at=AT, method="local", bandwidth=1e3
        )
        np.testing.assert_allclose(two.estimate, one.estimate, rtol=1e-4)
        assert (two.std_error / one.std_error >= 1).all()  # HC2, not HC0
        assert (two.std_error / one.std_error < 1.1).all()
    level = ma.dose_response(panel, "y", dose="dose", method="local", at=AT)
    assert level.overall.estimate[0] == pytest.approx(
        ma.dose_response(panel, "y", dose="dose").overall.estimate[0], abs=1e-10
    )


def test_the_local_polynomial_covers_the_curve():
    """40 draws, three doses, levels and slopes; 95 % intervals."""
    inside, errors = {"level": [], "slope": []}, {"level": [], "slope": []}
    for seed in range(40):
        frame = dose_panel(320, 6, seed)
        share = frame.drop_duplicates("unit")["cohort"].value_counts()
        since = (1.5 * share[2003] + 0.5 * share[2005]) / (share[2003] + share[2005])
        truth = {"level": 2 * AT - 0.8 * AT**2 + 0.1 * since, "slope": 2 - 1.6 * AT}
        for target, right in truth.items():
            effects = ma.dose_response(
                panel_of(frame, cluster="cluster"), "y", dose="dose", target=target, at=AT,
                method="local",
            )  # fmt: skip
            low, high = effects.conf_int().T
            inside[target].append((low <= right) & (right <= high))
            errors[target].append(effects.estimate - right)
    for target, hits in inside.items():
        assert 0.88 <= np.mean(hits) <= 0.99
        error = np.array(errors[target])
        assert (np.abs(error.mean(axis=0)) < 4 * error.std(axis=0) / np.sqrt(40) + 0.05).all()


def test_covariates_take_out_a_trend_of_their_own():
    """The regression on controls, carried to the treated, as oracle; trends by x bias the plain."""
    frame = one_cell()
    frame["dose"] = frame["dose"].where(
        frame["cohort"] == 0, (0.8 + 0.4 * np.tanh(frame["x"])).clip(0.1)
    )
    panel = panel_of(frame)
    change = frame.pivot(index="unit", columns="year", values="y").diff(axis=1)[2003]
    units = frame.groupby("unit")[["dose", "x"]].first()
    never = units["dose"] == 0
    trend = np.polyfit(units["x"][never], change[never], 1)
    left = (change - np.polyval(trend, units["x"]))[~never]
    at = [0.6, 0.8, 1.0]
    theirs = np.polyval(np.polyfit(units["dose"][~never], left, 2), at)
    ours = ma.dose_response(panel, "y", dose="dose", degree=2, at=at, covariates=["x"])
    np.testing.assert_allclose(ours.estimate, theirs, rtol=1e-8)
    reg = ma.att_gt(panel, "y", covariates=["x"], method="reg").overall
    assert ours.overall.estimate[0] == pytest.approx(reg.estimate[0], rel=1e-8)
    assert ours.overall.std_error[0] == pytest.approx(reg.std_error[0], rel=1e-8)
    local = ma.dose_response(panel, "y", dose="dose", method="local", at=at, covariates=["x"])
    assert local.overall.std_error[0] == pytest.approx(reg.std_error[0], rel=1e-8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "slope", "covariates": ["unit"]}, "slopes take no covariates"),
        ({"method": "local", "bandwidth": -1.0}, "bandwidth=-1.0"),
        ({"method": "local", "bandwidth": 1e-6}, "doses lie within 1e-06 of dose"),
        ({"method": "kernel"}, "method='kernel'"),
    ],
)
def test_the_local_polynomial_refuses(options, message):
    with pytest.raises(ma.DesignError, match=message):
        ma.dose_response(panel_of(dose_panel(60, 6, 1)), "y", dose="dose", **options)
