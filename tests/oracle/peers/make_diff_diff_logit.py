"""Store diff-diff's fractional-logit cells; run in the peers' own environment.

python tests/oracle/peers/make_diff_diff_logit.py
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "benchmarks"))
from bench_panels import staggered_panel  # noqa: E402
from refresh_peers import rounded  # noqa: E402

PANELS = {
    "balanced": {"n_units": 200, "n_years": 8, "seed": 21, "drop": 0.0},
    "dropped": {"n_units": 200, "n_years": 8, "seed": 22, "drop": 0.05},
}


def main() -> None:
    from diff_diff import WooldridgeDiD

    warnings.simplefilter("ignore")
    cases = []
    for name, settings in PANELS.items():
        frame = staggered_panel(**settings)
        frame["share"] = 1 / (1 + np.exp(-frame["y"]))
        fit = WooldridgeDiD(method="logit", cluster="unit").fit(
            frame, outcome="share", unit="unit", time="year", first_treat="cohort"
        )
        cells = [
            [int(g), int(t), float(cell["att"]), float(cell["se"])]
            for (g, t), cell in sorted(fit.group_time_effects.items())
        ]
        cases.append({"panel": name, "cells": cells})
    body = {"peer": "diff-diff", "version": version("diff-diff"), "panels": PANELS, "cases": cases}
    (HERE / "diff_diff_logit.json").write_text(json.dumps(rounded(body)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
