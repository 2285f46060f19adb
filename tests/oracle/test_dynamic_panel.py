"""Dynamic panels against linearmodels' GMM on the same stacked moments, and known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.errors import DesignError
from medalliance.estimators._dynamic import gmm, stack


def simulate(seed=0, n=200, years=7, rho=0.5, beta=1.0):
    rng = np.random.default_rng(seed)
    unit = rng.normal(size=n)
    x = rng.normal(size=(n, years + 50)) + 0.5 * unit[:, None]
    y = np.zeros((n, years + 50))
    y[:, 0] = unit / (1 - rho)
    spread = np.exp(0.3 * rng.normal(size=n))
    for t in range(1, years + 50):
        y[:, t] = rho * y[:, t - 1] + beta * x[:, t] + unit + spread * rng.normal(size=n)
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n), years),
            "year": np.tile(np.arange(2010, 2010 + years), n),
            "cohort": 0,
            "y": y[:, 50:].ravel(),
            "x": x[:, 50:].ravel(),
        }
    )


def load(frame):
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")


@pytest.mark.parametrize("system", [False, True])
@pytest.mark.parametrize("dropped", [0.0, 0.05])
def test_two_step_equals_linearmodels_on_the_same_moments(system, dropped):
    from linearmodels.iv import IVGMM

    frame = simulate()
    keep = np.random.default_rng(3).uniform(size=len(frame)) >= dropped
    with_gaps = frame.assign(y=frame["y"].where(keep))
    panel = load(with_gaps)
    grids = [panel.grid(panel.frame[c]) for c in ("y", "x")]
    moments = stack(grids[0], [grids[1]], [], system=system, max_lag=3, collapse=True)
    rows = moments.seen
    y, x, z = moments.y[rows], moments.x[rows], moments.z[rows]
    cluster = np.nonzero(rows)[0]
    n = len(y)
    first = np.linalg.pinv(
        np.tensordot(moments.z, np.einsum("ef,nfq->neq", moments.h, moments.z), ([0, 1], [0, 1]))
        / n
    )
    model = IVGMM(y, None, x, z, weight_type="clustered", clusters=cluster)
    reference = model.fit(iter_limit=2, initial_weight=first)
    own = gmm(moments, 2)
    np.testing.assert_allclose(own.coefficient, reference.params, rtol=1e-6, atol=1e-8)
    assert own.hansen == pytest.approx(reference.j_stat.stat, rel=1e-5)


@pytest.mark.parametrize("system", [False, True])
def test_one_step_sargan_counts_the_coefficients(system):
    """Arellano, Bond (1991), equation 9: the error variance has N - K degrees of freedom."""
    panel = load(simulate(n=50))
    grids = [panel.grid(panel.frame[c]) for c in ("y", "x")]
    moments = stack(grids[0], [grids[1]], [], system=system, max_lag=3, collapse=True)
    rows = moments.seen
    y, x, z = moments.y[rows], moments.x[rows], moments.z[rows]
    h = np.kron(np.eye(len(rows)), moments.h)[np.ix_(rows.ravel(), rows.ravel())]
    weight = np.linalg.pinv(z.T @ h @ z)
    beta = np.linalg.solve(x.T @ z @ weight @ z.T @ x, x.T @ z @ weight @ z.T @ y)
    u = y - x @ beta
    variance = u @ u / (len(y) - x.shape[1]) / np.diag(moments.h).mean()
    assert gmm(moments, 1).sargan == pytest.approx(u @ z @ weight @ z.T @ u / variance, rel=1e-8)


def test_known_persistence_is_recovered():
    effects = ma.dynamic_panel(load(simulate(n=2000)), "y", exogenous=["x"])
    frame = effects.to_frame(bands=False).set_index("term")
    for term, truth in (("lag 1", 0.5), ("x", 1.0)):
        assert abs(frame.loc[term, "estimate"] - truth) < 3 * frame.loc[term, "std_error"]
    tests = effects.tests["moments"].set_index("test")
    assert tests.loc["serial correlation, order 1", "p_value"] < 0.001
    assert tests.loc["serial correlation, order 2", "p_value"] > 0.001
    assert tests.loc["Hansen", "p_value"] > 0.001


@pytest.mark.slow
def test_windmeijer_errors_match_the_spread_of_estimates():
    draws = []
    for seed in range(150):
        y = load(simulate(seed, n=60))
        grids = [y.grid(y.frame[c]) for c in ("y", "x")]
        moments = stack(grids[0], [grids[1]], [], system=False, max_lag=None, collapse=False)
        fit = gmm(moments, 2)
        zx = np.tensordot(moments.z, moments.x, ([0, 1], [0, 1]))
        one = gmm(moments, 1)
        scores = np.einsum("neq,ne->nq", moments.z, one.residual)
        plain = np.linalg.inv(zx.T @ np.linalg.pinv(scores.T @ scores) @ zx)
        draws.append([fit.coefficient[0], np.sqrt(fit.vcov[0, 0]), np.sqrt(plain[0, 0])])
    estimate, corrected, naive = np.array(draws).T
    spread = estimate.std()
    assert abs(corrected.mean() / spread - 1) < 0.12
    assert naive.mean() / spread < corrected.mean() / spread - 0.1


def test_unit_and_year_shifts_change_nothing_in_differences():
    frame = simulate()
    base = ma.dynamic_panel(load(frame), "y", exogenous=["x"], steps=1)
    x = frame["x"] + 0.3 * (frame["unit"] % 7) + (frame["year"] - 2010) ** 2
    order = frame.assign(x=x, unit=-frame["unit"]).sample(frac=1, random_state=1)
    other = ma.dynamic_panel(load(order), "y", exogenous=["x"], steps=1)
    np.testing.assert_allclose(other.estimate, base.estimate, rtol=1e-8)
    np.testing.assert_allclose(other.std_error, base.std_error, rtol=1e-8)


def test_what_cannot_be_had_is_refused():
    frame = simulate(n=20)
    with pytest.raises(DesignError, match="needs three"):
        ma.dynamic_panel(load(frame[frame["year"] < 2012]), "y")
    with pytest.raises(DesignError, match="Use 1 or 2"):
        ma.dynamic_panel(load(frame), "y", steps=3)
    many = ma.dynamic_panel(load(frame), "y", exogenous=["x"])
    assert "More instruments than units" in many.summary()


@pytest.mark.parametrize("system", [False, True])
def test_a_missing_year_is_not_bridged(system):
    """The lag of 2014 is 2013, so without a row of 2013 there is none; blank rows say the same."""
    frame = simulate(n=120)
    blank = frame.assign(y=frame["y"].where(frame["year"] != 2012))
    absent = frame[frame["year"] != 2012]
    options = {"exogenous": ["x"], "system": system, "collapse": True}
    found, wanted = (ma.dynamic_panel(load(f), "y", **options) for f in (absent, blank))
    np.testing.assert_allclose(found.estimate, wanted.estimate, rtol=1e-9)
    np.testing.assert_allclose(found.std_error, wanted.std_error, rtol=1e-9)
    assert found.design.n_obs == 2 * 120
    assert abs(found.estimate[0] - 0.5) < 4 * found.std_error[0]


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_scale_costs_no_digits(scale):
    frame = simulate(n=120)
    options = {"exogenous": ["x"], "system": True}
    plain = ma.dynamic_panel(load(frame), "y", **options)
    scaled = ma.dynamic_panel(load(frame.assign(y=scale * frame["y"])), "y", **options)
    size = np.array([1.0, scale])
    np.testing.assert_allclose(scaled.estimate / size, plain.estimate, rtol=1e-7)
    np.testing.assert_allclose(scaled.std_error / size, plain.std_error, rtol=1e-7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": 1.0}, "do not identify"),
        ({"y": np.nan}, "no unit has y, x in three years in a row"),
    ],
    ids=["outcome constant", "outcome missing"],
)
def test_what_is_not_identified_is_refused(change, message):
    panel = load(simulate(n=30).assign(**change))
    with pytest.raises(DesignError, match=message):
        ma.dynamic_panel(panel, "y", exogenous=["x"])


def test_a_constant_covariate_is_dropped_by_name():
    panel = load(simulate(n=30).assign(x=1.0))
    with_it, without = ma.dynamic_panel(panel, "y", exogenous=["x"]), ma.dynamic_panel(panel, "y")
    np.testing.assert_allclose(with_it.estimate, without.estimate, rtol=1e-12)
    assert "not used: x (constant)" in with_it.design.foot()
