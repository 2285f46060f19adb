"""Repeated cross-sections: equal to moderndid (R did's panel=FALSE) and to least squares.

``peers/make_people.py`` runs moderndid again; its analytical errors are not clustered.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import medalliance as ma

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from people_panels import people_frame  # noqa: E402

STORED = json.loads((ROOT / "tests/oracle/peers/people.json").read_text("utf-8"))
CONTROL = {"nevertreated": "never_treated", "notyettreated": "not_yet_treated"}
AVERAGES = {"simple": "simple", "dynamic": "event_time", "group": "cohort", "calendar": "year"}


def panel_of(cluster=None, weight=None):
    return ma.Panel.from_frame(
        people_frame(**STORED["panel"]),
        unit="area", year="year", cohort="cohort", cluster=cluster, weight=weight,
        repeated_cross_section=True,
    )  # fmt: skip


@pytest.mark.parametrize("record", STORED["cases"])
def test_equals_moderndid(record):
    effects = ma.att_gt(
        panel_of("row", record["weight"]), "y", control_group=CONTROL[record["control"]],
        method=record["method"], covariates=record["covariates"], base_period=record["base"],
    )  # fmt: skip
    ours = effects.terms.assign(estimate=effects.estimate, error=effects.std_error)
    ours = ours.set_index(["cohort", "year"])
    for (g, t), estimate, error in zip(
        record["cells"], record["estimate"], record["error"], strict=True
    ):
        row = ours.loc[(g, t)]
        assert row["estimate"] == pytest.approx(estimate, rel=1e-6, abs=1e-9)
        if t != g - 1 or record["base"] == "varying":
            assert row["error"] == pytest.approx(error, rel=1e-6)
    for theirs, kind in AVERAGES.items():
        overall = effects.aggregate(kind).overall
        found = [overall.estimate[0], overall.std_error[0]]
        np.testing.assert_allclose(found, record["averages"][theirs], rtol=1e-6)


def least_squares(frame, columns, effects, cluster):
    """Weighted least squares with dummies; the variance clustered, without a factor."""
    dummies = [pd.get_dummies(frame[name], prefix=name, dtype=float) for name in effects]
    design = pd.concat([columns, *dummies], axis=1)
    fit = sm.WLS(frame["y"], design, weights=frame["weight"])
    return fit.fit(cov_type="cluster", cov_kwds={"groups": frame[cluster], "use_correction": False})


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.ModelWarning")
@pytest.mark.parametrize("cluster", ["area", "row"])
@pytest.mark.parametrize("covariates", [(), ("x", "d")])
@pytest.mark.parametrize("event_study", [False, True])
def test_twfe_is_least_squares_with_area_effects(cluster, covariates, event_study):
    frame = people_frame(**STORED["panel"])
    effects = ma.twfe(
        panel_of(cluster, "weight"), "y", covariates=covariates, event_study=event_study
    )
    event = (frame["year"] - frame["cohort"]).where(frame["cohort"] > 0)
    keys = [-3, -2, 0, 1, 2] if event_study else ["treated"]
    columns = pd.DataFrame(
        {key: (event == key if event_study else event >= 0).astype(float) for key in keys}
    )
    columns[list(covariates)] = frame[list(covariates)]
    theirs = least_squares(frame, columns, ("area", "year"), cluster)
    free = effects.terms["event_time"].ne(-1).to_numpy() if event_study else [True]
    np.testing.assert_allclose(effects.estimate[free], theirs.params[keys], rtol=1e-8)
    errors = effects.std_error / np.sqrt(effects.variance_factor)
    np.testing.assert_allclose(errors[free], theirs.bse[keys], rtol=1e-7)
    n, groups = len(frame), frame[cluster].nunique()
    n_params = len(columns.columns) + 5 + (0 if cluster == "area" else 59)  # fixest
    factor = groups / (groups - 1) * (n - 1) / (n - n_params)
    assert effects.variance_factor == pytest.approx(factor, rel=1e-12)


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.ModelWarning")
def test_etwfe_is_saturated_least_squares():
    frame = people_frame(**STORED["panel"])
    effects = ma.etwfe(panel_of(weight="weight"), "y")
    columns = pd.DataFrame(
        {
            (g, t): ((frame["cohort"] == g) & (frame["year"] == t)).astype(float)
            for g, t in zip(effects.terms["cohort"], effects.terms["year"], strict=True)
        }
    )
    columns.columns = [f"{g} {t}" for g, t in columns.columns]
    theirs = least_squares(frame, columns, ("cohort", "year"), "area")
    np.testing.assert_allclose(effects.estimate, theirs.params[columns.columns], rtol=1e-8)
    errors = effects.std_error / np.sqrt(effects.variance_factor)
    np.testing.assert_allclose(errors, theirs.bse[columns.columns], rtol=1e-7)


@pytest.mark.parametrize("composition", ["stable", "changing"])
def test_the_influence_of_an_area_is_the_derivative_by_its_weight(composition):
    """Central differences of the estimate, also of averages with estimated shares."""
    frame = people_frame(20, 4, 60, 2, shift=0.3)

    def fit(weight):
        panel = ma.Panel.from_frame(
            frame.assign(weight=weight), unit="area", year="year", cohort="cohort",
            weight="weight", repeated_cross_section=True,
        )  # fmt: skip
        return ma.att_gt(panel, "y", covariates=["x", "d"], composition=composition).overall

    whole = fit(frame["weight"])
    step = 1e-4
    for area in (0, 1, 2, 7):
        moved = [
            fit(frame["weight"] * (1 + side * step * (frame["area"] == area))).estimate[0]
            for side in (1, -1)
        ]
        slope = (moved[0] - moved[1]) / (2 * step)
        assert whole.cluster_influence[area, 0] == pytest.approx(slope, rel=1e-4, abs=1e-8)
