"""Effects of leaving the negotiated contract on what practices are paid: the registration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import pandas as pd

from ..estimators.att_gt import att_gt
from ..estimators.subgroup_effects import subgroup_effects
from ..inference.romano_wolf import romano_wolf
from ..panel import Panel
from ..results import Effects
from .ledger_effects import summary_row

LABELS = {
    "log_income_per_patient": "log income per weighted patient, without drugs",
    "log_income_with_drugs": "log income per weighted patient, with drugs",
    "log_income_all_money": "log income per weighted patient, with networks and pandemic",
    "log_patients": "log registered patients",
}


@dataclass(frozen=True, eq=False)
class PaySpecification:
    """What is estimated, stated before any result.

    Attributes
    ----------
    outcomes : tuple of str
    control_group, base_period, anticipation
        As in ``att_gt``.
    horizon : int
        Last year after the first that the average covers; cohorts seen in all of them.
    first_year, last_year : int
        Calendar years in which the financial years begin.
    n_draws, seed : int
        Of the Romano-Wolf adjustment.
    """

    outcomes: tuple[str, ...] = tuple(LABELS)
    control_group: Literal["not_yet_treated", "never_treated"] = "not_yet_treated"
    base_period: Literal["varying", "universal"] = "universal"
    anticipation: int = 0
    horizon: int = 2
    first_year: int = 2014
    last_year: int = 2021
    n_draws: int = 1_999
    seed: int = 0


REGISTERED_PAY = PaySpecification()


def registered_pay_text(spec: PaySpecification = REGISTERED_PAY) -> str:
    """Return the registration as the chapter prints it; a test compares the two."""
    lines = [
        "**Registered specification**",
        "",
        "- Units: practices under the negotiated contract (PMS) in the first year. Practices that "
        "move back are shown apart.",
        "- Treatment: the first financial year paid under the national contract (GMS).",
        f"- Years: the financial years that begin in {spec.first_year} to {spec.last_year}. Later "
        "files test the result, they do not enter it.",
        f"- Controls: practices {spec.control_group.replace('_', ' ')}.",
        f"- Anticipation: {spec.anticipation} years, because the first large group moves in the "
        "second year of the files and has one year before. One year is shown beside it, without "
        "that group.",
        f"- Headline: the mean effect over the first year and the {spec.horizon} years after it, "
        "on cohorts seen in all of them. Practices count equally.",
        "- Standard errors: clustered by payer, held constant through mergers.",
        f"- Several outcomes: Romano-Wolf over the {len(spec.outcomes)} headlines, "
        f"{spec.n_draws:,} draws, seed {spec.seed}.",
        "- Subgroups set beforehand, cut on the first year: what the contract paid a weighted "
        "patient (the dose), list size, town or country.",
        "- Outcomes, in logarithms:",
    ]
    lines += [f"  - {LABELS[name].removeprefix('log ')}" for name in spec.outcomes]
    return "\n".join(lines)


def pay_years(panel: Panel, spec: PaySpecification = REGISTERED_PAY) -> Panel:
    """Return the panel of the years that the specification names."""
    inside = panel.frame[panel.year].between(spec.first_year, spec.last_year)
    return panel if inside.all() else panel.keep(inside)


def pay_effects(panel: Panel, outcome: str, spec: PaySpecification = REGISTERED_PAY) -> Effects:
    """Estimate one outcome by cohort and year under the specification."""
    return att_gt(
        pay_years(panel, spec),
        outcome,
        control_group=spec.control_group,
        anticipation=spec.anticipation,
        base_period=spec.base_period,
    )


@cache
def pay_headlines(panel: Panel, spec: PaySpecification = REGISTERED_PAY) -> dict[str, Effects]:
    """Estimate every registered headline, by years since the move."""
    return {
        name: pay_effects(panel, name, spec).aggregate("event_time", balance=spec.horizon)
        for name in spec.outcomes
    }


@cache
def pay_table(panel: Panel, spec: PaySpecification = REGISTERED_PAY) -> pd.DataFrame:
    """Set the registered headlines beside each other with adjusted p-values.

    Returns
    -------
    DataFrame
        ``outcome estimate std_error conf_low conf_high p_value n_units n_moved p_adjusted``.
    """
    found = pay_headlines(panel, spec)
    adjusted = romano_wolf(list(found.values()), n_draws=spec.n_draws, seed=spec.seed)
    by_outcome = adjusted.frame.set_index("outcome")["p_adjusted"]
    rows = [summary_row(name, effects) for name, effects in found.items()]
    table = pd.DataFrame(rows).rename(columns={"label": "outcome"})
    table = table.assign(p_adjusted=table["outcome"].map(by_outcome))
    return panel.provenance.carried_by(table)


def pay_by_group(
    panel: Panel, by: str, groups: int | None = 3, spec: PaySpecification = REGISTERED_PAY
) -> Effects:
    """Estimate the first headline within groups that are cut on the first year.

    Parameters
    ----------
    by : str
        ``core_first``, ``list_first`` or ``rural_ever``.
    groups : int or None
        Into how many groups of about equal size a number is cut; None for a trait.
    """
    frame = panel.frame
    begun = frame.groupby(panel.unit)[panel.year].transform("min") == spec.first_year
    known = panel.keep(begun & frame[by].notna())
    cells = subgroup_effects(
        pay_years(known, spec),
        spec.outcomes[0],
        by=by,
        quantiles=groups,
        control_group=spec.control_group,
        anticipation=spec.anticipation,
        base_period=spec.base_period,
    )
    return cells.aggregate("event_time", balance=spec.horizon)
