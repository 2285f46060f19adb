"""Classic panel regressions against plm on Grunfeld's data and Wooldridge's printed tables."""

import numpy as np
import pandas as pd
import pytest

import medalliance as ma


def panel_of(frame, unit, year="year"):
    return ma.Panel.from_frame(frame.assign(cohort=0), unit=unit, year=year, cohort="cohort")


@pytest.fixture(scope="module")
def grunfeld(shared):
    return panel_of(pd.read_csv(shared("oracles/grunfeld.csv")), "firm")


def fit(panel, **options):
    return ma.panel_regression(panel, "inv", ["value", "capital"], **options)


def printed(effects, numbers):
    """Compare estimates and errors with printed ones, each to half of its last digit."""
    frame = effects.to_frame(bands=False).set_index("term")
    for term, pair in numbers.items():
        for column, text in zip(("estimate", "std_error"), pair, strict=True):
            half = 0.5 * 10.0 ** -len(text.partition(".")[2])
            assert frame.loc[term, column] == pytest.approx(float(text), abs=1.02 * half)


# R plm, summary() of plm(inv ~ value + capital, Grunfeld): unadjusted errors
PLM = {
    "within": {"value": ("0.1101238", "0.01185669"), "capital": ("0.3100653", "0.0173545")},
    "pooled": {
        "constant": ("-42.714369", "9.511676"),
        "value": ("0.115562", "0.005836"),
        "capital": ("0.230678", "0.025476"),
    },
    "between": {
        "constant": ("-8.527114", "47.515308"),
        "value": ("0.134646", "0.028745"),
        "capital": ("0.032031", "0.190938"),
    },
    "random": {
        "constant": ("-57.834415", "28.898935"),
        "value": ("0.109781", "0.010493"),
        "capital": ("0.308113", "0.017180"),
    },
}


@pytest.mark.parametrize("model", PLM)
def test_plm_on_grunfeld(grunfeld, model):
    printed(fit(grunfeld, model=model, std_errors="unadjusted"), PLM[model])


def test_plm_differences_with_and_without_a_constant(grunfeld):
    options = {"model": "first_difference", "std_errors": "unadjusted"}
    printed(
        fit(grunfeld, **options),
        {"value": ("0.089063", "0.008234"), "capital": ("0.278694", "0.047156")},
    )
    with_one = {
        "constant": ("-1.818890", "3.565593"),
        "value": ("0.089762", "0.008364"),
        "capital": ("0.291767", "0.053752"),
    }
    printed(fit(grunfeld, constant=True, **options), with_one)


def test_plm_two_way_effects(grunfeld):
    found = fit(grunfeld, time_effects=True, std_errors="unadjusted")
    printed(found, {"value": ("0.1177159", "0.01375128"), "capital": ("0.3579163", "0.02271901")})
    tests = found.tests["poolability"].set_index("test")
    row = tests.loc["neither unit nor year effects"]  # plm: F = 17.403, 28 and 169
    assert (row["dof"], row["dof_2"]) == (28, 169)
    assert row["statistic"] == pytest.approx(17.403, abs=5e-4)


def test_plm_variance_components(grunfeld):
    found = fit(grunfeld, model="random", std_errors="unadjusted").tests["fit"]
    value = found.set_index("measure")["value"]
    assert value["standard deviation of errors"] == pytest.approx(52.77, abs=5e-3)
    assert value["standard deviation of unit effects"] == pytest.approx(84.20, abs=5e-3)
    assert value["theta, largest"] == pytest.approx(0.8612, abs=5e-5)


ROBUST = {
    "plm HC1 by firm": ({"small_sample": "plm"}, [0.01441440, 0.05004345], 8),
    "plm HC1 two ways": (
        {"small_sample": "plm", "clusters": ["firm", "year"]},
        [0.01110992, 0.04135205],
        8,
    ),
    "plm Driscoll-Kraay, HC0, 2 lags": (
        {"small_sample": "none", "std_errors": "driscoll_kraay", "lags": 2},
        [0.01768603, 0.03482015],
        8,
    ),
    "fixest by firm": ({}, [0.015194, 0.052752], 6),
    "fixest by firm and year": ({"clusters": ["firm", "year"]}, [0.011711, 0.043590], 6),
}


@pytest.mark.parametrize("name", ROBUST)
def test_robust_errors_on_grunfeld(grunfeld, name):
    options, errors, digits = ROBUST[name]
    np.testing.assert_allclose(
        fit(grunfeld, **options).std_error, errors, rtol=0, atol=0.51 * 10.0**-digits
    )


# plm: pFtest, pooltest (within and pooling), phtest, plmtest(type = "bp")
def test_plm_tests_on_grunfeld(grunfeld):
    within, pooled, random = (
        fit(grunfeld, model=model, std_errors="unadjusted")
        for model in ("within", "pooled", "random")
    )
    for found, name, table, statistic, dof, p_value in (
        (within, "no unit effects", "poolability", 49.177, (9, 188), None),
        (within, "same slopes in all units", "poolability", 5.7805, (18, 170), 1.219e-10),
        (pooled, "same coefficients in all units", "poolability", 27.749, (27, 170), None),
        (random, "within and random effects agree (Hausman)", "hausman", 2.3304, (2,), 0.3119),
        (within, "within and random effects agree (Hausman)", "hausman", 2.3304, (2,), 0.3119),
        (random, "unit effects have no variance (Breusch-Pagan)", "effects", 798.16, (1,), None),
    ):
        row = found.tests[table].set_index("test").loc[name]
        digits = len(str(statistic).partition(".")[2])
        assert row["statistic"] == pytest.approx(statistic, abs=0.51 * 10.0**-digits)
        assert tuple(row[["dof", "dof_2"]].dropna()) == dof
        if p_value is None:  # printed as < 2.2e-16
            assert row["p_value"] < 2.2e-16
        else:
            assert row["p_value"] == pytest.approx(p_value, rel=5e-4)


