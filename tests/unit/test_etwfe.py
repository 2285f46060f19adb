"""etwfe against the pooled regression written out in full, and its refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.estimators import etwfe as module
from medalliance.estimators._sample import draw_sample
from medalliance.estimators._saturated import fit_saturated
from medalliance.estimators._saturated_cells import make_cells

YEARS = np.arange(2000, 2006)


def staggered(seed: int = 1, n: int = 60, drop: float = 0.07) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    t = len(YEARS)
    x = np.repeat(rng.normal(size=n), t)
    year = np.tile(YEARS, n)
    cohort = np.repeat(rng.choice([0, 2002, 2004], n), t)
    on = (cohort > 0) & (year >= cohort)
    index = 0.3 * x + 0.1 * (year - 2000) + 0.4 * on
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n), t),
            "year": year,
            "cohort": cohort,
            "x": x,
            "w": np.repeat(rng.uniform(0.5, 2, n), t),
            "y": np.exp(index + 0.3 * rng.normal(size=n * t)),
        }
    )
    frame["share"] = 1 / (1 + np.exp(-(index - 0.5 + 0.3 * rng.normal(size=n * t))))
    return frame.sample(frac=1 - drop, random_state=seed)


def panel(frame: pd.DataFrame, **more) -> ma.Panel:
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort", **more)


@pytest.fixture
def unbalanced() -> ma.Panel:
    with pytest.warns(ma.PanelWarning):
        return panel(staggered(), weight="w")


class Probit:
    """Bernoulli quasi-likelihood with the normal distribution: a link that is not canonical."""

    name, canonical, linear, bounds = "probit", False, False, (0.0, 1.0)

    def n_indices(self, n_means):
        return n_means

    def check(self, y):
        return ""

    def start(self, y):
        from scipy.special import ndtri

        return ndtri((y + 0.5) / 2)

    def mean(self, eta):
        from scipy.special import ndtr

        return ndtr(eta)

    def density(self, eta):
        return np.exp(-(eta**2) / 2) / np.sqrt(2 * np.pi)

    def slope(self, eta):
        return self.density(eta)[:, :, None]

    def score(self, y, eta):
        mu = self.mean(eta)
        return (y - mu) * self.density(eta) / (mu * (1 - mu))

    def information(self, eta):
        mu = self.mean(eta)
        return (self.density(eta) ** 2 / (mu * (1 - mu)))[:, :, None]

    def likelihood(self, y, eta):
        mu = self.mean(eta)
        return (y * np.log(mu) + (1 - y) * np.log(1 - mu))[:, 0]


def written_out(p: ma.Panel, outcome: str, glm_family, *, never: bool, covariate: bool):
    """Fit the index of the specification by GLM; average marginal effects by the delta method."""
    import statsmodels.api as sm

    f = p.frame
    y, w, link = f[outcome].to_numpy(), f["w"].to_numpy(), glm_family.link
    columns, cells = {"one": np.ones(len(f))}, []
    if covariate:
        columns["x"] = f["x"].to_numpy()
    for g in (2002, 2004):
        columns[f"g{g}"] = (f["cohort"] == g) * 1.0
        if covariate:
            columns[f"gx{g}"] = (f["cohort"] == g) * f["x"]
    for s in YEARS[1:]:
        columns[f"s{s}"] = (f["year"] == s) * 1.0
        if covariate:
            columns[f"sx{s}"] = (f["year"] == s) * f["x"]
    for g in (2002, 2004):
        centre = np.average(f["x"][f["cohort"] == g], weights=w[f["cohort"] == g])
        for s in YEARS:
            if (s != g - 1) if never else (s >= g):
                cell = ((f["cohort"] == g) & (f["year"] == s)).to_numpy()
                cells.append(cell)
                columns[f"cell{g}{s}"] = cell * 1.0
                if covariate:
                    columns[f"cellx{g}{s}"] = cell * (f["x"] - centre)
    design = pd.DataFrame(columns).astype(float)
    fit = sm.GLM(y, design, family=glm_family, freq_weights=w).fit(tol=1e-14, maxiter=300)
    b, full = fit.params.to_numpy(), design.to_numpy()
    eta = full @ b
    mu, slope = link.inverse(eta), link.inverse_deriv(eta)
    variance = glm_family.variance(mu)
    bread = np.linalg.inv(full.T @ (full * (w * slope**2 / variance)[:, None]))
    scores = full * (w * (y - mu) * slope / variance)[:, None]
    sums = pd.DataFrame(scores).groupby(p.unit_codes).sum().to_numpy()
    n, k, n_clusters = len(full), full.shape[1], len(sums)
    vcov = bread @ sums.T @ sums @ bread * n_clusters / (n_clusters - 1) * (n - 1) / (n - k)
    out = []
    off = np.array([not name.startswith("cell") for name in columns])
    for cell in cells:
        share = w[cell] / w[cell].sum()
        treated, without = full[cell], full[cell] * off
        att = share @ (link.inverse(treated @ b) - link.inverse(without @ b))
        gradient = (share * link.inverse_deriv(treated @ b)) @ treated
        gradient = gradient - (share * link.inverse_deriv(without @ b)) @ without
        out.append((att, np.sqrt(gradient @ vcov @ gradient)))
    return np.array(out)


@pytest.mark.parametrize("never", [False, True])
@pytest.mark.parametrize("covariate", [False, True])
@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_the_pooled_fit_written_out(unbalanced, family, covariate, never):
    import statsmodels.api as sm

    glm = {"gaussian": sm.families.Gaussian(), "poisson": sm.families.Poisson()}[family]
    expected = written_out(unbalanced, "y", glm, never=never, covariate=covariate)
    found = ma.etwfe(
        unbalanced,
        "y",
        family=family,
        covariates=["x"] if covariate else [],
        control_group="never_treated" if never else "not_yet_treated",
    )
    shown = np.isfinite(found.std_error)
    np.testing.assert_allclose(found.estimate[shown], expected[:, 0], atol=1e-8)
    np.testing.assert_allclose(found.std_error[shown], expected[:, 1], rtol=1e-6)
    assert (found.estimate[~shown] == 0).all()
    assert (~shown).sum() == (2 if never else 0)


@pytest.mark.parametrize("covariate", [False, True])
def test_a_link_that_is_not_canonical_plugs_in(unbalanced, covariate, monkeypatch):
    import statsmodels.api as sm

    monkeypatch.setitem(module.FAMILIES, "probit", Probit())
    glm = sm.families.Binomial(link=sm.families.links.Probit())
    expected = written_out(unbalanced, "share", glm, never=False, covariate=covariate)
    names = ["x"] if covariate else []
    found = ma.etwfe(unbalanced, "share", family="probit", covariates=names)
    np.testing.assert_allclose(found.estimate, expected[:, 0], atol=1e-8)
    np.testing.assert_allclose(found.std_error, expected[:, 1], rtol=1e-6)


class Multinomial:
    """Three shares with two indices."""

    name, canonical, linear, bounds = "multinomial", True, False, (0.0, 1.0)

    def n_indices(self, n_means):
        return n_means - 1

    def check(self, y):
        return ""

    def start(self, y):
        return np.log((y + 1 / 3) / 2)[:, :2] - np.log((y + 1 / 3) / 2)[:, 2:]

    def mean(self, eta):
        e = np.column_stack([np.exp(eta), np.ones(len(eta))])
        return e / e.sum(axis=1, keepdims=True)

    def slope(self, eta):
        mu = self.mean(eta)
        return (np.eye(3)[None] * mu[:, :, None] - mu[:, :, None] * mu[:, None])[:, :, :2]

    def score(self, y, eta):
        return (y - self.mean(eta))[:, :2]

    def information(self, eta):
        return self.slope(eta)[:, :2]

    def likelihood(self, y, eta):
        return (y * np.log(self.mean(eta))).sum(axis=1)


@pytest.mark.parametrize("covariates", [(), ("x",)])
def test_several_indices_give_effects_and_influences_that_sum_to_zero(unbalanced, covariates):
    sample = draw_sample(unbalanced, "share", covariates=covariates)
    rng = np.random.default_rng(0)
    first = sample.outcome * 0.6
    parts = np.stack([first, sample.outcome - first + 0 * first, 1 - sample.outcome], axis=2)
    parts = parts * np.exp(0.1 * rng.normal(size=parts.shape))
    parts /= parts.sum(axis=2, keepdims=True)
    cells = make_cells(sample, control_group="not_yet_treated", anticipation=0)
    fit = fit_saturated(sample, parts, cells, Multinomial())
    np.testing.assert_allclose(fit.estimate.sum(axis=1), 0, atol=1e-12)
    dense = fit.influence.dense().reshape(sample.n_units, len(fit.cohort), 3)
    np.testing.assert_allclose(dense.sum(axis=2), 0, atol=1e-9)
    np.testing.assert_allclose(dense.mean(axis=0), 0, atol=1e-7)


def test_influence_is_the_derivative_in_a_units_weight(unbalanced):
    """Weighting one unit a little more moves the estimate by its influence over n."""
    step = 1e-5
    frame = unbalanced.frame
    base = ma.etwfe(unbalanced, "y", family="poisson")
    for code in (0, 7, 31):
        frame_up = frame.copy()
        frame_up.loc[frame["unit"] == unbalanced.units[code], "w"] *= 1 + step
        with pytest.warns(ma.PanelWarning):
            moved = ma.etwfe(panel(frame_up, weight="w"), "y", family="poisson")
        slope = (moved.estimate - base.estimate) / step
        expected = base.influence[code] / unbalanced.n_units
        np.testing.assert_allclose(slope, expected, atol=2e-5 * np.abs(expected).max() + 1e-7)


def test_years_without_untreated_units_are_refused_and_said():
    frame = staggered(drop=0)
    found = ma.etwfe(panel(frame[frame["cohort"] > 0]), "y")
    assert list(found.terms["cohort"].unique()) == [2002]
    assert list(found.terms["year"]) == [2002, 2003]
    assert "E109 No untreated unit reaches cohort 2002 in 2004" in found.design.foot()
    with pytest.raises(ma.DesignError, match="no effect is reached"):
        ma.etwfe(panel(frame[frame["cohort"] == 2002]), "y")


def test_bad_choices_are_refused():
    p = panel(staggered(drop=0))
    with pytest.raises(ma.DesignError, match="family='tobit' is not known"):
        ma.etwfe(p, "y", family="tobit")
    with pytest.raises(ma.DesignError, match="control_group="):
        ma.etwfe(p, "y", control_group="everyone")
    with pytest.raises(ma.DesignError, match="anticipation=-1"):
        ma.etwfe(p, "y", anticipation=-1)
    with pytest.raises(ma.DesignError, match=r"anticipation=1\.5"):
        ma.etwfe(p, "y", anticipation=1.5)
    treated = panel(staggered(drop=0).query("cohort > 0"))
    with pytest.raises(ma.DesignError, match="no unit is never treated"):
        ma.etwfe(treated, "y", control_group="never_treated")
    never = panel(staggered(drop=0).query("cohort == 0"))
    with pytest.raises(ma.DesignError, match="no unit is treated"):
        ma.etwfe(never, "y")


def test_poisson_refuses_negative_outcomes_and_separation():
    frame = staggered(drop=0)
    frame.loc[frame.index[0], "y"] = -1.0
    with pytest.raises(ma.DesignError, match="negative values"):
        ma.etwfe(panel(frame), "y", family="poisson")
    frame["y"] = np.where(frame["cohort"] == 2004, 0.0, frame["y"].abs())
    with pytest.raises(ma.DesignError, match=r"separation: .* cohort 2004"):
        ma.etwfe(panel(frame), "y", family="poisson")


def test_anticipation_gives_the_years_before_effects_of_their_own():
    p = panel(staggered(drop=0))
    found = ma.etwfe(p, "y", anticipation=1)
    assert found.terms["event_time"].min() == -1
    assert set(found.terms["cohort"]) == {2002, 2004}


def test_a_missing_base_year_uses_the_last_year_before():
    frame = staggered(drop=0).query("year != 2003")
    found = ma.etwfe(panel(frame), "y", control_group="never_treated")
    at = found.terms.query("cohort == 2004 and year == 2002").index[0]
    assert found.estimate[at] == 0.0


def test_a_fit_that_does_not_converge_is_refused(monkeypatch):
    from medalliance.estimators import _quasi

    monkeypatch.setattr(_quasi, "MAX_STEPS", 1)
    with pytest.raises(ma.DesignError, match="did not converge"):
        ma.etwfe(panel(staggered(drop=0)), "y", family="poisson")
