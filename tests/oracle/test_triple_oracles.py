"""Triple differences: equal to moderndid and diff-diff, whose numbers are stored.

``peers/make_triple.py`` runs the peers again. The peers divide the variance of pooled control
cohorts by n - 1, ours as all group-time effects by n: errors within 2 in a thousand. Their errors
of averages are drawn.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import medalliance as ma

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from triple_panels import triple_panel  # noqa: E402

STORED = json.loads((ROOT / "tests/oracle/peers/triple.json").read_text("utf-8"))
CONTROL = {"nevertreated": "never_treated", "notyettreated": "not_yet_treated"}


@pytest.fixture(scope="module")
def panel():
    return ma.Panel.from_frame(
        triple_panel(**STORED["panel"]), unit="unit", year="year", cohort="cohort"
    )


def cells_of(effects):
    keys = zip(effects.terms["cohort"], effects.terms["year"], strict=True)
    values = zip(effects.estimate, effects.std_error, strict=True)
    return dict(zip(((int(g), int(t)) for g, t in keys), values, strict=True))


@pytest.mark.parametrize("record", STORED["moderndid"])
def test_equals_moderndid(panel, record):
    effects = ma.triple_did(
        panel,
        "y",
        subgroup="eligible",
        control_group=CONTROL[record["control"]],
        method=record["method"],
        covariates=["x"] if record["covariate"] else [],
        base_period=record["base"],
    )
    found = cells_of(effects)
    keys = list(zip(record["cohort"], record["year"], strict=True))
    ours = np.array([found[int(g), int(t)] for g, t in keys])
    theirs = np.column_stack([np.array(record[k], float) for k in ("estimate", "error")])
    used = np.isfinite(theirs[:, 1]) & (theirs[:, 1] > 0)
    assert used.sum() >= 10
    np.testing.assert_allclose(ours[:, 0], theirs[:, 0], atol=1e-7)
    pooled = record["control"] == "notyettreated"
    np.testing.assert_allclose(ours[used, 1], theirs[used, 1], rtol=2e-3 if pooled else 1e-6)
    average = effects.aggregate("event_time")
    shown = dict(zip(average.terms["event_time"], average.estimate, strict=True))
    mine = [shown[int(key)] for key in record["event"]]
    np.testing.assert_allclose(mine, record["event_estimate"], atol=1e-7)
    overall = effects.overall
    assert overall.estimate[0] == pytest.approx(record["simple"][0], abs=1e-7)
    assert overall.std_error[0] == pytest.approx(record["simple"][1], rel=0.1)


def test_equals_diff_diff(panel):
    found = cells_of(ma.triple_did(panel, "y", subgroup="eligible", covariates=["x"]))
    for cohort, year, estimate, error in STORED["diff-diff"]:
        ours = found[cohort, year]
        assert ours[0] == pytest.approx(estimate, abs=1e-7)
        assert ours[1] == pytest.approx(error, rel=2e-3)
