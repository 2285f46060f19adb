"""Store group-time effects of moderndid on repeated cross-sections.

Run in an environment with Python 3.12 or later that holds ``moderndid==0.4.1``:
python tests/oracle/peers/make_people.py
"""

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "benchmarks"))
from people_panels import people_frame  # noqa: E402

SETTINGS = {"n_areas": 60, "n_years": 5, "n_people": 12, "seed": 1}


def cases():
    import moderndid as md

    data = people_frame(**SETTINGS)
    for control in ("nevertreated", "notyettreated"):
        for method, formula in (("reg", ""), ("reg", "x + d"), ("ipw", "x + d"), ("dr", "x + d")):
            for weight in (None, "weight"):
                for base in ("varying", "universal"):
                    found = md.att_gt(
                        data=data, yname="y", tname="year", idname="row", gname="cohort",
                        xformla=f"~ {formula}" if formula else "~1", panel=False,
                        est_method=method, control_group=control, base_period=base, boot=False,
                        cband=False, weightsname=weight,
                    )  # fmt: skip
                    averages = {}
                    for kind in ("simple", "dynamic", "group", "calendar"):
                        average = md.aggte(found, type=kind, boot=False, cband=False)
                        averages[kind] = [float(average.overall_att), float(average.overall_se)]
                    yield {
                        "control": control,
                        "method": method,
                        "covariates": formula.split(" + ") if formula else [],
                        "weight": weight,
                        "base": base,
                        "cells": [
                            [int(g), int(t)] for g, t in zip(found.groups, found.times, strict=True)
                        ],
                        "estimate": found.att_gt.tolist(),
                        "error": found.se_gt.tolist(),
                        "averages": averages,
                    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    body = {"versions": {"moderndid": version("moderndid")}, "panel": SETTINGS,
            "cases": list(cases())}  # fmt: skip
    (HERE / "people.json").write_text(json.dumps(body, indent=1) + "\n", "utf-8")
