"""Fractional logit, probit and multinomial: closed forms, statsmodels, diff-diff, known truth."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

import medalliance as ma
from medalliance.errors import DataError, DesignError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from bench_panels import staggered_panel  # noqa: E402


def load(frame, **roles):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.PanelWarning)
        return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort", **roles)


def two_groups(treated, control, trend, effect, years, start, spread=0.0, size=200):
    """Shares with a common trend on the logit and an effect from ``start`` on.

    Units differ by normal quantiles times ``spread``; the frame also holds the untreated share.
    """
    time = np.arange(years)
    own = spread * norm.ppf((np.arange(size) + 0.5) / size)
    group = np.repeat([0, 1], size)
    index = np.array([treated, control])[group, None] + np.tile(own, 2)[:, None] + trend * time
    shares = expit(index + effect * ((group == 0)[:, None] & (time >= start)))
    n = 2 * size
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n), years),
            "year": np.tile(2000 + time, n),
            "cohort": np.repeat(np.where(group == 0, 2000 + start, 0), years),
            "y": shares.ravel(),
            "untreated": expit(index).ravel(),
        }
    )


def test_closed_form_of_two_periods():
    """Specification A3: treated 0.45, control 0.70, trend -0.3, effect +0.2."""
    frame = two_groups(logit(0.45), logit(0.70), -0.3, 0.2, years=2, start=1)
    share = ma.etwfe(load(frame), "y", family="logit").overall.estimate[0]
    linear = ma.etwfe(load(frame), "y").overall.estimate[0]
    assert share == pytest.approx(0.048010, abs=5e-7)
    assert linear == pytest.approx(0.041885, abs=5e-7)


def test_many_periods_linear_is_biased_and_logit_is_not():
    """Specification A3: T = 6, treated from the fourth, 0.85 against 0.45, trend -0.12.

    Units differ with standard deviation 0.45 on the logit, so that the pooled logit is not exact.
    """
    frame = two_groups(logit(0.45), logit(0.85), -0.12, 0.2, years=6, start=3, spread=0.45)
    on = (frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])
    truth = (frame["y"] - frame["untreated"])[on].mean()
    assert truth == pytest.approx(0.045, abs=2e-3)
    share = ma.etwfe(load(frame), "y", family="logit").overall.estimate[0]
    linear = ma.etwfe(load(frame), "y").overall.estimate[0]
    assert abs(share - truth) < 1e-3
    assert linear - truth == pytest.approx(-0.024, abs=1e-3)


def binary_panel(seed=5):
    frame = staggered_panel(300, 6, seed)
    rng = np.random.default_rng(seed)
    return frame.assign(y=(expit(0.7 * frame["y"]) > rng.uniform(size=len(frame))) * 1.0)


@pytest.mark.parametrize("family", ["logit", "probit"])
def test_binary_outcome_equals_statsmodels(family):
    """The same saturated design as dummies in one regression; effects by the counterfactual."""
    import statsmodels.api as sm

    frame = binary_panel()
    effects = ma.etwfe(load(frame), "y", family=family)
    on = (frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])
    cell = np.where(on, frame["cohort"].astype(str) + "-" + frame["year"].astype(str), "none")
    x = pd.concat(
        [
            pd.get_dummies(frame["cohort"], prefix="g", dtype=float),
            pd.get_dummies(frame["year"], prefix="t", dtype=float, drop_first=True),
            pd.get_dummies(cell, dtype=float).drop(columns="none"),
        ],
        axis=1,
    )
    model = {"logit": sm.Logit, "probit": sm.Probit}[family](frame["y"], x)
    fit = model.fit(disp=0, method="newton", tol=1e-12)
    without = x.copy()
    treated_columns = [c for c in x.columns if "-" in c]
    without[treated_columns] = 0.0
    gap = pd.Series(fit.predict(x) - fit.predict(without))
    for row, (g, t) in enumerate(zip(effects.terms["cohort"], effects.terms["year"], strict=True)):
        expected = gap[(cell == f"{g}-{t}")].mean()
        assert effects.estimate[row] == pytest.approx(expected, abs=1e-8)


def test_diff_diff_agrees_on_points_and_errors():
    body = json.loads((ROOT / "tests/oracle/peers/diff_diff_logit.json").read_text("utf-8"))
    for case in body["cases"]:
        frame = staggered_panel(**body["panels"][case["panel"]])
        effects = ma.etwfe(load(frame.assign(y=expit(frame["y"]))), "y", family="logit")
        found = {
            (g, t): (estimate, error)
            for g, t, estimate, error in zip(
                effects.terms["cohort"],
                effects.terms["year"],
                effects.estimate,
                effects.std_error,
                strict=True,
            )
        }
        assert len(found) == len(case["cells"])
        for g, t, estimate, error in case["cells"]:
            assert found[g, t] == pytest.approx((estimate, error), rel=1e-8)


def parts_panel(seed=0, n=200, drop=0.0, parts=4):
    frame = staggered_panel(n, 8, seed, drop)
    rng = np.random.default_rng(seed)
    load_on = rng.normal(size=parts) * 0.4
    index = np.outer(frame["y"], load_on) + 0.2 * rng.normal(size=(len(frame), parts))
    shares = np.exp(index) / np.exp(index).sum(axis=1, keepdims=True)
    names = [f"s{j}" for j in range(parts)]
    return frame.join(pd.DataFrame(shares, columns=names)), names


@pytest.mark.parametrize("drop", [0.0, 0.05])
@pytest.mark.parametrize("covariates", [[], ["x"]])
def test_two_parts_equal_the_logit(drop, covariates):
    frame, names = parts_panel(drop=drop, parts=2)
    panel = load(frame)
    both = ma.etwfe(panel, names, family="multinomial", covariates=covariates)
    one = ma.etwfe(panel, names[0], family="logit", covariates=covariates)
    k = len(one.estimate)
    np.testing.assert_allclose(both.estimate[:k], one.estimate, atol=1e-8)
    np.testing.assert_allclose(both.std_error[:k], one.std_error, rtol=1e-3)
    np.testing.assert_allclose(both.estimate[k:], -one.estimate, atol=1e-8)


@pytest.mark.parametrize("covariates", [[], ["x"]])
def test_parts_sum_to_zero_and_permute(covariates):
    frame, names = parts_panel(drop=0.05)
    panel = load(frame)
    effects = ma.etwfe(panel, names, family="multinomial", covariates=covariates)
    assert np.abs(effects.estimate.reshape(4, -1).sum(axis=0)).max() < 1e-10
    assert abs(effects.overall.estimate.sum()) < 1e-10
    event = effects.aggregate("event_time")
    assert np.abs(event.estimate.reshape(4, -1).sum(axis=0)).max() < 1e-10
    other = ma.etwfe(panel, names[::-1], family="multinomial", covariates=covariates)
    np.testing.assert_allclose(
        other.estimate.reshape(4, -1)[::-1], effects.estimate.reshape(4, -1), atol=1e-8
    )
    np.testing.assert_allclose(
        other.std_error.reshape(4, -1)[::-1], effects.std_error.reshape(4, -1), rtol=1e-5
    )


def test_one_part_at_a_time_equals_multinomial_logit_of_statsmodels():
    """With every row in one part, the quasi-likelihood is the multinomial logit's."""
    import statsmodels.api as sm

    frame = staggered_panel(500, 6, 3)
    frame = frame[frame["cohort"].isin([0, frame["cohort"].max()])]
    rng = np.random.default_rng(0)
    index = np.column_stack([0.5 * frame["y"], -0.3 * frame["y"], np.zeros(len(frame))])
    chosen = np.argmax(index + rng.gumbel(size=index.shape), axis=1)
    names = ["a", "b", "c"]
    frame = frame.assign(**{name: (chosen == j) * 1.0 for j, name in enumerate(names)})
    effects = ma.etwfe(load(frame), names, family="multinomial")
    on = (frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])
    x = pd.concat(
        [
            pd.get_dummies(frame["cohort"], prefix="g", dtype=float),
            pd.get_dummies(frame["year"], prefix="t", dtype=float, drop_first=True),
        ],
        axis=1,
    )
    fit = sm.MNLogit((chosen[~on] + 1) % 3, x[~on]).fit(disp=0, method="newton", tol=1e-12)
    for t in sorted(frame.loc[on, "year"].unique()):
        rows = on & (frame["year"] == t)
        expected = frame.loc[rows, names].mean() - fit.predict(x[rows])[[1, 2, 0]].mean().to_numpy()
        got = effects.estimate[(effects.terms["year"] == t).to_numpy()]
        np.testing.assert_allclose(got, expected, atol=1e-7)


