"""Make pyfixest_variances.json: needs an environment with pyfixest and pandas.

usage: python make_pyfixest_variances.py FOLDER_OF_ORACLES
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pyfixest as pf

folder = Path(sys.argv[1])
grunfeld = pd.read_csv(folder / "grunfeld.csv")
mpdta = pd.read_csv(folder / "mpdta.csv").rename(columns={"countyreal": "county"})
mpdta["treated"] = ((mpdta["first.treat"] > 0) & (mpdta["year"] >= mpdta["first.treat"])).astype(
    int
)
cases = [
    ("grunfeld.csv", grunfeld, "inv ~ value + capital | firm", "firm"),
    ("grunfeld.csv", grunfeld, "inv ~ value + capital | firm + year", "firm"),
    ("mpdta.csv", mpdta, "lemp ~ treated | county + year", "county"),
]
rows = []
for name, frame, formula, unit in cases:
    for kind, vcov, options in (
        ("crv1", {"CRV1": unit}, {}),
        ("crv3", {"CRV3": unit}, {}),
        ("two_way", {"CRV1": f"{unit} + year"}, {}),
        ("driscoll_kraay", "DK", {"lag": 2, "time_id": "year", "panel_id": unit}),
    ):
        fit = pf.feols(formula, data=frame, vcov=vcov, vcov_kwargs=options)
        errors = [float(error) for error in fit.se()]
        rows.append({"data": name, "formula": formula, "kind": kind, "std_error": errors})
        print(rows[-1], flush=True)
out = {"pyfixest": version("pyfixest"), "rows": rows}
Path(__file__).with_name("pyfixest_variances.json").write_text(json.dumps(out, indent=1) + "\n")
