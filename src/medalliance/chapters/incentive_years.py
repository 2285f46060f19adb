"""Why do members not respond? Years, splits, patients, and the signs that turn."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..incentives.participation import bargained_split
from ..incentives.patients import (
    PatientChoice,
    respond_with_patients,
    technology_from_patients,
    visit_shares,
)
from ..incentives.ratchet import ratchet_weight
from ..incentives.respond import respond
from ..incentives.split import referral_conditions, second_best_split
from ..incentives.statics import sign_reversals
from ..incentives.technology import Technology
from ..incentives.years import respond_years
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from .incentives import NAMES, SOURCE, SPLIT, example_alliance, example_contract

_DISCOUNT = 0.95
RATCHETS: dict[str, dict[str, Any]] = {
    "never rebased": {"rebasing": 0.0},
    "three-year term, on the term's mean": {"term": 3, "term_base": "term_mean"},
    "three-year term, on the last year": {"term": 3},
    "rebased every year": {},
}


def ratchet_table() -> Exhibit:
    """Set what rebasing leaves of the incentive, by weight and by length of the term."""
    import pandas as pd

    rows = []
    for psi in (0.1, 0.3, 0.5, 1.0):
        row = {"weight of past spending": psi}
        for term in (1, 3, 5):
            label = "rebased every year" if term == 1 else f"every {term} years"
            row[label] = float(ratchet_weight(psi, 0.0, _DISCOUNT, term=term, base="term_mean"))
        rows.append(row)
    return show(
        pd.DataFrame(rows),
        "Part of the incentive that is left once members count the lower budgets to come; "
        f"they value next year at {_DISCOUNT:.0%} of this one. Longer terms are rebased on the "
        "mean of the term.",
        about=SOURCE,
        decimals={"weight of past spending": 1, "rebased every year": 4}
        | {f"every {term} years": 4 for term in (3, 5)},
    )


def ratchet_figure(years: int = 9) -> Exhibit:
    """Draw the lead hospital's effort over years under four ways to rebase."""
    import pandas as pd

    from ..show import plots

    paths = {}
    for name, terms in RATCHETS.items():
        rules = {"loss_share": 1.0, "rebasing": 0.5, "discount": _DISCOUNT, **terms}
        paths[name] = respond_years(example_contract(**rules), example_alliance(), years)
    ax = plots.new_axes()
    with plots.style():
        for number, (name, path) in enumerate(paths.items()):
            ax.plot(
                path["year"],
                path["effort_lead_hospital"],
                marker=plots.MARKERS[number],
                label=name,
            )
        ax.set_xlabel("year of the contract")
        ax.set_ylabel("saving effort of the lead hospital")
        ax.set_ylim(-0.012, 0.33)
        ax.legend(fontsize=9.5, ncols=2, loc="lower center", bbox_to_anchor=(0.46, 1.0))
    summary = pd.DataFrame(
        {name: path["effort_lead_hospital"] for name, path in paths.items()}
    ).assign(year=range(1, years + 1))
    summary = summary[["year", *paths]]
    yearly, last = paths["rebased every year"], paths["three-year term, on the last year"]
    return show(
        ax,
        "Effort of the lead hospital over the years, by how the budget is rebased. Half of "
        "past spending enters the next budget. Where only the last year of a term counts, effort "
        "stops in that year.",
        about=SOURCE,
        alt=f"Four lines over {years} years. Without rebasing effort stays at "
        f"{paths['never rebased']['effort_lead_hospital'][0]:.3f}. Rebased every year it is "
        f"{yearly['effort_lead_hospital'][0]:.3f} throughout. With a three-year term rebased on "
        "its last year it is full for two years and falls to "
        f"{last['effort_lead_hospital'][2]:.0f} in each third year. Rebased on the term's mean it "
        "lies between.",
        summary=summary,
    )


def measured_year_sentence() -> Sentence:
    """Say what the measured year of a term does to spending."""
    rules = {"loss_share": 1.0, "rebasing": 0.5, "discount": _DISCOUNT, "term": 3}
    path = respond_years(example_contract(**rules), example_alliance(), 3)
    before, measured = float(path["spending"][1]), float(path["spending"][2])
    return say(
        "In the year that sets the next budget spending is {measured:.0f}; in the year "
        "before it is {before:.0f}. Without a contract it would be 1000.",
        measured=measured,
        before=before,
        about=SOURCE,
    )


@cache
def splits() -> dict[str, np.ndarray]:
    """Return the splits that the chapter compares."""
    t, terms = example_alliance(), example_contract(loss_share=1.0)
    best = second_best_split(t.saving**2 / t.effort_cost, 0.5, t.members)["split"]
    return {
        "6:3:1": np.array(SPLIT),
        "most saving, no inducement counted": np.asarray(best),
        "bargained, equal weights": bargained_split(terms, t, [1, 1, 1]),
        "bargained, hospital ten times the weight": bargained_split(terms, t, [10, 1, 1]),
    }


