"""Make wildboottest.json: needs an environment with wildboottest, statsmodels and pandas.

usage: python make_wildboottest.py FOLDER_OF_ORACLES
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from wildboottest.wildboottest import wildboottest

frame = pd.read_csv(Path(sys.argv[1]) / "grunfeld.csv")
rows = []
for fixed in ("C(firm)", "C(firm) + C(year)"):
    model = smf.ols(f"inv ~ value + capital + {fixed}", data=frame)
    for name in ("value", "capital"):
        for imposed in (True, False):
            found = wildboottest(
                model,
                param=name,
                cluster=frame["firm"],
                B=9999,
                weights_type="rademacher",
                impose_null=imposed,
                bootstrap_type="11",
                show=False,
            )
            rows.append(
                {
                    "fixed_effects": fixed,
                    "coefficient": name,
                    "impose_null": imposed,
                    "statistic": float(np.ravel(found["statistic"])[0]),
                    "p_value": float(np.ravel(found["p-value"])[0]),
                }
            )
out = {"wildboottest": version("wildboottest"), "data": "grunfeld.csv", "rows": rows}
Path(__file__).with_name("wildboottest.json").write_text(json.dumps(out, indent=1) + "\n")
