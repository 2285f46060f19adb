"""Every result survives a pickle, and answers the same afterwards."""

import importlib
import pickle
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.paths import data_dir
from medalliance.settlement.ledger_file import read_ledger

sys.path.insert(0, str(Path(__file__).parents[1] / "property"))
every = importlib.import_module("test_every_estimator")


def again(value):
    return pickle.loads(pickle.dumps(value))


@pytest.fixture(scope="module")
def frame():
    return every.frame_of(0)


def assert_same(found: ma.Effects, effects: ma.Effects) -> None:
    pd.testing.assert_frame_equal(found.to_frame(), effects.to_frame())
    assert found.design == effects.design and list(found.tests) == list(effects.tests)


@pytest.mark.filterwarnings("ignore::medalliance.PanelWarning")
@pytest.mark.parametrize("name", every.CASES)
def test_effects_of_every_estimator_pickle(frame, name):
    effects = every.fit(name, frame)
    assert_same(again(effects), effects)
    made = []
    for kind in ("simple", "event_time", "cohort", "year"):
        try:
            made.append(effects.aggregate(kind))
        except ma.DesignError:
            continue  # what this estimator does not offer
    try:
        made.append(effects.overall)
    except ma.DesignError:
        assert not made
    weights = np.zeros(len(effects.estimate))
    weights[-1] = 1.0
    for one in (*made, effects.combine(weights)):
        assert_same(again(one), one)


def test_an_average_estimates_itself_again_from_a_pickle(frame):
    panel = every.panel_of(frame)
    cells = ma.att_gt(panel, "y")
    shown = cells.aggregate("event_time")
    held = ma.neyman_variance(cells).aggregate("cohort")
    first = shown.combine(np.r_[1.0, np.zeros(len(shown.estimate) - 1)])
    for effects in (cells, shown, shown.overall, held, first):
        assert_same(again(effects).refit(panel), effects)


def test_the_regression_behind_effects_pickles(frame):
    effects = ma.twfe(every.panel_of(frame), "y", covariates=["x"])
    found = ma.robust_variance(again(effects), "crv3")
    np.testing.assert_array_equal(found.vcov, ma.robust_variance(effects, "crv3").vcov)


def test_findings_pickle(frame):
    panel = every.panel_of(frame)
    effects = ma.att_gt(panel, "y", base_period="universal")
    event = effects.aggregate("event_time")
    for found in (
        ma.pretrend_test(event),
        ma.honest_did(event, relative_magnitude=(0.0, 1.0)),
        ma.leave_one_out(effects, panel, by="cohort"),
        ma.placebo_dates(effects, panel, shifts=(1,)),
        ma.placebo_outcomes(effects, panel, ["x"]),
        ma.randomisation_test(effects, panel, n_draws=9),
        ma.minimum_detectable_effect(effects, panel, n_draws=5),
        ma.romano_wolf([effects], n_draws=99),
        ma.simultaneous_band(event),
        ma.wild_bootstrap(ma.twfe(panel, "y"), n_draws=99),
        ma.conley_taber(ma.twfe(panel, "y"), n_draws=99),
        ma.bacon_decomposition(panel, "y"),
        ma.twfe_weights(panel, "y"),
        ma.synthetic_weights(panel, "y"),
    ):
        copy = again(found)
        pd.testing.assert_frame_equal(copy.frame, found.frame)
        assert repr(copy) == repr(found) and list(copy.named) == list(found.named)


def test_panel_comparison_and_choice_pickle(frame):
    panel = every.panel_of(frame)
    copy = again(panel)
    assert copy.data_hash == panel.data_hash and copy.years.tolist() == panel.years.tolist()
    effects = ma.att_gt(panel, "y")
    both = ma.compare({"group-time": effects, "imputation": ma.did_imputation(panel, "y")})
    pd.testing.assert_frame_equal(again(both).frame, both.frame)
    choice = ma.choose_inference(effects)
    assert again(choice) == choice


def test_settlement_and_equilibrium_pickle():
    ledger = read_ledger(data_dir() / "examples" / "ledger.csv", "CNY")
    settled = ma.settle(ma.load_rules("split_631"), ledger, progress=False)
    pd.testing.assert_frame_equal(again(settled).to_frame(), settled.to_frame())
    members = ma.Technology(
        members=[1, 4], saving=[4, 2], effort_cost=[4, 2], margin_pay=0.3, price=[6, 1],
        margin=[1, 0.2], inducement_cost=[1, 0.2], fund_share=0.7, sigma=4.0,
        baseline_spending=100.0,
    )  # fmt: skip
    found = ma.respond(ma.Contract(split=[0.6, 0.4], gain_share=0.5, budget=100.0), members)
    pd.testing.assert_frame_equal(again(found).to_frame(), found.to_frame())
    best = ma.collective_optimum(found)
    assert again(best).mean_surplus == best.mean_surplus
