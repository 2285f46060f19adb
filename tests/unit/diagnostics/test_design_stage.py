"""Before the study: power by simulation, overlap of treated and untreated units."""

import json

import numpy as np
import pandas as pd
import pytest

import medalliance as ma


def frame_of(seed=0, n=80, years=8, start=2006):
    rng = np.random.default_rng(seed)
    shock = rng.normal(size=(n // 2, years))[np.arange(n) // 2]
    y = rng.normal(size=(n, 1)) + 0.3 * shock + rng.normal(size=(n, years))
    x = rng.normal(size=n)
    cohort = np.where(rng.random(n) < 1 / (1 + np.exp(-x)), start, 0)
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n), years),
            "year": np.tile(2001 + np.arange(years), n),
            "cohort": np.repeat(cohort, years),
            "cluster": np.repeat(np.arange(n) // 2, years),
            "x": np.repeat(x, years),
            "z": np.repeat(rng.normal(size=n), years),
            "y": y.ravel(),
        }
    )


def panel_of(frame, **roles):
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort", **roles)


def own_panel(**roles):
    """Clusters of two units of one cohort."""
    frame = frame_of()
    first = frame.groupby("cluster")["cohort"].transform("first")
    return panel_of(frame.assign(cohort=first), cluster="cluster", **roles)


def test_power_at_no_effect_is_the_nominal_size():
    """200 draws of 60 clusters; the size within four standard errors of 5 %."""
    found = ma.design_power(
        own_panel(), "y", n_clusters=[60], effects=[0.5, 1.0], n_draws=200,
        estimators={"att_gt": ma.att_gt, "twfe": ma.twfe},
    )  # fmt: skip
    size = found.frame[found.frame["effect"] == 0].set_index("estimator")["power"]
    assert (np.abs(size - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 200)).all()
    by_effect = found.frame[found.frame["estimator"] == "twfe"]["power"].to_numpy()
    assert by_effect[0] < by_effect[1] < by_effect[2]
    # the formula for normal estimates, as oracle of the detectable effect
    table = found.detectable.set_index("estimator")
    formula = (1.96 + 0.84) * table["std_deviation"]
    assert (np.abs(table["minimum_detectable_effect"] / formula - 1) < 0.15).all()


def test_an_effect_that_is_put_in_moves_estimates_by_as_much():
    """Power from shifted estimates equals power of estimates on shifted outcomes."""
    from medalliance.diagnostics import design_power as module

    placebo = {}
    kept = module._placebo

    def record(*args):
        placebo.setdefault("panels", []).append(kept(*args))
        return placebo["panels"][-1]

    module_placebo, module._placebo = module._placebo, record
    try:
        found = ma.design_power(own_panel(), "y", effects=[0.6], n_draws=12)
    finally:
        module._placebo = module_placebo
    hits = []
    for panel in placebo["panels"][:12]:
        frame = panel.frame
        start = frame[panel.cohort]
        treated = (start > 0) & (frame[panel.year] >= start)
        effects = ma.att_gt(panel.with_columns(y=frame["y"] + 0.6 * treated), "y").overall
        low, high = effects.conf_int()[0]
        hits.append(low > 0 or high < 0)
    assert found["power"].iloc[-1] == pytest.approx(np.mean(hits))


def test_draws_use_years_before_treatment_and_more_clusters_find_more():
    frame = frame_of()
    frame.loc[frame["year"] >= 2006, "y"] = 1e6
    found = ma.design_power(
        panel_of(frame), "y", n_clusters=[20, 160], starts=[2003, 2005], n_draws=40
    )
    assert found.draws["estimate"].abs().max() < 10
    mde = found.detectable["minimum_detectable_effect"]
    assert 1.8 < mde[0] / mde[1] < 4.5  # the root of eight
    assert "start in 2003, 2005" in found.foot
    assert len(found.plot().lines) == 1


def test_a_run_that_was_cut_off_goes_on(tmp_path):
    file = tmp_path / "draws.jsonl"
    whole = ma.design_power(own_panel(), "y", n_draws=10, kept=file)
    lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join(lines[:6]) + "\n" + lines[6][:15], "utf-8")
    again = ma.design_power(own_panel(), "y", n_draws=10, kept=file)
    pd.testing.assert_frame_equal(again.draws, whole.draws)
    other = ma.design_power(own_panel(), "y", n_draws=10, kept=file, seed=1)
    assert not np.allclose(other.draws["estimate"], whole.draws["estimate"])
    marked = [json.loads(line) for line in lines]
    marked[0][4:] = [7.0, 6.0, 8.0]
    file.write_text("\n".join(map(json.dumps, marked)) + "\n", "utf-8")
    read = ma.design_power(own_panel(), "y", n_draws=10, kept=file)
    assert read.draws["estimate"].iloc[0] == 7.0


def test_the_simulator_draws_panels_too():
    def drawn(seed):
        return ma.simulate_panel(40, 6, seed=seed, rules=None, settled=False, channels=False).panel

    found = ma.design_power(drawn, "primary_care_visit_share", n_clusters=[16], n_draws=4)
    assert len(found.draws) == 4 and found.draws["estimate"].nunique() == 4
    assert found.badge.value == "SYNTHETIC"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"starts": [2001]}, "starts 2001 lie outside"),
        ({"treated": 1.0}, "treated=1.0"),
        ({"n_clusters": [3]}, "3 clusters leave fewer"),
        ({"n_draws": 1}, "n_draws=1"),
        ({"estimators": {"p": lambda p, o: ma.etwfe(p, "b", family="poisson")}}, "is not linear"),
        ({"estimators": {"a": lambda p, o: ma.att_gt(p, o, anticipation=9)}}, "more than a tenth"),
    ],
)
def test_power_refuses(options, message):
    frame = frame_of().assign(b=lambda f: np.exp(f["y"]))
    with pytest.raises(ma.DesignError, match=message):
        ma.design_power(panel_of(frame), "y", **{"n_draws": 3, **options})


