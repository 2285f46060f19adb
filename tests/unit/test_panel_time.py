"""Time as people write it: years, quarters, months, dates; gaps that all units share."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import medalliance as ma

FIRST = 12 * 2012 + 6  # July 2012, counted in months


def table(step: int = 1) -> pd.DataFrame:
    """Nine times, cohorts at the fourth and sixth, effects of 1 and 2."""
    rng = np.random.default_rng(5)
    rows = [
        (unit, at, cohort, unit + 0.1 * at + (cohort > 0) * (at >= cohort) * (1 + (cohort == 6)))
        for unit in range(24)
        for cohort in [(0, 4, 6)[unit % 3]]
        for at in range(1, 10)
    ]
    frame = pd.DataFrame(rows, columns=["id", "t", "g", "y"])
    return frame.assign(
        y=frame["y"] + 0.1 * rng.normal(size=len(frame)), t=step * frame["t"], g=step * frame["g"]
    )


def make(frame: pd.DataFrame, **options: object) -> ma.Panel:
    return ma.Panel.from_frame(frame, unit="id", year="t", cohort="g", **options)


def month(k: int) -> tuple[int, int]:
    return (FIRST + k) // 12, (FIRST + k) % 12 + 1


WAYS = {
    "201207": (lambda k: month(k)[0] * 100 + month(k)[1], 0, "2012-11"),
    "2012-07": (lambda k: f"{month(k)[0]}-{month(k)[1]:02d}", "0", "2012-11"),
    "2012年7月": (lambda k: f"{month(k)[0]}年{month(k)[1]}月", "从未", "2012-11"),
    "2012m7": (lambda k: f"{month(k)[0]}m{month(k)[1]}", "never", "2012-11"),
    "2012-07-31": (
        lambda k: str(pd.Period(year=month(k)[0], month=month(k)[1], freq="M").end_time.date()),
        0,
        "2012-11",
    ),
    "timestamps": (lambda k: pd.Timestamp(*month(k), 1), np.inf, "2012-11"),
    "periods": (lambda k: pd.Period(ordinal=FIRST - 12 * 1970 + k, freq="M"), 0, "2012-11"),
    "2012Q3": (lambda k: f"{(8050 + k) // 4}Q{(8050 + k) % 4 + 1}", 0, "2013Q3"),
    "2012年第三季度": (
        lambda k: f"{(8050 + k) // 4}年第{'一二三四'[(8050 + k) % 4]}季度",
        0,
        "2013Q3",
    ),
    "20123": (lambda k: (8050 + k) // 4 * 10 + (8050 + k) % 4 + 1, 0, "2013Q3"),
    "year ends": (lambda k: f"{2011 + k}-12-31", 0, "2015"),
}


@pytest.mark.parametrize("way", WAYS)
def test_event_time_counts_steps_however_time_is_written(way: str) -> None:
    write, never, fourth = WAYS[way]
    frame = table()
    other = frame.assign(
        t=[write(k) for k in frame["t"]], g=[write(k) if k else never for k in frame["g"]]
    )
    plain, found = (ma.att_gt(make(f), "y") for f in (frame, other))
    np.testing.assert_allclose(found.estimate, plain.estimate)
    assert found.terms["event_time"].equals(plain.terms["event_time"])
    shown = found.to_frame(bands=False)
    assert str(shown["cohort"].iloc[0]) == fourth
    assert found.terms["term"].iloc[0].startswith(f"cohort {fourth} in ")
    assert found.aggregate("cohort").terms["term"].iloc[0] == f"cohort {fourth}"


def test_a_treatment_column_gives_the_cohort_in_steps() -> None:
    frame = table()
    treated = ((frame["g"] > 0) & (frame["t"] >= frame["g"])).astype(int)
    dated = frame.assign(t=[f"{month(k)[0]}-{month(k)[1]}" for k in frame["t"]], d=treated)
    panel = ma.Panel.from_frame(dated.drop(columns="g"), unit="id", year="t", treatment="d")
    assert panel.step.unit == "month"
    assert [panel.say(g) for g in np.unique(panel.cohort_by_unit)[1:]] == ["2012-11", "2013-01"]


def test_months_may_be_counted_as_quarters_where_one_is_seen_a_quarter() -> None:
    frame = table(step=3)
    text = frame.assign(
        t=[f"{month(k)[0]}-{month(k)[1]:02d}" for k in frame["t"]],
        g=[f"{month(k)[0]}-{month(k)[1]:02d}" if k else "0" for k in frame["g"]],
    )
    assert make(text, step="quarter").say(make(text, step="quarter").years[0]) == "2012Q4"
    with pytest.warns(ma.PanelWarning, match="No unit is seen in 2012-11, 2012-12"):
        make(text)


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({"t": lambda f: f["t"].map({4: "2012Q1"}).fillna("2011")}, {}, "mixes years and quarters"),
        ({"t": lambda f: f["t"] + 18000}, {}, "step=1 counts whole numbers"),
        ({"t": lambda f: f["t"] + 201200}, {"step": "year"}, "is no year|holds months"),
        ({"t": lambda f: f["t"] + 201200}, {}, "cohort 'g' holds|no year, quarter"),
        ({"g": lambda f: f["g"] + 201500}, {}, "cohort 'g' is no year as 't' is"),
        ({}, {"step": "month"}, "is no year, quarter, month or date"),
        ({}, {"step": 2}, "not a multiple of 2"),
    ],
)
def test_times_that_do_not_fit_are_refused(change, options, words) -> None:
    frame = table()
    with pytest.raises(ma.DataError, match=words):
        make(frame.assign(**{name: f(frame) for name, f in change.items()}), **options)


def test_an_unknown_step_is_refused() -> None:
    with pytest.raises(ma.DesignError, match="step='week'"):
        make(table(), step="week")


def test_numbers_that_are_no_years_count_with_step_one() -> None:
    frame = table()
    moved = frame.assign(
        t=frame["t"] + 18000, g=frame["g"].where(frame["g"] == 0, frame["g"] + 18000)
    )
    np.testing.assert_allclose(
        ma.att_gt(make(moved, step=1), "y").estimate, ma.att_gt(make(frame), "y").estimate
    )


EVENT_STUDIES = {
    "lp_did": ma.lp_did,
    "stacked_did": ma.stacked_did,
    "twfe": lambda p, y: ma.twfe(p, y, event_study=True),
    "sun_abraham": lambda p, y: ma.sun_abraham(p, y).aggregate("event_time"),
    "att_gt": lambda p, y: ma.att_gt(p, y, base_period="universal").aggregate("event_time"),
    "did_imputation": lambda p, y: ma.did_imputation(p, y).aggregate("event_time"),
    "dynamic_panel": lambda p, y: ma.dynamic_panel(p, y, collapse=True),
}


@pytest.mark.parametrize("late", [0, 1])
@pytest.mark.parametrize("name", EVENT_STUDIES)
def test_a_biennial_panel_is_a_panel_of_steps(name: str, late: int) -> None:
    """Cohorts that start between two years seen (late=1) are first treated at the second."""
    every, frame = EVENT_STUDIES[name], table()
    biennial = table(step=2)
    biennial["g"] -= late * (biennial["g"] > 0)
    with pytest.warns(ma.PanelWarning, match="step=2"):
        found = every(make(biennial), "y")
    one = every(make(frame), "y")
    two = every(make(biennial, step=2), "y")
    for other in (found, two):
        np.testing.assert_allclose(other.estimate, one.estimate, atol=1e-10)
        np.testing.assert_allclose(other.std_error, one.std_error, atol=1e-10)
    if name != "dynamic_panel":
        assert list(two.terms["event_time"]) == list(one.terms["event_time"])
        assert list(found.terms["event_time"]) == [2 * e + late for e in one.terms["event_time"]]
    assert "No unit is seen in 3, 5, 7" in found.design.foot()


def test_a_gap_moves_the_base_of_one_cohort() -> None:
    """Cohort 4 is compared with time 2 where nobody is seen in time 3; nobody is lost."""
    frame = table()
    gap = frame[frame["t"] != 3]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.PanelWarning)
        panel = make(gap)
    wide = gap.pivot_table(index="id", columns="t", values="y")
    group = gap.groupby("id")["g"].first()
    found = ma.lp_did(panel, "y", weighting="equal")
    change = {
        g: (wide[g + 2] - wide[b])[group == g].mean()
        - (wide[g + 2] - wide[b])[(group == 0) | (group > g + 2)].mean()
        for g, b in ((4, 2), (6, 5))
    }
    row = found.terms["event_time"] == 2
    assert found.estimate[row] == pytest.approx((change[4] + change[6]) / 2)
    assert found.terms["n_units"][row].item() == 16
    for estimator in (ma.lp_did, ma.att_gt, ma.sun_abraham):
        foot = estimator(panel, "y").design.foot()
        assert "No unit is seen in 3; the last time seen before cohort 4 is 2" in foot
    study = ma.twfe(panel, "y", event_study=True)
    assert study.estimate[study.terms["event_time"] == -1].item() == 0
    stacked = ma.stacked_did(panel, "y", window=(1, 1)).design.foot()
    assert "cohort 4 (nobody seen in 3)" in stacked
