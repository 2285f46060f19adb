"""What must not matter to any estimator: order, labels, units, levels, how weights are split.

One row of ``CASES`` an estimator, with what its outcome may undergo. What holds for some alone
stands in the files of their own.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import medalliance as ma

N_UNITS, YEARS = 40, np.arange(2001, 2007)
PLACE = np.arange(N_UNITS)
PAIRS = pd.DataFrame(
    [(i, j, 10.0 * abs(i - j)) for i in range(12) for j in range(12) if 0 < abs(i - j) < 3],
    columns=["from", "to", "distance"],
)


@dataclass(frozen=True)
class Case:
    """How an estimator is called and what must leave it alone.

    Attributes
    ----------
    call : callable
        From a panel to Effects.
    scales : bool
        Whether effects scale with ``y``, the outcome.
    unit_levels, year_levels : bool
        Whether a number of one's own for each unit, or for each year, changes nothing.
    error_year_levels : bool
        Whether that holds for standard errors too.
    weights : bool
        Whether it takes the weights of units.
    holes : bool
        Whether it takes missing outcomes.
    """

    call: Callable[[ma.Panel], ma.Effects]
    scales: bool = True
    unit_levels: bool = True
    year_levels: bool = True
    error_year_levels: bool = True
    weights: bool = True
    holes: bool = True


def on_shares(call: Callable[[ma.Panel], ma.Effects], **options: bool) -> Case:
    fixed = {"scales": False, "unit_levels": False, "year_levels": False}
    return Case(call, **{**fixed, **options})


def synthetic(method: str, *, unit_levels: bool, variance: str = "bootstrap") -> Case:
    # with no more donors than years before adoption the weights without a penalty are unique
    few = {"sc": [0, 2, 4, 3, 8], "ascm": [0, 2, 4, 3, 8]}.get(method, PLACE)

    def call(panel: ma.Panel) -> ma.Effects:
        chosen = panel.keep(panel.frame["place"].isin(few))
        return ma.synthetic_did(chosen, "y", method=method, variance=variance, n_draws=3)

    return Case(call, unit_levels=unit_levels, weights=False, holes=False)


def spillover(panel: ma.Panel) -> ma.Effects:
    names = panel.frame[[panel.unit, "place"]].drop_duplicates().set_index("place")[panel.unit]
    known = PAIRS[PAIRS["from"].isin(names.index) & PAIRS["to"].isin(names.index)]
    pairs = known.assign(**{side: known[side].map(names) for side in ("from", "to")})
    return ma.spillover_did(panel, "y", distance=pairs, edges=[10])


def people(panel: ma.Panel) -> ma.Panel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.PanelWarning)
        return ma.Panel.from_frame(
            panel.frame, unit=panel.unit, year=panel.year, cohort=panel.cohort,
            cluster=panel.cluster, weight=panel.weight, repeated_cross_section=True, step=1,
        )  # fmt: skip


CASES = {
    "twfe": Case(lambda p: ma.twfe(p, "y")),
    "twfe, covariate": Case(lambda p: ma.twfe(p, "y", covariates=["x"])),
    "twfe, event study": Case(lambda p: ma.twfe(p, "y", event_study=True)),
    "att_gt": Case(lambda p: ma.att_gt(p, "y")),
    "att_gt, universal": Case(lambda p: ma.att_gt(p, "y", base_period="universal")),
    "att_gt, dr": Case(lambda p: ma.att_gt(p, "y", covariates=["z"])),
    "att_gt, reg": Case(lambda p: ma.att_gt(p, "y", covariates=["z"], method="reg")),
    # rows of a year as people asked once, the unit as their area
    "att_gt, people": Case(lambda p: ma.att_gt(people(p), "y"), unit_levels=False),
    "att_gt, people, dr": Case(
        lambda p: ma.att_gt(people(p), "y", covariates=["z"]), unit_levels=False
    ),
    "att_gt, people, dr, changing": Case(
        lambda p: ma.att_gt(people(p), "y", covariates=["z"], composition="changing"),
        unit_levels=False,
    ),
    "twfe, people": Case(lambda p: ma.twfe(people(p), "y", covariates=["x"])),
    "etwfe, people": Case(lambda p: ma.etwfe(people(p), "y"), unit_levels=False),
    "did_imputation": Case(lambda p: ma.did_imputation(p, "y")),
    "did_imputation, covariate": Case(lambda p: ma.did_imputation(p, "y", covariates=["x"])),
    "did_imputation, gardner": Case(
        lambda p: ma.did_imputation(p, "y", std_errors="gardner").aggregate("event_time")
    ),
    "did_imputation, pretrends": Case(
        lambda p: ma.did_imputation(p, "y", covariates=["x"], pretrends=2).aggregate("event_time")
    ),
    "sun_abraham": Case(lambda p: ma.sun_abraham(p, "y")),
    "sun_abraham, covariate": Case(lambda p: ma.sun_abraham(p, "y", covariates=["x"])),
    # pooled over calendar years, its residuals hold their differences
    "stacked_did": Case(lambda p: ma.stacked_did(p, "y", window=(1, 1)), error_year_levels=False),
    "lp_did": Case(lambda p: ma.lp_did(p, "y")),
    "lp_did, equal": Case(lambda p: ma.lp_did(p, "y", weighting="equal")),
    "lp_did, covariate": Case(lambda p: ma.lp_did(p, "y", covariates=["x"])),
    # cohort effects in place of unit effects: the same estimates, wider errors
    "etwfe": Case(lambda p: ma.etwfe(p, "y"), unit_levels=False),
    "etwfe, never, covariate": Case(
        lambda p: ma.etwfe(p, "y", control_group="never_treated", covariates=["x"]),
        unit_levels=False,
    ),
    "etwfe, poisson": on_shares(lambda p: ma.etwfe(p, "positive", family="poisson")),
    "etwfe, logit": on_shares(lambda p: ma.etwfe(p, "share", family="logit")),
    "etwfe, probit": on_shares(lambda p: ma.etwfe(p, "share", family="probit")),
    "etwfe, multinomial": on_shares(lambda p: ma.etwfe(p, ["share", "rest"], family="multinomial")),
    "log_ratio_did": on_shares(lambda p: ma.log_ratio_did(p, ["share", "rest"])),
    "fractional_panel": on_shares(lambda p: ma.fractional_panel(p, "share", covariates=["x"])),
    "dose_response": Case(lambda p: ma.dose_response(p, "y", dose="size", degree=1, at=[1, 2])),
    "dose_response, slope": Case(
        lambda p: ma.dose_response(p, "y", dose="size", degree=2, target="slope", at=[1, 2])
    ),
    "dose_response, local": Case(
        lambda p: ma.dose_response(
            p, "y", dose="size", method="local", bandwidth=2.0, at=[1.5], covariates=["z"]
        )
    ),
    "subgroup_effects": Case(lambda p: ma.subgroup_effects(p, "y", by="half")),
    "subgroup_effects, imputation": Case(
        lambda p: ma.subgroup_effects(p, "y", by="half", estimator=ma.did_imputation)
    ),
    "switching_did": Case(lambda p: ma.switching_did(p, "y", treatment="level")),
    "switching_did, normalised": Case(
        lambda p: ma.switching_did(p, "y", treatment="level", normalised=True, n_effects=2)
    ),
    "triple_did": Case(lambda p: ma.triple_did(p, "y", subgroup="half")),
    "triple_did, reg": Case(
        lambda p: ma.triple_did(p, "y", subgroup="half", covariates=["z"], method="reg")
    ),
    # least squares on all untreated rows has no minimum in some panels of noise
    "interactive_effects": Case(
        lambda p: ma.interactive_effects(p, "y", n_factors=1, control_group="never_treated")
    ),
    "interactive_effects, mc": Case(
        lambda p: ma.interactive_effects(p, "y", method="mc", penalty=0.4, covariates=["x"])
    ),
    "panel_regression": Case(lambda p: ma.panel_regression(p, "y", ["x"], time_effects=True)),
    "synthetic_control": Case(
        lambda p: ma.synthetic_control(
            p.keep(p.frame["place"] % 5 != 3), "y", predictors=["y", "x", "z"], importance=[3, 2, 1]
        ),
        unit_levels=False,
        weights=False,
        holes=False,
    ),
    "synthetic_did": synthetic("sdid", unit_levels=True),
    "synthetic_did, sc": synthetic("sc", unit_levels=False),
    "synthetic_did, ascm": synthetic("ascm", unit_levels=False),
    "synthetic_did, did": synthetic("did", unit_levels=True, variance="jackknife"),
    "dynamic_panel": Case(
        lambda p: ma.dynamic_panel(p, "y", collapse=True),
        scales=False,
        unit_levels=False,
    ),
    "spillover_did": Case(spillover),
    "controlled_direct_effect": Case(lambda p: ma.controlled_direct_effect(p, "y", mediator="x")),
    "gelbach": Case(lambda p: ma.gelbach(p, "y", mediators=["x"])),
    "rule_dose": Case(
        lambda p: first_terms(ma.rule_dose(p, "y", pay="x", dose="dose"), "reduced form")
    ),
    "rebasing_regression": on_shares(
        lambda p: ma.rebasing_regression(p, budget="positive", surplus_rate="x")
    ),
}
TAKES = {
    kind: [name for name, case in CASES.items() if getattr(case, kind)]
    for kind in ("scales", "unit_levels", "year_levels", "weights", "holes")
}
FEW = settings(max_examples=3, deadline=None)
seeds = st.integers(0, 10_000)


def first_terms(effects: ma.Effects, term: str) -> ma.Effects:
    """Keep one term of an estimate: the others answer to another outcome."""
    row = np.flatnonzero(effects.terms["term"] == term)
    return ma.Effects(
        estimate=effects.estimate[row],
        terms=effects.terms.iloc[row].reset_index(drop=True),
        design=effects.design,
        units=effects.units,
        influence_function=np.asarray(effects.influence)[:, row],
        variance_factor=effects.variance_factor,
    )


def frame_of(seed: int, *, drop: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n_years = len(YEARS)
    cohort = np.resize([0, 2003, 0, 2004, 0], N_UNITS)
    treated = np.where(cohort == 0, 9999, cohort)[:, None] <= YEARS
    y = rng.normal(size=(N_UNITS, 1)) + rng.normal(size=(N_UNITS, n_years)) + treated
    frame = pd.DataFrame(
        {
            "unit": np.repeat(PLACE, n_years),
            "place": np.repeat(PLACE, n_years),
            "year": np.tile(YEARS, N_UNITS),
            "cohort": np.repeat(cohort, n_years),
            "cluster": np.repeat(PLACE, n_years),
            "weight": np.repeat(rng.uniform(0.5, 2, N_UNITS), n_years),
            "z": np.repeat(rng.normal(size=N_UNITS), n_years),
            "size": np.repeat(1.0 + PLACE // 5 % 4 / 2, n_years),
            "half": np.repeat(PLACE // 5 % 2, n_years),
            "y": y.ravel(),
            "x": (0.5 * y + rng.normal(size=y.shape)).ravel(),
            "dose": rng.normal(size=y.size),
            # every second unit of a cohort leaves treatment again
            "level": (treated & ((PLACE[:, None] % 2 == 0) | (YEARS < 2006))).ravel() * 1.0,
        }
    )
    frame["share"] = 1 / (1 + np.exp(-0.5 * frame["y"]))
    frame["rest"] = 1 - frame["share"]
    frame["positive"] = np.exp(0.3 * frame["y"])
    return frame[rng.random(len(frame)) >= drop] if drop else frame


def panel_of(frame: pd.DataFrame, *, weight: str | None = "weight") -> ma.Panel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.PanelWarning)
        return ma.Panel.from_frame(
            frame, unit="unit", year="year", cohort="cohort", cluster="cluster", weight=weight
        )


def fit(name: str, frame: pd.DataFrame) -> ma.Effects:
    case = CASES[name]
    return case.call(panel_of(frame, weight="weight" if case.weights else None))


def same(one: ma.Effects, two: ma.Effects, *, scale: float = 1.0, errors: bool = True) -> None:
    assert len(one.estimate) == len(two.estimate)
    size = np.abs(one.estimate).max() + 1e-3
    np.testing.assert_allclose(two.estimate / scale, one.estimate, rtol=1e-6, atol=1e-6 * size)
    if errors:
        np.testing.assert_allclose(two.std_error / abs(scale), one.std_error, rtol=1e-5)


def has_drawn_errors(name: str) -> bool:
    """Say whether errors come from draws of units in their order."""
    return name.startswith("synthetic_did") and "did, did" not in name


def test_every_estimator_is_here() -> None:
    """Whatever the package offers that makes Effects from a panel."""
    from medalliance import _HOME

    public = set()
    for name in (name for name, home in _HOME.items() if home.startswith("estimators.")):
        signature = inspect.signature(getattr(ma, name))
        takes_panel = next(iter(signature.parameters)) == "panel"
        if takes_panel and signature.return_annotation == "Effects":
            public.add(name)
    assert len(public) > 15
    assert public == {name.split(",")[0] for name in CASES}


@pytest.mark.parametrize("name", CASES)
@FEW
@given(seed=seeds)
def test_order_of_rows_and_labels_do_not_matter(name: str, seed: int) -> None:
    frame = frame_of(seed, drop=0.05 if CASES[name].holes else 0.0)
    labels = np.random.default_rng(seed).permutation(N_UNITS)
    other = frame.assign(unit=[f"county {labels[u]:02d}" for u in frame["unit"]])
    other = other.sample(frac=1, random_state=seed)
    same(fit(name, frame), fit(name, other), errors=not has_drawn_errors(name))


@pytest.mark.parametrize("name", TAKES["scales"])
@FEW
@given(seed=seeds, scale=st.sampled_from([-2.0, 1e-3, 1e6]))
def test_scaling_the_outcome_scales_effects(name: str, seed: int, scale: float) -> None:
    frame = frame_of(seed, drop=0.05 if CASES[name].holes else 0.0)
    same(fit(name, frame), fit(name, frame.assign(y=scale * frame["y"])), scale=scale)


@pytest.mark.parametrize("name", TAKES["unit_levels"])
@FEW
@given(seed=seeds)
def test_levels_of_units_do_not_matter(name: str, seed: int) -> None:
    frame = frame_of(seed)
    level = 5 * np.random.default_rng(seed).normal(size=N_UNITS)
    same(fit(name, frame), fit(name, frame.assign(y=frame["y"] + level[frame["unit"]])))


@pytest.mark.parametrize("name", TAKES["year_levels"])
@FEW
@given(seed=seeds)
def test_levels_of_years_do_not_matter(name: str, seed: int) -> None:
    frame = frame_of(seed)
    level = 5 * np.random.default_rng(seed).normal(size=len(YEARS))
    other = frame.assign(y=frame["y"] + level[frame["year"] - YEARS[0]] + 10)
    # the penalty of synthetic weights knows how donors move from year to year
    if name == "synthetic_did":
        other = frame.assign(y=frame["y"] + 10)
    same(fit(name, frame), fit(name, other), errors=CASES[name].error_year_levels)


@pytest.mark.parametrize("name", ["etwfe"])
@FEW
@given(seed=seeds)
def test_levels_of_units_move_errors_alone_where_cohorts_have_the_effects(name, seed) -> None:
    frame = frame_of(seed)
    level = 5 * np.random.default_rng(seed).normal(size=N_UNITS)
    other = frame.assign(y=frame["y"] + level[frame["unit"]])
    same(fit(name, frame), fit(name, other), errors=False)


@pytest.mark.parametrize("name", TAKES["weights"])
@FEW
@given(seed=seeds)
def test_splitting_a_unit_with_its_weight_changes_nothing(name: str, seed: int) -> None:
    """Both halves stay in the unit's cluster; only degrees of freedom count rows."""
    frame = frame_of(seed, drop=0.05)
    mine = frame["unit"] == 1
    half = frame["weight"].where(~mine, frame["weight"] / 2)
    other = frame[mine].assign(unit=99, place=99, weight=half[mine])
    split = pd.concat([frame.assign(weight=half), other])
    if name == "spillover_did":  # the new half would have no neighbours
        split = frame.assign(weight=3 * frame["weight"])
    one, two = fit(name, frame), fit(name, split)
    same(one, two, errors=False)
    ratio = np.sqrt(two.variance_factor / one.variance_factor)
    errors = two.std_error / ratio
    # least squares by horizon, over a stack or in two stages has its own degrees of freedom
    own = name.startswith(("lp_did", "rebasing")) or name.endswith("pretrends")
    rtol = 0.02 if own else 1e-5
    if "local" in name:  # residuals over the root of one less the leverage of a row
        rtol = 0.05
    np.testing.assert_allclose(errors, one.std_error, rtol=rtol)


