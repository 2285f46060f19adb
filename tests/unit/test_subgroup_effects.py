"""Effects by a fixed trait: equal to separate runs, joint where units share clusters."""

import warnings

import numpy as np
import pandas as pd
import pytest

import medalliance as ma

ESTIMATORS = {
    "att_gt": (ma.att_gt, {}),
    "att_gt, covariate": (ma.att_gt, {"covariates": ["z"]}),
    "did_imputation": (ma.did_imputation, {"std_errors": "gardner"}),
    "twfe": (ma.twfe, {"event_study": True}),
    "lp_did": (ma.lp_did, {}),
    "etwfe": (ma.etwfe, {}),
}
AVERAGES = ("simple", "event_time", "cohort", "year")


def frame_of(seed=0, n=160, years=8, gap=0.0, drop=0.0):
    rng = np.random.default_rng(seed)
    cohort = rng.choice([0, 2003, 2005], n)
    kind = rng.choice(["rural", "urban"], n)
    year = 2000 + np.arange(years)
    treated = (cohort[:, None] > 0) & (year >= cohort[:, None])
    shock = rng.normal(size=(n // 4, years))[np.arange(n) // 4]
    effect = 1.0 + gap * (kind == "urban")
    y = rng.normal(size=(n, 1)) + 0.7 * shock + rng.normal(size=(n, years))
    y += effect[:, None] * treated + (kind == "urban")[:, None] * 0.3 * (year - 2000)
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n), years),
            "year": np.tile(year, n),
            "cohort": np.repeat(cohort, years),
            "cluster": np.repeat(np.arange(n) // 4, years),
            "weight": np.repeat(rng.uniform(0.5, 2, n), years),
            "kind": np.repeat(kind, years),
            "z": np.repeat(rng.normal(size=n), years),
            "size": np.repeat(rng.normal(size=n), years) + rng.normal(size=n * years),
            "y": y.ravel(),
        }
    )
    return frame[rng.random(len(frame)) >= drop] if drop else frame


def panel_of(frame, **roles):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.PanelWarning)
        return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort", **roles)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_equals_separate_runs(name):
    estimator, options = ESTIMATORS[name]
    panel = panel_of(frame_of(drop=0.04), cluster="cluster", weight="weight")
    joint = ma.subgroup_effects(panel, "y", by="kind", estimator=estimator, **options)
    alone = [
        estimator(panel.keep(panel.frame["kind"] == kind), "y", **options)
        for kind in ("rural", "urban")
    ]
    checked = 0
    for average in ("", "overall", *AVERAGES):

        def shown(effects, average=average):
            if average in ("", "overall"):
                return getattr(effects, average) if average else effects
            return effects.aggregate(average)

        try:
            parts = [shown(one) for one in alone]
        except ma.DesignError:
            with pytest.raises(ma.DesignError):
                shown(joint)
            continue
        for kind in ("", "overall"):
            ours = getattr(shown(joint), kind) if kind else shown(joint)
            theirs = [getattr(one, kind) if kind else one for one in parts]
            estimate = np.concatenate([one.estimate for one in theirs])
            errors = np.concatenate([one.std_error for one in theirs])
            np.testing.assert_allclose(ours.estimate, estimate, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(ours.std_error, errors, rtol=1e-10, atol=1e-12)
            checked += 1
    assert checked >= 4


def test_a_cluster_in_both_groups_joins_their_errors():
    """The regression on both groups with interactions, clustered, as oracle of the covariance."""
    frame = frame_of(3, n=60)
    effects = ma.subgroup_effects(
        panel_of(frame, cluster="cluster"), "y", by="kind", estimator=ma.twfe
    )
    import statsmodels.api as sm

    treated = ((frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])).astype(float)
    urban = (frame["kind"] == "urban").astype(float)
    columns = pd.concat(
        [
            (treated * (1 - urban)).rename("rural"),
            (treated * urban).rename("urban"),
            pd.get_dummies(frame["unit"], prefix="u", dtype=float),
            pd.get_dummies(
                frame["kind"] + frame["year"].astype(str), dtype=float, drop_first=False
            ),
        ],
        axis=1,
    )
    fit = sm.OLS(frame["y"], columns).fit(
        cov_type="cluster", cov_kwds={"groups": frame["cluster"], "use_correction": False}
    )
    np.testing.assert_allclose(effects.estimate, fit.params.iloc[:2], rtol=1e-8)
    ours = effects.vcov[0, 1] / np.sqrt(effects.vcov[0, 0] * effects.vcov[1, 1])
    theirs = fit.cov_params().iloc[:2, :2].to_numpy()
    assert ours == pytest.approx(theirs[0, 1] / np.sqrt(theirs[0, 0] * theirs[1, 1]), rel=1e-6)


def test_the_difference_covers_the_truth():
    """95 % intervals of the difference of two groups, 60 draws, clusters across groups."""
    hits = 0
    for seed in range(60):
        panel = panel_of(frame_of(seed, n=100, gap=0.5), cluster="cluster")
        effects = ma.subgroup_effects(panel, "y", by="kind", estimator=ma.did_imputation)
        low, high = effects.overall.combine(np.array([-1.0, 1.0])).conf_int()[0]
        hits += low <= 0.5 <= high
    assert 0.85 <= hits / 60 < 1


