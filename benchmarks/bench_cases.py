"""The same task in every library: a table goes in, an estimate with its error comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

Answer = tuple[float, float]
DRAWS = 999
WILD_DRAWS = 9_999
PLACEBOS = 200
PARTS = ["part_1", "part_2", "part_3", "part_4"]


# ours ---------------------------------------------------------------------------------------------


def our_panel(data: pd.DataFrame, cluster: str | None = None) -> Any:
    import medalliance as ma

    return ma.Panel.from_frame(
        data, unit="unit", year="year", cohort="cohort", cluster=cluster, badge="SYNTHETIC"
    )


def our_twfe(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    return first(ma.twfe(our_panel(data), "y"))


def our_event_study(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    effects = ma.twfe(our_panel(data), "y", event_study=True)
    return at_event(effects.to_frame(bands=False))


def our_group_time(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    effects = ma.att_gt(our_panel(data), "y").aggregate("event_time")
    effects.conf_int(simultaneous=True)
    return first(effects.overall)


def our_imputation(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    return with_event_times(ma.did_imputation(our_panel(data), "y"))


def our_two_stage(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    return with_event_times(ma.did_imputation(our_panel(data), "y", std_errors="gardner"))


def with_event_times(effects: Any) -> Answer:
    """Errors by event time, then of the overall average."""
    effects.aggregate("event_time").to_frame(bands=False)
    return first(effects.aggregate("simple"))


def our_saturated(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    return first(ma.etwfe(our_panel(data), "y").aggregate("simple"))


def our_interaction_weighted(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    return at_event(
        ma.sun_abraham(our_panel(data), "y").aggregate("event_time").to_frame(bands=False)
    )


def our_stacked(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    return at_event(ma.stacked_did(our_panel(data), "y", window=(2, 2)).to_frame(bands=False))


def our_local_projections(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    return at_event(ma.lp_did(our_panel(data), "y").to_frame(bands=False))


def our_wild(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    effects = ma.twfe(our_panel(data, "region"), "y")
    table = ma.wild_bootstrap(effects, n_draws=WILD_DRAWS)
    return float(table["t_statistic"].iloc[0]), float(table["p_value"].iloc[0])


def our_honest(data: pd.DataFrame) -> Answer:
    from medalliance.inference.relative_magnitude import relative_magnitude_interval

    beta, sigma, n_pre = read_event_study(data)
    contrast = np.eye(len(beta) - n_pre)[0]
    low, high = relative_magnitude_interval(beta, sigma, n_pre, contrast, 1.0)
    return float(low), float(high)


def our_synthetic(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    effects = ma.synthetic_did(our_panel(one_date(data)), "y", n_draws=PLACEBOS)
    return first(effects.overall)


def our_factors(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    table = data.assign(y=data["y"] + waves(data))
    return first(ma.interactive_effects(our_panel(table), "y", n_factors=2).overall)


def our_completion(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    table = data.assign(y=data["y"] + waves(data))
    return first(ma.interactive_effects(our_panel(table), "y", method="mc").overall)


def our_predictors(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    effects = ma.synthetic_control(our_panel(one_unit(data)), "y", predictors=PREDICTED)
    return float(effects), float("nan")


def our_logit(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    effects = ma.etwfe(our_panel(with_shares(data)), "share", family="logit")
    return first(effects.aggregate("simple"))


def our_multinomial(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    effects = ma.etwfe(our_panel(with_shares(data)), PARTS, family="multinomial")
    return first(effects.aggregate("simple"))


def our_people(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    panel = ma.Panel.from_frame(
        data, unit="unit", year="year", cohort="cohort", repeated_cross_section=True
    )
    return first(ma.att_gt(panel, "y", covariates=["x"]).overall)


def our_dose(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    return first(ma.dose_response(our_panel(with_dose(data)), "y", dose="dose").overall)


def our_switching(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    effects = ma.switching_did(our_panel(with_treatment(data)), "y", treatment="treated",
                               n_effects=3, n_placebos=2)  # fmt: skip
    return at_event(effects.to_frame(bands=False))


def our_triple(data: pd.DataFrame) -> Answer:
    import medalliance as ma

    return first(ma.triple_did(our_panel(with_dose(data)), "y", subgroup="half").overall)


def with_dose(data: pd.DataFrame) -> pd.DataFrame:
    """Add a dose by unit, and a half of the units that is eligible."""
    dose = 0.1 + (data["unit"] * 37 % 101) / 70
    return data.assign(dose=dose.where(data["cohort"] > 0, 0.0), half=data["unit"] % 2)


def one_date(data: pd.DataFrame) -> pd.DataFrame:
    """Let every fiftieth unit adopt in the middle year, and nobody else."""
    middle = data["year"].min() + data["year"].nunique() // 2
    return data.assign(cohort=np.where(data["unit"] % 50 == 0, middle, 0))


def waves(data: pd.DataFrame) -> pd.Series:
    """Two waves that each unit answers to in its own way."""
    t, unit = data["year"] - data["year"].min(), data["unit"]
    first, second = np.sin(1.7 * unit), np.cos(2.9 * unit)
    return first * np.cos(2 * np.pi * t / 9) + second * np.sin(2 * np.pi * t / 5)


PREDICTED = [("y", [2001, 2002]), ("y", [2003, 2004]), ("y", [2005]), ("y", [2006])]


def one_unit(data: pd.DataFrame) -> pd.DataFrame:
    """Keep 60 units, of which the first adopts in the middle year; years from 2001."""
    kept = data[data["unit"] < data["unit"].min() + 60]
    year = 2001 + kept["year"] - kept["year"].min()
    return kept.assign(year=year, cohort=np.where(kept["unit"] == kept["unit"].min(), 2007, 0))


def with_shares(data: pd.DataFrame) -> pd.DataFrame:
    """Add a share, and four parts that sum to one."""
    index = np.outer(data["y"], [0.4, 0.1, -0.2, 0.0]) + np.array([0.2, 0.5, 0.3, 0.0])
    parts = np.exp(index) / np.exp(index).sum(axis=1, keepdims=True)
    columns = dict(zip(PARTS, parts.T, strict=True))
    return data.assign(share=1 / (1 + np.exp(-data["y"])), **columns)


def first(effects: Any) -> Answer:
    return float(effects.estimate[0]), float(effects.std_error[0])


def at_event(frame: pd.DataFrame) -> Answer:
    row = frame[frame["event_time"] == 0].iloc[0]
    return float(row["estimate"]), float(row["std_error"])


# peers --------------------------------------------------------------------------------------------


def with_treatment(data: pd.DataFrame) -> pd.DataFrame:
    event = (data["year"] - data["cohort"]).where(data["cohort"] > 0, -1)
    return data.assign(
        treated=((data["cohort"] > 0) & (event >= 0)).astype(float), event=event.astype(int)
    )


def pyfixest_twfe(data: pd.DataFrame) -> Answer:
    import pyfixest as pf

    fit = pf.feols("y ~ treated | unit + year", with_treatment(data), vcov={"CRV1": "unit"})
    return float(fit.coef()["treated"]), float(fit.se()["treated"])


def pyfixest_event_study(data: pd.DataFrame) -> Answer:
    import pyfixest as pf

    fit = pf.feols(
        "y ~ i(event, ref=-1) | unit + year", with_treatment(data), vcov={"CRV1": "unit"}
    )
    key = next(name for name in fit.coef().index if name.endswith(("::0", "::0]")))
    return float(fit.coef()[key]), float(fit.se()[key])


def pyfixest_two_stage(data: pd.DataFrame) -> Answer:
    import pyfixest as pf

    fit = pf.did2s(
        with_treatment(data),
        yname="y",
        first_stage="~ 0 | unit + year",
        second_stage="~ treated",
        treatment="treated",
        cluster="unit",
    )
    return float(fit.coef().iloc[0]), float(fit.se().iloc[0])


def linearmodels_twfe(data: pd.DataFrame) -> Answer:
    from linearmodels.panel import PanelOLS

    table = with_treatment(data).set_index(["unit", "year"])
    fit = PanelOLS(table["y"], table[["treated"]], entity_effects=True, time_effects=True).fit(
        cov_type="clustered", cluster_entity=True
    )
    return float(fit.params["treated"]), float(fit.std_errors["treated"])


def diff_diff_fit(data: pd.DataFrame, name: str, options: dict[str, Any]) -> Any:
    import diff_diff as dd

    by_event = name in ("CallawaySantAnna", "ImputationDiD", "TwoStageDiD")
    return getattr(dd, name)(**options).fit(
        data,
        outcome="y",
        unit="unit",
        time="year",
        first_treat="cohort",
        **({"aggregate": "event_study"} if by_event else {}),
    )


def diff_diff_group_time(data: pd.DataFrame) -> Answer:
    options = {"control_group": "not_yet_treated", "n_bootstrap": DRAWS, "seed": 1}
    fit = diff_diff_fit(data, "CallawaySantAnna", options)
    return float(fit.overall_att), float(fit.overall_se)


def diff_diff_imputation(data: pd.DataFrame) -> Answer:
    fit = diff_diff_fit(data, "ImputationDiD", {})
    return float(fit.overall_att), float(fit.overall_se)


def diff_diff_two_stage(data: pd.DataFrame) -> Answer:
    fit = diff_diff_fit(data, "TwoStageDiD", {})
    return float(fit.overall_att), float(fit.overall_se)


def diff_diff_saturated(data: pd.DataFrame) -> Answer:
    fit = diff_diff_fit(data, "WooldridgeDiD", {})
    return float(fit.overall_att), float(fit.overall_se)


def diff_diff_interaction_weighted(data: pd.DataFrame) -> Answer:
    found = diff_diff_fit(data, "SunAbraham", {}).event_study_effects[0]
    return float(found["effect"]), float(found["se"])


def diff_diff_stacked(data: pd.DataFrame) -> Answer:
    import diff_diff as dd

    fit = dd.StackedDiD(kappa_pre=2, kappa_post=2).fit(
        data, "y", "unit", "year", "cohort", aggregate="event_study"
    )
    found = fit.event_study_effects[0]
    return float(found["effect"]), float(found["se"])


def diff_diff_local_projections(data: pd.DataFrame) -> Answer:
    import diff_diff as dd

    n_years = int(np.ptp(data["year"]))
    fit = dd.LPDiD(pre_window=n_years - 4, post_window=n_years - 4).fit(
        with_treatment(data), "y", "unit", "year", "treated"
    )
    row = fit.event_study.set_index("horizon").loc[0]
    return float(row["coefficient"]), float(row["se"])


def pyfixest_interaction_weighted(data: pd.DataFrame) -> Answer:
    import pyfixest as pf

    fit = pf.event_study(
        data,
        yname="y",
        idname="unit",
        tname="year",
        gname="cohort",
        estimator="saturated",
        cluster="unit",
    )
    row = fit.aggregate().loc[0]
    return float(row["Estimate"]), float(row["Std. Error"])


def diff_diff_synthetic(data: pd.DataFrame) -> Answer:
    from diff_diff import SyntheticDiD

    table = one_date(data)
    years = sorted(table.loc[table["year"] >= table["cohort"].max(), "year"].unique())
    table["treat"] = (table["cohort"] > 0).astype(int)
    fit = SyntheticDiD(variance_method="placebo", n_bootstrap=PLACEBOS, seed=1).fit(
        table, outcome="y", treatment="treat", unit="unit", time="year", post_periods=years
    )
    return float(fit.att), float(fit.se)


def diff_diff_logit(data: pd.DataFrame) -> Answer:
    from diff_diff import WooldridgeDiD

    fit = WooldridgeDiD(method="logit", cluster="unit").fit(
        with_shares(data), outcome="share", unit="unit", time="year", first_treat="cohort"
    )
    return float(fit.overall_att), float(fit.overall_se)


def mlsynth_completion(data: pd.DataFrame) -> Answer:
    """As many penalties as ours, half as many folds; no errors."""
    from mlsynth.utils.mcnnm_helpers.completion import mcnnm_cv

    table = data.assign(y=data["y"] + waves(data), age=data["year"])
    y, year, cohort = (
        table.pivot_table(name, "unit", "year").to_numpy() for name in ("y", "age", "cohort")
    )
    free = ((cohort == 0) | (year < cohort)).astype(float)
    found = mcnnm_cv(y, free, n_lam=18, n_folds=5)
    return float((y - found["completed"])[free == 0].mean()), float("nan")


def pysyncon_predictors(data: pd.DataFrame) -> Answer:
    """Nested importance from one start; no placebos, no intervals."""
    from pysyncon import Dataprep, Synth

    table = one_unit(data)
    units = sorted(table["unit"].unique())
    prepared = Dataprep(
        foo=table,
        predictors=["y"],
        predictors_op="mean",
        time_predictors_prior=[2001, 2002],
        special_predictors=[("y", years, "mean") for _, years in PREDICTED[1:]],
        dependent="y",
        unit_variable="unit",
        time_variable="year",
        treatment_identifier=units[0],
        controls_identifier=units[1:],
        time_optimize_ssr=range(2001, 2007),
    )
    fit = Synth()
    fit.fit(dataprep=prepared)
    wide = table.pivot_table("y", "year", "unit")
    gap = wide[units[0]] - wide[units[1:]] @ fit.W
    return float(gap[gap.index >= 2007].mean()), float("nan")


def moderndid_group_time(data: pd.DataFrame) -> Answer:
    import moderndid as md

    result = md.att_gt(
        data=data.astype({"cohort": float}),
        yname="y",
        tname="year",
        idname="unit",
        gname="cohort",
        control_group="notyettreated",
        boot=True,
        biters=DRAWS,
        random_state=1,
    )
    shown = md.aggte(result, type="dynamic")
    return float(shown.overall_att), float(shown.overall_se)


def moderndid_people(data: pd.DataFrame) -> Answer:
    import moderndid as md

    result = md.att_gt(
        data=data.assign(row=np.arange(len(data))).astype({"cohort": float}), yname="y",
        tname="year", idname="row", gname="cohort", xformla="~ x", panel=False,
        control_group="notyettreated", boot=False, cband=False, clustervars=["unit"],
    )  # fmt: skip
    shown = md.aggte(result, type="simple", boot=False, cband=False)
    return float(shown.overall_att), float(shown.overall_se)


def diff_diff_dose(data: pd.DataFrame) -> Answer:
    import diff_diff as dd

    fit = dd.ContinuousDiD(degree=3, num_knots=0, control_group="not_yet_treated").fit(
        with_dose(data), "y", "unit", "year", "cohort", "dose", aggregate="dose"
    )
    return float(fit.overall_att), float(fit.overall_att_se)


def moderndid_switching(data: pd.DataFrame) -> Answer:
    import moderndid as md

    found = md.did_multiplegt(with_treatment(data), "y", "year", "unit", "treated",
                              effects=3, placebo=2)  # fmt: skip
    return float(found.effects.estimates[0]), float(found.effects.std_errors[0])


def moderndid_triple(data: pd.DataFrame) -> Answer:
    import moderndid as md

    found = md.ddd(
        data=with_dose(data).astype({"cohort": float}), yname="y", tname="year", idname="unit",
        gname="cohort", pname="half", control_group="notyettreated", est_method="dr",
    )  # fmt: skip
    shown = md.agg_ddd(found, type="simple")
    return float(shown.overall_att), float(shown.overall_se)


def wildboottest_wild(data: pd.DataFrame) -> Answer:
    import statsmodels.api as sm
    from wildboottest.wildboottest import wildboottest

    table = with_treatment(data)
    for name in ("y", "treated"):  # unit and year effects taken out first, as the peer cannot
        by_unit = table.groupby("unit")[name].transform("mean")
        by_year = table.groupby("year")[name].transform("mean")
        table[name] = table[name] - by_unit - by_year + table[name].mean()
    model = sm.OLS(table["y"], table[["treated"]])
    found = wildboottest(model, param="treated", cluster=table["region"], B=WILD_DRAWS, show=False)
    return float(np.ravel(found["statistic"])[0]), float(np.ravel(found["p-value"])[0])


def moderndid_honest(data: pd.DataFrame) -> Answer:
    from moderndid.didhonest import compute_conditional_cs_rm

    beta, sigma, n_pre = read_event_study(data)
    n_post = len(beta) - n_pre
    found = compute_conditional_cs_rm(
        beta, sigma, n_pre, n_post, l_vec=np.eye(n_post)[:, [0]], m_bar=1.0, seed=1
    )
    kept = found["grid"][np.asarray(found["accept"]) == 1]
    return float(kept.min()), float(kept.max())


def read_event_study(data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, int]:
    """Take the event study that run.py stored in the table's attributes."""
    study = data.attrs["event_study"]
    return np.array(study["beta"]), np.array(study["sigma"]), int(study["n_pre"])