@pytest.mark.parametrize("name", TAKES["weights"])
@FEW
@given(seed=seeds, scale=st.sampled_from([1e-3, 7.0, 1e6]))
def test_the_unit_of_weights_does_not_matter(name: str, seed: int, scale: float) -> None:
    frame = frame_of(seed, drop=0.05)
    same(fit(name, frame), fit(name, frame.assign(weight=scale * frame["weight"])))


@pytest.mark.parametrize("name", TAKES["holes"])
@FEW
@given(seed=seeds, first=st.booleans())
def test_units_without_an_outcome_have_no_influence(name: str, seed: int, first: bool) -> None:
    """Wherever they stand among the units, two of which make a cluster."""
    frame = frame_of(seed, drop=0.05)
    frame["cluster"] //= 2
    blank = frame[frame["unit"].isin([0, 1, 3])].copy()
    for column in ("unit", "place", "cluster"):
        blank[column] += -200 if first else 200
    blank[["y", "share", "rest", "positive"]] = np.nan
    blank["x"] += 100.0
    one, two = fit(name, frame), fit(name, pd.concat([frame, blank]))
    same(one, two)
    assert two.design.n_units == one.design.n_units
    assert two.design.n_clusters == one.design.n_clusters


@pytest.mark.parametrize("name", [name for name in CASES if name not in TAKES["holes"]])
def test_who_takes_no_missing_outcome_says_which(name: str) -> None:
    frame = frame_of(1)
    frame.loc[(frame["unit"] == 2) & (frame["year"] == 2002), "y"] = np.nan
    with pytest.raises(ma.DesignError, match="y is missing for 2 in 2002"):
        fit(name, frame)


