"""Synthetic control with predictors: what it nests, its tables, its intervals, refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import medalliance as ma
from medalliance.estimators._predictors import match


def made(n_units=25, n_years=20, adopters=1, seed=0, effect=2.0, start=14):
    """Two factors and a covariate with slope 2."""
    rng = np.random.default_rng(seed)
    loading = rng.uniform(0, 1, (n_units, 2))
    factor = rng.normal(size=(2, n_years)).cumsum(axis=1)
    x = rng.normal(size=(n_units, n_years)).cumsum(axis=1)
    treated = np.arange(n_units) < adopters
    on = treated[:, None] & (np.arange(n_years) >= start)
    y = 10 + loading @ factor + 0.1 * rng.normal(size=x.shape) + effect * on
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n_units), n_years),
            "year": np.tile(2001 + np.arange(n_years), n_units),
            "first": np.repeat(np.where(treated, 2001 + start, 0), n_years),
            "y": y.ravel(),
            "x": x.ravel(),
            "size": np.repeat(loading[:, 0], n_years),
            "slope": np.repeat(loading[:, 1], n_years),
        }
    )
    return frame.assign(moved=frame["y"] + 2 * frame["x"])


def panel_of(frame):
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="first")


def test_match_is_the_nearest_point_of_a_simplex():
    rng = np.random.default_rng(1)
    for _ in range(20):
        treated, donors = rng.normal(size=4), rng.normal(size=(4, 6))
        importance = rng.dirichlet(np.ones(4))
        weights = match(treated, donors, importance)

        def distance(w, treated=treated, donors=donors, importance=importance):
            return float(importance @ (treated - donors @ w) ** 2)

        other = minimize(
            distance,
            np.full(6, 1 / 6),
            bounds=[(0, 1)] * 6,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            options={"ftol": 1e-14, "maxiter": 500},
        )
        assert weights.sum() == pytest.approx(1)
        assert weights.min() >= 0
        assert distance(weights) <= distance(other.x) + 1e-9


def test_yearly_outcomes_alone_are_the_plain_synthetic_control():
    """Few donors, so that weights are unique; predictors scaled by their spread, all alike."""
    frame = made(n_units=8)
    pre = frame["y"].to_numpy().reshape(8, -1)[:, :14]
    spread = pre.std(axis=0, ddof=1)
    panel = panel_of(frame)
    ours = ma.synthetic_control(panel, "y", importance=spread**2)
    plain = ma.synthetic_did(panel, "y", method="sc")
    np.testing.assert_allclose(ours.estimate, plain.estimate, atol=1e-5)
    assert float(ours) == pytest.approx(float(plain), abs=1e-5)


def test_predictors_windows_and_summaries_are_what_they_say():
    frame = made()
    wanted = ["size", ("y", [2003]), ("x", range(2005, 2010), "change"), ("x", [2002, 2004], "max")]
    effects = ma.synthetic_control(panel_of(frame), "y", predictors=wanted, importance="equal")
    table = effects.tests["predictors"].frame.set_index("predictor")
    own = frame[frame["unit"] == 0].set_index("year")
    assert list(table.index) == [
        "size 2001-2014",
        "y 2003",
        "x 2005-2009 change",
        "x 2002-2004 max",
    ]
    expected = [
        own["size"].iloc[0],
        own["y"][2003],
        own["x"][2009] - own["x"][2005],
        max(own["x"][2002], own["x"][2004]),
    ]
    np.testing.assert_allclose(table["treated"], expected)
    weights = effects.tests["weights"].frame.set_index("donor")["weight"]
    donors = frame[frame["year"] == 2003].set_index("unit")["y"]
    assert table.loc["y 2003", "synthetic"] == pytest.approx(
        float((weights * donors.loc[weights.index]).sum())
    )
    np.testing.assert_allclose(table["importance"], 0.25)


def test_nested_importance_follows_the_outcome_at_least_as_well():
    panel = panel_of(made())
    wanted = ["size", "slope", ("x", [2010])]
    gaps = {}
    for way in ("nested", "equal", "regression"):
        found = ma.synthetic_control(panel, "y", predictors=wanted, importance=way)
        gaps[way] = found.tests["placebo"]["gap_before"][0]
    assert gaps["nested"] <= min(gaps["equal"], gaps["regression"]) + 1e-9
    shifted = ma.synthetic_control(
        panel,
        "y",
        predictors=[("y", range(2008, 2015)), ("size", range(2008, 2015))],
        importance="cross_validated",
    )
    given = ma.synthetic_control(
        panel,
        "y",
        predictors=[("y", range(2008, 2015)), ("size", range(2008, 2015))],
        training=[("y", range(2001, 2008)), ("size", range(2001, 2008))],
        fit_years=range(2008, 2015),
        importance="cross_validated",
    )
    np.testing.assert_allclose(shifted.estimate, given.estimate)


def test_donors_named_are_the_only_ones():
    panel = panel_of(made())
    some = [3, 5, 7, 11, 12, 20]
    named = ma.synthetic_control(panel, "y", predictors=["size", "slope"], donors=some)
    assert set(named.tests["weights"]["donor"]) == set(some)
    kept = panel.keep(panel.frame["unit"].isin([0, *some]))
    for method in ("sdid", "sc", "ascm"):
        one = ma.synthetic_did(panel, "y", method=method, donors=some, n_draws=2)
        two = ma.synthetic_did(kept, "y", method=method, n_draws=2)
        np.testing.assert_allclose(one.estimate, two.estimate)


def test_leaving_a_donor_out_is_naming_the_others():
    panel = panel_of(made())
    options = {"predictors": ["size", "slope", ("y", [2008])], "importance": [1, 1, 2]}
    table = ma.synthetic_control(panel, "y", **options).tests["leave_one_out"].frame
    first = table.iloc[0]
    rest = [u for u in range(1, 25) if u != first["donor"]]
    again = ma.synthetic_control(panel, "y", donors=rest, **options)
    # spreads that scale predictors are those of the donors there are
    assert float(again) == pytest.approx(first["effect"], rel=0.01)
    assert first["donor"] not in set(again.tests["weights"]["donor"])


@pytest.mark.parametrize("method", ["sdid", "sc", "ascm", "did"])
def test_covariates_are_taken_out_first(method):
    """The outcome moves with x by two; net of it the estimate is that of the outcome without."""
    panel = panel_of(made(adopters=3, n_units=40))
    plain = ma.synthetic_did(panel, "y", method=method, n_draws=2)
    mixed = ma.synthetic_did(panel, "moved", method=method, n_draws=2)
    net = ma.synthetic_did(panel, "moved", method=method, covariates=["x"], n_draws=2)
    assert abs(float(net) - float(plain)) < 0.1
    assert abs(float(mixed) - float(plain)) > 4 * abs(float(net) - float(plain))
    assert "covariates x" in net.design.foot()


def test_covariate_slopes_are_those_of_imputation():
    """With equal weights it is imputation, whose slopes come from untreated rows too."""
    panel = panel_of(made(adopters=3, n_units=40))
    ours = ma.synthetic_did(panel, "moved", method="did", covariates=["x"], n_draws=2)
    other = ma.did_imputation(panel, "moved", covariates=["x"])
    assert float(ours) == pytest.approx(float(other), abs=1e-9)


def test_augmented_matches_more_closely():
    frame = made(seed=3)
    plain = ma.synthetic_control(panel_of(frame), "y", predictors=["size"], importance="equal")
    better = ma.synthetic_control(
        panel_of(frame), "y", predictors=["size"], importance="equal", augmented=True
    )

    def before(effects):
        event = effects.terms["event_time"].to_numpy()
        return np.sqrt(np.mean(effects.estimate[event < 0] ** 2))

    assert before(better) < before(plain)
    assert better.tests["weights"]["weight"].sum() == pytest.approx(1)
    # without predictors it is the augmented synthetic control, up to the scale of years
    ours = ma.synthetic_control(panel_of(frame), "y", augmented=True)
    assert abs(float(ours) - float(ma.synthetic_did(panel_of(frame), "y", method="ascm"))) < 0.1


def test_conformal_intervals_cover_and_see_the_effect():
    """Thirty draws, three years each, level 0.9: 15 years before allow levels of 1/16."""
    inside, seen = [], []
    for seed in range(30):
        frame = made(n_units=12, n_years=18, start=15, seed=seed)
        found = ma.synthetic_control(panel_of(frame), "y", level=0.9).tests["conformal"]
        inside += list((found["conf_low"] <= 2) & (found["conf_high"] >= 2))
        seen += list((found["conf_low"] > 0) | (found["conf_high"] < 0))
    # binomial error of dependent years, at most sqrt(3) of independent ones
    error = np.sqrt(0.9 * 0.1 / len(inside)) * np.sqrt(3)
    assert np.mean(inside) > 0.9 - 3 * error
    assert np.mean(seen) > 0.8


def test_too_few_years_have_no_end():
    frame = made(n_years=12, start=8)
    found = ma.synthetic_control(panel_of(frame), "y").tests["conformal"]
    assert np.isinf(found["conf_low"]).all()
    assert np.isfinite(
        ma.synthetic_control(panel_of(frame), "y", level=0.8).tests["conformal"]["conf_low"]
    ).all()


REFUSALS = {
    "years of treatment": ({"predictors": [("x", [2015])]}, "outside 2001 to 2014"),
    "fit years of treatment": (
        {"predictors": ["x", "size"], "fit_years": [2016]}, "outside 2001 to 2014"),
    "a summary": ({"predictors": [("x", [2003], "mode")]}, "no summary 'mode'"),
    "a spelling": ({"predictors": [("x",)]}, "a predictor is"),
    "importance": ({"predictors": ["x", "size"], "importance": [1]}, "for 2 predictors"),
    "no importance": ({"predictors": ["x", "size"], "importance": [0, 0]}, "not all zero"),
    "a way": ({"predictors": ["x"], "importance": "ols"}, "importance"),
    "training": (
        {"predictors": ["x", "size"], "training": ["x"], "importance": "cross_validated"},
        "1 predictors to train on, 2 to match"),
    "a donor": ({"donors": [99]}, "no never-treated unit 99"),
    "one donor": ({"donors": [4]}, "two donors or more"),
    "an adopter as donor": ({"donors": [0, 4]}, "no never-treated unit 0"),
    "a level": ({"level": 1.5}, "level"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_refuses(name):
    options, words = REFUSALS[name]
    with pytest.raises(ma.DesignError, match=words):
        ma.synthetic_control(panel_of(made()), "y", **options)


def test_refuses_several_dates_and_unknown_predictors():
    frame = made(adopters=2)
    later = frame.assign(first=frame["first"].mask(frame["unit"] == 1, 2017))
    with pytest.raises(ma.DesignError, match="units adopt in 2015, 2017"):
        ma.synthetic_control(panel_of(later), "y")
    blank = made().assign(x=lambda f: f["x"].mask((f["unit"] == 4) & (f["year"] < 2010)))
    with pytest.raises(ma.DesignError, match=r"'x 2003|'x' is not known in 2003 for 4"):
        ma.synthetic_control(panel_of(blank), "y", predictors=[("x", [2003])])
    with pytest.raises(ma.DesignError, match="x is missing for 4 in 2001"):
        ma.synthetic_did(panel_of(blank), "y", covariates=["x"])
    with pytest.raises(ma.DesignError, match="do not move on their own"):
        ma.synthetic_did(panel_of(made()), "y", covariates=["size"])