OURS = "medalliance"
CASES: dict[str, dict[str, Callable[[pd.DataFrame], Answer]]] = {
    "two-way effects": {
        OURS: our_twfe,
        "pyfixest": pyfixest_twfe,
        "linearmodels": linearmodels_twfe,
    },
    "event study": {OURS: our_event_study, "pyfixest": pyfixest_event_study},
    "group-time effects, 999 draws": {
        OURS: our_group_time,
        "diff-diff": diff_diff_group_time,
        "moderndid": moderndid_group_time,
    },
    "imputation, event times": {OURS: our_imputation, "diff-diff": diff_diff_imputation},
    "two-stage, event times": {
        OURS: our_two_stage,
        "diff-diff": diff_diff_two_stage,
        "pyfixest": pyfixest_two_stage,  # one average: its event study takes more memory
    },
    "saturated regression": {OURS: our_saturated, "diff-diff": diff_diff_saturated},
    "interaction-weighted": {
        OURS: our_interaction_weighted,
        "diff-diff": diff_diff_interaction_weighted,
        "pyfixest": pyfixest_interaction_weighted,
    },
    "stacked": {OURS: our_stacked, "diff-diff": diff_diff_stacked},
    "local projections": {
        OURS: our_local_projections,
        "diff-diff": diff_diff_local_projections,
    },
    "wild bootstrap, 9,999 draws": {OURS: our_wild, "wildboottest": wildboottest_wild},
    "relative-magnitude interval": {OURS: our_honest, "moderndid": moderndid_honest},
    "synthetic DiD, 200 placebos": {OURS: our_synthetic, "diff-diff": diff_diff_synthetic},
    "factor model, two factors": {OURS: our_factors},
    "matrix completion, cross-validated": {OURS: our_completion, "mlsynth": mlsynth_completion},
    "synthetic control, predictors": {OURS: our_predictors, "pysyncon": pysyncon_predictors},
    "repeated cross-section, one covariate": {OURS: our_people, "moderndid": moderndid_people},
    "dose response": {OURS: our_dose, "diff-diff": diff_diff_dose},
    "switching treatment": {OURS: our_switching, "moderndid": moderndid_switching},
    "triple differences": {OURS: our_triple, "moderndid": moderndid_triple},
    "fractional logit ETWFE": {OURS: our_logit, "diff-diff": diff_diff_logit},
    "multinomial ETWFE, four parts": {OURS: our_multinomial},
}

# what is run at each size; a peer that is an order slower is run at the smaller sizes alone
PLAN: dict[str, dict[str, tuple[str, ...]]] = {
    "S": {task: tuple(libraries) for task, libraries in CASES.items()},
    "L": {
        "two-way effects": (OURS, "pyfixest", "linearmodels"),
        "event study": (OURS, "pyfixest"),
        "group-time effects, 999 draws": (OURS, "diff-diff"),
        "imputation, event times": (OURS, "diff-diff"),
        "two-stage, event times": (OURS, "diff-diff"),
        "saturated regression": (OURS, "diff-diff"),
        "interaction-weighted": (OURS,),  # peers need more than 11 GB
        "stacked": (OURS,),
        "local projections": (OURS,),
        "factor model, two factors": (OURS,),
        "matrix completion, cross-validated": (OURS,),
        # people with covariates: a number a cell and person, 4 GB at 2 million people
        "dose response": (OURS,),
        "switching treatment": (OURS,),
        "triple differences": (OURS,),
    },
    "XL": {
        "two-way effects": (OURS, "pyfixest"),
        "event study": (OURS,),
        "group-time effects, 999 draws": (OURS,),
        "imputation, event times": (OURS,),
    },
}
