"""The closed vocabulary of settlement steps.

A rule file lists its steps in the order in which they are applied. What a step does is fixed by
its ``op``; how much comes from dated rule fields (``sequester_rate``) or, where each contract
states its own, from the ledger (``ledger.quality_score``).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from . import exact
from ._step import BaseStep, Held, Reading, Ref, Rows, Sum
from .exact import Exact

Side = Literal["surplus", "deficit"]


def _exactly_one(what: str, **given: object) -> None:
    if sum(bool(value) for value in given.values()) != 1:
        *names, last = given
        raise ValueError(f"{what} needs exactly one of {', '.join(names)} or {last}")


class Deduct(BaseStep):
    """Take money off first.

    From the pool: a share of it (``rate``) or a sum (``amount``) goes to a named account before
    the budget is held against spending. From a deficit: what an account can pay comes first.
    """

    verb: ClassVar[str] = "Deducted"
    posted: ClassVar[str] = "drawn"
    op: Literal["deduct"]
    side: Literal["pool", "deficit"] = "pool"
    account: str
    rate: Ref | None = None
    amount: Sum | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Deduct:
        _exactly_one("deduct", rate=self.rate, amount=self.amount)
        return self

    def apply(self, run: Held, value: Exact, rows: Rows) -> Exact:
        """Take off the share or the sum, no more than there is."""
        if self.rate is not None:
            rate, _ = run.look.rate(self.rate, rows)
            available = exact.times(exact.whole(run.budget), rate)
        else:
            available = exact.whole(run.look.amount(self.amount, rows))
        return exact.minus(value, exact.smaller(value, available))


class Gate(BaseStep):
    """Let the money pass only where a condition holds.

    ``rate``: surplus or deficit must be at least this share of the budget; ``by_size`` gives the
    rate as a schedule of the ledger column ``size``, used where no contract elects its own.
    ``score`` with ``at_least``: a score must reach a mark. ``any_of``: one flag must be 1.
    With ``excess`` only what exceeds the bar passes (else everything, from the first yuan).
    Where the gate is shut, ``otherwise`` (a share) still passes for rows that satisfy
    ``otherwise_if``.
    """

    verb: ClassVar[str] = "The gate"
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

    def apply(self, run: Held, value: Exact, rows: Rows) -> Exact:
        """Let through what passes the gate."""
        if self.rate is not None:
            rate, stated = run.look.rate(self.rate, rows, required=self.by_size is None)
            if self.by_size:
                unstated = rows & ~stated
                rate = exact.choose(
                    stated, rate, run.look.by_size(self.by_size, self.size, unstated)
                )
            bar = exact.times(exact.whole(run.budget), rate)
            opened = exact.at_least(exact.whole(run.initial[self.side]), bar)
            if self.excess:
                value = exact.choose(opened, exact.minus(value, exact.smaller(value, bar)), value)
        elif self.score is not None:
            score, _ = run.look.rate(self.score, rows)
            mark, _ = run.look.rate(self.at_least, rows)
            opened = exact.at_least(score, mark)
        else:
            opened = run.look.any_flag(self.any_of, rows)
        passing = exact.whole(opened.astype(np.int64))
        if self.otherwise:
            left = rows & ~opened
            if self.otherwise_if:
                left &= run.look.flag(self.otherwise_if, left)
            part, _ = run.look.rate(self.otherwise, left)
            passing = exact.choose(left, part, passing)
        return exact.times(value, passing)


class Share(BaseStep):
    """Keep a share.

    ``rate`` names it; or ``one_minus`` names factors whose product is taken from one (a loss
    rate that falls as the gain rate rises), held between ``floor`` and ``ceiling``.
    """

    verb: ClassVar[str] = "The alliance's share"
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

    def apply(self, run: Held, value: Exact, rows: Rows) -> Exact:
        """Keep the share."""
        if self.rate is not None:
            rate, _ = run.look.rate(self.rate, rows)
            return exact.times(value, rate)
        one = exact.whole(np.ones(len(rows), np.int64))
        product = one
        for factor in self.one_minus:
            product = exact.times(product, run.look.rate(factor, rows)[0])
        rate = exact.minus(one, product)
        if self.floor:
            rate = exact.larger(rate, run.look.rate(self.floor, rows)[0])
        if self.ceiling:
            rate = exact.smaller(rate, run.look.rate(self.ceiling, rows)[0])
        return exact.times(value, rate)


class Scale(BaseStep):
    """Multiply by a score, or by what a schedule gives for the score (a step function)."""

    verb: ClassVar[str] = "Scaled by the score"
    op: Literal["scale"]
    side: Side
    by: Ref
    schedule: Ref | None = None

    def apply(self, run: Held, value: Exact, rows: Rows) -> Exact:
        """Multiply by the score or by what the schedule gives for it."""
        score, _ = run.look.rate(self.by, rows)
        if self.schedule:
            score = run.look.by_schedule(self.schedule, score, rows)
        return exact.times(value, score)


class Limit(Reading):
    """One limit: ``rate`` times ``of`` (the budget or a ledger amount), or a plain ``amount``.

    ``schedule`` gives the rate by the ledger column ``at`` (a cap that grows with the contract's
    years).
    """

    rate: Ref | None = None
    amount: Sum | None = None
    schedule: Ref | None = None
    of: Sum = "budget"
    at: Ref | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Limit:
        _exactly_one("a limit", rate=self.rate, amount=self.amount, schedule=self.schedule)
        if (self.schedule is None) != (self.at is None):
            raise ValueError("a limit by schedule needs the ledger column at")
        if self.rate is not None and self.of != "budget" and not self.of.startswith("ledger."):
            raise ValueError(f"{self.of}: a limit is a share of budget or of a ledger column")
        return self

    def bar(self, run: Held, rows: Rows) -> tuple[Exact, Rows]:
        """Return a limit with the rows for which it is known."""
        if self.amount is not None:
            return exact.whole(run.look.amount(self.amount, rows)), rows
        known, base = rows, run.budget
        if self.of != "budget":
            column = run.book.frame.get(self.of.removeprefix("ledger."))
            known = rows & (column.notna().to_numpy() if column is not None else False)
            base = run.look.amount(self.of, known)
        if self.schedule:
            at = exact.whole(run.look.amount(self.at, known))
            rate, stated = run.look.by_schedule(self.schedule, at, known), known
        else:
            rate, stated = run.look.rate(self.rate, known)
        return exact.times(exact.whole(base), rate), known & stated


class Cap(BaseStep):
    """Pay no more than the smallest limit; a limit whose ledger amount is blank does not bind."""

    verb: ClassVar[str] = "The cap"
    op: Literal["cap"]
    side: Side
    limits: tuple[Limit, ...] = Field(min_length=1)

    def apply(self, run: Held, value: Exact, rows: Rows) -> Exact:
        """Hold the balance below every limit."""
        for limit in self.limits:
            bar, known = limit.bar(run, rows)
            value = exact.choose(known, exact.smaller(value, bar), value)
        return value


class Floor(BaseStep):
    """Pay no less than the largest limit, where anything is paid at all."""

    verb: ClassVar[str] = "The floor"
    op: Literal["floor"]
    side: Side
    limits: tuple[Limit, ...] = Field(min_length=1)

    def apply(self, run: Held, value: Exact, rows: Rows) -> Exact:
        """Hold the balance above every limit."""
        for limit in self.limits:
            bar, known = limit.bar(run, rows)
            value = exact.choose(known, exact.larger(value, bar), value)
        return value


class Band(BaseStep):
    """Cut into bands of the budget, each with its own share for the alliance.

    ``edges`` are rule fields that hold the upper edges as shares of the budget, in rising order;
    ``shares`` hold the alliance's share in each band, one more than there are edges. With
    ``of_fund`` the fields state the fund's share and the alliance bears the rest.
    """

    verb: ClassVar[str] = "The corridor"
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

    def apply(self, run: Held, value: Exact, rows: Rows) -> Exact:
        """Add up the alliance's parts of the bands."""
        one = exact.whole(np.ones(len(rows), np.int64))
        budget = exact.whole(run.budget)
        lower, total = exact.whole(np.zeros(len(rows), np.int64)), None
        for place, share in enumerate(self.shares):
            upper = value
            if place < len(self.edges):
                edge = exact.times(budget, run.look.rate(self.edges[place], rows)[0])
                upper = exact.smaller(value, edge)
            rate, _ = run.look.rate(share, rows)
            rate = exact.minus(one, rate) if self.of_fund else rate
            part = exact.times(exact.minus(exact.larger(upper, lower), lower), rate)
            total = part if total is None else exact.plus(total, part)
            lower = exact.larger(upper, lower)
        return total if total is not None else value


