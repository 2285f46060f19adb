"""Store estimates of moderndid and diff-diff for treatments that change.

Run in an environment with Python 3.12 or later that holds ``moderndid==0.4.1`` and
``diff-diff==3.13.0``: python tests/oracle/peers/make_switching.py
"""

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "benchmarks"))
from switching_panels import switching_panel  # noqa: E402

PANELS = [
    {"n_units": 120, "n_years": 8, "seed": 1},
    {"n_units": 150, "n_years": 8, "seed": 2, "levels": [0.0, 0.5, 1.0]},
    {"n_units": 120, "n_years": 8, "seed": 3, "drop": 0.08},
]
OPTIONS = [
    {},
    {"cluster": "cluster"},
    {"weightsname": "weight"},
    {"switchers": "in"},
    {"switchers": "out"},
    {"normalized": True},
    {"only_never_switchers": True},
    {"weightsname": "weight", "cluster": "cluster", "normalized": True},
]


def moderndid_cases():
    import moderndid as md

    for settings in PANELS:
        for options in OPTIONS:
            found = md.did_multiplegt(
                switching_panel(**settings),
                "y",
                "year",
                "unit",
                "d",
                effects=5,
                placebo=3,
                **options,
            )
            yield {
                "panel": settings,
                "options": options,
                "effects": found.effects.estimates.tolist(),
                "effect_errors": found.effects.std_errors.tolist(),
                "n_switchers": found.effects.n_switchers.tolist(),
                "placebos": found.placebos.estimates.tolist(),
                "placebo_errors": found.placebos.std_errors.tolist(),
                "total": [float(found.ate.estimate), float(found.ate.std_error)],
            }


def diff_diff_switching():
    """Every unit's first change only: there the peer's sample is the same."""
    import diff_diff as dd

    settings = {"n_units": 60, "n_years": 6, "seed": 4}
    data = switching_panel(**settings)
    first = data.groupby("unit")["d"].transform("first")
    moved = (data["d"] != first).groupby(data["unit"]).cummax()
    data["d"] = first.where(~moved, 1 - first).astype(int)
    found = dd.ChaisemartinDHaultfoeuille(placebo=True).fit(
        data, outcome="y", unit="unit", time="year", treatment="d", L_max=3
    )
    effects = found.event_study_effects
    return {
        "panel": settings,
        "effects": [float(effects[k]["effect"]) for k in (1, 2, 3)],
        "effect_errors": [float(effects[k]["se"]) for k in (1, 2, 3)],
    }


def local_projection_cases():
    import diff_diff as dd

    for settings in [{"n_units": 150, "n_years": n, "seed": s} for n, s in ((8, 1), (9, 5))]:
        data = switching_panel(**settings)
        data["d"] = data["d"].astype(int)
        for mode, window in [("first_entry", None), ("effect_stabilization", 2)]:
            for equal in (False, True):
                found = dd.LPDiD(
                    pre_window=3,
                    post_window=3,
                    non_absorbing=mode,
                    stabilization_window=window,
                    reweight=equal,
                    cluster="cluster",
                ).fit(data, "y", "unit", "year", "d")
                table = found.event_study[found.event_study["horizon"] != -1]
                yield {
                    "panel": settings,
                    "mode": mode,
                    "window": window,
                    "equal": equal,
                    "horizons": table["horizon"].tolist(),
                    "estimates": table["coefficient"].tolist(),
                    "errors": table["se"].tolist(),
                }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    body = {
        "versions": {name: version(name) for name in ("moderndid", "diff-diff")},
        "moderndid": list(moderndid_cases()),
        "diff-diff": diff_diff_switching(),
        "diff-diff, local projections": list(local_projection_cases()),
    }
    (HERE / "switching.json").write_text(json.dumps(body, indent=1) + "\n", "utf-8")