def test_quantiles_use_years_before_anybody_is_treated():
    frame = frame_of(1)
    early = frame[frame["year"] < 2003].groupby("unit")["size"].mean()
    half = pd.qcut(early, 2, labels=["a", "b"])
    fixed = frame.assign(half=frame["unit"].map(half).astype(str))
    ours = ma.subgroup_effects(panel_of(frame), "y", by="size", quantiles=2)
    theirs = ma.subgroup_effects(panel_of(fixed), "y", by="half")
    np.testing.assert_allclose(ours.estimate, theirs.estimate, rtol=1e-12)
    after = frame.assign(size=frame["size"].where(frame["year"] < 2003, 9.0))
    again = ma.subgroup_effects(panel_of(after), "y", by="size", quantiles=2)
    np.testing.assert_array_equal(ours.estimate, again.estimate)


def test_estimates_again_on_another_panel():
    panel = panel_of(frame_of(2), cluster="cluster")
    effects = ma.subgroup_effects(panel, "y", by="kind", anticipation=1)
    np.testing.assert_array_equal(effects.refit(panel).estimate, effects.estimate)
    assert effects.overall.plot().get_yticklabels()[0].get_text().startswith("y, kind")


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"kind": lambda f: f["year"] % 2}, {}, "moves within"),
        ({"kind": lambda f: f["kind"].where(f["unit"] > 3)}, {}, "missing for 4 units: 0, 1, 2"),
        ({"kind": "all"}, {}, "makes 1 group"),
        ({"kind": lambda f: f["unit"]}, {}, "makes 160 groups"),
        ({"kind": lambda f: f["kind"].where(f["year"] >= 2006)}, {}, "first seen after treatment"),
        (
            {"kind": lambda f: np.where(f["unit"] < 4, "few", "many")},
            {},
            "kind few",
        ),
        ({}, {"by": "no such"}, "neither a column"),
        ({}, {"by": "size", "quantiles": 1}, "quantiles=1"),
        (
            {"cohort": lambda f: f["cohort"].where(f["unit"] % 9 == 0, 0)},
            {"estimator": ma.synthetic_did, "n_draws": 5},
            "carries no influence functions",
        ),
    ],
)
def test_refuses_a_trait_that_is_none(change, options, message):
    panel = panel_of(frame_of().assign(**change), cluster="cluster")
    with pytest.raises(ma.DesignError, match=message):
        ma.subgroup_effects(panel, "y", **{"by": "kind", **options})


def test_the_test_of_equality_is_walds_and_differences_are_combinations():
    panel = panel_of(frame_of(3, gap=0.4), cluster="cluster")
    effects = ma.subgroup_effects(panel, "y", by="size", quantiles=3)
    found = ma.subgroup_test(effects, n_draws=499)
    shown = effects.overall
    groups, pairs = (found.frame[found.frame["kind"] == kind] for kind in ("group", "difference"))
    np.testing.assert_allclose(groups["std_error"], shown.std_error, rtol=1e-12)
    np.testing.assert_allclose(groups[["conf_low", "conf_high"]], shown.conf_int(), rtol=1e-10)
    assert list(pairs["term"]) == [
        f"size quantile {b} of 3 less size quantile {a} of 3" for a, b in ((1, 2), (1, 3), (2, 3))
    ]
    one = shown.combine(np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_allclose(pairs["estimate"].iloc[1], one.estimate[0], rtol=1e-12)
    np.testing.assert_allclose(pairs["std_error"].iloc[1], one.std_error[0], rtol=1e-10)
    rows = np.array([[1.0, -1, 0], [0, 1, -1]])
    gap, vcov = rows @ shown.estimate, rows @ shown.vcov @ rows.T
    assert found.statistic == pytest.approx(gap @ np.linalg.inv(vcov) @ gap, rel=1e-8)
    assert (found["p_adjusted"] >= found["p_value"] * 0.5).all()
    two = ma.subgroup_test(ma.subgroup_effects(panel, "y", by="kind"), n_draws=499)
    wald, row = two.statistic, two.frame.iloc[-1]
    assert wald == pytest.approx((row["estimate"] / row["std_error"]) ** 2, rel=1e-8)
    assert two.p_equal == pytest.approx(row["p_value"], rel=1e-6)
    ticks = [text.get_text() for text in found.plot().get_yticklabels()]
    assert ticks[0] == "size quantile 1 of 3"
    assert "is not rejected" in found.reading or "is rejected" in found.reading


def test_the_test_of_equality_keeps_its_size_and_finds_a_gap():
    """120 draws of three groups: 5 % rejections inside a 99.9 % band; a gap of one is found."""
    frame = [ma.subgroup_effects(
        panel_of(frame_of(seed, n=120), cluster="cluster"), "y", by="size", quantiles=3
    ) for seed in range(120)]  # fmt: skip
    rejected = np.mean([ma.subgroup_test(one, n_draws=99).p_equal < 0.05 for one in frame])
    assert rejected < 0.05 + 3.3 * np.sqrt(0.05 * 0.95 / 120)
    gap = panel_of(frame_of(1, n=400, gap=1.5), cluster="cluster")
    found = ma.subgroup_test(ma.subgroup_effects(gap, "y", by="kind"), n_draws=499)
    assert found.p_equal < 0.01 and found.frame["p_adjusted"].iloc[-1] < 0.01


def test_the_test_of_equality_refuses_one_headline():
    with pytest.raises(ma.DesignError, match="nothing to compare"):
        ma.subgroup_test(ma.att_gt(panel_of(frame_of()), "y"))