def test_power_needs_two_years_before():
    with pytest.raises(ma.DesignError, match="a placebo needs two"):
        ma.design_power(panel_of(frame_of(start=2002)), "y")


def test_propensities_are_a_logit_and_weights_their_odds():
    import statsmodels.api as sm

    frame = frame_of(3, n=200)
    found = ma.overlap(panel_of(frame), ["x", "z"])
    units = frame.groupby("unit")[["x", "z", "cohort"]].first()
    treated = units["cohort"] > 0
    fit = sm.Logit(treated.astype(float), sm.add_constant(units[["x", "z"]])).fit(disp=0)
    chance = fit.predict()
    np.testing.assert_allclose(found.weights["propensity"], chance, rtol=1e-6)
    odds = np.where(treated, 1.0, chance / (1 - chance))
    np.testing.assert_allclose(found.weights["weight"], odds, rtol=1e-6)
    row = found.frame.set_index("covariate").loc["x"]
    spread = np.sqrt((units["x"][treated].var(ddof=0) + units["x"][~treated].var(ddof=0)) / 2)
    gap = units["x"][treated].mean() - units["x"][~treated].mean()
    assert row["difference"] == pytest.approx(gap / spread, rel=1e-8)
    left = units["x"][treated].mean() - np.average(units["x"][~treated], weights=odds[~treated])
    assert row["weighted"] == pytest.approx(left / spread, rel=1e-6)
    assert abs(row["weighted"]) < abs(row["difference"]) / 4
    sizes = found.effective_sample.set_index("side")
    effective = odds[~treated].sum() ** 2 / (odds[~treated] ** 2).sum()
    assert sizes.loc["untreated", "effective_weighted"] == pytest.approx(effective, rel=1e-6)
    assert f"count as {effective:.1f}" in found.reading
    assert [t.get_text() for t in found.plot().get_yticklabels()] == ["x", "z"]


def test_weights_are_those_of_the_estimator():
    """The weighted change of the untreated is what att_gt(method="ipw") takes away."""
    frame = frame_of(5, n=200)
    table = ma.overlap(panel_of(frame), ["x"]).weights
    wide = frame.pivot_table(index="unit", columns="year", values="y")
    change = (wide[2006] - wide[2005]).to_numpy()
    treated = table["treated"].to_numpy()
    ours = change[treated].mean() - np.average(change[~treated], weights=table["weight"][~treated])
    effects = ma.att_gt(panel_of(frame), "y", covariates=["x"], method="ipw")
    row = (effects.terms["year"] == 2006).to_numpy()
    assert ours == pytest.approx(effects.estimate[row][0], rel=1e-6)


@pytest.mark.parametrize("target", ["treated", "everyone"])
def test_the_cutoff_is_the_least_variance(target):
    """Against a search over all cutoffs of the variance that the rule is derived from."""
    frame = frame_of(2, n=600)
    pull = frame.groupby("unit")["x"].first().to_numpy()
    start = np.where(np.random.default_rng(1).random(600) < 1 / (1 + np.exp(-3 * pull)), 2006, 0)
    found = ma.overlap(panel_of(frame.assign(cohort=np.repeat(start, 8))), ["x"], target=target)
    chance = found.weights["propensity"].to_numpy()
    treated = found.weights["treated"].to_numpy()

    def variance(cut):
        if target == "everyone":
            inside = (chance >= 1 - cut) & (chance <= cut)
            return (1 / (chance * (1 - chance)))[inside].sum() / inside.sum() ** 2
        inside = treated & (chance <= cut)
        return (1 / (1 - chance))[inside].sum() / inside.sum() ** 2

    cuts = np.unique(np.r_[chance[chance > 0.5], 1 - chance[chance < 0.5]])
    best = min(variance(cut + 1e-12) for cut in cuts if cut > 0.55)
    assert found.cutoff < 1
    # the rule is that of a continuum: one unit more or less of 600
    assert best <= variance(found.cutoff) < best * (1 + 1e-4)
    assert "raise the variance" in found.reading
    gone = (~found.weights["kept"]).sum()
    assert f"({gone:,})" in found.reading


def test_no_unit_is_trimmed_where_treatment_is_drawn_by_lot():
    frame = frame_of(4, n=200)
    found = ma.overlap(panel_of(frame), ["z"])
    assert found.cutoff == 1 and found.weights["kept"].all()
    assert "No unit is trimmed" in found.reading


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"covariates": []}, "no covariate"),
        ({"cohort": 0}, {}, "no unit is treated"),
        ({"cohort": 2006}, {}, "no unit is never treated"),
        ({"x": lambda f: (f["cohort"] > 0) * 1.0}, {}, "separate|coefficients"),
        ({}, {"cohort": 2004}, "no cohort 2004"),
        ({}, {"target": "all"}, "target='all'"),
    ],
)
def test_overlap_refuses(change, options, message):
    panel = panel_of(frame_of().assign(**change))
    with pytest.raises(ma.DesignError, match=message):
        ma.overlap(panel, **{"covariates": ["x"], **options})
