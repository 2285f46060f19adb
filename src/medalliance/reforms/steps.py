"""The closed vocabulary of settlement steps.

A rule file lists its steps in the order in which they are applied. What a step does is fixed by
its ``op``; how much comes from dated rule fields (``sequester_rate``) or, where each contract
states its own, from the ledger (``ledger.quality_score``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Ref = Annotated[str, Field(pattern=r"^(ledger\.)?[a-z][a-z0-9_]*$")]
Side = Literal["surplus", "deficit"]


def _exactly_one(what: str, **given: object) -> None:
    if sum(bool(value) for value in given.values()) != 1:
        *names, last = given
        raise ValueError(f"{what} needs exactly one of {', '.join(names)} or {last}")


class _Step(BaseModel):
    """What every step has in common.

    Parameters
    ----------
    tracks : tuple of str
        Tracks the step holds for; none named means all.
    valid_from, valid_to : int or None
        First and last year in which the step is taken.
    only_if : tuple of str
        Ledger flags of which at least one must be 1.
    unless : tuple of str
        Ledger flags that must all be 0.
    why : str or None
        The field printed as the reason; by default the first field that the step reads.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    tracks: tuple[str, ...] = ()
    valid_from: int | None = None
    valid_to: int | None = None
    only_if: tuple[Ref, ...] = ()
    unless: tuple[Ref, ...] = ()
    why: str | None = None

    @model_validator(mode="after")
    def _flags_are_columns(self) -> _Step:
        wrong = [ref for ref in (*self.only_if, *self.unless) if not ref.startswith("ledger.")]
        if wrong:
            raise ValueError(f"{wrong[0]} is no ledger column; conditions read ledger.<flag>")
        return self


class Deduct(_Step):
    """Take money off first.

    From the pool: a share of it (``rate``) or a sum (``amount``) goes to a named account before
    the budget is held against spending. From a deficit: what an account can pay comes first.
    """

    op: Literal["deduct"]
    side: Literal["pool", "deficit"] = "pool"
    account: str
    rate: Ref | None = None
    amount: Ref | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Deduct:
        _exactly_one("deduct", rate=self.rate, amount=self.amount)
        return self


class Gate(_Step):
    """Let the money pass only where a condition holds.

    ``rate``: surplus or deficit must be at least this share of the budget; ``by_size`` gives the
    rate as a schedule of the ledger column ``size``, used where no contract elects its own.
    ``score`` with ``at_least``: a score must reach a mark. ``any_of``: one flag must be 1.
    With ``excess`` only what exceeds the bar passes (else everything, from the first yuan).
    Where the gate is shut, ``otherwise`` (a share) still passes for rows that satisfy
    ``otherwise_if``.
    """

    op: Literal["gate"]
    side: Side
    rate: Ref | None = None
    by_size: Ref | None = None
    size: Ref | None = None
    score: Ref | None = None
    at_least: Ref | None = None
    any_of: tuple[Ref, ...] = ()
    excess: bool = False
    otherwise: Ref | None = None
    otherwise_if: Ref | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Gate:
        _exactly_one("gate", rate=self.rate, score=self.score, any_of=self.any_of)
        if (self.score is None) != (self.at_least is None):
            raise ValueError("gate by score needs at_least")
        if (self.by_size is None) != (self.size is None):
            raise ValueError("gate by_size needs the ledger column size")
        if self.excess and self.rate is None:
            raise ValueError("gate lets the excess over a rate pass; it names no rate")
        return self


class Share(_Step):
    """Keep a share.

    ``rate`` names it; or ``one_minus`` names factors whose product is taken from one (a loss
    rate that falls as the gain rate rises), held between ``floor`` and ``ceiling``.
    """

    op: Literal["share"]
    side: Side
    rate: Ref | None = None
    one_minus: tuple[Ref, ...] = ()
    floor: Ref | None = None
    ceiling: Ref | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Share:
        _exactly_one("share", rate=self.rate, one_minus=self.one_minus)
        return self


class Scale(_Step):
    """Multiply by a score, or by what a schedule gives for the score (a step function)."""

    op: Literal["scale"]
    side: Side
    by: Ref
    schedule: Ref | None = None


