"""Units that join after the last year are never treated in the window, for every estimator."""

import numpy as np
import pandas as pd
import pytest

import medalliance as ma

YEARS = np.arange(2015, 2021)
ESTIMATORS = {
    "twfe": lambda p: ma.twfe(p, "y"),
    "twfe event study": lambda p: ma.twfe(p, "y", event_study=True),
    "att_gt": lambda p: ma.att_gt(p, "y"),
    "att_gt never treated": lambda p: ma.att_gt(p, "y", control_group="never_treated"),
    "att_gt early": lambda p: ma.att_gt(p, "y", anticipation=1),
    "did_imputation": lambda p: ma.did_imputation(p, "y"),
    "did_imputation early": lambda p: ma.did_imputation(p, "y", anticipation=1),
    "sun_abraham": lambda p: ma.sun_abraham(p, "y"),
    "sun_abraham early": lambda p: ma.sun_abraham(p, "y", anticipation=1),
    "stacked_did": lambda p: ma.stacked_did(p, "y"),
    "stacked_did never treated": lambda p: ma.stacked_did(p, "y", control_group="never_treated"),
    "lp_did": lambda p: ma.lp_did(p, "y"),
    "lp_did never treated": lambda p: ma.lp_did(p, "y", control_group="never_treated"),
    "etwfe": lambda p: ma.etwfe(p, "y"),
    "etwfe never treated": lambda p: ma.etwfe(p, "y", control_group="never_treated"),
    "etwfe poisson": lambda p: ma.etwfe(p, "count", family="poisson"),
    "synthetic_did": lambda p: ma.synthetic_did(p, "y", n_draws=5),
    "controlled_direct_effect": lambda p: ma.controlled_direct_effect(p, "y", mediator="x"),
    "gelbach": lambda p: ma.gelbach(p, "y", mediators=["x"]),
    "log_ratio_did": lambda p: ma.log_ratio_did(p, ["a", "b"]),
}
TABLES = {
    "twfe_weights": lambda p: ma.twfe_weights(p, "y"),
    "bacon_decomposition": lambda p: ma.bacon_decomposition(p, "y"),
    "conley_taber": lambda p: ma.conley_taber(ma.twfe(p, "y"), n_draws=99),
    "donut": lambda p: ma.donut(p, pairs(), 15).frame.drop(columns="cohort"),
}


def pairs() -> pd.DataFrame:
    where = np.array([(i, j) for i in range(30) for j in range(30) if i != j])
    gap = 10.0 * np.abs(where[:, 0] - where[:, 1])
    return pd.DataFrame({"from": where[:, 0], "to": where[:, 1], "distance": gap})


def make(later: list[int]) -> ma.Panel:
    """Return 30 units, of whom 22 join in 2017 or 2018 or, not before the last year, ``later``."""
    rng = np.random.default_rng(5)
    cohort = np.r_[np.repeat([2017, 2018], 4), later, np.repeat(0, 22 - len(later))]
    treated = np.where(cohort == 0, 9999, cohort)[:, None] <= YEARS
    effect = np.cumsum(treated, axis=1)
    y = rng.normal(size=(30, 1)) + 0.3 * (YEARS - 2015) + effect + rng.normal(size=(30, 6))
    share = 1 / (1 + np.exp(-0.2 * y))
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(30), 6),
            "year": np.tile(YEARS, 30),
            "cohort": np.repeat(cohort, 6),
            "y": y.ravel(),
            "x": (y * 0.5 + rng.normal(size=(30, 6))).ravel(),
            "count": np.exp(0.2 * y).ravel(),
            "a": share.ravel(),
            "b": 1 - share.ravel(),
        }
    )
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")


# with a year of anticipation, the cohort of 2021 is not clean in 2020: those of 2022 are
MIXED, ALONE = [2022] * 6 + [2030] * 5, [2022] * 22


@pytest.mark.parametrize("later", [MIXED, ALONE], ids=["beside never treated", "alone"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_joining_after_the_last_year_is_never_joining(name: str, later: list[int]) -> None:
    found = ESTIMATORS[name](make(later))
    wanted = ESTIMATORS[name](make([0] * len(later)))
    pd.testing.assert_frame_equal(found.to_frame(), wanted.to_frame())
    np.testing.assert_allclose(found.vcov, wanted.vcov, atol=1e-12)
    if found.mass is not None:
        np.testing.assert_allclose(found.overall.std_error, wanted.overall.std_error)
    assert found.design.n_treated_clusters == wanted.design.n_treated_clusters


@pytest.mark.parametrize("later", [MIXED, ALONE], ids=["beside never treated", "alone"])
@pytest.mark.parametrize("name", TABLES)
def test_tables_read_the_same_window(name: str, later: list[int]) -> None:
    found, wanted = TABLES[name](make(later)), TABLES[name](make([0] * len(later)))
    one, other = (
        table.to_frame() if isinstance(table, ma.Findings) else table for table in (found, wanted)
    )
    pd.testing.assert_frame_equal(one, other)


def test_the_window_ends_where_the_outcome_does() -> None:
    panel = make([2020] * 22)
    short = panel.frame["y"].where(panel.frame["year"] < 2020)
    found = ma.twfe(panel.with_columns(y=short), "y", event_study=True)
    wanted = ma.twfe(panel.keep(panel.frame["year"] < 2020), "y", event_study=True)
    pd.testing.assert_frame_equal(found.to_frame(), wanted.to_frame())
    assert not found.design.notes


def test_years_that_a_later_cohort_anticipates_are_not_clean() -> None:
    """Joining in 2021 with a year of anticipation leaves 2020 without a control."""
    effects = ma.att_gt(make([2021] * 22), "y", anticipation=1)
    assert effects.terms["year"].max() == 2019
    assert ma.att_gt(make([2022] * 22), "y", anticipation=1).terms["year"].max() == 2020
