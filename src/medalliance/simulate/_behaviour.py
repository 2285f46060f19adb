"""What members and patients do under the rule in force: efforts, visits and spending."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..incentives.batch import solve_batch
from ..incentives.bridge import contract_from_rules
from ..incentives.contract import Contract
from ..incentives.patients import PatientChoice, saving_per_effort
from ..incentives.technology import Technology
from ..incentives.village import VillageDoctor, village_shares
from ..reforms import Rules
from ._parameters import FUND_SHARE, Parameters
from ._world import MEMBERS, World

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ints = NDArray[np.intp]

GENEROSITY = 0.02  # log of the first reform budget over the notional one
SIGMA = 0.05  # standard deviation of the surplus, part of the quota
MARGIN, MARGIN_PAY, INDUCED = 0.20, 0.30, 0.03
ATTRACTION = np.array([0.0, 1.0, 1.0, 0.0])
EFFORT_COST = np.array([8.7, 2.0e-3, 4.8e-5])  # parts of the quota
GROWTH_YEARS = 4  # effects that grow do so for as long
PULL = 0.4  # what a log point of expected pay adds to a tier's appeal, through staff
# Parts of a tier's fund spending: needed care that a unit withheld saves, and a needed service.
WITHHELD, NEEDED = 0.02, 0.01
HARM, WORTH, AVOIDED = 2.0, 1.5, 0.2  # harm over saving; value, later saving over a service's price
DOCTOR = VillageDoctor(skill=[0.5, 0.75, 0.95, 1.0], fee=15.0, burden=100.0)
FOLLOW = 0.10  # visits for which a village doctor with the right to refer decides
_REFERENCE = {"score": 1.0, "reserve": 0.0, "out_of_county_spending": 0.0}


@dataclass(frozen=True, eq=False)
class Care:
    """What members do to needed care, per insured resident, and where village doctors send people.

    Attributes
    ----------
    harm : array, shape (n, n_years)
        Money-metric harm of needed care withheld, yuan of the first year.
    needed : array, shape (n, n_years, 3)
        Needed services by tier over those of the status quo, part of what is lacking.
    saved : array, shape (n, n_years, 3)
        Fund spending saved by withheld care, less that of needed services added.
    sent : array, shape (n, n_years, 4)
        Where village doctors send those who follow them; zero where they may not refer.
    """

    harm: Array
    needed: Array
    saved: Array
    sent: Array


@dataclass(frozen=True, eq=False)
class Response:
    """What members choose in every cell; zero where no rule is in force.

    Attributes
    ----------
    effort : array, shape (n, n_years, 3)
    induced : array, shape (n, n_years, 3)
        Visits induced per member and insured resident, less those of the baseline.
    bonus : array, shape (n, n_years, 3)
        Expected bonus from the surplus, part of base pay.
    marginal_share : array, shape (n, n_years)
    care : Care or None
        What members do to patients' care; None where that is not followed.
    """

    effort: Array
    induced: Array
    bonus: Array
    marginal_share: Array
    care: Care | None = None


@dataclass(frozen=True, eq=False)
class Activity:
    """Visits per insured resident by tier, with spending per insured resident in yuan."""

    visits: Array
    spending: Array
    tier_spending: Array


def softmax(index: Array) -> Array:
    """Return shares over the last axis."""
    weight = np.exp(index - index.max(axis=-1, keepdims=True))
    return weight / weight.sum(axis=-1, keepdims=True)


def with_budgets(world: World) -> World:
    """Set capitation factors from what each county spent in its first three years.

    They follow nine tenths of a county's distance from the mean; ``slack`` is what a notional
    budget leaves above spending on average.
    """
    since = np.full(world.shape, -99)
    spent = activity(world, no_response(world), since).spending
    ratio = np.log(spent / (world.fit.quota * world.price_index))[:, :3].mean(axis=1, keepdims=True)
    factor = np.exp(0.9 * (ratio - ratio.mean()) + ratio.mean() + world.fit.slack)
    return replace(world, adjustment=world.adjustment * factor)


def budget_per_insured(world: World, *, reform: bool) -> Array:
    """Return the capitation budget, shape (n, n_years), yuan per insured resident."""
    lift = np.exp(GENEROSITY) if reform else 1.0
    return world.fit.quota * world.price_index * world.adjustment * lift


def deductions(rules: Rules, year: int) -> float:
    """Return the part of the budget that the rules take off before it is held against claims."""
    kept = 1.0
    for step in rules.steps or ():
        if step.op == "deduct" and step.side == "pool" and step.rate is not None:
            kept *= 1.0 - float(rules.value(step.rate, year, None))
    return 1.0 - kept


def no_response(world: World, *, care: bool = False) -> Response:
    """Return the response where nobody has anything to gain."""
    whole, tiers = world.shape, (*world.shape, 3)
    held = None
    if care:
        held = Care(np.zeros(whole), np.zeros(tiers), np.zeros(tiers), np.zeros((*whole, 4)))
    return Response(np.zeros(tiers), np.zeros(tiers), np.zeros(tiers), np.zeros(whole), held)


def members_respond(world: World, rules: dict[str, Rules], rule_of: NDArray[np.object_],
                    on: Mask, *, care: bool = False) -> Response:  # fmt: skip
    """Solve the incentive model in every treated cell.

    Parameters
    ----------
    rules : dict of str to Rules
    rule_of : array of str, shape (n,)
        Rule of each county.
    on : array of bool, shape (n, n_years)
    care : bool
        Whether members can withhold and supply needed care, and village doctors refer.
    """
    found = no_response(world, care=care)
    for name, rule in rules.items():
        rows, years = np.nonzero(on & (rule_of == name)[:, None])
        if len(rows):
            _respond_under(rule, world, (rows, years), found)
    return found


def _respond_under(rule: Rules, world: World, at: tuple[Ints, Ints], found: Response) -> None:
    rows, years = at
    year = int(world.years[-1])
    base = contract_from_rules(rule, year, ledger=_REFERENCE)
    technology = _technology(world, rows, years, care=found.care is not None)
    budget = budget_per_insured(world, reform=True)[rows, years] / world.price_index[years]
    contract = base.replace(
        quality=world.score[rows, years], budget=budget * (1 - deductions(rule, year))
    )
    solved = solve_batch(contract, technology)
    claim = _claim(contract)
    found.effort[rows, years] = solved.effort
    baseline = np.asarray(technology.baseline_inducement)
    found.induced[rows, years] = solved.inducement - baseline
    per_insured = solved.expected_transfer[:, None] * claim * MEMBERS
    money = per_insured * (world.price_index[years] * world.insured[rows, years])[:, None]
    heads = world.staff[rows, years].sum(axis=-1)
    pay = world.fit.tier_pay * np.exp(world.log_wage[rows, years])
    found.bonus[rows, years] = money / heads / pay
    found.marginal_share[rows, years] = solved.marginal_share
    if found.care is not None:
        t, c = technology, found.care
        added = solved.needed - t.baseline_needed
        cost = t.fund_share * t.needed_price - t.needed_saving
        c.harm[rows, years] = solved.harm
        c.needed[rows, years] = added
        c.saved[rows, years] = MEMBERS * (t.withholding_saving * solved.withheld - cost * added)
        worth = claim[..., 2] * solved.perceived_share
        c.sent[rows, years] = village_shares(DOCTOR, _choice(world.fit), worth)


def _claim(contract: Contract) -> Array:
    return np.asarray(contract.pay_share * contract.split / MEMBERS)


def _technology(world: World, rows: Ints, years: Ints, *, care: bool) -> Technology:
    fit, price = world.fit, world.fit.price
    choice = _choice(fit)
    shares = softmax(world.appeal[rows, years])
    volume = np.exp(world.log_volume[rows, years])[:, None]
    cost = np.exp(world.log_cost[rows, years])[:, None]
    scale = volume * cost
    fund = fit.visits * FUND_SHARE * shares * price * scale
    total = saving_per_effort(choice, shares) * scale
    inside = saving_per_effort(choice, shares, excluded=True) * scale
    managed = np.zeros_like(total)
    managed[:, 0] = fund[:, 0]
    margin = MARGIN * price[:3]
    visits = fit.visits * volume * shares[:, :3]
    induced = INDUCED * visits / MEMBERS
    plain = Technology(
        members=MEMBERS,
        saving=total + managed,
        outflow_saving=total - inside,
        effort_cost=EFFORT_COST * fit.quota * world.effort_cost[rows],
        sigma=SIGMA * fit.quota,
        price=price[:3],
        margin=margin,
        margin_pay=MARGIN_PAY,
        inducement_cost=MARGIN_PAY * margin / induced,
        baseline_inducement=induced,
        fund_share=FUND_SHARE,
        baseline_spending=fund.sum(axis=1),
        outflow_spending=fund[:, 3],
        groups=("lead_hospital", "township", "village"),
    )
    return _with_care(plain, fund[:, :3] / MEMBERS) if care else plain


def _with_care(technology: Technology, fund: Array) -> Technology:
    """Add needed care, of which half of what patients lack is supplied in the status quo."""
    price = NEEDED * fund / FUND_SHARE
    margin = MARGIN * price
    return technology.replace(
        withholding_saving=WITHHELD * fund,
        withholding_harm=HARM * WITHHELD * fund,
        withholding_cost=WITHHELD * fund,
        need=1.0,
        needed_price=price,
        needed_margin=margin,
        needed_cost=MARGIN_PAY * margin / 0.5,
        needed_value=WORTH * price,
        needed_saving=AVOIDED * price,
        baseline_needed=None,
    )


def _choice(fit: Parameters) -> PatientChoice:
    return PatientChoice(
        visits=fit.visits,
        appeal=np.zeros(4),
        attraction=ATTRACTION,
        cost=fit.price,
        out_of_pocket=np.zeros(4),
        members=MEMBERS,
        fund_share=FUND_SHARE,
    )


def activity(
    world: World, response: Response, since: NDArray[np.int64], *, frozen: str = ""
) -> Activity:
    """Return visits and spending that follow from a response.

    Parameters
    ----------
    since : array, shape (n, n_years)
        Years since the reform; negative before it or without one.
    frozen : str
        A channel that is switched off: ``"incentive"``, ``"pay"``, ``"shares"``, ``"care"`` or
        ``"referral"``.
    """
    effort = np.zeros_like(response.effort) if frozen == "incentive" else response.effort
    induced = np.zeros_like(response.induced) if frozen == "incentive" else response.induced
    effort = effort * potency(world, since)[:, :, None]
    wage = world.log_wage - world.log_wage.mean(axis=0)
    bonus = 0.0 if frozen == "pay" else np.log1p(np.maximum(response.bonus, -0.9))
    appeal = world.appeal.copy()
    appeal[:, :, 1:3] += PULL * wage[:, :, 1:3]
    if frozen != "shares":
        appeal[:, :, :3] += ATTRACTION[:3] * effort
        appeal[:, :, 1:3] += (PULL * np.broadcast_to(bonus, response.bonus.shape))[:, :, 1:3]
    shares, care = softmax(appeal), response.care
    if care is not None and frozen not in ("shares", "referral"):
        follow = FOLLOW * care.sent.sum(axis=-1, keepdims=True)
        shares = (1 - follow) * shares + FOLLOW * care.sent
    volume = world.fit.visits * np.exp(world.log_volume)
    visits = volume[:, :, None] * shares
    cost = np.exp(world.log_cost)[:, :, None] * world.fit.price * FUND_SHARE
    spent = visits * cost
    spent[:, :, 0] *= 1 - np.clip(effort[:, :, 0], 0, 0.5)
    extra = induced * MEMBERS
    spent[:, :, :3] += extra * cost[:, :, :3]
    if frozen != "shares":
        visits[:, :, :3] += extra
    if care is not None and frozen not in ("incentive", "care"):
        spent[:, :, :3] -= care.saved
    spent = spent * world.price_index[None, :, None]
    spent = spent * np.exp(_outside_reform(world, since))[:, :, None]
    return Activity(visits, spent.sum(axis=-1), spent)


def potency(world: World, since: NDArray[np.int64]) -> Array:
    """Return what a unit of effort achieves, by cohort and years since the reform."""
    if not world.dynamic:
        return (since >= 0).astype(float)
    cohorts = np.unique(world.cohort[world.cohort > 0])
    strength = dict(zip(cohorts, np.linspace(1.6, 0.4, len(cohorts)), strict=True))
    size = np.array([strength.get(g, 0.0) for g in world.cohort])
    years = np.minimum(since, GROWTH_YEARS)
    grown: Array = size[:, None] * np.where(since >= 0, 0.4 + 0.5 * years, 0.0)
    return grown


def _outside_reform(world: World, since: NDArray[np.int64]) -> Array:
    """Return log spending added before the reform, and by treated neighbours."""
    added = world.before * (since == -1)
    if world.leak:
        near = world.neighbours[world.neighbours["distance"] <= 30.0]
        treated = since >= 0
        reached = np.zeros(world.shape, dtype=bool)
        np.logical_or.at(reached, near["from"].to_numpy(), treated[near["to"].to_numpy()])
        added = added + world.leak * (reached & ~treated)
    return np.asarray(added, dtype=float)
