"""Run the peers on simulated panels and store their numbers for the agreement tests.

Run in the peers' own environment (benchmarks/peers.lock); it needs nothing of ours. One file a
peer is written to tests/oracle/peers/, with versions, seeds and, where a convention differs, why.
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

OUT = Path(__file__).resolve().parents[1] / "tests" / "oracle" / "peers"
PANELS = {
    "balanced": {"n_units": 200, "n_years": 8, "seed": 11, "drop": 0.0},
    "dropped": {"n_units": 200, "n_years": 8, "seed": 12, "drop": 0.05},
    "wide": {"n_units": 120, "n_years": 10, "seed": 13, "drop": 0.0},
}
ROWS_FACTOR = (
    "diff-diff multiplies the variance of an unbalanced panel by n / (n - 1); R did and we do not"
)
CLIPPED = (
    "diff-diff clips propensities at 0.01 and its doubly robust estimate moves in the sixth digit; "
    "moderndid and we follow DRDID"
)
REG_ROWS = (
    "diff-diff's error of outcome regression with covariates on an unbalanced panel is not "
    "compared: leaving out one unit at a time gives ours"
)
CENTRE = (
    "with weights diff-diff centres effects by squared weights (Borusyak, Jaravel, Spiess, "
    "equation 8), we by weights, so that splitting a unit changes nothing"
)
ITERATED = "pyfixest solves the first stage by iteration, to about 1e-5"


def main() -> None:
    warnings.simplefilter("ignore")
    OUT.mkdir(parents=True, exist_ok=True)
    for name, cases in {
        "pyfixest": pyfixest_cases,
        "moderndid": moderndid_cases,
        "diff-diff": diff_diff_cases,
    }.items():
        records = cases()
        path = OUT / f"{name}.json"
        path.write_text(one_case_a_line(name, records), encoding="utf-8")
        print(f"{path.name}: {len(records)} cases, {name} {version(name)}")


def one_case_a_line(name: str, records: list[dict[str, Any]]) -> str:
    head = json.dumps({"peer": name, "version": version(name), "panels": PANELS})
    lines = ",\n".join(json.dumps(rounded(record)) for record in records)
    return f'{head[:-1]}, "cases": [\n{lines}\n]}}\n'


def rounded(value: Any) -> Any:
    """Keep ten significant digits; tests ask for six."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value


def case(panel: str, estimator: str, options: dict[str, Any], **found: Any) -> dict[str, Any]:
    return {"panel": panel, "estimator": estimator, "options": options, **found}


def pyfixest_cases() -> list[dict[str, Any]]:
    import pyfixest as pf

    records = []
    choices = itertools.product(PANELS, (None, "weight"), ("unit", "cluster"), ([], ["x"]))
    for panel, weight, cluster, covariates in choices:
        data = staggered_panel(**PANELS[panel])
        event = (data["year"] - data["cohort"]).where(data["cohort"] > 0, -1)
        data = data.assign(treated=((data["cohort"] > 0) & (event >= 0)).astype(int), event=event)
        right = "".join(f" + {name}" for name in covariates) + " | unit + year"
        options = {"covariates": covariates}
        roles = {"weight": weight, "cluster": None if cluster == "unit" else cluster}
        fit = pf.feols(f"y ~ treated{right}", data, vcov={"CRV1": cluster}, weights=weight)
        found = {"estimate": [fit.coef()["treated"]], "std_error": [fit.se()["treated"]]}
        records.append(case(panel, "twfe", options, roles=roles, **finite(found)))
        fit = pf.feols(f"y ~ i(event, ref=-1){right}", data, vcov={"CRV1": cluster}, weights=weight)
        coefficients, errors = fit.coef(), fit.se()
        keys = [key for key in coefficients.index if "event::" in key]
        by_event = {key.split("::")[1].strip("]"): [coefficients[key], errors[key]] for key in keys}
        options = {**options, "event_study": True}
        records.append(case(panel, "twfe", options, roles=roles, by_event=by_event))
    for panel in ("balanced", "wide"):  # did2s stops where a unit has one row
        data = staggered_panel(**PANELS[panel])
        data["treated"] = ((data["cohort"] > 0) & (data["year"] >= data["cohort"])).astype(int)
        fit = pf.did2s(
            data,
            yname="y",
            first_stage="~ 0 | unit + year",
            second_stage="~ treated",
            treatment="treated",
            cluster="unit",
        )
        found = {"estimate": list(fit.coef()), "std_error": list(fit.se())}
        records.append(
            case(
                panel,
                "did_imputation",
                {"std_errors": "gardner"},
                average="simple",
                rtol=1e-4,
                reason=ITERATED,
                **finite(found),
            )
        )
    return records


