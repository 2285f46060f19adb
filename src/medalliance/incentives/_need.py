"""Refuse what is neither a contract nor a technology."""

from __future__ import annotations

from ..errors import RuleError, need_type
from .contract import Contract
from .technology import Technology


def need_model(contract: object, technology: object) -> None:
    """Refuse what is no contract with a technology.

    Raises
    ------
    RuleError
    """
    need_type(
        "contract",
        contract,
        Contract,
        advice="Make one: ma.Contract(split=...), or ma.contract_from_rules(rules, year).",
        error=RuleError,
    )
    need_type(
        "technology",
        technology,
        Technology,
        advice="Make one: ma.Technology(members=..., saving=..., effort_cost=..., sigma=...).",
        error=RuleError,
    )