def test_probit_and_logit_differ_little_and_cover_the_truth():
    frame, truth = share_panel(7, n=3000)
    for family in ("logit", "probit"):
        effects = ma.etwfe(load(frame), "y", family=family).overall
        gap = abs(effects.estimate[0] - truth)
        assert gap < (3 * effects.std_error[0] if family == "logit" else 0.01)


def share_panel(seed, n):
    rng = np.random.default_rng(seed)
    time = np.arange(2010, 2018)
    cohort = rng.choice([0, 2014, 2016], n)
    on = (time >= cohort[:, None]) & (cohort[:, None] > 0)
    base = 0.9 * (cohort == 0)[:, None] - 0.15 * (time - 2010) + 0.3 * rng.normal(size=on.shape)
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n), 8),
            "year": np.tile(time, n),
            "cohort": np.repeat(cohort, 8),
            "y": expit(base + 0.3 * on).ravel(),
        }
    )
    without = expit(base)
    return frame, float((frame["y"].to_numpy().reshape(n, 8) - without)[on].mean())


@pytest.mark.slow
def test_analytic_errors_agree_with_a_bootstrap():
    frame, names = parts_panel(seed=4, n=250)
    panel = load(frame)
    effects = ma.etwfe(panel, names, family="multinomial").overall
    rng = np.random.default_rng(1)
    draws = []
    for _ in range(150):
        count = rng.multinomial(panel.n_units, np.full(panel.n_units, 1 / panel.n_units))
        kept = panel.with_columns(draw=count[panel.unit_codes]).keep(count[panel.unit_codes] > 0)
        again = ma.etwfe(kept, names, family="multinomial", weights="draw")
        draws.append(again.overall.estimate)
    np.testing.assert_allclose(np.std(draws, axis=0), effects.std_error, rtol=0.25)


