"""Treatments that change: equal to moderndid and diff-diff, whose numbers are stored.

``peers/make_switching.py`` runs the peers again. Tolerance 1e-9: the same definition throughout.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import medalliance as ma

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from switching_panels import switching_panel  # noqa: E402

STORED = json.loads((ROOT / "tests/oracle/peers/switching.json").read_text("utf-8"))
CLOSE = {"rtol": 1e-9, "atol": 1e-11}


def by_event(effects):
    return {
        int(event): (estimate, error, count)
        for event, estimate, error, count in zip(
            effects.terms["event_time"],
            effects.estimate,
            effects.std_error,
            effects.terms["n_units"],
            strict=True,
        )
    }


@pytest.mark.parametrize("record", STORED["moderndid"], ids=lambda r: f"{r['panel']}{r['options']}")
def test_equals_moderndid(record):
    options = record["options"]
    panel = ma.Panel.from_frame(
        switching_panel(**record["panel"]),
        unit="unit",
        year="year",
        path="d",
        cluster=options.get("cluster"),
        weight=options.get("weightsname"),
    )
    never = options.get("only_never_switchers", False)
    effects = ma.switching_did(
        panel,
        "y",
        n_effects=5,
        n_placebos=3,
        switchers=options.get("switchers", "all"),
        normalised=options.get("normalized", False),
        control_group="never_switched" if never else "not_yet_switched",
    )
    found = by_event(effects)
    after, before = [found[k] for k in range(5)], [found[-2 - k] for k in range(3)]
    for column, names in enumerate((("effects", "placebos"), ("effect_errors", "placebo_errors"))):
        for rows, name in zip((after, before), names, strict=True):
            np.testing.assert_allclose([row[column] for row in rows], record[name], **CLOSE)
    assert [row[2] for row in after] == record["n_switchers"]
    total = effects.overall.estimate[0], effects.overall.std_error[0]
    np.testing.assert_allclose(total, record["total"], **CLOSE)


def test_equals_diff_diff_where_units_change_once():
    record = STORED["diff-diff"]
    data = switching_panel(**record["panel"])
    first = data.groupby("unit")["d"].transform("first")
    moved = (data["d"] != first).groupby(data["unit"]).cummax()
    data["d"] = first.where(~moved, 1 - first)
    panel = ma.Panel.from_frame(data, unit="unit", year="year", path="d")
    found = by_event(ma.switching_did(panel, "y", n_effects=3))
    np.testing.assert_allclose([found[k][0] for k in range(3)], record["effects"], **CLOSE)
    # the peer leaves out n / (n - 1) of each cohort and what cohorts of one unit add
    ratio = np.array([found[k][1] for k in range(3)]) / record["effect_errors"]
    assert (ratio > 1).all() and (ratio < 1.15).all()


@pytest.mark.parametrize("record", STORED["diff-diff, local projections"])
def test_local_projections_equal_diff_diff(record):
    panel = ma.Panel.from_frame(
        switching_panel(**record["panel"]), unit="unit", year="year", path="d", cluster="cluster"
    )
    effects = ma.lp_did(
        panel,
        "y",
        nonabsorbing="first_entry" if record["window"] is None else "stabilised",
        stable_after=record["window"],
        weighting="equal" if record["equal"] else "variance",
    )
    found = by_event(effects)
    rows = [found[h] for h in record["horizons"]]
    np.testing.assert_allclose([row[0] for row in rows], record["estimates"], **CLOSE)
    np.testing.assert_allclose([row[1] for row in rows], record["errors"], **CLOSE)


def test_adoption_once_and_for_all_equals_group_time_effects():
    """With one first level and treatment that stays, the effects are Callaway and Sant'Anna's."""
    rng = np.random.default_rng(5)
    data = switching_panel(80, 7, seed=6)
    cohort = np.repeat(rng.choice([0, 2004, 2006], 80), 7)
    data["d"] = ((cohort > 0) & (data["year"] >= cohort)).astype(float)
    path = ma.Panel.from_frame(data, unit="unit", year="year", path="d")
    plain = ma.Panel.from_frame(data.assign(g=cohort), unit="unit", year="year", cohort="g")
    ours = by_event(ma.switching_did(path, "y"))
    theirs = ma.att_gt(plain, "y", base_period="universal").aggregate("event_time")
    place = dict(zip(theirs.terms["event_time"], theirs.estimate, strict=True))
    assert len(ours) >= 6
    for event in ours:
        if event >= -1:  # placebos take the switchers of the effect as far away
            assert ours[event][0] == pytest.approx(place[event], abs=1e-12)
