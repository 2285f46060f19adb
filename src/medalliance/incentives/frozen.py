"""A frozen table of the model's inputs and outputs, against which other versions are tested."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import numpy as np

from .contract import Contract
from .respond import respond
from .technology import Technology

N_CASES = 200
_FILE = "frozen_cases.json"


def load_frozen_cases() -> list[dict[str, Any]]:
    """Read the frozen table: one entry a case, with ``contract``, ``technology``, ``expected``."""
    text = files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    return json.loads(text)["cases"]


def solve_case(contract: dict[str, Any], technology: dict[str, Any]) -> dict[str, Any]:
    """Solve one case given as plain numbers; infinity is the text "inf"."""
    found = respond(Contract(**contract), Technology(**technology))
    names = ("marginal_share", "mean_surplus", "expected_transfer", "effort", "inducement", "pay")
    out: dict[str, Any] = {name: getattr(found, name).tolist() for name in names}
    out["stable"] = found.stable.tolist()
    out["best_response"] = found.best_response.tolist()
    out["chosen"] = found.chosen
    out["contraction"] = found.contraction
    return out


def draw_cases(seed: int = 20250718) -> list[dict[str, Any]]:
    """Draw the inputs of the frozen table: every rule family, round numbers."""
    rng = np.random.default_rng(seed)
    cases = [_draw(rng, number) for number in range(N_CASES - 1)]
    trap = {
        "contract": {"split": [1.0], "budget": 97.5},
        "technology": {
            "members": [10],
            "saving": [10],
            "effort_cost": [20],
            "sigma": 1.0,
            "baseline_spending": 100.0,
            "baseline_inducement": [0.0],
        },
    }
    return [trap, *cases]


def frozen_table() -> dict[str, Any]:
    """Work the frozen table out anew."""
    cases = draw_cases()
    for case in cases:
        case["expected"] = solve_case(case["contract"], case["technology"])
    note = 'Illustrative units. Infinity is "inf". Arrays by fixed point, then by group.'
    return {"note": note, "cases": cases}


def _draw(rng: np.random.Generator, number: int) -> dict[str, Any]:
    def between(low: float, high: float, size: int | None = None) -> Any:
        return np.round(rng.uniform(low, high, size), 3).tolist()

    share = int(rng.integers(1, 9))
    split = [share / 10, round((10 - share) / 2) / 10]
    contract = {
        "split": [*split, round(1 - sum(split), 10)],
        "pay_share": between(0.2, 1.0),
        "gain_share": between(0.3, 1.0),
        "quality": between(0.6, 1.0),
        "budget": 1000 + between(-30, 40),
        "audit": between(0.0, 0.15),
        "penalty": between(0.0, 2.0),
        **_family(number % 8, between),
    }
    technology = {
        "members": [1, int(rng.integers(2, 15)), int(rng.integers(10, 120))],
        "saving": between(5, 60, 3),
        "effort_cost": between(5, 40, 3),
        "sigma": between(2, 12) if number % 16 == 3 else between(5, 60),
        "price": between(2, 60, 3),
        "margin": between(0.5, 12, 3),
        "inducement_cost": between(1, 12, 3),
        "margin_pay": between(0.1, 0.5),
        "fund_share": between(0.5, 0.8),
        "baseline_spending": 1000.0,
        "outflow_spending": 200.0,
        "outflow_saving": between(0, 4, 3),
    }
    technology["baseline_inducement"] = _audited(contract, technology)
    return {"contract": contract, "technology": technology}


def _audited(contract: dict[str, Any], technology: dict[str, Any]) -> list[float]:
    """Return what members induce that keep nothing and are audited as the contract says."""
    lost = contract["audit"] * (1 + contract["penalty"])
    gain = np.array(technology["margin"]) - lost * np.array(technology["price"])
    gain = technology["margin_pay"] * gain
    return (np.maximum(gain, 0) / np.array(technology["inducement_cost"])).tolist()


def _family(kind: int, between: Any) -> dict[str, Any]:
    """Return the terms that tell one family of rules from another."""
    families: tuple[dict[str, Any], ...] = (
        {},
        {"loss_share": between(0.1, 1.0)},
        {"gain_cap": between(10, 80), "loss_share": between(0.1, 1.0), "loss_cap": between(5, 60)},
        {"minimum_savings": between(2, 25)},
        {"minimum_savings": between(2, 25), "first_dollar": False, "performance_pay": 0.5},
        {
            "loss_bands": [[0.02, 0.0], [0.06, between(0.2, 0.6)], ["inf", 0.2]],
            "edges": "budget",
        },
        {"out_of_county": "excluded", "budget": 800 + between(-20, 30), "loss_share": 0.5},
        {"rebasing": between(0.0, 1.0), "discount": 0.9, "growth": 0.03},
    )
    return families[kind]


def write_frozen_cases(path: str) -> None:
    """Write the frozen table to a file, one case a line."""
    table = frozen_table()
    lines = ",\n".join(json.dumps(case) for case in table["cases"])
    with open(path, "w", encoding="utf-8") as out:
        out.write(f'{{"note": {json.dumps(table["note"])}, "cases": [\n{lines}\n]}}\n')
