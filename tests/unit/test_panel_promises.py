"""What a panel promises is kept: weights, clusters, who stays in an unbalanced one, exposure."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import medalliance as ma
from medalliance.estimators._balance import leaving

YEARS = np.arange(2012, 2021)


def table(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    cohort = np.resize([0, 2015, 2017, 2019], n)
    level, weight = rng.normal(size=n), rng.integers(1, 4, n)
    since = YEARS - np.where(cohort == 0, 9999, cohort)[:, None]
    y = level[:, None] + 0.1 * (YEARS - 2012) + (since >= 0) * (1 + 0.3 * since.clip(0))
    y = y + rng.normal(size=y.shape)
    frame = pd.DataFrame(
        {
            "id": np.repeat([f"u{i:03d}" for i in range(n)], len(YEARS)),
            "t": np.tile(YEARS, n),
            "g": np.repeat(cohort, len(YEARS)),
            "y": y.ravel(),
            "k": np.repeat(weight, len(YEARS)),
            "x": rng.normal(size=y.size),
            "z": rng.normal(size=y.size),
        }
    )
    return frame.assign(s=1 / (1 + np.exp(-0.5 * frame["y"])), d=frame["y"] + frame["z"])


def make(frame: pd.DataFrame, **options: object) -> ma.Panel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.PanelWarning)
        return ma.Panel.from_frame(frame, unit="id", year="t", cohort="g", **options)


def test_a_unit_without_an_outcome_before_treatment_has_no_base() -> None:
    """Its rows may be blank or absent; a level of 100 must not enter any estimate."""
    frame = table()
    frame.loc[frame["id"] == "u001", "y"] += 100
    early = (frame["id"] == "u001") & (frame["t"] < 2015)
    blank, absent = make(frame.assign(y=frame["y"].mask(early))), make(frame[~early])
    rest = make(frame[frame["id"] != "u001"])
    for estimator in (ma.att_gt, ma.etwfe, ma.sun_abraham, ma.did_imputation, ma.lp_did):
        one, two, without = (estimator(p, "y").overall for p in (blank, absent, rest))
        assert one.estimate == pytest.approx(two.estimate)
        assert one.estimate == pytest.approx(without.estimate)
        assert one.design.n_left_out == two.design.n_left_out == 1


REPEATED = {
    "dynamic_panel": lambda p: ma.dynamic_panel(p, "y", collapse=True),
    "dynamic_panel, system": lambda p: ma.dynamic_panel(
        p, "y", collapse=True, system=True, exogenous=["x"]
    ),
    "dynamic_panel, one step": lambda p: ma.dynamic_panel(p, "y", collapse=True, steps=1),
    "fractional_panel": lambda p: ma.fractional_panel(p, "s", covariates=["x"]),
    "fractional_panel, logit": lambda p: ma.fractional_panel(
        p, "s", covariates=["x"], link="logit", scale="coefficient"
    ),
    "fractional_panel, control function": lambda p: ma.fractional_panel(
        p, "s", covariates=["x"], endogenous="d", instruments=["z"]
    ),
}


@pytest.mark.parametrize("name", REPEATED)
def test_a_weight_counts_as_so_many_units_in_one_cluster(name: str) -> None:
    frame = table()
    copies = [
        frame[frame["k"] >= j].assign(id=frame["id"] + f" {j}", c=frame["id"]) for j in (1, 2, 3)
    ]
    weighted = REPEATED[name](make(frame, weight="k"))
    repeated = REPEATED[name](make(pd.concat(copies), cluster="c"))
    np.testing.assert_allclose(weighted.estimate, repeated.estimate, rtol=1e-6)
    np.testing.assert_allclose(weighted.std_error, repeated.std_error, rtol=1e-6)
    assert weighted.design.weights == "k"
    assert repeated.design.n_clusters == 60


def test_gee_takes_no_weights() -> None:
    with pytest.raises(ma.DesignError, match="method='gee' takes no weights"):
        ma.fractional_panel(make(table(), weight="k"), "s", covariates=["x"], method="gee")


def test_weighted_synthetic_did_without_fitted_weights_is_weighted_two_way() -> None:
    frame = table()
    panel = make(frame[frame["g"].isin([0, 2017])], weight="k")
    found = ma.synthetic_did(panel, "y", method="did", variance="jackknife").overall
    assert found.estimate == pytest.approx(ma.twfe(panel, "y").estimate)
    assert found.design.weights == "k"


@pytest.mark.parametrize("variance", ["placebo", "jackknife", "bootstrap", "cohort_bootstrap"])
def test_synthetic_did_draws_clusters_whole(variance: str) -> None:
    """Each unit doubled within its cluster: the errors of the single units, not smaller ones."""
    frame = table()
    frame = frame[frame["g"].isin([0, 2017]) & ~frame["id"].isin(["u002", "u006"])]
    twice = pd.concat([frame.assign(id=frame["id"] + end, c=frame["id"]) for end in "ab"])
    options = {"method": "did", "variance": variance, "n_draws": 40}
    single = ma.synthetic_did(make(frame), "y", **options).overall
    double = ma.synthetic_did(make(twice, cluster="c"), "y", **options).overall
    assert double.estimate == pytest.approx(single.estimate)
    assert double.std_error == pytest.approx(single.std_error)
    assert double.design.n_clusters == single.design.n_clusters
    assert "c as clusters" in double.design.foot()


def test_balancing_is_leaving_out_who_is_not_seen_throughout() -> None:
    frame = table()
    gone = np.random.default_rng(2).random(len(frame)) < 0.03
    holes = frame[~gone]
    full = holes.groupby("id")["t"].transform("size") == len(YEARS)
    for estimator in (ma.att_gt, ma.etwfe):
        balanced = estimator(make(holes), "y", unbalanced="balance")
        whole = estimator(make(holes[full]), "y")
        np.testing.assert_allclose(balanced.estimate, whole.estimate)
        np.testing.assert_allclose(balanced.std_error, whole.std_error)
        count = 60 - holes[full]["id"].nunique()
        assert f"{count} units not seen in every year" in balanced.design.foot()
        assert f"{count} of 60 units not seen in every year stay in" in (
            estimator(make(holes), "y").design.foot()
        )
    with pytest.raises(ma.DesignError, match="nothing is left to balance"):
        ma.att_gt(make(frame[frame["t"] != 2011 + frame["id"].str[1:].astype(int) % 9 + 1]), "y",
                  unbalanced="balance")  # fmt: skip


def test_leaving_that_goes_with_treatment_is_said() -> None:
    frame = table(200)
    large = frame.groupby("id")["y"].transform("mean") > 1
    leavers = frame[~((frame["g"] > 0) & (frame["t"] > frame["g"]) & large)]
    with pytest.warns(ma.PanelWarning, match="Leaving goes with treatment"):
        rows = ma.att_gt(make(leavers), "y")
    assert "Leaving goes with treatment" in rows.design.foot()
    with pytest.warns(ma.PanelWarning, match="Leaving goes with treatment"):
        assert "Leaving goes with treatment" in ma.etwfe(make(leavers), "y").design.foot()
    at_random = frame[np.random.default_rng(4).random(len(frame)) > 0.05]
    assert "Leaving" not in ma.att_gt(make(at_random), "y").design.foot()


def test_what_estimates_again_does_not_warn_of_leaving() -> None:
    """Placebo dates cut treated years off by themselves; the foot keeps what the panel says."""
    frame = table(60).assign(half=lambda f: f["id"].str[1:].astype(int) // 4 % 2)
    panel = make(frame[~((frame["g"] > 0) & (frame["t"] > frame["g"] + 1) & (frame["half"] == 0))])
    with pytest.warns(ma.PanelWarning, match="Leaving goes with treatment"):
        effects = ma.att_gt(panel, "y")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ma.placebo_dates(effects, panel)
        ma.placebo_outcomes(effects, panel, ["half"])
        ma.leave_one_out(effects, panel, by="cohort")
        ma.randomisation_test(effects, panel, n_draws=5)
        ma.cluster_bootstrap(effects, panel, n_draws=5)
        groups = ma.subgroup_effects(panel, "y", by="half")
    assert "half 0: Leaving goes with treatment" in groups.design.foot()


def test_a_cell_without_its_cohort_is_not_said_to_lack_controls() -> None:
    frame = table(60)
    gone = (frame["g"] == 2017) & (frame["t"] > 2018)
    foot = ma.att_gt(make(frame[~gone]), "y").design.foot()
    assert "nobody of the cohort is seen then: 2017 in 2019, 2017 in 2020." in foot
    assert "no clean control" not in foot


def test_the_test_of_leaving_is_the_log_rank_test() -> None:
    rng = np.random.default_rng(6)
    cohort = np.resize([0, 1], 40)  # treated throughout, or never
    last = rng.integers(1, 6, 40)
    seen = np.arange(1, 7) <= last[:, None]
    stay = rng.random(40) < 0.3
    seen[stay] = True
    statistic, treated, others = leaving(seen, cohort, np.arange(1, 7))
    time = np.where(stay, 6, last)
    expected, _ = sm.duration.survdiff(time, (~stay).astype(int), cohort)
    assert statistic == pytest.approx(expected)
    assert treated == (int((~stay & (cohort == 1)).sum()), 20)
    assert others == (int((~stay & (cohort == 0)).sum()), 20)


def test_unit_effects_are_those_of_the_regression_with_all_dummies() -> None:
    frame = table()
    frame = frame[np.random.default_rng(3).random(len(frame)) > 0.06]
    panel = make(frame)
    found = ma.etwfe(panel, "y", fixed_effects="unit")
    cell = np.where(
        (frame["g"] > 0) & (frame["t"] >= frame["g"]),
        frame["g"].astype(str) + "_" + frame["t"].astype(str),
        "0",
    )
    dummies = pd.get_dummies(frame[["id", "t"]].astype(str).assign(cell=cell), dtype=float)
    dummies = dummies.drop(columns="cell_0")
    slopes = np.linalg.lstsq(dummies.to_numpy(), frame["y"].to_numpy(), rcond=None)[0]
    mine = [name.startswith("cell_") for name in dummies]
    names = [
        f"cell_{g}_{t}" for g, t in zip(found.terms["cohort"], found.terms["year"], strict=True)
    ]
    expected = pd.Series(slopes[mine], index=dummies.columns[mine])[names]
    np.testing.assert_allclose(found.estimate, expected, atol=1e-9)
    never = ma.etwfe(panel, "y", fixed_effects="unit", control_group="never_treated")
    same = ma.sun_abraham(panel, "y")
    np.testing.assert_allclose(never.estimate, same.estimate, atol=1e-9)
    np.testing.assert_allclose(never.std_error, same.std_error, rtol=1e-9)
    for wrong in ({"covariates": ["x"]}, {"family": "poisson"}):
        with pytest.raises(ma.DesignError, match="least squares without covariates"):
            ma.etwfe(panel, "s", fixed_effects="unit", **wrong)


def test_exposure_is_the_offset_of_a_poisson_regression() -> None:
    rng = np.random.default_rng(7)
    frame = table()
    frame = frame.assign(e=np.exp(rng.normal(size=len(frame))), one=1.0)
    frame = frame.assign(n=rng.poisson(frame["e"] * np.exp(0.3 * frame["y"])))
    found = ma.etwfe(make(frame), "n", family="poisson", exposure="e")
    treated = (frame["g"] > 0) & (frame["t"] >= frame["g"])
    cell = np.where(treated, frame["g"].astype(str) + "_" + frame["t"].astype(str), "0")
    design = pd.get_dummies(
        frame[["g", "t"]].astype(str).assign(cell=cell), drop_first=True, dtype=float
    ).assign(constant=1.0)
    fit = sm.GLM(frame["n"], design, family=sm.families.Poisson(), exposure=frame["e"]).fit()
    without = design.assign(**{c: 0.0 for c in design if c.startswith("cell_")})
    change = fit.predict(design, exposure=frame["e"]) - fit.predict(without, exposure=frame["e"])
    assert found.overall.estimate == pytest.approx(change[treated].mean(), rel=1e-6)
    assert "Exposure e" in found.design.foot()
    plain = ma.etwfe(make(frame), "n", family="poisson")
    unit = ma.etwfe(make(frame), "n", family="poisson", exposure="one")
    np.testing.assert_allclose(unit.estimate, plain.estimate)
    np.testing.assert_allclose(unit.std_error, plain.std_error)
    with pytest.raises(ma.DesignError, match="goes with family='poisson'"):
        ma.etwfe(make(frame), "n", exposure="e")
    with pytest.raises(ma.DesignError, match="not positive for u000 in 2012"):
        ma.etwfe(make(frame.assign(e=0.0)), "n", family="poisson", exposure="e")


@pytest.mark.parametrize("fix", ["varying", "base_period", "first_period"])
def test_weights_that_move_are_those_that_were_chosen(fix: str) -> None:
    frame = table()
    frame = frame.assign(w=np.random.default_rng(8).uniform(0.5, 2, len(frame)))
    found = ma.att_gt(make(frame, weight="w"), "y", fix_weights=fix)
    wide = {c: frame.pivot_table(index="id", columns="t", values=c) for c in ("y", "w")}
    group = frame.groupby("id")["g"].first()
    base = {"varying": (2019, 2016), "base_period": (2016, 2016), "first_period": (2012, 2012)}[fix]
    treated = group == 2017
    control = (group == 0) | (group > 2019)
    change = sum(
        sign * side * np.average(wide["y"][t][who], weights=wide["w"][at][who])
        for t, at, sign in ((2019, base[0], 1), (2016, base[1], -1))
        for who, side in ((treated, 1), (control, -1))
    )
    row = (found.terms["cohort"] == 2017) & (found.terms["year"] == 2019)
    assert found.estimate[row] == pytest.approx(change)
    constant = make(frame.assign(w=frame["k"] * 1.0), weight="w")
    one, two = ma.att_gt(constant, "y"), ma.att_gt(constant, "y", fix_weights=fix)
    np.testing.assert_allclose(one.estimate, two.estimate)
    np.testing.assert_allclose(one.std_error, two.std_error)


def test_a_moving_weight_is_refused_where_one_is_needed() -> None:
    frame = table().assign(w=lambda f: f["t"] - 2000.0)
    for estimator in (ma.twfe, ma.att_gt, ma.synthetic_did, ma.dynamic_panel):
        with pytest.raises(ma.DesignError, match="the weight 'w' moves over time for u000"):
            estimator(make(frame, weight="w"), "y")
    with pytest.raises(ma.DesignError, match="without a weight"):
        ma.att_gt(make(frame), "y", fix_weights="varying")


def test_a_pooled_projection_is_the_mean_change() -> None:
    frame = table()
    frame = frame[frame["g"].isin([0, 2017])]
    found = ma.lp_did(make(frame), "y", pooled=2)
    wide = frame.pivot_table(index="id", columns="t", values="y")
    change = wide[[2017, 2018, 2019]].mean(axis=1) - wide[2016]
    group = frame.groupby("id")["g"].first()
    assert found.estimate == pytest.approx(change[group == 2017].mean() - change[group == 0].mean())
    assert list(found.terms["term"]) == ["event times 0 to 2"]
    panel = make(table())
    first = ma.lp_did(panel, "y")
    assert ma.lp_did(panel, "y", pooled=0).estimate == pytest.approx(
        first.estimate[first.terms["event_time"] == 0]
    )
    with pytest.raises(ma.DesignError, match="pooled=-1"):
        ma.lp_did(panel, "y", pooled=-1)


def test_a_repeated_cross_section_is_named() -> None:
    frame = table()
    people = make(frame.assign(id=frame["id"] + frame["t"].astype(str)))
    for estimator in (ma.att_gt, ma.etwfe, ma.twfe, ma.did_imputation):
        with pytest.raises(ma.DesignError, match="a repeated cross-section"):
            estimator(people, "y")
