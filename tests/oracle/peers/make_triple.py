"""Store triple differences of moderndid and diff-diff.

Run in an environment with Python 3.12 or later that holds ``moderndid==0.4.1`` and
``diff-diff==3.13.0``: python tests/oracle/peers/make_triple.py
"""

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "benchmarks"))
from triple_panels import triple_panel  # noqa: E402

SETTINGS = {"n_units": 400, "n_years": 7, "seed": 1, "covariate": True}


def moderndid_cases():
    import moderndid as md

    data = triple_panel(**SETTINGS).astype({"cohort": float})
    for control in ("nevertreated", "notyettreated"):
        for method in ("dr", "ipw", "reg"):
            for formula in (None, "~ x"):
                for base in ("universal", "varying"):
                    found = md.ddd(
                        data,
                        "y",
                        "year",
                        "unit",
                        "cohort",
                        "eligible",
                        formula,
                        control,
                        base,
                        method,
                    )
                    average = md.agg_ddd(found, type="eventstudy")
                    simple = md.agg_ddd(found, type="simple")
                    yield {
                        "control": control,
                        "method": method,
                        "covariate": formula is not None,
                        "base": base,
                        "cohort": np.asarray(found.groups).tolist(),
                        "year": np.asarray(found.times).tolist(),
                        "estimate": np.asarray(found.att).tolist(),
                        "error": np.asarray(found.se).tolist(),
                        "event": np.asarray(average.egt).tolist(),
                        "event_estimate": np.asarray(average.att_egt).tolist(),
                        "event_error": np.asarray(average.se_egt).tolist(),
                        "simple": [float(simple.overall_att), float(simple.overall_se)],
                    }


def diff_diff_case():
    import diff_diff as dd

    found = dd.StaggeredTripleDifference(control_group="notyettreated").fit(
        triple_panel(**SETTINGS),
        outcome="y",
        unit="unit",
        time="year",
        first_treat="cohort",
        eligibility="eligible",
        covariates=["x"],
        aggregate="event_study",
    )
    cells = found.group_time_effects
    return [[int(g), int(t), float(v["effect"]), float(v["se"])] for (g, t), v in cells.items()]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    body = {
        "versions": {name: version(name) for name in ("moderndid", "diff-diff")},
        "panel": SETTINGS,
        "moderndid": list(moderndid_cases()),
        "diff-diff": diff_diff_case(),
    }
    (HERE / "triple.json").write_text(json.dumps(body, indent=1) + "\n", "utf-8")
