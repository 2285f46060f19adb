"""Intervals cover the truth as often as they say, on 500 simulated panels."""

import numpy as np
import pandas as pd
import pytest

from medalliance import Panel, att_gt, did_imputation, twfe

PANELS = 500
EFFECT = 0.5
MONTE_CARLO = 3 * np.sqrt(0.95 * 0.05 / PANELS)


def template():
    n_units, n_years = 120, 6
    cohort = np.resize([0, 2003, 0, 2004], n_units)
    data = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n_units), n_years),
            "year": np.tile(2000 + np.arange(n_years), n_units),
            "cohort": np.repeat(cohort, n_years),
            "y": 0.0,
        }
    )
    return Panel.from_frame(data, unit="unit", year="year", cohort="cohort")


def outcomes(panel, rng):
    """Serially correlated errors whose spread differs by unit, and a constant effect."""
    shape = (panel.n_units, len(panel.years))
    shock = rng.normal(size=shape)
    for year in range(1, shape[1]):
        shock[:, year] += 0.5 * shock[:, year - 1]
    shock *= rng.uniform(0.5, 1.5, (shape[0], 1))
    cohort = panel.cohort_by_unit[:, None]
    treated = (cohort > 0) & (panel.years >= cohort)
    return (rng.normal(size=(shape[0], 1)) + shock + EFFECT * treated).ravel()


@pytest.mark.slow
def test_intervals_and_bands_cover():
    panel, rng = template(), np.random.default_rng(20260102)
    covered = dict.fromkeys(("twfe", "att_gt", "att_gt band", "bjs", "gardner"), 0)
    for _ in range(PANELS):
        drawn = panel.with_columns(y=outcomes(panel, rng))
        event = att_gt(drawn, "y").aggregate("event_time")
        shown = {
            "twfe": twfe(drawn, "y"),
            "att_gt": event.overall,
            "bjs": did_imputation(drawn, "y").aggregate("simple"),
            "gardner": did_imputation(drawn, "y", std_errors="gardner").aggregate("simple"),
        }
        for name, effects in shown.items():
            low, high = effects.conf_int()[0]
            covered[name] += low <= EFFECT <= high
        truth = np.where(event.terms["event_time"] >= 0, EFFECT, 0.0)
        low, high = event.conf_int(simultaneous=True).T
        covered["att_gt band"] += bool(((low <= truth) & (truth <= high)).all())
    for name, count in covered.items():
        assert abs(count / PANELS - 0.95) <= MONTE_CARLO, (name, count / PANELS)
