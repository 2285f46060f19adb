"""Variances beside pyfixest: same factor, same lags, and a jackknife that re-estimates years."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.inference.clustered import clustered_variance
from medalliance.inference.driscoll_kraay import driscoll_kraay_variance

STORED = json.loads((Path(__file__).parent / "peers" / "pyfixest_variances.json").read_text())
GRUNFELD = [row for row in STORED["rows"] if row["data"] == "grunfeld.csv"]
MPDTA = [row for row in STORED["rows"] if row["data"] == "mpdta.csv"]


def name(row):
    return f"{row['kind']} {row['formula'].split('|')[1].strip()}"


@pytest.mark.parametrize("row", GRUNFELD, ids=name)
def test_arrays(shared, row):
    frame = pd.read_csv(shared("oracles/grunfeld.csv"))
    firm, year = frame["firm"].to_numpy(), frame["year"].to_numpy()

    def demean(values):
        return (
            pd.DataFrame(values) - pd.DataFrame(values).groupby(firm).transform("mean")
        ).to_numpy()

    columns = demean(frame[["inv", "value", "capital"]])
    years, both = demean(np.eye(20)[year - 1935][:, 1:]), "year" in row["formula"].split("|")[1]
    if both:
        columns = columns - years @ np.linalg.lstsq(years, columns, rcond=None)[0]
    design = columns[:, 1:]
    residuals = columns[:, 0] - design @ np.linalg.lstsq(design, columns[:, 0], rcond=None)[0]
    if row["kind"] == "driscoll_kraay":
        vcov = driscoll_kraay_variance(design, residuals, year, lags=2, n_params=12 + 19 * both)
    else:
        two_way = row["kind"] == "two_way"
        vcov = clustered_variance(
            design,
            residuals,
            [firm, year] if two_way else firm,
            kind="crv1" if two_way else row["kind"],
            n_params=3 + 19 * (both and not two_way),
            nuisance=years if both else None,
        ).vcov
    np.testing.assert_allclose(np.sqrt(np.diag(vcov)), row["std_error"], rtol=1e-7)


@pytest.mark.parametrize("row", MPDTA, ids=name)
def test_effects(shared, row):
    frame = pd.read_csv(shared("oracles/mpdta.csv"))
    panel = ma.Panel.from_frame(frame, unit="countyreal", year="year", cohort="first.treat")
    options = {"lags": 2} if row["kind"] == "driscoll_kraay" else {}
    found = ma.robust_variance(ma.twfe(panel, "lemp"), row["kind"], **options)
    assert found.std_error[0] == pytest.approx(row["std_error"][0], rel=1e-6)
