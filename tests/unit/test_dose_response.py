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
