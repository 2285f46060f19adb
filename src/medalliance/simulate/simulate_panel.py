"""Simulate a panel of counties whose true effects are known."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, need_type
from ..outcomes import outcome_values
from ..panel import Panel, PanelWarning, Truth
from ..provenance import Badge, Provenance
from ..reforms import Rules, load_rules
from ._behaviour import Response, activity, members_respond, no_response, with_budgets
from ._columns import raw_columns
from ._money import Accounts, settle_counties
from ._parameters import Parameters, fitted_parameters
from ._threats import apply_threats
from ._world import World, draw_world

if TYPE_CHECKING:
    from collections.abc import Iterable

Array = NDArray[np.float64]
RuleLike = str | Rules

CHANNELS = ("all", "incentive", "pay", "shares")
CARE_CHANNELS = ("care", "referral")
CARE_OUTCOMES = ("harm_per_insured", "needed_services_per_insured")
GRADED = (
    "fund_surplus_rate",
    "notional_surplus_rate",
    "log_spending_to_budget",
    "log_spending_per_insured",
    "log_budget_per_insured",
    "log_remuneration_per_fte_hospital",
    "log_remuneration_per_fte_township",
    "log_remuneration_per_fte_village",
    "log_fixed_mix_remuneration_per_fte_township",
    "composition_effect_township",
    "pay_gap_hospital_township",
    "primary_care_visit_share",
    "in_county_visit_share",
    "log_visits_per_insured_village",
    "log_visits_per_insured_township",
    "log_visits_per_insured_county",
    "log_visits_per_insured_out",
)


@dataclass(frozen=True, eq=False)
class SimulatedPanel:
    """A panel with the effects that were put into it.

    Attributes
    ----------
    panel : Panel
        Badge SYNTHETIC, clustered by prefecture.
    truth : DataFrame
        ``outcome, channel, cohort, year, att, n_units``: mean difference between the run under
        the rule and the run without it, on the same random numbers. Channel ``all`` is the
        effect; ``incentive``, ``pay`` and ``shares`` are the part of it that is lost when
        that channel is switched off. They need not add up.
    marginal_share : DataFrame
        ``cohort, year, rule_id, marginal_share``: mean of r, what a further yuan of surplus is
        worth to the alliance.
    distance : DataFrame
        ``from, to, distance``: kilometres between counties that lie within 60.
    threats : tuple of str
    seed : int
    """

    panel: Panel
    truth: pd.DataFrame
    marginal_share: pd.DataFrame
    distance: pd.DataFrame
    threats: tuple[str, ...]
    seed: int

    def by_event(self, outcome: str, channel: str = "all") -> pd.Series:
        """Return the true effect by years since the reform, averaged over counties."""
        return self._by(channel).by_event(outcome)

    def effect(self, outcome: str, channel: str = "all", *, horizon: int | None = None) -> float:
        """Return the true effect: the mean over treated rows, or over years 0 to a horizon.

        Parameters
        ----------
        horizon : int, optional
            Average event times 0 to this one, each cohort counted where it is seen throughout.
        """
        return self._by(channel).effect(outcome, horizon=horizon)

    @property
    def provenance(self) -> Provenance:
        """Kind of evidence, source and currency of the panel."""
        return self.panel.provenance

    def _by(self, channel: str) -> Truth:
        if channel == "all" and self.panel.truth is not None:
            return self.panel.truth
        return _channel(self.truth, channel)


def simulate_panel(
    n_counties: int = 200,
    n_years: int = 12,
    seed: int = 0,
    rules: RuleLike | Sequence[RuleLike] | None = "split_631",
    threats: Iterable[str] = (),
    *,
    channels: bool = True,
    outcomes: Sequence[str] = GRADED,
    settled: bool = True,
    hiring: float = 0.0,
    care: bool = False,
    parameters: Parameters | None = None,
) -> SimulatedPanel:
    """Simulate counties under contract rules, with every true effect known.

    Traits and shocks are drawn; members answer the rule in force (:func:`solve_batch`); patients
    choose tiers by softmax shares; the settlement engine pays every treated county and year to
    the fen. Each county is run again without the reform on the same random numbers.

    Parameters
    ----------
    n_counties : int
        At least 20, ten to a prefecture; prefectures reform as a whole.
    n_years : int
        From 2012, at least 6.
    seed : int
        The same seed draws the same panel, byte for byte.
    rules : str, Rules, sequence of them, or None
        Scenario names or rules; several are dealt to prefectures in turn. None puts no rule into
        force: cohorts are assigned and every true effect is zero.
    threats : iterable of str
        Names in ``simulate.THREATS``.
    channels : bool
        Also run with each channel switched off (three more runs).
    outcomes : sequence of str
        Outcomes whose truth is kept.
    settled : bool
        Settle every alliance and pay bonuses. Without it budgets are blank and pay has no bonus;
        visits and spending are the same.
    hiring : float
        Log points a year, for four years after the reform, by which township centres hire
        physicians and part with administrators: pay then moves with who is paid.
    care : bool
        Let members withhold and supply needed care, and let village doctors refer under the rule:
        adds the columns and outcomes ``harm_per_insured`` (yuan) and
        ``needed_services_per_insured`` (part of what is lacking, over the status quo) and the
        channels ``care`` and ``referral``. Cells without a rule are the same.
    parameters : Parameters, optional
        Levels and trends of counties; those fitted to published moments without it.

    Returns
    -------
    SimulatedPanel

    Raises
    ------
    DataError
        If the panel is too small, a threat is unknown, or a rule leaves care outside the county
        out of the budget.
    """
    for name, number in {"n_counties": n_counties, "n_years": n_years, "seed": seed}.items():
        advice = "Give a whole number."
        need_type(name, number, (int, np.integer), advice=advice, error=DataError)
    if n_counties < 20 or n_years < 6:
        raise DataError(
            f"{n_counties} counties and {n_years} years are too few.\n"
            "  Ask for at least 20 counties and 6 years."
        )
    fit = parameters or fitted_parameters()
    world = apply_threats(draw_world(n_counties, n_years, seed, fit), threats, seed)
    world = with_budgets(replace(world, hiring=hiring))
    named = _named(rules)
    rule_of = _deal(world, list(named))
    since = np.where(world.cohort[:, None] > 0, world.years - world.cohort[:, None], -99)
    since = np.where((rule_of != "")[:, None], since, -99)
    response = members_respond(world, named, rule_of, since >= 0, care=care)

    paying = named if settled else {}

    def frame(frozen: str = "") -> pd.DataFrame:
        return _run(world, response, since, paying, rule_of, frozen)

    full = frame()
    none = full
    if outcomes:
        none = _run(
            world, no_response(world, care=care), np.full_like(since, -99), named, rule_of, ""
        )
    panel = as_panel(full)
    off = CHANNELS[1:] + (CARE_CHANNELS if care else ()) if channels else ()
    kept = [*outcomes, *(CARE_OUTCOMES if care and outcomes else ())]
    truth = _truth(panel, none, {name: frame(name) for name in off}, kept)
    return SimulatedPanel(
        panel=replace(panel, truth=_channel(truth, "all")),
        truth=truth,
        marginal_share=_marginal(world, response, rule_of, since),
        distance=_named_pairs(world),
        threats=world.switches,
        seed=seed,
    )


def _channel(truth: pd.DataFrame, channel: str) -> Truth:
    return Truth(truth[truth["channel"] == channel].drop(columns="channel"))


def as_panel(frame: pd.DataFrame) -> Panel:
    """Return a table of raw columns as a panel."""
    return Panel.from_frame(
        frame,
        unit="county_code",
        year="year",
        cohort="cohort",
        cluster="prefecture_code",
        badge=Badge.SYNTHETIC,
        source="simulated counties with known effects, drawn from a fixed seed",
    )


def _named(rules: RuleLike | Sequence[RuleLike] | None) -> dict[str, Rules]:
    listed = [] if rules is None else [rules] if isinstance(rules, str | Rules) else list(rules)
    loaded = [load_rules(rule) if isinstance(rule, str) else rule for rule in listed]
    for rule in loaded:
        if any(value.value == "excluded" for value in rule.parameters.get("out_of_county", ())):
            raise DataError(
                f"{rule.id} leaves out-of-county care out of the budget, whose size inside the "
                "county the simulator does not know.\n"
                "  Choose a rule that includes it or deducts it first."
            )
    return {rule.id: rule for rule in loaded}


def _deal(world: World, names: list[str]) -> NDArray[np.object_]:
    """Deal rules to treated prefectures in turn."""
    rule_of = np.full(len(world.keys), "", dtype=object)
    if names:
        for place, prefecture in enumerate(np.unique(world.prefecture[world.cohort > 0])):
            rule_of[world.prefecture == prefecture] = names[place % len(names)]
    return rule_of


def _run(
    world: World,
    response: Response,
    since: NDArray[np.int64],
    rules: Mapping[str, Rules],
    rule_of: NDArray[np.object_],
    frozen: str,
) -> pd.DataFrame:
    done = activity(world, response, since, frozen=frozen)
    money = settle_counties(world, done, dict(rules), rule_of, since >= 0)
    paid = response
    if frozen == "pay":
        money = Accounts(
            money.budget, money.notional, money.spending, np.zeros_like(money.bonus), money.kept
        )
    if frozen in ("pay", "incentive"):
        paid = no_response(world)
    table = raw_columns(world, done, money, paid, rule_of, since)
    if response.care is None:
        return table
    acts = 0.0 if frozen in ("incentive", "care") else 1.0
    prices = world.price_index[None]
    return table.assign(
        harm_per_insured=(acts * response.care.harm * prices).reshape(-1).round(4),
        needed_services_per_insured=(acts * response.care.needed.sum(axis=-1)).reshape(-1).round(6),
    )


def _truth(
    panel: Panel,
    none: pd.DataFrame,
    switched_off: Mapping[str, pd.DataFrame],
    outcomes: Sequence[str],
) -> pd.DataFrame:
    columns = ["outcome", "channel", "cohort", "year", "att", "n_units"]
    if not outcomes:
        return pd.DataFrame(columns=columns)
    full = panel.frame
    runs = {"all": (full, none)} | {name: (full, off) for name, off in switched_off.items()}
    values = {id(f): _outcomes(panel, f, outcomes) for f in (full, none, *switched_off.values())}
    keys = full[["cohort", "year"]]
    after = ((keys["cohort"] > 0) & (keys["year"] >= keys["cohort"])).to_numpy()
    tables = []
    for channel, (one, other) in runs.items():
        effect = (values[id(one)] - values[id(other)])[after]
        grouped = effect.groupby([keys["cohort"][after], keys["year"][after]])
        wide = grouped.mean().melt(var_name="outcome", value_name="att", ignore_index=False)
        sizes = grouped.size().rename("n_units")
        tables.append(wide.join(sizes).reset_index().assign(channel=channel))
    return pd.concat(tables, ignore_index=True)[columns]


def _outcomes(panel: Panel, frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return outcomes, an untreated cell's budget being the notional one."""
    held = frame.assign(budget=frame["budget"].fillna(frame["notional_budget"]), visit_def=1)
    panel = replace(panel, frame=held)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        return pd.DataFrame({name: outcome_values(panel, name) for name in names})


def _marginal(
    world: World,
    response: Response,
    rule_of: NDArray[np.object_],
    since: NDArray[np.int64],
) -> pd.DataFrame:
    rows, years = np.nonzero(since >= 0)
    frame = pd.DataFrame(
        {
            "cohort": world.cohort[rows],
            "year": world.years[years],
            "rule_id": rule_of[rows],
            "marginal_share": response.marginal_share[rows, years],
        }
    )
    return frame.groupby(["cohort", "year", "rule_id"], as_index=False)["marginal_share"].mean()


def _named_pairs(world: World) -> pd.DataFrame:
    codes = world.keys["county_code"].to_numpy()
    pairs = world.neighbours
    return pairs.assign(**{"from": codes[pairs["from"]], "to": codes[pairs["to"]]})