def split_table() -> Exhibit:
    """Set four splits side by side, with what they save."""
    import pandas as pd

    rows = []
    t = example_alliance()
    for name, split in splits().items():
        found = respond(example_contract(loss_share=1.0, split=split), t)
        saved = float((t.members * t.saving * found.effort[0]).sum())
        rows.append(
            {
                "split": name,
                **dict(zip(NAMES.values(), split, strict=True)),
                "saved by effort": saved,
                "saved by less inducement": float(found.mean_surplus[0]) - saved,
                "expected surplus": found.mean_surplus[0],
            }
        )
    frame = pd.DataFrame(rows)
    decimals = dict.fromkeys(NAMES.values(), 3) | dict.fromkeys(frame.columns[4:], 2)
    return show(
        frame,
        "Four ways to divide the transfer among the groups of the example, two-sided "
        "contract. Members of a group share equally and act alone.",
        about=SOURCE,
        decimals=decimals,
    )


def unit_table() -> Exhibit:
    """Set the second-best split by who acts as one: single members, or a primary-care group."""
    import pandas as pd

    t = example_alliance()
    power = t.saving**2 / t.effort_cost
    alone = second_best_split(power, 0.5, t.members)["split"]
    joint = np.array([power[0], float((t.members * power)[1:].sum())])
    together = second_best_split(joint, 0.5)["split"]
    rows = [
        {
            "who acts": "every member for itself",
            "lead hospital": alone[0],
            "primary care": alone[1:].sum(),
            "net saving": _net_saving(power, t.members, alone),
        },
        {
            "who acts": "primary care as one unit",
            "lead hospital": together[0],
            "primary care": together[1],
            "net saving": _net_saving(joint, np.ones(2), together),
        },
    ]
    return show(
        pd.DataFrame(rows),
        "The split that saves most, by who acts as one. Saving is net of the cost of "
        "effort; inducement is left out. That a primary-care group acts as one is assumed.",
        about=SOURCE,
        decimals={"lead hospital": 2, "primary care": 2, "net saving": 1},
    )


def _net_saving(power: np.ndarray, members: np.ndarray, split: np.ndarray) -> float:
    x = 0.5 * np.asarray(split) / members
    return float((members * power * (x - x**2 / 2)).sum())


def referral_table(outside_price: float = 90.0) -> Exhibit:
    """Set what the lead hospital gains by referring down, keeping in, or sending out."""
    import pandas as pd

    t, rows = example_alliance(), []
    own = float(t.margin_pay[0] * t.margin[0])
    for share in (0.1, 0.3, 0.6):
        for scope in ("included", "excluded"):
            found = referral_conditions(
                0.5 * share,
                1.0,
                float(t.fund_share),
                (float(t.price[0]), float(t.price[1]), outside_price),
                own,
                out_of_county=scope,
            )
            rows.append(
                {
                    "share of the hospital": share,
                    "out-of-county care": scope,
                    "sending a visit down": found["down_referral"],
                    "keeping a patient in the county": found["retention"],
                    "sending a patient out": found["export"],
                }
            )
    return show(
        pd.DataFrame(rows),
        "What the lead hospital gains by one visit more of each kind, two-sided contract; "
        f"a visit outside the county costs {outside_price:.0f}. Positive: it pays.",
        about=SOURCE,
        decimals={"share of the hospital": 1}
        | dict.fromkeys(
            ("sending a visit down", "keeping a patient in the county", "sending a patient out"), 2
        ),
    )


def example_patients(gate: float = 0.0) -> PatientChoice:
    """Return the example's patients, who choose among three tiers and places outside."""
    return PatientChoice(
        visits=1000.0,
        appeal=[1.0, 0.5, 0.6, 0.2],
        attraction=[0.3, 0.5, 0.5, 0.0],
        cost=[1.2, 0.4, 0.1, 3.0],
        out_of_pocket=[0.4, 0.1, 0.02, 1.5],
        members=[1, 10, 100],
        fund_share=0.6,
        price_sensitivity=0.5,
        gate=gate,
    )


def gate_table() -> Exhibit:
    """Set visit shares, with what effort saves, as the gate rises."""
    import pandas as pd

    rows = []
    places = [*NAMES.values(), "outside"]
    for gate in (0.0, 0.5, 1.0, 2.0):
        patients = example_patients(gate)
        technology = technology_from_patients(patients, effort_cost=[40, 20, 6], sigma=40.0)
        row = {"added payment without referral": gate}
        row |= dict(zip(places, visit_shares(patients), strict=True))
        row["saving per effort, township"] = technology.saving[1]
        row["saving per effort, village"] = technology.saving[2]
        rows.append(row)
    decimals = dict.fromkeys(places, 3) | {"added payment without referral": 1}
    decimals |= {f"saving per effort, {name}": 2 for name in ("township", "village")}
    return show(
        pd.DataFrame(rows),
        "Where patients go as seeing a hospital without a referral costs them more, and "
        "what one member's effort then saves.",
        about=SOURCE,
        decimals=decimals,
    )


