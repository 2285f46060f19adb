"""Published Lipset results (Rihoux and Ragin 2009; R QCA 3.26 for the fit figures)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medalliance.embedding.calibrate import calibrate
from medalliance.embedding.qca import minimise, necessity
from medalliance.embedding.truth_table import truth_table

CONDITIONS = ["DEV", "URB", "LIT", "IND", "STB"]
ANCHORS = {
    "DEV": (400, 550, 900),
    "URB": (25, 50, 65),
    "LIT": (50, 75, 90),
    "IND": (20, 30, 40),
    "STB": (15, 9.5, 5),
    "SURV": (-9, 0, 10),
}
PRESENT = dict.fromkeys(CONDITIONS, True)


@pytest.fixture(scope="module")
def lipset(shared):
    return {
        name: pd.read_csv(shared(f"oracles/lipset_{name}.csv"), index_col="case")
        for name in ("raw", "crisp", "fuzzy")
    }


@pytest.mark.parametrize("name", list(ANCHORS))
def test_calibration_to_two_decimals(lipset, name):
    out, cross, full = ANCHORS[name]
    got = calibrate(lipset["raw"][name], out=out, cross=cross, full=full)
    np.testing.assert_allclose(np.round(got, 2), lipset["fuzzy"][name], atol=1e-9)


def fit_of(solution):
    return solution.to_frame().set_index("term")


def same(solution, *terms):
    assert len(solution.models) == 1
    assert set(solution.expressions()[0].split(" + ")) == set(terms)


def test_crisp_solutions(lipset):
    table = truth_table(lipset["crisp"], "SURV", CONDITIONS, inclusion_cut=1.0)
    conservative = minimise(table, "conservative")
    same(conservative, "DEV*LIT*IND*STB", "DEV*~URB*LIT*STB")
    fit = fit_of(conservative)
    assert fit.loc["DEV*LIT*IND*STB", "coverage"] == pytest.approx(0.750, abs=5e-4)
    assert fit.loc["DEV*~URB*LIT*STB", "coverage"] == pytest.approx(0.500, abs=5e-4)
    assert fit.loc["(model)", "inclusion"] == 1
    assert fit.loc["(model)", "coverage"] == 1
    same(minimise(table, "parsimonious"), "DEV*STB")
    same(minimise(table, "intermediate", expectations=PRESENT), "DEV*LIT*STB")


def test_crisp_negated(lipset):
    table = truth_table(lipset["crisp"], "~SURV", CONDITIONS, inclusion_cut=1.0)
    same(minimise(table), "~DEV*~URB*~IND", "DEV*LIT*IND*~STB")


def check(fit, term, inclusion, pri, coverage):
    got = fit.loc[term, ["inclusion", "pri", "coverage"]].astype(float)
    np.testing.assert_allclose(got, [inclusion, pri, coverage], atol=6e-4)


def test_fuzzy_at_point_eight(lipset):
    table = truth_table(lipset["fuzzy"], "SURV", CONDITIONS, inclusion_cut=0.8)
    conservative = minimise(table)
    same(conservative, "DEV*URB*LIT*IND*STB", "DEV*~URB*LIT*~IND*STB")
    fit = fit_of(conservative)
    check(fit, "DEV*URB*LIT*IND*STB", 0.904, 0.886, 0.454)
    check(fit, "DEV*~URB*LIT*~IND*STB", 0.804, 0.719, 0.265)
    check(fit, "(model)", 0.870, 0.843, 0.658)
    parsimonious = minimise(table, "parsimonious")
    same(parsimonious, "DEV*~IND", "URB*STB")
    check(fit_of(parsimonious), "(model)", 0.850, 0.819, 0.714)


def test_fuzzy_at_point_seven(lipset):
    table = truth_table(lipset["fuzzy"], "SURV", CONDITIONS, inclusion_cut=0.7)
    conservative = minimise(table)
    same(conservative, "DEV*LIT*IND*STB", "DEV*~URB*LIT*STB")
    check(fit_of(conservative), "(model)", 0.871, 0.851, 0.818)
    parsimonious = minimise(table, "parsimonious")
    same(parsimonious, "DEV*STB")
    check(fit_of(parsimonious), "(model)", 0.869, 0.848, 0.824)


def test_row_pri_uses_the_three_way_minimum(lipset):
    rows = truth_table(lipset["fuzzy"], "SURV", CONDITIONS).rows
    seen = set(np.round(rows.loc[rows["n"] > 0, "pri"].astype(float), 3))
    assert {0.634, 0.719, 0.886} <= seen


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("LIT", (0.991, 0.643, 0.509)),
        ("STB", (0.920, 0.707, 0.680)),
        ("DEV", (0.831, 0.775, 0.811)),
    ],
)
def test_necessity(lipset, name, figures):
    table = necessity(lipset["fuzzy"], "SURV", CONDITIONS).set_index("condition")
    np.testing.assert_allclose(table.loc[name].astype(float), figures, atol=6e-4)
