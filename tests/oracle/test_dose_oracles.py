"""Dose responses: equal to moderndid and diff-diff, whose numbers are stored.

``peers/make_dose.py`` runs the peers again; moderndid's errors are drawn (1,000 draws: 15 %).
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import medalliance as ma

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from dose_panels import dose_panel  # noqa: E402

STORED = json.loads((ROOT / "tests/oracle/peers/dose.json").read_text("utf-8"))
CONTROL = {"nevertreated": "never_treated", "notyettreated": "not_yet_treated"}


def fit(**options):
    panel = ma.Panel.from_frame(
        dose_panel(**STORED["panel"]), unit="unit", year="year", cohort="cohort"
    )
    return ma.dose_response(panel, "y", dose="dose", at=STORED["at"], **options)


@pytest.mark.parametrize("record", STORED["moderndid"])
@pytest.mark.parametrize(("place", "target"), [(0, "level"), (1, "slope")])
def test_equals_moderndid(record, place, target):
    effects = fit(target=target, degree=record["degree"], control_group=CONTROL[record["control"]])
    np.testing.assert_allclose(effects.estimate, record[target], rtol=1e-8)
    assert effects.overall.estimate[0] == pytest.approx(record["overall"][place], rel=1e-8)
    if target == "level":
        np.testing.assert_allclose(effects.std_error, record["drawn_errors"], rtol=0.15)


def test_equals_diff_diff_with_errors():
    for place, target in enumerate(("level", "slope")):
        effects = fit(target=target, control_group="never_treated")
        np.testing.assert_allclose(
            effects.estimate, STORED["diff-diff"]["estimates"][place], rtol=1e-8
        )
        np.testing.assert_allclose(
            effects.std_error, STORED["diff-diff"]["errors"][place], rtol=1e-6
        )
    overall = fit(control_group="never_treated").overall
    theirs = STORED["diff-diff"]["overall"]
    np.testing.assert_allclose([overall.estimate[0], overall.std_error[0]], theirs, rtol=1e-6)
