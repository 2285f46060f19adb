"""Wild cluster bootstrap beside wildboottest, all 1,024 sign vectors of Grunfeld's ten firms.

Its statistic carries the factor G/(G-1) (N-1)/(N-K). Both use a strict inequality, but the two sign
vectors that reproduce the sample tie, and wildboottest counts them when rounding lets it: its
p-values lie between ours without ties and ours with them.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medalliance.inference.wild import wild_cluster_bootstrap
from medalliance.results._cluster import small_sample_factor

STORED = json.loads((Path(__file__).parent / "peers" / "wildboottest.json").read_text())


@pytest.mark.parametrize(
    "row", STORED["rows"], ids=lambda row: f"{row['fixed_effects']} {row['coefficient']}"
)
def test_agrees_with_wildboottest(shared, row):
    frame = pd.read_csv(shared("oracles/grunfeld.csv"))
    firm = frame["firm"].to_numpy()

    def demean(values):
        columns = pd.DataFrame(values)
        return (columns - columns.groupby(firm).transform("mean")).to_numpy()

    columns = demean(frame[["inv", "value", "capital"]].to_numpy())
    nuisance, n_params = None, 12
    if "year" in row["fixed_effects"]:
        nuisance = demean(np.eye(20)[frame["year"] - 1935][:, 1:])
        columns = columns - nuisance @ np.linalg.lstsq(nuisance, columns, rcond=None)[0]
        n_params = 31
    design = columns[:, 1:]
    coef = np.linalg.lstsq(design, columns[:, 0], rcond=None)[0]
    at = ("value", "capital").index(row["coefficient"])
    result = wild_cluster_bootstrap(
        design,
        columns[:, 0] - design @ coef,
        firm,
        np.eye(2)[at],
        coef[at],
        nuisance=nuisance,
        impose_null=row["impose_null"],
    )
    factor = small_sample_factor(200, n_params, 10)
    assert result.t_statistic / np.sqrt(factor) == pytest.approx(row["statistic"], rel=1e-9)
    assert len(result.t_draws) == 1_024
    with_ties = np.mean(np.abs(result.t_draws) >= abs(result.t_statistic) * (1 - 1e-9))
    assert result.p_value <= row["p_value"] <= with_ties
    assert with_ties - result.p_value <= 2 / 1_024