# plm: phtest(method = "aux"), without and with vcovHC
def test_plm_hausman_by_regression(grunfeld):
    for options, statistic, p_value in (
        ({"std_errors": "unadjusted"}, 2.1314, 0.3445),
        ({"small_sample": "none"}, 8.2998, 0.01577),
    ):
        found = fit(grunfeld, model="random", **options).tests["hausman"].set_index("test")
        row = found.loc["changes within units add nothing (regression form)"]
        assert row["statistic"] == pytest.approx(statistic, abs=5.1e-5)
        assert row["p_value"] == pytest.approx(p_value, abs=5.1e-5)


@pytest.fixture(scope="module")
def wages():
    return panel_of(pytest.importorskip("linearmodels.datasets.wage_panel").load(), "nr")


EVERY = ["educ", "black", "hisp", "exper", "expersq", "married", "union"]


# Wooldridge, Introductory Econometrics, Table 14.2 (Vella, Verbeek 1998), with year dummies
def test_wage_panel_as_wooldridge_prints_it(wages):
    plain = {"time_effects": True, "std_errors": "unadjusted"}
    pooled = ma.panel_regression(wages, "lwage", EVERY, model="pooled", **plain)
    printed(
        pooled,
        {
            "educ": (".091", ".005"),
            "black": ("-.139", ".024"),
            "hisp": (".016", ".021"),
            "exper": (".067", ".014"),
            "expersq": ("-.0024", ".0008"),
            "married": (".108", ".016"),
            "union": (".182", ".017"),
        },
    )
    random = ma.panel_regression(wages, "lwage", EVERY, model="random", **plain)
    printed(
        random,
        {
            "educ": (".092", ".011"),
            "black": ("-.139", ".048"),
            "hisp": (".022", ".043"),
            "exper": (".106", ".015"),
            "expersq": ("-.0047", ".0007"),
            "married": (".064", ".017"),
            "union": (".106", ".018"),
        },
    )
    within = ma.panel_regression(wages, "lwage", ["expersq", "married", "union"], **plain)
    printed(
        within,
        {"expersq": ("-.0052", ".0007"), "married": (".047", ".018"), "union": (".080", ".019")},
    )


# the example of linearmodels' documentation, 4 decimals
def test_wage_panel_as_linearmodels_prints_it(wages):
    printed(
        ma.panel_regression(wages, "lwage", EVERY, model="between", std_errors="unadjusted"),
        {
            "constant": ("0.4923", "0.2210"),
            "black": ("-0.1388", "0.0489"),
            "hisp": ("0.0048", "0.0427"),
            "exper": ("-0.0504", "0.0503"),
            "expersq": ("0.0051", "0.0032"),
            "married": ("0.1437", "0.0412"),
            "union": ("0.2707", "0.0466"),
            "educ": ("0.0946", "0.0109"),
        },
    )
    changes = ma.panel_regression(
        wages, "lwage", EVERY[3:], model="first_difference", std_errors="unadjusted"
    )
    printed(
        changes,
        {
            "exper": ("0.1158", "0.0196"),
            "expersq": ("-0.0039", "0.0014"),
            "married": ("0.0381", "0.0229"),
            "union": ("0.0428", "0.0197"),
        },
    )


# Wooldridge, Introductory Econometrics, Table 14.1 (Holzer et al. 1993): 54 firms with scrap rates
def test_job_training_grants_as_wooldridge_prints_them():
    frame = pytest.importorskip("linearmodels.datasets.jobtraining").load()
    panel = panel_of(frame[["fcode", "year", "lscrap", "d88", "d89", "grant", "grant_1"]], "fcode")
    found = ma.panel_regression(
        panel, "lscrap", ["d88", "d89", "grant", "grant_1"], std_errors="unadjusted"
    )
    assert (found.design.n_units, found.design.n_obs) == (54, 162)
    assert "309 rows with a blank" in found.design.foot()
    printed(
        found,
        {
            "d88": ("-.080", ".109"),
            "d89": ("-.247", ".133"),
            "grant": ("-.252", ".151"),
            "grant_1": ("-.422", ".210"),
        },
    )


# Wooldridge, Introductory Econometrics, Examples 15.5, 15.7 and 15.8: returns to schooling
def test_two_stage_least_squares_as_wooldridge_prints_it():
    frame = pytest.importorskip("linearmodels.datasets.mroz").load().dropna(subset=["lwage"])
    panel = panel_of(frame.assign(person=range(len(frame)), year=1975), "person")
    found = ma.panel_regression(
        panel,
        "lwage",
        ["educ", "exper", "expersq"],
        model="iv",
        endogenous="educ",
        instruments=["motheduc", "fatheduc"],
        std_errors="unadjusted",
    )
    assert found.design.n_obs == 428
    printed(
        found,
        {
            "constant": (".048", ".400"),
            "educ": (".061", ".031"),
            "exper": (".044", ".013"),
            "expersq": ("-.0009", ".0004"),
        },
    )
    first = found.tests["first_stage"].iloc[0]
    assert first["f_statistic"] == pytest.approx(55.40, abs=5e-3)
    tests = found.tests["endogeneity"].set_index("test")
    sargan = tests.loc["instruments are valid (Sargan)"]
    assert sargan["statistic"] == pytest.approx(0.378, abs=5e-4)
    assert sargan["p_value"] == pytest.approx(0.5386, abs=5e-5)
    wu = tests.loc["regressors are exogenous (Wu-Hausman)"]  # t = 1.67 on the residual
    assert np.sqrt(wu["statistic"]) == pytest.approx(1.67, abs=5e-3)
