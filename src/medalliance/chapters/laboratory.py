"""The rule laboratory: its county, its settings, and what each setting brings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..codebook import load_codebook
from ..incentives.collective import collective_optimum
from ..incentives.contract import Contract
from ..incentives.example import SPENDING as SPENDING
from ..incentives.example import example_alliance, example_patients
from ..incentives.patients import PatientChoice, technology_from_patients, visit_shares
from ..incentives.ratchet import historical_weight
from ..incentives.respond import solve_problem
from ..incentives.technology import Technology

# Sizes of a member that fall in proportion when its group's work is divided among more of them.
_BY_MEMBER = (
    "effort_cost", "price", "margin", "inducement_cost", "withholding_saving", "withholding_harm",
    "withholding_cost", "score_effect", "needed_price", "needed_margin", "needed_cost",
    "needed_value", "needed_saving", "export_spending", "export_price", "export_harm",
    "export_cost",
)  # fmt: skip
_SCRIPTS = Path("_static") / "laboratory"
WAGE_PART = 0.35  # of what the care of a tier costs; invented, as the county is


def county() -> dict[str, Any]:
    """Return the example county in plain numbers.

    Its members are those of the chapter on why members do not respond: efforts of a township
    centre and a village clinic move patients, the hospital's is better management. Prices, costs
    and the size of members fall in proportion when the same work is divided among more of them.
    """
    t, choice = example_alliance(), example_patients()
    names = ("appeal", "attraction", "cost", "out_of_pocket")
    patients: dict[str, Any] = {n: getattr(choice, n).tolist() for n in names}
    patients |= {n: getattr(choice, n) for n in ("visits", "fund_share", "price_sensitivity")}
    patients["gated"] = list(choice.gated or ())
    return {
        "patients": patients,
        "management": [float(t.saving[0]), 0.0, 0.0],
        **{n: getattr(t, n).tolist() for n in (*_BY_MEMBER, "members", "need")},
        "margin_pay": float(t.margin_pay[0]),
        "penalty": 1.0,
        "knows": [0.0, 10.0, 10.0],
        "believed": 0.5,
        "discount": 0.9,
        "lowest_offer": 0.97,
        "highest_offer": 1.03,
    }


# name: (default, lowest, highest, step) or (default, choices)
SETTINGS: dict[str, Any] = {
    "gain_share": (0.5, 0.0, 1.0, 0.05),
    "sides": ("one", ("one", "two")),
    "loss_share": (0.5, 0.0, 1.0, 0.05),
    "corridor": (0.0, 0.0, 0.03, 0.0025),
    "cap": (0.2, 0.03, 0.2, 0.005),
    "lead_share": (0.6, 0.0, 1.0, 0.05),
    "township_share": (0.75, 0.0, 1.0, 0.05),
    "pay_share": (0.5, 0.0, 1.0, 0.05),
    "budget_rule": ("capitation", ("capitation", "historical", "negotiated")),
    "bargaining": (0.5, 0.0, 1.0, 0.05),
    "growth": (0.0, -0.05, 0.05, 0.005),
    "gate": (0.0, 0.0, 100.0, 5.0),
    "audit": (0.0, 0.0, 0.15, 0.005),
    "out_of_county": ("included", ("included", "excluded", "deducted_first")),
    "score_weight": (0.0, 0.0, 2.0, 0.1),
    "performance_pay": (0.0, 0.0, 0.3, 0.02),
    "margin_pay": (0.3, 0.0, 0.6, 0.05),
    "induced_price": (1.0, 0.5, 1.5, 0.05),
    "needed_price": (1.0, 0.5, 1.5, 0.05),
    "disclosure": (1.0, 0.0, 1.0, 0.1),
    "budget_error": (0.0, 0.0, 0.06, 0.005),
    "takes_part": (0.0, 0.0, 1.0, 0.1),
    "acts": ("apart", ("apart", "one")),
    "townships": (10, 1, 30, 1),
    "villages": (100, 10, 300, 10),
    "uncertainty": (0.04, 0.005, 0.08, 0.005),
}

# One rule changed in each, as in the scorecard of the chapter on why members do not respond; the
# last gathers what brings two outcomes.
PRESETS: dict[str, dict[str, Any]] = {
    "one_sided_half": {},
    "all_kept": {"gain_share": 1.0},
    "losses_too": {"sides": "two", "loss_share": 0.5},
    "corridor": {"corridor": 0.02},
    "hospital_out": {"lead_share": 0.0},
    "all_to_pay": {"pay_share": 1.0},
    "performance_pay": {"performance_pay": 0.06},
    "audited": {"audit": 0.05},
    "score": {"score_weight": 1.0},
    "rebased": {"budget_rule": "historical"},
    "needed_dearer": {"needed_price": 1.1},
    "outside_excluded": {"out_of_county": "excluded"},
    "tight_one_sided": {
        "gain_share": 1.0, "growth": -0.025, "uncertainty": 0.01, "lead_share": 0.2,
        "township_share": 0.75, "pay_share": 1.0,
    },
}  # fmt: skip


PRESET_LABELS: dict[str, dict[str, str]] = {
    "one_sided_half": {"en": "one-sided, half kept", "zh": "只奖不罚，留用一半"},
    "all_kept": {"en": "all kept", "zh": "全部留用"},
    "losses_too": {"en": "losses borne too", "zh": "超支也分担"},
    "corridor": {"en": "a corridor", "zh": "设不分享区间"},
    "hospital_out": {"en": "no share for the hospital", "zh": "牵头医院不分"},
    "all_to_pay": {"en": "all of it to pay", "zh": "全部用于薪酬"},
    "performance_pay": {"en": "performance pay", "zh": "努力补助"},
    "audited": {"en": "audits", "zh": "加强核查"},
    "score": {"en": "a score that counts", "zh": "考核计入质量"},
    "rebased": {"en": "budget follows spending", "zh": "预算随支出调整"},
    "needed_dearer": {"en": "needed services dearer", "zh": "必需服务提价"},
    "outside_excluded": {"en": "out-of-county care left out", "zh": "县外费用不计入"},
    "tight_one_sided": {"en": "tight budget, one-sided", "zh": "预算偏紧，只奖不罚"},
}


def defaults(**changes: Any) -> dict[str, Any]:
    """Return the settings with which the laboratory opens, with some changed."""
    return {name: entry[0] for name, entry in SETTINGS.items()} | changes


def terms(
    settings: dict[str, Any],
) -> tuple[Contract, Technology, float, PatientChoice, PatientChoice]:
    """Translate settings for the model.

    Returns
    -------
    contract, technology, weight, choice, free
        ``weight`` is what the budget rule leaves of r; ``choice`` are patients behind the gate,
        ``free`` the same patients without one.
    """
    s, c = settings, county()
    members = np.array([1.0, s["townships"], s["villages"]])
    scale = np.array(c["members"]) / members
    free = PatientChoice(**c["patients"], members=members)
    choice = free.replace(gate=s["gate"])
    spending = free.visits * free.fund_share * visit_shares(free) * free.cost
    own = {name: np.array(c[name]) * scale for name in _BY_MEMBER}
    rest = 1 - s["lead_share"]
    split = np.array(
        [s["lead_share"], rest * s["township_share"], rest * (1 - s["township_share"])]
    )
    error = s["budget_error"] * spending.sum()
    # Acting as one, every member weighs the whole transfer as its own.
    one = s["acts"] == "one"
    believed = np.ones(3) if one else c["believed"] * split / members
    technology = technology_from_patients(
        choice,
        **own,
        sigma=s["uncertainty"] * spending.sum(),
        margin_pay=c["margin_pay"],
        need=c["need"],
        believed_share=believed,
        budget_error=error,
        # Everybody of a group together knows need as well as ten times the insurer.
        signal=np.array(c["knows"]) / (members * error**2) if error > 0 else 0.0,
    )
    technology = technology.replace(saving=technology.saving + np.array(c["management"]) * scale)
    scope = spending.sum() - (spending[-1] if s["out_of_county"] == "excluded" else 0.0)
    offered = 1.0
    if s["budget_rule"] == "negotiated":
        low, high = c["lowest_offer"], c["highest_offer"]
        offered = (1 - s["bargaining"]) * low + s["bargaining"] * high
    contract = Contract(
        split=split,
        pay_share=s["pay_share"],
        gain_share=s["gain_share"],
        loss_share=s["loss_share"] if s["sides"] == "two" else 0.0,
        minimum_savings=s["corridor"],
        minimum_losses=s["corridor"],
        first_dollar=False,
        gain_cap=s["cap"],
        loss_cap=s["cap"],
        edges="budget",
        audit=s["audit"],
        penalty=c["penalty"],
        score_weight=s["score_weight"],
        performance_pay=s["performance_pay"] * np.maximum(technology.saving, 0.0),
        margin_pay=s["margin_pay"],
        price=s["induced_price"] * own["price"],
        needed_price=s["needed_price"] * own["needed_price"],
        disclosure=0.0 if one else s["disclosure"],
        takes_part=[0.0, s["takes_part"], s["takes_part"]],
        out_of_county=s["out_of_county"],
        budget=scope * offered * (1 + s["growth"]),
    )
    historical = s["budget_rule"] == "historical"
    weight = float(historical_weight(s["growth"], c["discount"])) if historical else 1.0
    return contract, technology, weight, choice, free


def solve(settings: dict[str, Any]) -> dict[str, Any]:
    """Solve one setting; the browser's module answers with the same names.

    Parameters
    ----------
    settings : dict
        One value a name of ``SETTINGS``.

    Returns
    -------
    dict
        ``budget, perceived, contraction, chosen, equilibria, surplus, each_yuan, whole, without,
        collective, curve``, in plain numbers. Money in units of 100,000 yuan.
    """
    contract, technology, weight, choice, free = terms(settings)
    found = solve_problem(contract, technology, weight)
    k = found.chosen
    best = collective_optimum(found)
    split, pay = np.atleast_1d(contract.split), settings["pay_share"]
    r = np.arange(81) / 80
    before = technology.baseline_inducement

    def shared(whole: float, retained: float) -> dict[str, Any]:
        return {
            "fund": whole - retained,
            "pay": (pay * split * retained).tolist(),
            "institution": ((1 - pay) * split * retained).tolist(),
        }

    by_point = (
        "marginal_share", "mean_surplus", "expected_transfer", "effort", "inducement", "withheld",
        "needed", "exported", "pay", "score", "harm", "needed_value", "spending", "welfare",
        "stable", "best_response",
    )  # fmt: skip
    return {
        "budget": float(contract.budget),
        "perceived": weight,
        "contraction": found.contraction,
        "chosen": k,
        "equilibria": [
            {name: getattr(found, name)[row].tolist() for name in by_point}
            | {"visits": visit_shares(choice, found.effort[row]).tolist()}
            for row in range(len(found.mean_surplus))
        ],
        "surplus": float(found.mean_surplus[k]),
        "each_yuan": shared(1.0, float(found.marginal_share[k])),
        "whole": shared(float(found.mean_surplus[k]), float(found.expected_transfer[k])),
        "without": {
            "inducement": before.tolist(),
            "needed": technology.baseline_needed.tolist(),
            "pay": (
                technology.margin_pay
                * (
                    technology.margin * before
                    + technology.needed_margin * technology.baseline_needed
                )
            ).tolist(),
            "visits": visit_shares(free).tolist(),
        },
        "collective": {
            "marginal_share": best.marginal_share,
            "mean_surplus": best.mean_surplus,
            "effort": best["collective_effort"].tolist(),
            "inducement": best["collective_inducement"].tolist(),
            "visits": visit_shares(choice, best["collective_effort"].to_numpy()).tolist(),
        },
        "curve": {
            "r": r.tolist(),
            "image": found.image(r).tolist(),
        },
    }


def page_data() -> dict[str, Any]:
    """Return what the page needs beside the model: county, settings, presets, labels."""
    controls = {}
    for name, entry in SETTINGS.items():
        if len(entry) == 2:
            controls[name] = {"default": entry[0], "choices": list(entry[1])}
        else:
            keys = ("default", "low", "high", "step")
            controls[name] = dict(zip(keys, entry, strict=True))
    words = {
        variable.name.removeprefix("lab_"): {
            "en": variable.en,
            "zh": variable.zh,
            "definition": variable.definition,
        }
        for variable in load_codebook().variables.values()
        if variable.kind == "laboratory"
    }
    return {
        "county": county(),
        "settings": controls,
        "presets": PRESETS,
        "preset_labels": PRESET_LABELS,
        "labels": words,
        "wage_part": WAGE_PART,
        "seen": highest_seen(),
    }


def highest_seen() -> dict[str, float]:
    """Return the highest share kept and the highest limit of losses that a rule file states."""
    from ..reforms import load_reforms

    stated = load_reforms().to_frame().query("kind != 'scenario'")
    fields = {"gain_share": "surplus_retention_share", "loss_cap": "loss_cap_share"}
    return {
        name: max(float(value) for value in stated.loc[stated["field"] == field, "value"].dropna())
        for name, field in fields.items()
    }


def script(book: Path) -> str:
    """Join model, page and data to one script that asks for nothing else.

    A script without imports also runs on pages that are opened from a folder.

    Parameters
    ----------
    book : Path
        The book's sources, which hold the two modules.
    """
    folder = book / _SCRIPTS
    model, page = ((folder / name).read_text(encoding="utf-8") for name in ("model.mjs", "ui.mjs"))
    model = model.replace("export function", "function")
    page = "\n".join(line for line in page.splitlines() if not line.startswith("import "))
    page = page.replace("export function", "function")
    words = (folder / "words.json").read_text(encoding="utf-8").strip()
    data = json.dumps(page_data(), ensure_ascii=False)
    return (
        f'"use strict";\n(() => {{\nconst DATA = {data};\nconst WORDS = {words};\n'
        f"{model}\n{page}\nstart(DATA, WORDS);\n}})();\n"
    )
