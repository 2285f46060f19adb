"""Store what peers give for etwfe, sun_abraham, stacked_did and lp_did.

Run in the peers' own environment (benchmarks/peers.lock), as ``refresh_peers.py``; it needs nothing
of ours. One file, tests/oracle/peers/regressions.json, with versions and, where a convention
differs, why.
"""

from __future__ import annotations

import itertools
import json
import math
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench_panels import staggered_panel
from refresh_peers import PANELS, rounded

OUT = Path(__file__).resolve().parents[1] / "tests" / "oracle" / "peers" / "regressions.json"
UNIT_EFFECTS = (
    "diff-diff absorbs units, nested in clusters: it counts cells and years; we count the cohort "
    "effects of the specification too, and so does R etwfe"
)


def main() -> None:
    warnings.simplefilter("ignore")
    records = [*saturated(), *interaction_weighted(), *stacked(), *local_projections()]
    peers = {name: version(name) for name in ("diff-diff", "pyfixest")}
    head = json.dumps({"peers": peers, "panels": PANELS})
    lines = ",\n".join(json.dumps(rounded(record)) for record in records)
    OUT.write_text(f'{head[:-1]}, "cases": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{OUT.name}: {len(records)} cases")


def data_of(panel: str) -> Any:
    data = staggered_panel(**PANELS[panel])
    treated = ((data["cohort"] > 0) & (data["year"] >= data["cohort"])).astype(int)
    return data.assign(treated=treated, positive=(data["y"] / 4).map(math.exp))


ROLES = {"unit": "unit", "time": "year", "first_treat": "cohort"}


def saturated() -> list[dict[str, Any]]:
    import diff_diff as dd

    records = []
    groups = ("not_yet_treated", "never_treated")
    for panel, method, group in itertools.product(
        ("balanced", "dropped"), ("ols", "poisson"), groups
    ):
        if method == "ols" and panel == "dropped":
            continue  # unit effects and cohort effects differ there
        if method == "poisson" and group == "never_treated":
            continue  # diff-diff gives not-yet-treated numbers
        outcome = "y" if method == "ols" else "positive"
        data = data_of(panel)
        fit = dd.WooldridgeDiD(method=method, control_group=group).fit(data, outcome, **ROLES)
        cells = [
            [int(g), int(t), float(cell["att"]), float(cell["se"])]
            for (g, t), cell in fit.group_time_effects.items()
            if group == "not_yet_treated" or t != g - 1
        ]
        options = {"family": "gaussian" if method == "ols" else "poisson", "control_group": group}
        records.append(
            {
                "peer": "diff-diff",
                "panel": panel,
                "outcome": outcome,
                "estimator": "etwfe",
                "options": options,
                "cells": cells,
                "reason": UNIT_EFFECTS if method == "ols" else "",
                "nested_units": method == "ols",
            }
        )
    return records


def interaction_weighted() -> list[dict[str, Any]]:
    import diff_diff as dd
    import pyfixest as pf

    records = []
    for panel, covariates in itertools.product(PANELS, ([], ["x"])):
        fit = dd.SunAbraham().fit(data_of(panel), "y", **ROLES, covariates=covariates or None)
        by_event = {
            str(e): [float(v["effect"]), float(v["se"])] for e, v in fit.event_study_effects.items()
        }
        records.append(
            case("diff-diff", panel, "sun_abraham", {"covariates": covariates}, by_event)
        )
    for panel in ("balanced", "wide"):  # pyfixest stops where a cell is empty
        fit = pf.event_study(
            data_of(panel), yname="y", idname="unit", tname="year", gname="cohort",
            estimator="saturated", cluster="unit",
        )  # fmt: skip
        table = fit.aggregate()
        by_event = {
            str(int(float(e))): [float(row["Estimate"]), float(row["Std. Error"])]
            for e, row in table.iterrows()
        }
        records.append(case("pyfixest", panel, "sun_abraham", {}, by_event))
    return records


def stacked() -> list[dict[str, Any]]:
    import diff_diff as dd

    records = []
    for panel, (pre, post) in itertools.product(("balanced", "wide"), ((1, 1), (2, 2))):
        fit = dd.StackedDiD(kappa_pre=pre, kappa_post=post).fit(
            data_of(panel), "y", **ROLES, aggregate="event_study"
        )
        by_event = {
            str(e): [float(v["effect"]), float(v["se"])]
            for e, v in fit.event_study_effects.items()
            if e != -1
        }
        records.append(case("diff-diff", panel, "stacked_did", {"window": [pre, post]}, by_event))
    return records


def local_projections() -> list[dict[str, Any]]:
    import diff_diff as dd
    import pyfixest as pf

    records = []
    for panel, equal in itertools.product(("balanced", "wide"), (False, True)):
        fit = dd.LPDiD(pre_window=3, post_window=2, reweight=equal).fit(
            data_of(panel), "y", "unit", "year", "treated"
        )
        rows = fit.event_study[["horizon", "coefficient", "se"]].itertuples(index=False)
        by_event = {str(int(h)): [float(b), float(s)] for h, b, s in rows if h != -1}
        options = {"weighting": "equal" if equal else "variance"}
        records.append(case("diff-diff", panel, "lp_did", options, by_event))
        if not equal:
            table = pf.lpdid(
                data_of(panel), yname="y", idname="unit", tname="year", gname="cohort",
                vcov={"CRV1": "unit"}, pre_window=3, post_window=2, att=False,
            ).tidy()  # fmt: skip
            by_event = {
                str(key).split("::")[1]: [float(row["Estimate"]), float(row["Std. Error"])]
                for key, row in table.iterrows()
            }
            records.append(case("pyfixest", panel, "lp_did", options, by_event))
    return records


def case(
    peer: str, panel: str, estimator: str, options: dict[str, Any], by_event: dict[str, Any]
) -> dict[str, Any]:
    return {
        "peer": peer,
        "panel": panel,
        "outcome": "y",
        "estimator": estimator,
        "options": options,
        "by_event": by_event,
    }


if __name__ == "__main__":
    main()
