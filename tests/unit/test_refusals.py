"""Public functions refuse a wrong column or choice by saying what to do."""

import numpy as np
import pandas as pd
import pytest

import medalliance as ma

YEARS = range(2015, 2023)
COHORTS = [2018] * 4 + [2020] * 4 + [0] * 6
BY_ONE_OUTCOME = [
    "att_gt",
    "bacon_decomposition",
    "did_imputation",
    "dynamic_panel",
    "etwfe",
    "lp_did",
    "stacked_did",
    "sun_abraham",
    "synthetic_did",
    "synthetic_weights",
    "twfe",
    "twfe_weights",
]
CHOICES = [
    ("att_gt", "base_period"),
    ("att_gt", "control_group"),
    ("att_gt", "method"),
    ("did_imputation", "std_errors"),
    ("etwfe", "control_group"),
    ("etwfe", "family"),
    ("lp_did", "control_group"),
    ("lp_did", "weighting"),
    ("stacked_did", "control_group"),
    ("synthetic_did", "method"),
    ("synthetic_did", "variance"),
    ("synthetic_weights", "method"),
]


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(3)
    rows = [
        {"unit": f"u{i:02d}", "year": year, "cohort": cohort, "x": rng.normal()}
        for i, cohort in enumerate(COHORTS)
        for year in YEARS
    ]
    frame = pd.DataFrame(rows)
    frame["share"] = 1 / (1 + np.exp(-frame["x"] - rng.normal(size=len(frame))))
    return ma.Panel.from_frame(
        frame, unit="unit", year="year", cohort="cohort", badge=ma.Badge.SYNTHETIC
    )


@pytest.mark.parametrize("name", BY_ONE_OUTCOME)
def test_unknown_outcome(panel, name):
    with pytest.raises(ma.DesignError, match="neither a column of the panel nor a registered"):
        getattr(ma, name)(panel, "nothing")


@pytest.mark.parametrize("name", [*BY_ONE_OUTCOME, "fractional_panel", "log_ratio_did"])
def test_no_panel(panel, name):
    more = {"covariates": ["x"]} if name == "fractional_panel" else {}
    with pytest.raises(ma.DesignError, match="a Panel is needed, not a DataFrame"):
        getattr(ma, name)(panel.frame, ["share", "rest"] if "ratio" in name else "share", **more)


@pytest.mark.parametrize("name", [name for name in BY_ONE_OUTCOME if name != "etwfe"])
def test_no_name(panel, name):
    for wrong in (None, ["share", "x"]):
        with pytest.raises(ma.DesignError, match="an outcome is named by one text, not by a"):
            getattr(ma, name)(panel, wrong)


@pytest.mark.parametrize("name", ["att_gt", "did_imputation", "etwfe", "lp_did", "sun_abraham"])
def test_outcome_among_covariates(panel, name):
    with pytest.raises(ma.DesignError, match="x is named twice among outcome and covariates"):
        getattr(ma, name)(panel, "x", covariates=["x"])


ON_EFFECTS = {
    "choose_inference": {},
    "conley_taber": {},
    "honest_did": {"smoothness": [0]},
    "pretrend_test": {},
    "robust_variance": {"kind": "crv1"},
    "simultaneous_band": {},
    "wild_bootstrap": {},
}
ON_BOTH = {
    "cluster_bootstrap": {},
    "leave_one_out": {},
    "minimum_detectable_effect": {},
    "placebo_dates": {},
    "placebo_outcomes": {"outcomes": ["x"]},
    "randomisation_test": {},
}


@pytest.mark.parametrize("name", [*ON_EFFECTS, *ON_BOTH])
@pytest.mark.parametrize("wrong", ["panel", "frame", "none"])
def test_no_effects(panel, name, wrong):
    given = {"panel": panel, "frame": panel.frame, "none": None}[wrong]
    more = (panel,) if name in ON_BOTH else ()
    with pytest.raises(ma.DesignError, match=f"{name} takes Effects, not a"):
        getattr(ma, name)(given, *more, **{**ON_EFFECTS, **ON_BOTH}[name])


@pytest.mark.parametrize("name", ON_BOTH)
def test_effects_without_a_panel(panel, name):
    effects = ma.att_gt(panel, "share")
    with pytest.raises(ma.DesignError, match="a Panel is needed, not a DataFrame"):
        getattr(ma, name)(effects, panel.frame, **ON_BOTH[name])


@pytest.mark.parametrize("name", [name for name in ON_BOTH if name != "placebo_outcomes"])
def test_effects_without_their_panel(panel, name):
    effects = ma.att_gt(panel, "share")
    other = panel.with_columns(unit=("other " + panel.frame["unit"]).to_numpy())
    with pytest.raises(ma.DesignError, match="none of the effects' units"):
        getattr(ma, name)(effects, other)


def test_one_number_is_a_list_of_one(panel):
    event = ma.att_gt(panel, "share", base_period="universal").aggregate("event_time")
    one, listed = (ma.honest_did(event, relative_magnitude=m).frame for m in (1, [1]))
    pd.testing.assert_frame_equal(one, listed)
    for call in (
        lambda: ma.honest_did(event, relative_magnitude="much"),
        lambda: ma.pretrend_test(event, power=[None]),
        lambda: ma.mediator_sensitivity(panel, "share", mediator="x", rhos="all"),
    ):
        with pytest.raises(ma.DesignError, match="Give a number, or a list of numbers"):
            call()