def moderndid_cases() -> list[dict[str, Any]]:
    import moderndid as md

    control = {"never_treated": "nevertreated", "not_yet_treated": "notyettreated"}
    grid = itertools.product(
        ("balanced", "wide"),
        control,
        (("dr", []), ("dr", ["z"]), ("ipw", ["z"]), ("reg", ["z"])),
        (None, "weight"),
        ((0, "varying"), (1, "varying"), (0, "universal")),
    )
    records = []
    for panel, group, (method, covariates), weight, (anticipation, base) in grid:
        data = staggered_panel(**PANELS[panel]).astype({"cohort": float})
        result = md.att_gt(
            data=data,
            yname="y",
            tname="year",
            idname="unit",
            gname="cohort",
            xformla="~ " + " + ".join(covariates or ["1"]),
            control_group=control[group],
            est_method=method,
            weightsname=weight,
            anticipation=anticipation,
            base_period=base,
            boot=False,
        )
        rows = zip(result.groups, result.times, result.att_gt, result.se_gt, strict=True)
        cells = [[int(g), int(t), float(a), clean(s)] for g, t, a, s in rows]
        options = {
            "control_group": group,
            "method": method,
            "covariates": covariates,
            "anticipation": anticipation,
            "base_period": base,
        }
        record = case(panel, "att_gt", options, roles={"weight": weight}, cells=cells)
        if weight is None and not anticipation:
            record["averages"] = {
                ours: average(md.aggte(result, type=theirs))
                for ours, theirs in {
                    "simple": "simple",
                    "event_time": "dynamic",
                    "cohort": "group",
                    "year": "calendar",
                }.items()
            }
            record["balanced"] = {
                last: average(md.aggte(result, type="dynamic", balance_e=last)) for last in (1, 2)
            }
        records.append(record)
    return records


def average(result: Any) -> list[float | None]:
    return [float(result.overall_att), clean(result.overall_se)]


def diff_diff_cases() -> list[dict[str, Any]]:
    import diff_diff as dd

    roles = {"outcome": "y", "unit": "unit", "time": "year", "first_treat": "cohort"}
    records = []
    grid = itertools.product(
        ("balanced", "dropped"),
        ("never_treated", "not_yet_treated"),
        (("dr", []), ("dr", ["z"]), ("ipw", ["z"]), ("reg", ["z"])),
        (None, "weight"),
    )
    for panel, group, (method, covariates), weight in grid:
        if weight and panel == "dropped":
            continue
        data = staggered_panel(**PANELS[panel])
        survey = {"survey_design": dd.SurveyDesign(weights=weight)} if weight else {}
        fit = dd.CallawaySantAnna(
            control_group=group, estimation_method=method, allow_unbalanced_panel=True
        ).fit(data, **roles, covariates=covariates or None, **survey)
        n_units = data["unit"].nunique()
        unbalanced = panel == "dropped"
        factor = math.sqrt((n_units - 1) / n_units) if unbalanced else 1.0
        found: dict[str, Any] = {
            "estimate": [fit.overall_att],
            "std_error": [fit.overall_se * factor],
        }
        reasons = [ROWS_FACTOR] if unbalanced else []
        if method == "dr" and covariates and not unbalanced:
            found["rtol"] = 1e-4
            reasons.append(CLIPPED)
        if method == "reg" and covariates and unbalanced:
            found.pop("std_error")
            reasons = [REG_ROWS]
        options = {"control_group": group, "method": method, "covariates": covariates}
        records.append(
            case(
                panel,
                "att_gt",
                options,
                roles={"weight": weight},
                average="simple",
                reason="; ".join(reasons),
                **finite(found),
            )
        )
    for panel, covariates, weight in itertools.product(PANELS, ([], ["x"]), (None, "weight")):
        data = staggered_panel(**PANELS[panel])
        survey = {"survey_design": dd.SurveyDesign(weights=weight)} if weight else {}
        for estimator, std_errors in (("ImputationDiD", "bjs"), ("TwoStageDiD", "gardner")):
            fit = getattr(dd, estimator)().fit(
                data, **roles, covariates=covariates or None, aggregate="event_study", **survey
            )
            options = {"covariates": covariates, "std_errors": std_errors}
            centred = bool(weight) and std_errors == "bjs"
            event = {
                str(key): [value["effect"], None if centred else value["se"]]
                for key, value in fit.event_study_effects.items()
                if key >= 0
            }
            found = {"estimate": [fit.overall_att], "std_error": [fit.overall_se]}
            if centred:
                found.pop("std_error")
            records.append(
                case(
                    panel,
                    "did_imputation",
                    options,
                    roles={"weight": weight},
                    average="simple",
                    by_event={k: [clean(x) for x in v] for k, v in event.items()},
                    reason=CENTRE if centred else "",
                    **finite(found),
                )
            )
    for covariates, std_errors in itertools.product(([], ["x"]), ("bjs", "gardner")):
        name = {"bjs": "ImputationDiD", "gardner": "TwoStageDiD"}[std_errors]
        fit = getattr(dd, name)(anticipation=1).fit(
            staggered_panel(**PANELS["wide"]),
            **roles,
            covariates=covariates or None,
            aggregate="event_study",
        )
        by_event = {
            str(key): [clean(value["effect"]), clean(value["se"])]
            for key, value in fit.event_study_effects.items()
            if key >= 0
        }
        options = {"covariates": covariates, "std_errors": std_errors, "anticipation": 1}
        records.append(case("wide", "did_imputation", options, by_event=by_event))
    return records


def clean(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def finite(found: dict[str, Any]) -> dict[str, Any]:
    return {
        key: [float(x) for x in value] if isinstance(value, list) else value
        for key, value in found.items()
    }


if __name__ == "__main__":
    main()