def test_bad_shares_are_said():
    frame, names = parts_panel()
    percent = frame.assign(y=100 * expit(frame["y"]))
    with pytest.raises(DesignError, match="outside 0 and 1"):
        ma.etwfe(load(percent), "y", family="logit")
    off = frame.assign(s0=frame["s0"] + 0.02 * (frame.index == 3))
    with pytest.raises(DataError, match=r"do not sum to one for 1 rows: 0 in 2004 \(\+0.0200\)"):
        ma.etwfe(load(off), names, family="multinomial")
    with pytest.raises(DesignError, match="4 outcomes for family 'logit'"):
        ma.etwfe(load(frame), names, family="logit")
    with pytest.raises(DesignError, match="family='cauchit' is not known"):
        ma.etwfe(load(frame), "s0", family="cauchit")


def test_separation_is_named():
    frame = binary_panel()
    cohort = frame["cohort"].max()
    before = (frame["cohort"] == cohort) & (frame["year"] < cohort)
    stuck = frame.assign(y=frame["y"].where(~before, 0.0))
    with pytest.raises(DesignError, match=f"separation.*cohort {cohort}"):
        ma.etwfe(load(stuck), "y", family="logit")
    parts, names = parts_panel()
    first = parts["year"] == 2001
    none = parts.assign(s0=parts["s0"].where(~first, 0.0))
    none[names] = none[names].div(none[names].sum(axis=1), axis=0)
    with pytest.raises(DesignError, match=r"separation.*year 2001"):
        ma.etwfe(load(none), names, family="multinomial")


def test_separation_inside_the_table_is_named():
    """No cohort is stuck, but the year tells the outcome in every untreated row."""
    rows = [
        (unit, year, 2003 if unit < 20 else 0, float(year >= 2002))
        for unit in range(40)
        for year in range(2000, 2005)
    ]
    frame = pd.DataFrame(rows, columns=["unit", "year", "cohort", "y"])
    with pytest.raises(DesignError, match="separation"):
        ma.etwfe(load(frame), "y", family="logit")