class Split(BaseStep):
    """Divide by largest remainder.

    ``among`` maps parties to the rule fields of their shares, which must sum to one. ``within``
    divides each party's part among its members by the named rule field (headcount times score,
    residents, equal). ``uses`` maps uses of the money to the rule fields of their shares; the use
    given ``rest`` takes what is left.
    """

    verb: ClassVar[str] = "Split"
    op: Literal["split"]
    side: Side
    among: dict[str, Ref] = Field(default_factory=dict)
    within: Ref | None = None
    uses: dict[str, Ref] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_of(self) -> Split:
        _exactly_one("split", among=self.among, within=self.within, uses=self.uses)
        if self.uses and list(self.uses.values()).count("rest") != 1:
            raise ValueError("split by uses needs exactly one use that takes the rest")
        return self


class Withhold(BaseStep):
    """Hold money back on a named account: a ``rate``, or one minus a score (``unearned``)."""

    verb: ClassVar[str] = "Held back"
    posted: ClassVar[str] = "withheld"
    op: Literal["withhold"]
    side: Side
    account: str
    rate: Ref | None = None
    unearned: Ref | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Withhold:
        _exactly_one("withhold", rate=self.rate, unearned=self.unearned)
        return self

    def apply(self, run: Held, value: Exact, rows: Rows) -> Exact:
        """Keep what is not held back."""
        one = exact.whole(np.ones(len(rows), np.int64))
        if self.unearned is not None:
            return exact.times(value, run.look.rate(self.unearned, rows)[0])
        return exact.times(value, exact.minus(one, run.look.rate(self.rate, rows)[0]))


