"""From an address of the laboratory to its setting, and from a setting to rules that settle."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from ..errors import RuleError, raise_problems
from ..reforms import Rules
from . import laboratory

NAME = {"en": "A setting of the laboratory", "zh": "规则实验室的设置"}
_STEPS: tuple[dict[str, Any], ...] = (
    {"op": "gate", "side": "surplus", "rate": "minimum_savings_rate", "excess": True},
    {"op": "share", "side": "surplus", "rate": "surplus_retention_share"},
    {"op": "cap", "side": "surplus", "limits": [{"rate": "savings_cap_share"}]},
    {"op": "round", "side": "surplus"},
    {"op": "split", "side": "surplus", "among": {
        "lead_hospital": "split_lead_share", "township": "split_township_share",
        "village": "split_village_share"}},
    {"op": "split", "side": "surplus", "within": "within_party_rule"},
    {"op": "split", "side": "surplus", "uses": {"pay": "surplus_pay_share", "development": "rest"}},
    {"op": "gate", "side": "deficit", "rate": "minimum_loss_rate", "excess": True},
    {"op": "share", "side": "deficit", "rate": "overspend_sharing_share"},
    {"op": "cap", "side": "deficit", "limits": [{"rate": "loss_cap_share"}]},
    {"op": "round", "side": "deficit"},
    {"op": "split", "side": "deficit", "among": {
        "lead_hospital": "split_lead_share", "township": "split_township_share",
        "village": "split_village_share"}},
)  # fmt: skip
_OUTSIDE = {
    "op": "deduct",
    "account": "out_of_county_providers",
    "amount": "ledger.out_of_county_spending",
    "why": "out_of_county",
}


def settings_of(address: str) -> dict[str, Any]:
    """Read the setting that an address of the laboratory holds.

    Parameters
    ----------
    address : str
        ``laboratory.html#gain_share=0.6&sides=two``, or only what follows the ``#``.

    Returns
    -------
    dict
        One value a setting; what the address does not name is as the page opens.

    Raises
    ------
    RuleError
        Naming every setting that is unknown or lies outside its range.
    """
    state = address.rpartition("#")[2] if "#" in address else address.rpartition("?")[2]
    given = dict(parse_qsl(state, keep_blank_values=True))
    for page in ("lang", "held"):  # of the page, not of the contract
        given.pop(page, None)
    problems = []
    preset = given.pop("preset", None)
    if preset is not None and preset not in laboratory.PRESETS:
        problems.append(f"preset={preset} is none of {', '.join(laboratory.PRESETS)}")
        preset = None
    settings = laboratory.defaults(**(laboratory.PRESETS[preset] if preset else {}))
    for name, text in given.items():
        value, wrong = _value(name, text)
        problems += [wrong] if wrong else []
        settings[name] = value
    advice = "Copy the address of the laboratory again, or correct it."
    raise_problems(problems, where="the address", advice=advice, error=RuleError)
    return settings


def _value(name: str, text: str) -> tuple[Any, str]:
    """Return one value of an address, or what is wrong with it."""
    entry = laboratory.SETTINGS.get(name)
    if entry is None:
        return None, f"{name} is no setting of the laboratory"
    if len(entry) == 2:
        choices = entry[1]
        return text, "" if text in choices else f"{name}={text} is none of {', '.join(choices)}"
    start, low, high, _ = entry
    try:
        number = float(text)
    except ValueError:
        return None, f"{name}={text} is no number"
    if not low <= number <= high:
        return None, f"{name}={text} lies outside {low:g} to {high:g}"
    return (round(number) if isinstance(start, int) else number), ""


def fields_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rule fields of a setting; the page's script computes the same.

    The laboratory shares what exceeds the corridor, counted up to the limit: the most that is
    kept is the share of what lies between them.
    """
    s = settings
    exact = {name: Decimal(str(s[name])) for name in _SHARES}
    span = max(exact["cap"] - exact["corridor"], Decimal(0))
    loss = exact["loss_share"] if s["sides"] == "two" else Decimal(0)
    rest = 1 - exact["lead_share"]
    fields: dict[str, Any] = {
        "budget_basis": s["budget_rule"],
        "budget_growth_rate": exact["growth"],
        "out_of_county": s["out_of_county"],
        "minimum_savings_rate": exact["corridor"],
        "surplus_retention_share": exact["gain_share"],
        "savings_cap_share": exact["gain_share"] * span,
        "minimum_loss_rate": exact["corridor"],
        "overspend_sharing_share": loss,
        "overspend_corridor_share": exact["cap"],
        "overspend_above_corridor_share": Decimal(0),
        "loss_cap_share": loss * span,
        "split_lead_share": exact["lead_share"],
        "split_township_share": rest * exact["township_share"],
        "split_village_share": rest * (1 - exact["township_share"]),
        "within_party_rule": "headcount_score",
        "surplus_pay_share": exact["pay_share"],
    }
    if s["budget_rule"] == "historical":
        fields["budget_basis_years"] = 3
    return fields


_SHARES = ("gain_share", "loss_share", "corridor", "cap", "lead_share", "township_share",
           "pay_share", "growth")  # fmt: skip


def rules_of(settings: Mapping[str, Any], name: str = "laboratory") -> Rules:
    """Return the rules of a setting; every value is assumed, for the county is invented.

    Parameters
    ----------
    settings : mapping
        One value a setting, as ``settings_of`` returns it.
    name : str
        Id of the rules.
    """
    first = (_OUTSIDE,) if settings["out_of_county"] == "deducted_first" else ()
    place = {"en": "Example county", "zh": "示例县"}
    return Rules.model_validate(
        {
            "id": name,
            "kind": "scenario",
            "name": NAME,
            "place": place,
            "currency": "CNY",
            "parameters": {
                field: [{"value": value, "status": "assumed"}]
                for field, value in fields_of(settings).items()
            },
            "steps": [*first, *_STEPS],
        }
    )