class Limit(BaseModel):
    """One limit: ``rate`` times ``of`` (the budget or a ledger amount), or a plain ``amount``.

    ``schedule`` gives the rate by the ledger column ``at`` (a cap that grows with the contract's
    years).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    rate: Ref | None = None
    of: Ref = "budget"
    amount: Ref | None = None
    schedule: Ref | None = None
    at: Ref | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Limit:
        _exactly_one("a limit", rate=self.rate, amount=self.amount, schedule=self.schedule)
        if (self.schedule is None) != (self.at is None):
            raise ValueError("a limit by schedule needs the ledger column at")
        if self.rate is not None and self.of != "budget" and not self.of.startswith("ledger."):
            raise ValueError(f"{self.of}: a limit is a share of budget or of a ledger column")
        return self


class Cap(_Step):
    """Pay no more than the smallest limit; a limit whose ledger amount is blank does not bind."""

    op: Literal["cap"]
    side: Side
    limits: tuple[Limit, ...] = Field(min_length=1)


class Floor(_Step):
    """Pay no less than the largest limit, where anything is paid at all."""

    op: Literal["floor"]
    side: Side
    limits: tuple[Limit, ...] = Field(min_length=1)


class Band(_Step):
    """Cut into bands of the budget, each with its own share for the alliance.

    ``edges`` are rule fields that hold the upper edges as shares of the budget, in rising order;
    ``shares`` hold the alliance's share in each band, one more than there are edges. With
    ``of_fund`` the fields state the fund's share and the alliance bears the rest.
    """

    op: Literal["band"]
    side: Side
    edges: tuple[Ref, ...] = Field(min_length=1)
    shares: tuple[Ref, ...]
    of_fund: bool = False

    @model_validator(mode="after")
    def _lengths(self) -> Band:
        if len(self.shares) != len(self.edges) + 1:
            raise ValueError("band needs one share more than it has edges")
        return self


class Split(_Step):
    """Divide by largest remainder.

    ``among`` maps parties to the rule fields of their shares, which must sum to one. ``within``
    divides each party's part among its members by the named rule field (headcount times score,
    residents, equal). ``uses`` maps uses of the money to the rule fields of their shares; the use
    given ``rest`` takes what is left.
    """

    op: Literal["split"]
    side: Side
    among: dict[str, Ref] = Field(default_factory=dict)
    within: Ref | None = None
    uses: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_of(self) -> Split:
        _exactly_one("split", among=self.among, within=self.within, uses=self.uses)
        if self.uses and list(self.uses.values()).count("rest") != 1:
            raise ValueError("split by uses needs exactly one use that takes the rest")
        return self


class Withhold(_Step):
    """Hold money back on a named account: a ``rate``, or one minus a score (``unearned``)."""

    op: Literal["withhold"]
    side: Side
    account: str
    rate: Ref | None = None
    unearned: Ref | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Withhold:
        _exactly_one("withhold", rate=self.rate, unearned=self.unearned)
        return self


class Sequester(_Step):
    """Reduce a payment by a rate set outside the contract."""

    op: Literal["sequester"]
    side: Side
    rate: Ref


class Adjust(_Step):
    """Add a ledger amount (negative: subtract), never below zero.

    On the side ``spending`` the amount joins what is held against the budget.
    """

    op: Literal["adjust"]
    side: Literal["spending", "surplus", "deficit"]
    amount: Ref


class Round(_Step):
    """Round to a multiple of ``unit`` minor units (1: one fen or cent; 100: one yuan or dollar)."""

    op: Literal["round"]
    side: Side
    unit: int = Field(default=1, ge=1)
    mode: Literal["half_up", "half_even", "down"] = "half_up"


Step = Annotated[
    Deduct
    | Gate
    | Share
    | Scale
    | Cap
    | Floor
    | Band
    | Split
    | Withhold
    | Sequester
    | Adjust
    | Round,
    Field(discriminator="op"),
]


def step_refs(step: Step) -> tuple[str, ...]:
    """Return every reference that a step reads: rule fields and ledger columns."""
    found: list[str] = [*step.only_if, *step.unless]
    for name in ("rate", "by_size", "size", "score", "at_least", "otherwise", "otherwise_if",
                 "floor", "ceiling", "by", "schedule", "unearned", "amount", "within"):  # fmt: skip
        value = getattr(step, name, None)
        found += [value] if isinstance(value, str) else []
    for name in ("any_of", "one_minus", "edges", "shares"):
        found += list(getattr(step, name, ()))
    for limit in getattr(step, "limits", ()):
        own = (limit.rate, limit.amount, limit.of, limit.schedule, limit.at)
        found += [ref for ref in own if ref and ref != "budget"]
    found += list(getattr(step, "among", {}).values())
    found += [ref for ref in getattr(step, "uses", {}).values() if ref != "rest"]
    return tuple(dict.fromkeys(found))


def step_fields(step: Step) -> tuple[str, ...]:
    """Return the rule fields that a step reads."""
    return tuple(ref for ref in step_refs(step) if not ref.startswith("ledger."))


def step_problems(steps: tuple[Step, ...]) -> list[str]:
    """Return what is wrong with an order of steps: one sentence a problem.

    The pool comes before surplus and deficit; each side is rounded exactly once, before it is
    split; nothing but splits follows the rounding.
    """
    problems = []
    seen_side = False
    for place, step in enumerate(steps, start=1):
        if step.side in ("pool", "spending"):
            if seen_side:
                problems.append(f"step {place} ({step.op}): the {step.side} comes first")
        else:
            seen_side = True
    for side in ("surplus", "deficit"):
        own = [step for step in steps if step.side == side]
        rounds = [place for place, step in enumerate(own) if step.op == "round"]
        if own and len(rounds) != 1:
            problems.append(f"{side}: has {len(rounds)} round steps; it needs exactly one")
            continue
        for place, step in enumerate(own):
            if (step.op == "split") != (place > rounds[0]) and place != rounds[0]:
                where = "before" if step.op == "split" else "after"
                problems.append(f"{side}: {step.op} stands {where} the rounding")
    return problems