class Sequester(BaseStep):
    """Reduce a payment by a rate set outside the contract."""

    verb: ClassVar[str] = "The sequester"
    posted: ClassVar[str] = "sequestered"
    op: Literal["sequester"]
    side: Side
    rate: Ref

    def apply(self, run: Held, value: Exact, rows: Rows) -> Exact:
        """Keep what is not sequestered."""
        one = exact.whole(np.ones(len(rows), np.int64))
        return exact.times(value, exact.minus(one, run.look.rate(self.rate, rows)[0]))


class Adjust(BaseStep):
    """Add a ledger amount (negative: subtract), never below zero.

    On the side ``spending`` the amount joins what is held against the budget.
    """

    verb: ClassVar[str] = "Adjusted"
    posted: ClassVar[str] = "adjusted"
    op: Literal["adjust"]
    side: Literal["spending", "surplus", "deficit"]
    amount: Sum

    def apply(self, run: Held, value: Exact, rows: Rows) -> Exact:
        """Add the amount, never below zero."""
        amount = exact.whole(run.look.amount(self.amount, rows, signed=True))
        zero = exact.whole(np.zeros(len(rows), np.int64))
        return exact.larger(exact.plus(value, amount), zero)


class Round(BaseStep):
    """Round to a multiple of ``unit`` minor units (1: one fen or cent; 100: one yuan or dollar)."""

    verb: ClassVar[str] = "Rounded"
    posted: ClassVar[str] = "rounded"
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
