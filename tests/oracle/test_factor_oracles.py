"""Factor models: equal to least squares written cell by cell, to principal components of the
controls (Xu 2017), and to mlsynth's matrix completion, whose numbers are stored.

``peers/make_factors.py`` runs mlsynth again.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import medalliance as ma

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from factor_panels import factor_panel  # noqa: E402

STORED = json.loads((ROOT / "tests/oracle/peers/factors.json").read_text("utf-8"))


def panel_of(frame):
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")


def wide(frame, column="y"):
    return frame.pivot(index="unit", columns="year", values=column).to_numpy()


def cell_means(frame, gaps, effects):
    cohort, year = wide(frame, "cohort"), frame["year"].unique()
    return np.array(
        [
            gaps[cohort[:, 0] == g][:, np.flatnonzero(year == t)[0]].mean()
            for g, t in zip(effects.terms["cohort"], effects.terms["year"], strict=True)
        ]
    )


def alternating(y, x, free, rank, rounds):
    """Fit units, then years, then slopes, each by least squares given the others, many times."""
    n, t = y.shape
    w, beta, xi = free * 1.0, np.zeros(x.shape[0]), np.zeros(t)
    start = np.where(free, y, np.nan)
    start = start - np.nanmean(start, axis=1, keepdims=True)
    start = np.where(free, start - np.nanmean(start, axis=0), 0.0)
    factor = np.linalg.svd(start)[2][:rank].T

    def least_squares(design, weight, target):
        gram = np.einsum("sk,is,sl->ikl", design, weight, design)
        right = np.einsum("sk,is->ik", design, weight * target)
        return np.linalg.solve(gram, right[..., None])[..., 0]

    for _ in range(rounds):
        net = y - np.einsum("k,kit->it", beta, x)
        own = least_squares(np.column_stack([np.ones(t), factor]), w, net - xi)
        design = np.column_stack([np.ones(n), own[:, 1:]])
        solved = least_squares(design, w.T, (net - own[:, :1]).T)
        xi, factor = solved[:, 0], solved[:, 1:]
        fitted = own[:, :1] + own[:, 1:] @ factor.T + xi
        if len(beta):
            beta = np.linalg.lstsq(x[:, free].T, (y - fitted)[free], rcond=None)[0]
    return y - np.einsum("k,kit->it", beta, x) - fitted


@pytest.mark.parametrize("names", [[], ["x1", "x2"]])
def test_equals_alternating_least_squares(names):
    frame = factor_panel(24, 12, seed=5, starts=(8, 9), covariates=bool(names))
    effects = ma.interactive_effects(panel_of(frame), "y", n_factors=2, covariates=names)
    cohort = wide(frame, "cohort")
    free = (cohort == 0) | (frame["year"].unique() < cohort)
    x = np.array([wide(frame, name) for name in names]).reshape(len(names), *free.shape)
    gaps = alternating(wide(frame), x, free, 2, rounds=4_000 if names else 1_000)
    np.testing.assert_allclose(effects.estimate, cell_means(frame, gaps, effects), atol=5e-4)


def test_never_treated_factors_are_principal_components_of_controls():
    frame = factor_panel(50, 15, seed=6, starts=(8, 10))
    effects = ma.interactive_effects(
        panel_of(frame), "y", n_factors=2, control_group="never_treated"
    )
    y, cohort = wide(frame), wide(frame, "cohort")[:, 0]
    xi = y[cohort == 0].mean(axis=0)
    centred = y[cohort == 0] - y[cohort == 0].mean(axis=1, keepdims=True) - xi + xi.mean()
    factor = np.linalg.svd(centred)[2][:2].T
    design = np.column_stack([np.ones(15), factor])
    gaps = np.zeros_like(y)
    for i in range(len(y)):
        free = (cohort[i] == 0) | (frame["year"].unique() < cohort[i])
        own = np.linalg.lstsq(design[free], (y[i] - xi)[free], rcond=None)[0]
        gaps[i] = y[i] - xi - design @ own
    np.testing.assert_allclose(effects.estimate, cell_means(frame, gaps, effects), atol=1e-7)


@pytest.mark.parametrize("record", STORED["cases"], ids=lambda r: f"penalty {r['penalty']}")
def test_equals_mlsynth(record):
    frame = factor_panel(**STORED["panel"])
    effects = ma.interactive_effects(panel_of(frame), "y", method="mc", penalty=record["penalty"])
    cohort = wide(frame, "cohort")
    gaps = np.zeros(cohort.shape)
    gaps[(cohort > 0) & (frame["year"].unique() >= cohort)] = record["gaps"]
    np.testing.assert_allclose(effects.estimate, cell_means(frame, gaps, effects), atol=1e-4)
    assert float(effects) == pytest.approx(record["effect"], abs=1e-4)
