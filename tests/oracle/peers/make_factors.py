"""Store matrix completions of mlsynth.

Run in an environment that holds ``mlsynth==1.0.0``: python tests/oracle/peers/make_factors.py
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "benchmarks"))
from factor_panels import factor_panel  # noqa: E402

SETTINGS = {"n_units": 60, "n_years": 14, "seed": 3, "starts": [7, 9]}
SHARES = [0.05, 0.2, 0.6]


def main():
    from mlsynth.utils.mcnnm_helpers.completion import mcnnm_fit

    data = factor_panel(**SETTINGS)
    shape = (SETTINGS["n_units"], SETTINGS["n_years"])
    y = data["y"].to_numpy().reshape(shape)
    year = data["year"].to_numpy().reshape(shape)
    cohort = data["cohort"].to_numpy().reshape(shape)
    free = ((cohort == 0) | (year < cohort)).astype(float)
    # outcomes net of unit and year effects of free rows: a threshold is a share of their size
    plain = mcnnm_fit(y, free, 1e9, max_iter=5, tol=0.0)
    largest = np.linalg.svd(free * (y - plain["completed"]), compute_uv=False)[0]
    cases = []
    for share in SHARES:
        found = mcnnm_fit(y, free, share * largest, max_iter=50_000, tol=1e-11)
        gap = (y - found["completed"])[free == 0]
        cases.append({"penalty": share, "effect": float(gap.mean()), "gaps": gap.tolist()})
    record = {"mlsynth": version("mlsynth"), "panel": SETTINGS, "cases": cases}
    (HERE / "factors.json").write_text(json.dumps(record) + "\n", "utf-8")


if __name__ == "__main__":
    main()