ADJUSTED: dict[str, Callable[[ma.Panel, list[str]], ma.Effects]] = {
    "twfe": lambda p, c: ma.twfe(p, "y", covariates=c),
    "att_gt": lambda p, c: ma.att_gt(p, "y", covariates=c),
    "did_imputation": lambda p, c: ma.did_imputation(p, "y", covariates=c),
    "sun_abraham": lambda p, c: ma.sun_abraham(p, "y", covariates=c),
    "lp_did": lambda p, c: ma.lp_did(p, "y", covariates=c),
    "etwfe": lambda p, c: ma.etwfe(p, "y", covariates=c),
    "etwfe, logit": lambda p, c: ma.etwfe(p, "share", family="logit", covariates=c),
    "gelbach": lambda p, c: ma.gelbach(p, "y", mediators=["x"], covariates=c),
    "controlled_direct_effect": lambda p, c: ma.controlled_direct_effect(
        p, "y", mediator="x", confounders=c
    ),
    "rule_dose": lambda p, c: ma.rule_dose(p, "y", pay="x", dose="dose", covariates=c),
    "log_ratio_did": lambda p, c: ma.log_ratio_did(p, ["share", "rest"], covariates=c),
    "fractional_panel": lambda p, c: ma.fractional_panel(p, "share", covariates=c),
    "fractional_panel, controls": lambda p, c: ma.fractional_panel(
        p, "share", covariates=["x"], controls=c
    ),
    "fractional_panel, gee": lambda p, c: ma.fractional_panel(
        panel_of(p.frame, weight=None), "share", covariates=c, method="gee"
    ),
    "dynamic_panel": lambda p, c: ma.dynamic_panel(p, "y", exogenous=c, collapse=True),
    "dynamic_panel, system": lambda p, c: ma.dynamic_panel(
        p, "y", predetermined=c, collapse=True, system=True
    ),
}