ODD_OPTIONS = [
    ("synthetic_did", {"n_draws": 0}, "two draws or more"),
    ("dynamic_panel", {"max_lag": 0}, "max_lag=0"),
    ("stacked_did", {"window": ("3", "2")}, "years before and after"),
    ("controlled_direct_effect", {"mediator": "x", "rho": 1}, "between -1 and 1"),
    ("controlled_direct_effect", {"mediator": "x", "estimator": "att_gt"}, "is no function"),
    ("att_gt", {"anticipation": "1"}, "a whole number of years"),
]


@pytest.mark.parametrize(("name", "options", "message"), ODD_OPTIONS)
def test_odd_option(panel, name, options, message):
    with pytest.raises(ma.DesignError, match=message):
        getattr(ma, name)(panel, "share", **options)


def test_odd_options_on_effects(panel):
    effects = ma.att_gt(panel, "share")
    with pytest.raises(ma.DesignError, match="two draws or more"):
        ma.minimum_detectable_effect(effects, panel, n_draws=1)
    with pytest.raises(ma.DesignError, match="positive numbers of years"):
        ma.placebo_dates(effects, panel, shifts=0.5)
    with pytest.raises(ma.DesignError, match="balance='2'"):
        effects.aggregate("event_time", balance="2")
    for wrong in (effects, [panel]):
        with pytest.raises(ma.DesignError, match="Pass a list of Effects"):
            ma.stack_effects(wrong)
    with pytest.raises(ma.DesignError, match="romano_wolf takes Effects, not a Panel"):
        ma.romano_wolf([panel])


def test_places(panel):
    pairs = pd.DataFrame({"from": ["u00"], "to": ["u10"], "distance": [5.0]})
    for radius in (-1, "near"):
        with pytest.raises(ma.DesignError, match="distance of 0 or more"):
            ma.donut(panel, pairs, radius)
    with pytest.raises(ma.DataError, match="pairs are a table"):
        ma.exposure(panel, None)
    with pytest.raises(ma.DesignError, match="a Panel is needed"):
        ma.nearest_ring(panel.frame, pairs, [10])
    with pytest.raises(ma.DesignError, match="edges='far'"):
        ma.spillover_did(panel, "share", distance=pairs, edges="far")


@pytest.mark.parametrize(("name", "argument"), CHOICES)
def test_unknown_choice(panel, name, argument):
    with pytest.raises(ma.DesignError, match=rf"{argument}='nothing' is not known\.\n  Use one of"):
        getattr(ma, name)(panel, "share", **{argument: "nothing"})


@pytest.mark.parametrize("argument", ["link", "method", "scale"])
def test_unknown_choice_of_fractional_panel(panel, argument):
    with pytest.raises(ma.DesignError, match=f"{argument}='nothing' is not known"):
        ma.fractional_panel(panel, "share", covariates=["x"], **{argument: "nothing"})


@pytest.mark.parametrize("argument", ["scale", "transform", "zeros"])
def test_unknown_choice_of_log_ratio_did(panel, argument):
    with pytest.raises(ma.DesignError, match=f"{argument}='nothing' is not known"):
        ma.log_ratio_did(panel, "visit_shares", **{argument: "nothing"})


@pytest.mark.parametrize("name", ["att_gt", "did_imputation", "etwfe", "lp_did", "sun_abraham"])
@pytest.mark.parametrize("anticipation", [-1, 0.5])
def test_odd_anticipation(panel, name, anticipation):
    with pytest.raises(ma.DesignError, match="Give a whole number of years, from 0"):
        getattr(ma, name)(panel, "share", anticipation=anticipation)


def test_unknown_choices_on_effects(panel):
    effects = ma.twfe(panel, "share")
    with pytest.raises(ma.DesignError, match="kind='nothing' is not known"):
        ma.robust_variance(effects, "nothing")
    with pytest.raises(ma.DesignError, match="terms='nothing' is not known"):
        ma.wild_bootstrap(effects, terms="nothing")
    with pytest.raises(ma.DesignError, match="kind='nothing' is not known"):
        ma.att_gt(panel, "share").aggregate("nothing")


def test_levels_outside_0_and_1(panel):
    event = ma.att_gt(panel, "share").aggregate("event_time")
    for ask in (event.conf_int, lambda level: ma.simultaneous_band(event, level=level),
                lambda level: ma.pretrend_test(event, level=level)):  # fmt: skip
        with pytest.raises(ma.DesignError, match="confidence level between 0 and 1"):
            ask(level=95)


@pytest.mark.parametrize("name", BY_ONE_OUTCOME)
def test_panel_without_rows(panel, name):
    with pytest.raises(ma.DesignError):
        getattr(ma, name)(panel.keep(panel.frame["year"] > 3000), "share")


def test_statistic_stack_badge_file(panel):
    with pytest.raises(ma.DesignError, match="statistic='nothing' is not known"):
        ma.randomisation_test(ma.twfe(panel, "share"), panel, statistic="nothing")
    with pytest.raises(ma.DesignError, match="Pass a list of Effects"):
        ma.stack_effects([])
    with pytest.raises(ValueError, match="Use one of REAL, YOURS, SYNTHETIC, ILLUSTRATIVE"):
        ma.Badge("nothing")
    with pytest.raises(ma.RuleError, match="or the name of a contract"):
        ma.load_rules("nothing.yaml")


def test_unknown_group_of_rebasing(panel):
    budgets = panel.with_columns(
        budget=1 + np.arange(len(panel.frame)), fund_surplus_rate=panel.frame["x"]
    )
    with pytest.raises(ma.DesignError, match="no column 'nothing' in the panel"):
        ma.rebasing_regression(budgets, group="nothing")


def test_every_public_name_is_described():
    for name in ma.__all__:
        if name != "NEVER_TREATED":
            first = (getattr(ma, name).__doc__ or "").splitlines()[0]
            assert first.endswith("."), name
