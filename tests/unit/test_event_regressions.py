"""sun_abraham, stacked_did and lp_did against their regressions written out in full."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import medalliance as ma

YEARS = np.arange(2001, 2009)


def staggered(seed: int = 3, n: int = 50, drop: float = 0.0, never: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    t = len(YEARS)
    year = np.tile(YEARS, n)
    cohort = np.repeat(rng.choice([0, 2003, 2005, 2006] if never else [2003, 2005, 2006], n), t)
    x = rng.normal(size=n * t)
    effect = np.where((cohort > 0) & (year >= cohort), 0.3 + 0.1 * (year - cohort), 0.0)
    level = np.repeat(rng.normal(size=n), t)
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n), t),
            "year": year,
            "cohort": cohort,
            "x": x,
            "w": np.repeat(rng.uniform(0.5, 2, n), t),
            "city": np.repeat(np.arange(n) // 4, t),
            "y": level + 0.1 * (year - 2001) + effect + 0.5 * x + rng.normal(size=n * t),
        }
    )
    return frame.sample(frac=1 - drop, random_state=seed) if drop else frame


def panel(frame: pd.DataFrame, **more) -> ma.Panel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.PanelWarning)
        return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort", **more)


def least_squares(design, y, weight, cluster, n_params):
    """Weighted least squares with clustered errors, fixest's factor."""
    design = np.asarray(design, float)
    bread = np.linalg.pinv(design.T @ (design * weight[:, None]))
    beta = bread @ design.T @ (weight * y)
    scores = design * (weight * (y - design @ beta))[:, None]
    sums = pd.DataFrame(scores).groupby(np.asarray(cluster)).sum().to_numpy()
    g, n = len(sums), len(y)
    vcov = bread @ sums.T @ sums @ bread * g / (g - 1) * (n - 1) / (n - n_params)
    return beta, np.sqrt(np.diag(vcov))


@pytest.mark.parametrize("covariates", [(), ("x",)])
@pytest.mark.parametrize("drop", [0.0, 0.1])
def test_sun_abraham_is_the_regression_with_unit_effects(drop, covariates):
    p = panel(staggered(drop=drop), weight="w", cluster="city")
    f = p.frame
    cells = [
        (g, s)
        for g in (2003, 2005, 2006)
        for s in YEARS
        if s != g - 1 and ((f["cohort"] == g) & (f["year"] == s)).any()
    ]
    columns = [((f["cohort"] == g) & (f["year"] == s)).to_numpy() * 1.0 for g, s in cells]
    columns += [f[name].to_numpy() for name in covariates]
    dummies = np.column_stack([pd.get_dummies(f["unit"]), pd.get_dummies(f["year"])]).astype(float)
    n_params = len(columns) + len(YEARS)
    design = np.column_stack([*columns, dummies])
    beta, error = least_squares(design, f["y"].to_numpy(), f["w"].to_numpy(), f["city"], n_params)
    found = ma.sun_abraham(p, "y", covariates=covariates)
    keys = list(zip(found.terms["cohort"], found.terms["year"], strict=True))
    place = [keys.index(key) for key in cells]
    k = len(cells)
    np.testing.assert_allclose(found.estimate[place], beta[:k], rtol=1e-8)
    np.testing.assert_allclose(found.std_error[place], error[:k], rtol=1e-8)
    others = np.setdiff1d(np.arange(len(keys)), place)
    assert (found.estimate[others] == 0).all()
    assert np.isnan(found.std_error[others]).all()


def test_sun_abraham_without_never_treated_uses_the_last_cohort():
    found = ma.sun_abraham(panel(staggered(never=False)), "y")
    assert set(found.terms["cohort"]) == {2003, 2005}
    assert found.terms["year"].max() == 2005
    assert "cohort 2006 is the control" in found.design.foot()
    relabelled = staggered(never=False).query("year < 2006")
    relabelled["cohort"] = relabelled["cohort"].replace(2006, 0)
    same = ma.sun_abraham(panel(relabelled), "y")
    np.testing.assert_allclose(found.estimate, same.estimate, atol=1e-12)
    with pytest.raises(ma.DesignError, match="no later cohort"):
        ma.sun_abraham(panel(staggered(never=False).query("cohort == 2006")), "y")


def test_sun_abraham_drops_a_covariate_that_is_constant_in_units():
    found = ma.sun_abraham(panel(staggered()), "y", covariates=["w"])
    plain = ma.sun_abraham(panel(staggered()), "y")
    np.testing.assert_allclose(found.std_error, plain.std_error, rtol=1e-9)
    assert "w (nothing is left of it beside unit effects" in found.design.foot()