@pytest.mark.parametrize("name", ADJUSTED)
def test_redundant_covariates_are_dropped_by_name(name: str) -> None:
    """Copies and constants move neither estimates nor errors; the foot says what was dropped."""
    frame = frame_of(3)
    draw = np.random.default_rng(4).normal(size=len(frame))
    frame = frame.assign(v=draw, twice=2 * draw, shifted=1 - draw, constant=3.0)
    panel = panel_of(frame)
    one = ADJUSTED[name](panel, ["v"])
    two = ADJUSTED[name](panel, ["v", "twice", "constant", "shifted"])
    same(one, two)
    foot = two.design.foot()
    for dropped in (
        "twice (collinear with v)",
        "constant (constant)",
        "shifted (collinear with v)",
    ):
        assert dropped in foot, dropped
    assert not one.design.left_out


def test_what_year_effects_determine_is_dropped_by_name() -> None:
    """And a covariate that stands still is refused, or told from unit effects by nobody."""
    frame = frame_of(3).assign(trend=lambda f: f["year"] ** 2, still=lambda f: f["unit"] % 7)
    panel = panel_of(frame)
    for name in ("fractional_panel", "fractional_panel, controls", "dynamic_panel"):
        own = "z" if "controls" in name else "x"
        two = ADJUSTED[name](panel, [own, "trend"])
        same(ADJUSTED[name](panel, [own]), two)
        assert "trend (nothing is left of it beside" in two.design.foot()
    still = ADJUSTED["dynamic_panel"](panel, ["x", "still"])
    same(ADJUSTED["dynamic_panel"](panel, ["x"]), still)
    assert "still (nothing is left of it beside unit and year effects" in still.design.foot()
    with pytest.raises(ma.DesignError, match="still does not vary over time"):
        ADJUSTED["fractional_panel"](panel, ["x", "still"])


