"""Store dose responses of moderndid and diff-diff.

Run in an environment with Python 3.12 or later that holds ``moderndid==0.4.1`` and
``diff-diff==3.13.0``: python tests/oracle/peers/make_dose.py
"""

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "benchmarks"))
from dose_panels import dose_panel  # noqa: E402

SETTINGS = {"n_units": 400, "n_years": 6, "seed": 1}
AT = [0.3, 0.6, 0.9, 1.2]


def moderndid_cases():
    import moderndid as md

    data = dose_panel(**SETTINGS).astype({"cohort": float})
    for control in ("nevertreated", "notyettreated"):
        for degree in (1, 3):
            found = md.cont_did(
                data, "y", "year", "unit", "cohort", "dose", target_parameter="level",
                aggregation="dose", dvals=np.array(AT), degree=degree, control_group=control,
                biters=1000, random_state=1,
            )  # fmt: skip
            yield {
                "control": control,
                "degree": degree,
                "level": found.att_d.tolist(),
                "slope": found.acrt_d.tolist(),
                "overall": [float(found.overall_att), float(found.overall_acrt)],
                "drawn_errors": found.att_d_se.tolist(),
            }


def diff_diff_case():
    import diff_diff as dd

    found = dd.ContinuousDiD(degree=3, num_knots=0, dvals=np.array(AT)).fit(
        dose_panel(**SETTINGS), "y", "unit", "year", "cohort", "dose", aggregate="dose"
    )
    curves = found.dose_response_att, found.dose_response_acrt
    return {
        "estimates": [curve.effects.tolist() for curve in curves],
        "errors": [curve.se.tolist() for curve in curves],
        "overall": [float(found.overall_att), float(found.overall_att_se)],
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    body = {
        "versions": {name: version(name) for name in ("moderndid", "diff-diff")},
        "panel": SETTINGS,
        "at": AT,
        "moderndid": list(moderndid_cases()),
        "diff-diff": diff_diff_case(),
    }
    (HERE / "dose.json").write_text(json.dumps(body, indent=1) + "\n", "utf-8")