@pytest.mark.parametrize("control_group", ["not_yet_treated", "never_treated"])
@pytest.mark.parametrize("drop", [0.0, 0.1])
def test_stacked_did_is_the_weighted_stacked_regression(drop, control_group):
    p = panel(staggered(drop=drop, n=90), weight="w", cluster="city")
    pre, post = 2, 1
    parts = []
    for g in (2003, 2005, 2006):
        window = p.frame[p.frame["year"].between(g - pre, g + post)]
        window = window[window.groupby("unit")["year"].transform("size") == pre + post + 1]
        clean = window["cohort"] == 0
        if control_group == "not_yet_treated":
            clean |= window["cohort"] > g + post
        part = window[clean | (window["cohort"] == g)].copy()
        part["d"] = (part["cohort"] == g) * 1.0
        part["e"] = part["year"] - g
        part["stack"] = g
        parts.append(part)
    stack = pd.concat(parts)
    one = stack[stack["e"] == 0]
    size = one.pivot_table(index="stack", columns="d", values="w", aggfunc="sum")
    q = (size[1] / size[1].sum()) / (size[0] / size[0].sum())
    weight = stack["w"] * np.where(stack["d"] == 1, 1.0, stack["stack"].map(q))
    events = [e for e in range(-pre, post + 1) if e != -1]
    lags = np.column_stack([(stack["e"] == e) * 1.0 for e in events])
    treated = stack["d"].to_numpy()[:, None]
    design = np.column_stack([lags * treated, lags, treated, np.ones(len(stack))])
    beta, error = least_squares(
        design, stack["y"].to_numpy(), weight.to_numpy(), stack["city"], design.shape[1]
    )
    found = ma.stacked_did(p, "y", window=(pre, post), control_group=control_group)
    keep = found.terms["event_time"].isin(events).to_numpy()
    np.testing.assert_allclose(found.estimate[keep], beta[: len(events)], rtol=1e-9)
    n_clusters, all_clusters = stack["city"].nunique(), found.design.n_clusters
    same = np.sqrt((n_clusters / (n_clusters - 1)) / (all_clusters / (all_clusters - 1)))
    np.testing.assert_allclose(found.std_error[keep] * same, error[: len(events)], rtol=1e-9)


def test_stacked_did_chooses_a_window_and_says_what_it_trims():
    p = panel(staggered())
    found = ma.stacked_did(p, "y")
    assert list(found.terms["event_time"]) == [-2, -1, 0, 1, 2]
    assert "Window -2 to 2; cohorts 2003, 2005, 2006." in found.design.foot()
    trimmed = ma.stacked_did(p, "y", window=(3, 2))
    assert "Trimmed: cohort 2003 (window outside the panel)" in trimmed.design.foot()
    with pytest.raises(ma.DesignError, match=r"window=\(0, 2\) has no reference year"):
        ma.stacked_did(p, "y", window=(0, 2))
    with pytest.raises(ma.DesignError, match="no cohort has clean controls from -9 to 2"):
        ma.stacked_did(p, "y", window=(9, 2))
    with pytest.raises(ma.DesignError, match="control_group="):
        ma.stacked_did(p, "y", control_group="all")


@pytest.mark.parametrize("weighting", ["variance", "equal"])
@pytest.mark.parametrize("drop", [0.0, 0.1])
@pytest.mark.parametrize("covariates", [(), ("x",)])
def test_lp_did_is_a_regression_a_horizon(drop, covariates, weighting):
    p = panel(staggered(drop=drop), weight="w")
    if covariates and weighting == "equal":
        with pytest.raises(ma.DesignError, match="takes no covariates"):
            ma.lp_did(p, "y", weighting=weighting, covariates=covariates)
        return
    found = ma.lp_did(p, "y", weighting=weighting, covariates=covariates)
    values = {name: p.frame.pivot_table(index="unit", columns="year", values=name)
              for name in ("y", "x")}  # fmt: skip
    y, x = values["y"], values["x"]
    first = p.frame.groupby("unit")[["cohort", "w"]].first()
    for h in (-3, 0, 2):
        rows = []
        for t in YEARS:
            if t - 1 not in y or t + h not in y:
                continue
            treated = first["cohort"] == t
            clean = (first["cohort"] == 0) | (first["cohort"] > t + max(h, 0))
            part = pd.DataFrame({"change": y[t + h] - y[t - 1], "d": treated * 1.0,
                                 "x": x[t - 1], "t": t, "w": first["w"]})  # fmt: skip
            part = part[treated | clean].dropna()
            if weighting == "equal":
                total = part.groupby("d")["w"].sum()
                if len(total) < 2:
                    continue
                part["w"] *= total.sum() / total[0.0]
            rows.append(part.reset_index())
        data = pd.concat(rows)
        dummies = pd.get_dummies(data["t"]).to_numpy(float)
        design = np.column_stack([data[["d", *covariates]], dummies])
        beta, error = least_squares(
            design, data["change"].to_numpy(), data["w"].to_numpy(), data["unit"], design.shape[1]
        )
        at = found.terms["event_time"].tolist().index(h)
        assert found.estimate[at] == pytest.approx(beta[0], rel=1e-9)
        assert found.std_error[at] == pytest.approx(error[0], rel=1e-9)


def test_lp_did_refuses_what_it_cannot_do():
    p = panel(staggered())
    with pytest.raises(ma.DesignError, match="weighting='best'"):
        ma.lp_did(p, "y", weighting="best")
    with pytest.raises(ma.DesignError, match="no horizon has units that enter"):
        ma.lp_did(panel(staggered().query("cohort == 2003")), "y")