def patients_sentence() -> Sentence:
    """Say how far the linear model is from the one in which shares move with effort."""
    patients = example_patients()
    technology = technology_from_patients(patients, effort_cost=[0.4, 0.2, 0.06], sigma=40.0)
    both = respond_with_patients(example_contract(loss_share=1.0), patients, technology)
    gap = both.distance
    return say(
        "With effort a hundred times cheaper, so that patients do move, the linear model "
        "misses a member's effort by at most {effort:.2g} and a visit share by at most "
        "{visit_share:.2g}.",
        effort=gap["effort"],
        visit_share=gap["visit_share"],
        about=SOURCE,
    )


def demands_table() -> Exhibit:
    """Set what the study asks for beside the switch of the model with what it moves."""
    import pandas as pd

    t, found = example_alliance(), splits()
    one, two = (respond(example_contract(loss_share=loss), t).effort[0, 0] for loss in (0.0, 1.0))
    gate = [visit_shares(example_patients(g))[1:3].sum() for g in (0.0, 1.0)]
    even, strong = (found[name][2] for name in list(found)[2:])
    levels = (_threshold(), _threshold(audit=0.05), _threshold(margin=0.5))
    rows = [
        (
            "a say for those who know most",
            "bargaining weights",
            "share of the villages",
            strong,
            even,
        ),
        (
            "losses shared as well as gains",
            "one-sided to two-sided",
            "effort of the hospital",
            one,
            two,
        ),
        (
            "prices that favour cheap care",
            "margins halved",
            "threshold share",
            levels[0],
            levels[2],
        ),
        (
            "disclosure",
            "induced volume found once in twenty",
            "threshold share",
            levels[0],
            levels[1],
        ),
        ("gatekeeping", "added payment of one", "primary-care visit share", *gate),
    ]
    frame = pd.DataFrame(rows, columns=["asked for", "switch", "what moves", "before", "after"])
    return show(
        frame,
        "What the study of 2023 asks for, and what its switch moves in the example.",
        about=SOURCE.noting("demands paraphrased from S47"),
        decimals={"before": 3, "after": 3},
    )


def _threshold(audit: float = 0.0, margin: float = 1.0) -> float:
    t = example_alliance()
    found = respond(
        example_contract(loss_share=1.0, audit=audit), t.replace(margin=t.margin * margin)
    )
    return float(found.members()["threshold_share"].iloc[0])


def random_alliances(n: int = 20_000, seed: int = 1) -> tuple[Any, Technology]:
    """Draw contracts with technologies for the report on signs; one-sided contracts."""
    rng = np.random.default_rng(seed)
    u = rng.uniform
    technology = Technology(
        members=rng.integers(1, 12, (n, 3)),
        saving=u(2, 40, (n, 3)),
        effort_cost=u(5, 40, (n, 3)),
        sigma=u(5, 60, n),
        price=u(2, 60, (n, 3)),
        margin=u(0.5, 12, (n, 3)),
        inducement_cost=u(1, 12, (n, 3)),
        margin_pay=u(0.1, 0.6, (n, 3)),
        fund_share=u(0.4, 0.8, n),
        baseline_spending=1000.0,
    )
    contract = example_contract(
        split=rng.dirichlet([2, 2, 2], n),
        audit=0.02,
        budget=u(980, 1020, n),
        rebasing=0.2,
        discount=0.5,
    )
    return contract, technology


def signs_table() -> Exhibit:
    """Set how often the equilibrium turns a sign that holds at a given r."""
    import pandas as pd

    contract, technology = random_alliances()
    reports = {
        "one-sided": sign_reversals(contract, technology),
        "two-sided": sign_reversals(contract.replace(loss_share=1.0), technology),
    }
    one = reports["one-sided"]
    frame = pd.DataFrame(
        {
            "what rises": one["parameter"],
            "what is watched": one["outcome"].str.replace("marginal_share", "r"),
            "expected": np.where(one["expected_sign"] > 0, "rises", "falls"),
            "holds at given r, %": 100 * one["holds_at_fixed_r"],
            **{f"turned, {name}, %": 100 * report["reversed"] for name, report in reports.items()},
        }
    )
    return show(
        frame,
        "Signs at a given r, and how often the equilibrium turns them. Of "
        f"{len(technology.sigma):,} random alliances those with several equilibria are left out.",
        about=SOURCE,
        decimals={"holds at given r, %": 1, "turned, one-sided, %": 3, "turned, two-sided, %": 3},
    )
