"""Agreement of etwfe, sun_abraham, stacked_did and lp_did with diff-diff and pyfixest.

``benchmarks/refresh_peers_regressions.py`` runs the peers again and stores their numbers.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import medalliance as ma

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from bench_panels import staggered_panel  # noqa: E402

STORED = json.loads((ROOT / "tests/oracle/peers/regressions.json").read_text("utf-8"))
OURS = {
    "etwfe": ma.etwfe,
    "sun_abraham": ma.sun_abraham,
    "stacked_did": ma.stacked_did,
    "lp_did": ma.lp_did,
}


def panel_of(name: str) -> ma.Panel:
    data = staggered_panel(**STORED["panels"][name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.PanelWarning)
        return ma.Panel.from_frame(
            data.assign(positive=np.exp(data["y"] / 4)), unit="unit", year="year", cohort="cohort"
        )


def label(record: dict) -> str:
    chosen = "-".join(str(value) for value in record["options"].values())
    return f"{record['peer']}-{record['estimator']}-{record['panel']}-{chosen}"


@pytest.mark.parametrize("record", STORED["cases"], ids=label)
def test_equals_the_peer(record):
    options = dict(record["options"])
    if "window" in options:
        options["window"] = tuple(options["window"])
    panel = panel_of(record["panel"])
    found = OURS[record["estimator"]](panel, record["outcome"], **options)
    if "by_event" in record:
        found = found.aggregate("event_time")
        place = {str(key): row for row, key in enumerate(found.terms["event_time"])}
        expected = [(place[key], *values) for key, values in record["by_event"].items()]
    else:
        keys = list(zip(found.terms["cohort"], found.terms["year"], strict=True))
        place = {key: row for row, key in enumerate(keys)}
        expected = [(place[g, t], estimate, error) for g, t, estimate, error in record["cells"]]
    row, estimate, error = (np.array(column) for column in zip(*expected, strict=True))
    factor = 1.0
    if record.get("nested_units"):
        assert record["reason"]
        n = found.design.n_obs
        cells, years = len(record["cells"]), len(panel.years)
        cohorts = len(np.unique(panel.cohort_by_unit))
        factor = np.sqrt((n - cells - years - cohorts + 1) / (n - cells - years))
    row = row.astype(int)
    np.testing.assert_allclose(found.estimate[row], estimate, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.std_error[row] * factor, error, rtol=1e-6)