def test_copies_of_instruments_are_dropped_by_name() -> None:
    frame = frame_of(3).assign(tool=lambda f: f["x"] + f["dose"])
    panel = panel_of(frame.assign(twice=2 * frame["tool"], copy=frame["z"]))
    options = {"covariates": [], "controls": ["z"], "endogenous": "x"}
    one = ma.fractional_panel(panel, "share", instruments=["tool"], **options)
    two = ma.fractional_panel(panel, "share", instruments=["tool", "twice", "copy"], **options)
    same(one, two)
    assert "twice (nothing is left of it beside covariates and other" in two.design.foot()
    with pytest.raises(ma.DesignError, match="nothing is left of copy"):
        ma.fractional_panel(panel, "share", instruments=["copy"], **options)


ONE_UNIT = [
    name
    for name in CASES
    if name.split(",")[0] in ("att_gt", "did_imputation", "sun_abraham", "etwfe", "log_ratio_did")
    and not name.endswith(("gardner", "pretrends"))
]


@pytest.mark.parametrize("name", ONE_UNIT)
def test_a_cohort_of_one_unit_has_no_standard_error(name: str) -> None:
    frame = frame_of(5)
    lone = frame["cohort"].eq(2004) & frame["unit"].ne(3)
    effects = fit(name, frame.assign(cohort=frame["cohort"].mask(lone, 0)))
    mine = effects.terms["cohort"] == 2004
    assert mine.any() or "covariate" in name or "dr" in name  # one unit may not bear a covariate
    assert np.isnan(effects.std_error[mine]).all()
    assert np.isfinite(effects.std_error[~mine]).any()
    assert "One cluster only starts in 2004" in effects.design.foot()


