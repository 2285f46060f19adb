"""Settle a ledger under a contract: who gets each yuan."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..progress import counted
from ..reforms import exact, need_rules
from ..reforms.exact import Exact
from ..reforms.steps import Round, Share, Split
from .ledger import Ledger, open_ledger
from .lookup import Lookup
from .postings import Line, Trace
from .settlement import Settlement
from .splitting import Leaf, split

if TYPE_CHECKING:
    from ..reforms import Rules

_LAST = 1000


def settle(
    rules: Rules,
    ledger: pd.DataFrame,
    *,
    progress: bool | None = None,
    first_row: int = 0,
    where: str = "ledger",
) -> Settlement:
    """Settle every alliance and year of a ledger by the steps of a contract.

    Parameters
    ----------
    rules : Rules
        From ``load_rules``; its steps say what is done in which order, its dated fields how much.
    ledger : DataFrame
        One row an alliance and year with ``alliance``, ``year``, ``budget``, ``spending`` in
        whole minor units (fen, cents), and the columns that the rules read; member rows carry
        ``member`` and ``party`` too. Scores and shares are text or ``Decimal``, 0-1.
    progress : bool or None
        Show a progress bar; None shows it on a terminal only.
    first_row : int
        Number that errors give to the first row.
    where : str
        What errors call the ledger, such as its file's name.

    Returns
    -------
    Settlement
        Postings that sum to zero in every settlement, party totals and a trace of every step.

    Raises
    ------
    DataError
        Listing every problem of the ledger at once.
    TypeError
        The same, where money, shares or scores are binary floats.

    Notes
    -----
    A contract that writes no steps is settled by the plain pair: the alliance keeps
    ``surplus_retention_share`` of a surplus and bears ``overspend_sharing_share`` of a deficit.
    Amounts stay exact fractions until the contract's own ``round`` step. What a step takes away
    is posted in whole minor units as the difference of two rounded balances, so that the
    postings of a settlement sum to zero exactly.
    """
    need_rules(rules)
    steps = rules.steps or _standard_steps()
    splits = [step.among for step in steps if isinstance(step, Split)]
    parties = tuple(dict.fromkeys(party for among in splits for party in among))
    book = open_ledger(ledger, rules.currency, parties=parties, first_row=first_row, where=where)
    run = _Run(rules, book)
    if not book.usable:
        run.look.raise_problems(where)
    for place, step in enumerate(counted(steps, show=progress), start=1):
        run.take(place, step)
    run.close()
    run.look.raise_problems(where)
    return Settlement(
        rules=rules,
        frame=book.frame[["alliance", "year"]].assign(track=book.track),
        budget=run.budget,
        spending=run.spending,
        lines=tuple(run.lines),
        traces=tuple(run.traces),
        columns=book.frame,
        members=book.members,
        digest=_digest(rules, ledger),
    )


@cache
def _standard_steps() -> tuple[Any, ...]:
    """Return the steps of a contract that writes none: retain a share, bear a share."""
    return (
        Share(op="share", side="surplus", rate="surplus_retention_share"),
        Round(op="round", side="surplus"),
        Share(op="share", side="deficit", rate="overspend_sharing_share"),
        Round(op="round", side="deficit"),
    )


def _digest(rules: Rules, ledger: pd.DataFrame) -> str:
    """Hash the rules and the inputs, so that a result can name what it was made from."""
    text = ledger.astype("string").fillna("")
    rows = pd.util.hash_pandas_object(text, index=False).to_numpy()
    whole = hashlib.sha256(rules.model_dump_json().encode())
    whole.update("|".join(map(str, ledger.columns)).encode())
    whole.update(rows.tobytes())
    return whole.hexdigest()[:16]


@dataclass
class _Balance:
    """What is left of a surplus, or of a deficit that the alliance must bear."""

    exact: Exact
    shown: NDArray[np.int64]
    leaves: list[Leaf] = field(default_factory=list)


class _Run:
    """State of one settlement: the pool first, then both sides of the result."""

    def __init__(self, rules: Rules, book: Ledger) -> None:
        self.rules, self.book, self.look = rules, book, Lookup(rules, book)
        self.all = np.ones(len(book), dtype=bool)
        self.pool = book.money("budget")
        self.budget = self.pool.copy()
        self.spending = book.money("spending")
        self.lines: list[Line] = []
        self.traces: list[Trace] = []
        self.sides: dict[str, _Balance] = {}
        self.initial: dict[str, NDArray[np.int64]] = {}

    def take(self, place: int, step: Any) -> None:
        """Apply one step to the rows it holds for."""
        rows = self._active(step)
        if step.side in ("pool", "spending"):
            self._before(place, step, rows)
            return
        if not self.sides:
            self._result()
        side = self.sides[step.side]
        rows &= side.shown > 0
        if step.op == "split":
            self._split(step, side)
            return
        before = side.shown
        side.exact = self._step(step, side.exact, rows)
        mode = step.mode if step.op == "round" else "half_up"
        unit = step.unit if step.op == "round" else 1
        rounded = exact.round_to(side.exact, unit, mode)
        if step.op == "round":
            side.exact = exact.whole(np.where(rows, rounded, before))
        side.shown = np.where(rows, rounded, before)
        self._post_difference(place, step, before - side.shown)
        self.traces.append(Trace(place, step, rows, before, side.shown))

    def _active(self, step: Any) -> NDArray[np.bool_]:
        rows = self.all.copy()
        if step.tracks:
            rows &= pd.Series(self.book.track).isin(step.tracks).to_numpy()
        if step.valid_from is not None:
            rows &= self.book.year >= step.valid_from
        if step.valid_to is not None:
            rows &= self.book.year <= step.valid_to
        if step.only_if and rows.any():
            rows &= self.look.any_flag(step.only_if, rows)
        if step.unless and rows.any():
            rows &= ~self.look.any_flag(step.unless, rows)
        return rows

    def _before(self, place: int, step: Any, rows: NDArray[np.bool_]) -> None:
        if step.op == "adjust":
            before = self.spending
            self.spending = before + self.look.amount(step.amount, rows)
            self.traces.append(Trace(place, step, rows, before, self.spending))
            return
        if step.rate is not None:
            rate, _ = self.look.rate(step.rate, rows)
            taken = exact.round_to(exact.times(exact.whole(np.where(rows, self.pool, 0)), rate))
        else:
            taken = self.look.amount(step.amount, rows)
        before, self.budget = self.budget, self.budget - taken
        if (self.budget < 0).any():
            self.book._say_rows(f"deductions to {step.account} exceed the budget", self.budget < 0)
        self.lines.append(Line(step.account, "deducted", step.reason, place, "pool", taken))
        self.traces.append(Trace(place, step, rows, before, self.budget))

    def _result(self) -> None:
        result = self.budget - self.spending
        for side, amounts in (("surplus", result), ("deficit", -result)):
            amounts = np.maximum(amounts, 0)
            self.initial[side] = amounts
            self.sides[side] = _Balance(exact.whole(amounts), amounts)

    def _step(self, step: Any, value: Exact, rows: NDArray[np.bool_]) -> Exact:
        return exact.choose(rows, step.apply(self, value, rows), value)

    def _post_difference(self, place: int, step: Any, moved: NDArray[np.int64]) -> None:
        party, account = getattr(step, "account", "insurer"), step.posted
        sign = 1 if step.side == "surplus" else -1
        if step.side == "deficit" and party == "insurer":
            account = "topped_up"
        self.lines.append(Line(party, account, step.reason, place, step.side, sign * moved))

    def _split(self, step: Any, side: _Balance) -> None:
        side.leaves = side.leaves or [_whole_leaf(side.shown)]
        split(step, side.leaves, self.look)

    def close(self) -> None:
        """Post the budget, the claims and what each party receives or owes."""
        if not self.sides:
            self._result()
        for side, account in (("surplus", "retained"), ("deficit", "owed")):
            balance = self.sides[side]
            sign = 1 if side == "surplus" else -1
            for leaf in balance.leaves or [_whole_leaf(balance.shown)]:
                name = f"{account}_{leaf.use}" if leaf.use else account
                self.lines.append(
                    Line(
                        leaf.party,
                        name,
                        leaf.why,
                        _LAST,
                        side,
                        sign * leaf.amounts,
                        leaf.rows,
                        leaf.members,
                    )
                )
        self.lines.insert(0, Line("insurer", "budget", "budget", 0, "pool", -self.pool))
        self.lines.insert(1, Line("providers", "claims", "spending", 0, "pool", self.spending))


def _whole_leaf(amounts: NDArray[np.int64]) -> Leaf:
    return Leaf("alliance", np.arange(len(amounts)), amounts, None, "", "balance")