def test_estimators_that_must_agree_do():
    """On a balanced panel without covariates several methods are one comparison of means."""
    p = panel(staggered(n=80))
    never = ma.etwfe(p, "y", control_group="never_treated")
    interaction = ma.sun_abraham(p, "y")
    np.testing.assert_allclose(never.estimate, interaction.estimate, atol=1e-12)
    universal = ma.att_gt(p, "y", control_group="never_treated", base_period="universal")
    np.testing.assert_allclose(never.estimate, universal.estimate, atol=1e-12)
    np.testing.assert_allclose(
        ma.etwfe(p, "y").aggregate("event_time").estimate,
        ma.did_imputation(p, "y").aggregate("event_time").estimate,
        atol=1e-12,
    )
    local = ma.lp_did(p, "y", weighting="equal")
    group_time = ma.att_gt(p, "y").aggregate("event_time").to_frame(bands=False)
    post = group_time.query("event_time >= 0")["estimate"].to_numpy()
    np.testing.assert_allclose(
        local.estimate[local.terms["event_time"].to_numpy(int) >= 0], post, atol=1e-12
    )
    window = ma.stacked_did(p, "y", window=(1, 0))
    np.testing.assert_allclose(window.estimate[1], post[0], atol=1e-12)


def test_the_split_of_the_surplus_is_exact_through_estimators():
    teaching = ma.load_panel()
    for estimator in (ma.etwfe, ma.sun_abraham, ma.lp_did, ma.att_gt):
        table = ma.surplus_split(teaching, estimator)
        assert len(table) > 8
        np.testing.assert_allclose(table["residual"], 0, atol=1e-10)
        assert np.abs(table["log_budget_per_insured"]).max() > 1e-3


def test_effects_on_the_teaching_panel_are_near_the_truth():
    from medalliance.panel import TEACHING_PANEL

    truth = pd.read_csv(TEACHING_PANEL.with_name("truth.csv"))
    teaching = ma.load_panel()
    for outcome in ("log_spending_per_insured", "log_remuneration_per_fte_township"):
        frame = ma.etwfe(teaching, outcome).to_frame(bands=False)
        joined = frame.merge(truth[truth["outcome"] == outcome], on=["cohort", "year"])
        assert len(joined) == len(frame)
        t = (joined["estimate"] - joined["att"]) / joined["std_error"]
        assert np.abs(t).max() < 4
        assert np.abs(t).mean() < 1.6


@pytest.mark.parametrize("name", ["etwfe", "sun_abraham", "stacked_did", "lp_did"])
def test_units_treated_when_first_seen_are_left_out_and_said(name):
    frame = staggered()
    early = frame[frame["unit"] < 3].assign(unit=lambda d: d["unit"] + 900, cohort=1999, y=99.0)
    base = getattr(ma, name)(panel(frame), "y")
    found = getattr(ma, name)(panel(pd.concat([frame, early])), "y")
    np.testing.assert_allclose(found.estimate, base.estimate, atol=1e-12)
    assert found.design.n_left_out == 3
    assert "3 units treated when first seen left out" in found.design.foot()


@pytest.mark.parametrize("name", ["etwfe", "sun_abraham", "stacked_did", "lp_did"])
def test_one_treated_cluster_has_no_standard_error(name):
    frame = staggered()
    frame["city"] = np.where(frame["cohort"] > 0, 0, frame["unit"])
    found = getattr(ma, name)(panel(frame, cluster="city"), "y")
    assert np.isfinite(found.estimate).all()
    assert np.isnan(found.std_error).all()


@pytest.mark.parametrize("name", ["etwfe", "sun_abraham", "stacked_did", "lp_did"])
def test_refitting_gives_the_same_estimates(name):
    p = panel(staggered(), weight="w")
    found = getattr(ma, name)(p, "y")
    np.testing.assert_array_equal(found.refit(p).estimate, found.estimate)


def test_cohorts_without_a_reference_year_are_left_out():
    """With two years of anticipation the cohort of 2003 has no year before its own response."""
    p = panel(staggered())
    found = ma.sun_abraham(p, "y", anticipation=2)
    assert set(found.terms["cohort"]) == {2005, 2006}
    assert "left out: cohort 2003" in found.design.foot()
    never = ma.etwfe(p, "y", control_group="never_treated", anticipation=2)
    np.testing.assert_allclose(found.estimate, never.estimate, atol=1e-12)
    local = ma.lp_did(p, "y", anticipation=2)
    assert local.estimate[local.terms["event_time"].tolist().index(-3)] == 0.0
    with pytest.raises(ma.DesignError, match="no effect is reached"):
        ma.sun_abraham(p, "y", anticipation=30)


@pytest.mark.parametrize("name", ["sun_abraham", "stacked_did", "lp_did"])
def test_negative_anticipation_is_refused(name):
    with pytest.raises(ma.DesignError, match="anticipation=-1"):
        getattr(ma, name)(panel(staggered()), "y", anticipation=-1)


def test_a_window_is_two_numbers():
    with pytest.raises(ma.DesignError, match="window=5"):
        ma.stacked_did(panel(staggered()), "y", window=5)