# How a panel is written down: blanks, gaps, time, ids, weights and columns nobody asked for.

SHARES = ["y", "share", "rest", "positive"]
COVARIATES = {
    **{name: ["x"] for name in CASES if name.endswith("covariate")},
    **{name: ["z"] for name in ("att_gt, dr", "att_gt, reg", "triple_did, reg")},
    **{
        name: ["x"]
        for name in (
            "fractional_panel",
            "controlled_direct_effect",
            "gelbach",
        )
    },
    "rule_dose": ["x", "dose"],
}


def attempt(name: str, frame: pd.DataFrame, **options: Any) -> ma.Effects | str:
    """Return the estimate, or what the refusal says first."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ma.PanelWarning)
            return CASES[name].call(
                ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort", **options)
            )
    except ma.DesignError as error:
        return str(error).splitlines()[0]


def same_answer(one: ma.Effects | str, two: ma.Effects | str) -> None:
    if isinstance(one, str) or isinstance(two, str):
        assert one == two
        return
    same(one, two)
    for count in ("n_units", "n_obs", "n_clusters", "n_left_out"):
        assert getattr(one.design, count) == getattr(two.design, count), count


# A row with a blank tells these what an absent one does not: how treatment went, or the budget
# of the next year.
TELLING = ("switching_did", "rebasing_regression")
BLANK = [name for name in CASES if not name.startswith(TELLING)]


@pytest.mark.parametrize("name", BLANK)
def test_a_blank_outcome_is_an_absent_row(name: str) -> None:
    """Pre-periods above all: a unit without an outcome before treatment has no base."""
    frame = frame_of(7)
    gone = frame["unit"].isin([1, 6]) & (frame["year"] < 2003) & (frame["cohort"] == 2003)
    if CASES[name].holes:
        gone |= np.random.default_rng(1).random(len(frame)) < 0.04
    blank = frame.assign(**{column: frame[column].mask(gone) for column in SHARES})
    one, two = attempt(name, blank), attempt(name, frame[~gone])
    same_answer(two, one)
    if isinstance(one, ma.Effects) and one.design.n_left_out:
        assert "treated when first seen" in one.design.foot()
    if isinstance(one, ma.Effects) and CASES[name].holes:
        assert "not used:" in one.design.foot()


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(TELLING)])
def test_where_a_row_tells_nothing_more_a_blank_is_an_absent_row(name: str) -> None:
    """Treatment is the same before, in and after the row; the budget and its surplus are blank."""
    frame = frame_of(7)
    level = frame.groupby("unit")["level"]
    still = frame["level"].eq(level.shift()) & frame["level"].eq(level.shift(-1))
    gone = still & (np.random.default_rng(1).random(len(frame)) < 0.1)
    assert gone.sum() > 5
    blank = frame.assign(**{column: frame[column].mask(gone) for column in [*SHARES, "x"]})
    one, two = attempt(name, blank), attempt(name, frame[~gone])
    assert isinstance(one, ma.Effects)
    assert isinstance(two, ma.Effects)
    same(one, two)


@pytest.mark.parametrize("name", COVARIATES)
def test_a_blank_covariate_is_an_absent_row(name: str) -> None:
    frame = frame_of(8)
    gone = frame["unit"].eq(1) & (frame["year"] < 2003)
    gone |= np.random.default_rng(2).random(len(frame)) < 0.04
    blank = frame.assign(**{column: frame[column].mask(gone) for column in COVARIATES[name]})
    one = attempt(name, blank)
    assert isinstance(one, ma.Effects)
    same_answer(attempt(name, frame[~gone]), one)


@pytest.mark.parametrize("name", CASES)
def test_weights_and_clusters_of_the_panel_are_used_or_refused(name: str) -> None:
    frame = frame_of(9).assign(pair=lambda f: f["cohort"] * 100 + f["unit"] // 10)
    plain = attempt(name, frame)
    weighted = attempt(name, frame, weight="weight")
    clustered = attempt(name, frame, cluster="pair")
    assert isinstance(plain, ma.Effects)
    if isinstance(weighted, str):
        assert "weight" in weighted
    else:
        assert weighted.design.weights == "weight"
        assert np.abs(weighted.estimate - plain.estimate).max() > 1e-6
    if isinstance(clustered, str):
        assert "cluster" in clustered
    else:
        assert clustered.design.clusters == "pair"
        assert clustered.design.n_clusters < plain.design.n_clusters
        if np.isfinite(plain.std_error).any():  # synthetic_control ranks, without errors
            assert not np.allclose(clustered.std_error, plain.std_error, equal_nan=True)


@pytest.mark.parametrize("name", CASES)
def test_a_year_that_nobody_is_seen_in_is_named(name: str) -> None:
    """The base of cohort 2004 is then 2002, or the estimator says whom it loses."""
    frame = frame_of(10)
    found = attempt(name, frame[frame["year"] != 2003])
    said = found if isinstance(found, str) else found.design.foot()
    assert "seen in 2003" in said or "no unit is seen right after 2002" in said


WRITTEN = {
    "every second year": (lambda t: 2 * t, {"step": 2}),
    "months as numbers": (lambda t: 201609 + (t - 2001) + (88 if t > 2004 else 0), {}),
    "months as text": (
        lambda t: f"2016-{t - 1990:02d}" if t < 2003 else f"2017-{t - 2002:02d}",
        {},
    ),
    "quarters": (lambda t: f"{(8000 + t) // 4}Q{(8000 + t) % 4 + 1}", {}),
    "dates": (lambda t: pd.Timestamp(t, 12, 31), {}),
}


@pytest.mark.parametrize("way", WRITTEN)
@pytest.mark.parametrize("name", CASES)
def test_the_way_time_is_written_does_not_matter(name: str, way: str) -> None:
    write, options = WRITTEN[way]
    frame = frame_of(11)
    cohort = [write(g) if g else 0 for g in frame["cohort"]]
    other = frame.assign(year=[write(t) for t in frame["year"]], cohort=cohort)
    one, two = attempt(name, frame), attempt(name, other, **options)
    assert isinstance(one, ma.Effects)
    assert isinstance(two, ma.Effects), two
    same(one, two)
    assert one.terms["event_time"].equals(two.terms["event_time"])


@pytest.mark.parametrize("name", CASES)
def test_an_infinite_value_stops_who_uses_its_column(name: str) -> None:
    frame = frame_of(12)
    same_answer(attempt(name, frame), attempt(name, frame.assign(other=np.inf)))
    used = frame.assign(**{c: frame[c].mask(frame.index == 13, np.inf) for c in [*SHARES, "x"]})
    said = attempt(name, used)
    assert isinstance(said, str)
    assert "infinite" in said


@pytest.mark.parametrize("name", CASES)
def test_an_outcome_that_does_not_vary_has_no_effect_with_an_error(name: str) -> None:
    """Otherwise rounding is set against rounding, and may be told from zero."""
    flat = frame_of(14).assign(y=1.1, share=0.3, rest=0.7, positive=2.2)
    found = attempt(name, flat)
    if isinstance(found, str):
        assert "in every row" in found or "not vary" in found or "varies" in found
    else:
        assert np.abs(found.estimate).max() < 1e-9
        assert not np.isfinite(found.std_error).any()


def test_ids_of_two_types_are_refused_and_ids_alike_are_named() -> None:
    frame = frame_of(13)
    ids = frame["unit"].astype(object)
    with pytest.raises(ma.DataError, match="mixes text and numbers"):
        panel_of(frame.assign(unit=ids.mask(ids == 3, "3")))
    text = frame["unit"].astype(str)
    for alike in ("3 ", "03"):
        split = frame.assign(unit=text.mask(frame["unit"].eq(3) & frame["year"].gt(2003), alike))
        with pytest.warns(ma.PanelWarning, match="differ by blanks or leading zeros"):
            ma.Panel.from_frame(split, unit="unit", year="year", cohort="cohort")
