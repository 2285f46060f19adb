"""The link from surplus to pay to visits: identities, linearmodels, and a chain that is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.errors import DesignError


def chain(seed=0, n=300, years=8, direct=0.3, through=0.5, hidden=0.0):
    """Treatment raises pay by 1; pay raises visits by ``through``; the rest is direct."""
    rng = np.random.default_rng(seed)
    cohort = rng.choice([0, 2013, 2015], n)
    time = np.arange(2010, 2010 + years)
    on = (time >= cohort[:, None]) & (cohort[:, None] > 0)
    common = rng.normal(size=(n, years))
    dose = on * rng.choice([0.5, 1.0, 1.5], n)[:, None]
    pay = rng.normal(size=(n, 1)) + dose + 0.6 * rng.normal(size=(n, years)) + hidden * common
    visits = rng.normal(size=(n, 1)) + 0.1 * (time - 2010) + direct * on + through * pay
    visits = visits + 0.4 * rng.normal(size=(n, years)) + hidden * common
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n), years),
            "year": np.tile(time, n),
            "cohort": np.repeat(cohort, years),
            "pay": pay.ravel(),
            "visits": visits.ravel(),
            "dose": dose.ravel(),
            "noise": rng.normal(size=n * years),
        }
    )
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")


def by_term(effects):
    return effects.to_frame(bands=False).set_index("term")


def test_gelbach_adds_up_and_finds_the_chain():
    frame = by_term(ma.gelbach(chain(), "visits", mediators=["pay", "noise"]))
    value = frame["estimate"]
    gap = value["without mediators"] - value["with mediators"]
    assert value["through all"] == pytest.approx(gap, abs=1e-12)
    assert value["through pay"] + value["through noise"] == pytest.approx(gap, abs=1e-12)
    assert abs(value["through pay"] - 0.5) < 4 * frame.loc["through pay", "std_error"]
    assert abs(value["through noise"]) < 0.01


def test_gelbach_coefficients_are_those_of_linearmodels():
    from linearmodels.panel import PanelOLS

    panel = chain(n=80)
    frame = panel.frame.set_index(["unit", "year"])
    treated = ((panel.frame["cohort"] > 0) & (panel.frame["year"] >= panel.frame["cohort"])) * 1.0
    frame["treated"] = treated.to_numpy()
    full = PanelOLS(
        frame["visits"], frame[["treated", "pay"]], entity_effects=True, time_effects=True
    ).fit()
    got = by_term(ma.gelbach(panel, "visits", mediators=["pay"]))
    assert got.loc["with mediators", "estimate"] == pytest.approx(full.params["treated"], rel=1e-9)


def test_direct_effect_is_recovered_and_hidden_confounding_breaks_it():
    clean = by_term(ma.controlled_direct_effect(chain(n=800), "visits", mediator="pay"))
    for term, truth in (("total", 0.3 + 0.5), ("direct", 0.3), ("through pay", 0.5)):
        assert abs(clean.loc[term, "estimate"] - truth) < 4 * clean.loc[term, "std_error"]
    confounded = chain(n=800, hidden=0.7)
    naive = by_term(ma.controlled_direct_effect(confounded, "visits", mediator="pay"))
    assert abs(naive.loc["direct", "estimate"] - 0.3) > 4 * naive.loc["direct", "std_error"]
    # error correlation of pay (0.6 own, 0.7 shared) with visits (0.4 own, 0.7 shared)
    rho = 0.7**2 / np.sqrt((0.6**2 + 0.7**2) * (0.4**2 + 0.7**2))
    mended = by_term(ma.controlled_direct_effect(confounded, "visits", mediator="pay", rho=rho))
    assert abs(mended.loc["direct", "estimate"] - 0.3) < 0.06


def test_sensitivity_table_passes_the_total_where_the_mediator_vanishes():
    panel = chain()
    table = ma.mediator_sensitivity(panel, "visits", mediator="pay")
    assert table["direct"].is_monotonic_increasing
    edge = table.rho_at_zero
    at_edge = by_term(ma.controlled_direct_effect(panel, "visits", mediator="pay", rho=edge))
    assert at_edge.loc["direct", "estimate"] == pytest.approx(
        at_edge.loc["total", "estimate"], abs=1e-9
    )


def test_errors_count_both_steps():
    draws = [
        by_term(ma.controlled_direct_effect(chain(s, n=80), "visits", mediator="pay"))
        for s in range(120)
    ]
    estimate = np.array([d["estimate"] for d in draws])
    ratio = np.mean([d["std_error"] for d in draws], axis=0) / estimate.std(axis=0)
    assert np.all((ratio > 0.8) & (ratio < 1.25))


def test_two_stage_equals_linearmodels():
    from linearmodels.iv import IV2SLS

    panel = chain(n=60)
    frame = panel.frame
    dummies = pd.concat(
        [
            pd.get_dummies(frame["unit"], prefix="u", dtype=float),
            pd.get_dummies(frame["year"], prefix="t", dtype=float, drop_first=True),
        ],
        axis=1,
    )
    fit = IV2SLS(frame["visits"], dummies, frame[["pay"]], frame[["dose"]]).fit(
        cov_type="clustered", clusters=frame["unit"]
    )
    got = by_term(ma.rule_dose(panel, "visits", pay="pay", dose="dose"))
    assert got.loc["two-stage", "estimate"] == pytest.approx(fit.params["pay"], rel=1e-8)
    # linearmodels without, we with fixest's small-sample factor
    assert got.loc["two-stage", "std_error"] == pytest.approx(fit.std_errors["pay"], rel=0.03)
    ratio = got.loc["reduced form", "estimate"] / got.loc["first stage", "estimate"]
    assert got.loc["two-stage", "estimate"] == pytest.approx(ratio)


def test_captions_say_what_is_assumed():
    panel = chain(n=60)
    assert "not a causal share" in ma.gelbach(panel, "visits", mediators=["pay"]).summary()
    direct = ma.controlled_direct_effect(panel, "visits", mediator="pay", rho=0.2)
    assert "Holds only if" in direct.summary()
    assert "set to 0.2" in direct.summary()
    assert "doubtful" in ma.rule_dose(panel, "visits", pay="pay", dose="dose").summary()


def test_refusals():
    panel = chain(n=40)
    with pytest.raises(DesignError, match="Name a list"):
        ma.gelbach(panel, "visits", mediators="pay")
    with pytest.raises(DesignError, match="named twice"):
        ma.gelbach(panel, "visits", mediators=["pay"], covariates=["pay"])
    with pytest.raises(DesignError, match="nothing varies in still"):
        ma.rule_dose(panel.with_columns(still=1.0), "visits", pay="pay", dose="still")
