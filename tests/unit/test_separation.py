"""Likelihoods without a maximum are refused; a 0/1 regressor gets the change it makes."""

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.estimators._separation import at_fault, separating_direction


def frame_of(n_units=60, seed=1):
    rng = np.random.default_rng(seed)
    unit, year = np.repeat(np.arange(n_units), 9), np.tile(np.arange(2012, 2021), n_units)
    cohort = np.where(unit % 2 == 0, 2017, 0)
    treated = (cohort > 0) & (year >= cohort)
    y = rng.normal(size=n_units)[unit] + treated + rng.normal(size=len(unit))
    frame = pd.DataFrame({"unit": unit, "year": year, "cohort": cohort, "y": y})
    return frame.assign(
        share=1 / (1 + np.exp(-y)), treated=treated * 1.0, w=rng.normal(size=len(unit))
    )


def panel_of(frame):
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")


@pytest.mark.parametrize("link", ["probit", "logit"])
@pytest.mark.parametrize("method", ["pooled", "gee"])
@pytest.mark.parametrize("end", [0.0, 1.0])
def test_treated_shares_at_a_limit_are_refused(link, method, end):
    frame = frame_of()
    frame.loc[frame["treated"] == 1, "share"] = end
    with pytest.raises(ma.DesignError, match=f"separation.* by treated, so the {link}"):
        ma.fractional_panel(
            panel_of(frame), "share", covariates=["treated", "w"], link=link, method=method
        )


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_constant_share_is_refused(value):
    frame = frame_of().assign(share=value)
    with pytest.raises(ma.DesignError, match=f"share is {value:g} in every row"):
        ma.fractional_panel(panel_of(frame), "share", covariates=["treated"])


def test_a_share_that_is_the_treatment_is_refused():
    frame = frame_of()
    with pytest.raises(ma.DesignError, match="separation"):
        ma.fractional_panel(
            panel_of(frame.assign(share=frame["treated"])), "share", covariates=["treated"]
        )


def test_shares_at_their_limits_without_separation_are_fitted():
    frame = frame_of()
    draw = np.random.default_rng(0).random(len(frame))
    frame["share"] = np.where(draw < 0.2, 0.0, np.where(draw > 0.8, 1.0, frame["share"]))
    found = ma.fractional_panel(panel_of(frame), "share", covariates=["treated"])
    assert np.isfinite(found.std_error).all()


def test_a_binary_regressor_gets_the_discrete_change_of_statsmodels():
    import statsmodels.api as sm

    frame = frame_of()
    found = ma.fractional_panel(panel_of(frame), "share", covariates=["treated", "w"])
    means = frame.groupby("unit")[["treated", "w"]].transform("mean").add_prefix("mean ")
    design = pd.concat(
        [frame[["treated", "w"]], means, pd.get_dummies(frame["year"], dtype=float)], axis=1
    )
    family = sm.families.Binomial(link=sm.families.links.Probit())
    fit = sm.GLM(frame["share"].to_numpy(), design.to_numpy(), family=family).fit(tol=1e-12)
    on, off = design.assign(treated=1.0), design.assign(treated=0.0)
    change = (fit.predict(on.to_numpy()) - fit.predict(off.to_numpy())).mean()
    assert found.estimate[0] == pytest.approx(change, rel=1e-8)
    # delta method with the same clustered variance, rows held fixed, is close to the influence
    derivative = ma.fractional_panel(
        panel_of(frame.assign(treated=frame["treated"] * 2)), "share", covariates=["treated", "w"]
    )
    assert abs(2 * derivative.estimate[0] - change) > 1e-4
    assert derivative.design.notes == ()
    assert "Of treated: the change of the mean share from 0 to 1." in found.design.foot()


def test_influence_of_the_discrete_change_is_its_derivative_in_a_units_weight():
    """Doubling a unit moves the estimate by its influence, to first order."""
    frame = frame_of(n_units=150)
    found = ma.fractional_panel(panel_of(frame), "share", covariates=["treated", "w"])
    for place in (0, 1, 7):
        twin = frame[frame["unit"] == place].assign(unit=1000)
        more = ma.fractional_panel(
            panel_of(pd.concat([frame, twin])), "share", covariates=["treated", "w"]
        )
        moved = 151 * (more.estimate[0] - found.estimate[0])
        assert moved == pytest.approx(found.influence[place, 0], rel=0.1, abs=0.02)


def test_directions_name_the_columns_that_separate():
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(200), rng.normal(size=200), np.arange(200) < 50])
    inside = np.zeros(200, bool)
    assert separating_direction(x, inside, inside) is None
    high = x[:, 2] == 1
    direction = separating_direction(x, inside, high)
    assert at_fault(direction, ("one", "noise", "flag")) == ["flag"]
    assert direction[2] > 0
    mixed = high & (np.arange(200) > 0)  # one flagged row inside the limits
    assert separating_direction(x, inside, mixed) is None
    assert separating_direction(x, high & (np.arange(200) < 9), high & (np.arange(200) > 8)) is None


@pytest.mark.parametrize("family", ["poisson", "logit", "probit", "multinomial"])
@pytest.mark.parametrize("n_units", [60, 3000])
def test_saturated_fits_without_a_maximum_are_refused(family, n_units):
    """Cohort 2017 is at zero before treatment but in 2012, when the others are at one or unseen."""
    frame = frame_of(n_units)
    stuck = (frame["cohort"] == 2017) & (frame["year"] < 2017) & (frame["year"] > 2012)
    early = (frame["cohort"] == 0) & (frame["year"] == 2012)
    frame.loc[stuck, "share"] = 0.0
    frame.loc[early, "share"] = 1.0
    if family == "poisson":
        frame = frame[~early]
    frame["rest"] = 1 - frame["share"]
    outcome = ["share", "rest"] if family == "multinomial" else "share"
    with pytest.raises(ma.DesignError, match=r"separation|converge"):
        ma.etwfe(panel_of(frame), outcome, family=family)


@pytest.mark.parametrize("family", ["poisson", "logit", "probit"])
def test_treated_cells_at_a_limit_have_the_effect_of_their_means(family):
    frame = frame_of()
    frame.loc[frame["treated"] == 1, "share"] = 0.0
    found = ma.etwfe(panel_of(frame), "share", family=family).overall
    untreated = ma.etwfe(panel_of(frame), "share").overall
    assert found.estimate[0] == pytest.approx(untreated.estimate[0], abs=0.05)
    assert -1 < found.estimate[0] < 0
