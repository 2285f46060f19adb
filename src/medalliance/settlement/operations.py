"""What each operation of the closed vocabulary does to a balance."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from . import exact
from .exact import Exact
from .ledger import Ledger
from .lookup import Lookup


class Held(Protocol):
    """What an operation may look at.

    Attributes
    ----------
    book : Ledger
    look : Lookup
    budget : ndarray of int64, shape (n,)
        After prior deductions; minor units.
    initial : dict of str to ndarray of int64
        Surplus and deficit before any step, by side.
    """

    book: Ledger
    look: Lookup
    budget: NDArray[np.int64]
    initial: dict[str, NDArray[np.int64]]


def _gate(run: Held, step: Any, value: Exact, rows: NDArray[np.bool_]) -> Exact:
    if step.rate is not None:
        rate, stated = run.look.rate(step.rate, rows, required=step.by_size is None)
        if step.by_size:
            unstated = rows & ~stated
            rate = exact.choose(stated, rate, run.look.by_size(step.by_size, step.size, unstated))
        bar = exact.times(exact.whole(run.budget), rate)
        opened = exact.at_least(exact.whole(run.initial[step.side]), bar)
        if step.excess:
            value = exact.choose(opened, exact.minus(value, exact.smaller(value, bar)), value)
    elif step.score is not None:
        score, _ = run.look.rate(step.score, rows)
        mark, _ = run.look.rate(step.at_least, rows)
        opened = exact.at_least(score, mark)
    else:
        opened = run.look.any_flag(step.any_of, rows)
    passing = exact.whole(opened.astype(np.int64))
    if step.otherwise:
        left = rows & ~opened
        if step.otherwise_if:
            left &= run.look.flag(step.otherwise_if, left)
        part, _ = run.look.rate(step.otherwise, left)
        passing = exact.choose(left, part, passing)
    return exact.times(value, passing)


def _share(run: Held, step: Any, value: Exact, rows: NDArray[np.bool_]) -> Exact:
    if step.rate is not None:
        rate, _ = run.look.rate(step.rate, rows)
        return exact.times(value, rate)
    one = exact.whole(np.ones(len(rows), np.int64))
    product = one
    for factor in step.one_minus:
        product = exact.times(product, run.look.rate(factor, rows)[0])
    rate = exact.minus(one, product)
    if step.floor:
        rate = exact.larger(rate, run.look.rate(step.floor, rows)[0])
    if step.ceiling:
        rate = exact.smaller(rate, run.look.rate(step.ceiling, rows)[0])
    return exact.times(value, rate)


def _scale(run: Held, step: Any, value: Exact, rows: NDArray[np.bool_]) -> Exact:
    score, _ = run.look.rate(step.by, rows)
    if step.schedule:
        score = run.look.by_schedule(step.schedule, score, rows)
    return exact.times(value, score)


def _limit(run: Held, limit: Any, rows: NDArray[np.bool_]) -> tuple[Exact, NDArray[np.bool_]]:
    """Return a limit with the rows for which it is known."""
    if limit.amount is not None:
        return exact.whole(run.look.amount(limit.amount, rows)), rows
    known, base = rows, run.budget
    if limit.of != "budget":
        column = run.book.frame.get(limit.of.removeprefix("ledger."))
        known = rows & (column.notna().to_numpy() if column is not None else False)
        base = run.look.amount(limit.of, known)
    if limit.schedule:
        at = exact.whole(run.look.amount(limit.at, known))
        rate, stated = run.look.by_schedule(limit.schedule, at, known), known
    else:
        rate, stated = run.look.rate(limit.rate, known)
    return exact.times(exact.whole(base), rate), known & stated


def _bounded(
    run: Held,
    step: Any,
    value: Exact,
    rows: NDArray[np.bool_],
    *,
    pick: Callable[[Exact, Exact], Exact],
) -> Exact:
    for limit in step.limits:
        bar, known = _limit(run, limit, rows)
        value = exact.choose(known, pick(value, bar), value)
    return value


def _band(run: Held, step: Any, value: Exact, rows: NDArray[np.bool_]) -> Exact:
    one = exact.whole(np.ones(len(rows), np.int64))
    budget = exact.whole(run.budget)
    lower, total = exact.whole(np.zeros(len(rows), np.int64)), None
    for place, share in enumerate(step.shares):
        upper = value
        if place < len(step.edges):
            edge = exact.times(budget, run.look.rate(step.edges[place], rows)[0])
            upper = exact.smaller(value, edge)
        rate, _ = run.look.rate(share, rows)
        rate = exact.minus(one, rate) if step.of_fund else rate
        part = exact.times(exact.minus(exact.larger(upper, lower), lower), rate)
        total = part if total is None else exact.plus(total, part)
        lower = exact.larger(upper, lower)
    return total if total is not None else value


def _withhold(run: Held, step: Any, value: Exact, rows: NDArray[np.bool_]) -> Exact:
    one = exact.whole(np.ones(len(rows), np.int64))
    if step.unearned is not None:
        return exact.times(value, run.look.rate(step.unearned, rows)[0])
    return exact.times(value, exact.minus(one, run.look.rate(step.rate, rows)[0]))


def _sequester(run: Held, step: Any, value: Exact, rows: NDArray[np.bool_]) -> Exact:
    one = exact.whole(np.ones(len(rows), np.int64))
    return exact.times(value, exact.minus(one, run.look.rate(step.rate, rows)[0]))


def _adjust(run: Held, step: Any, value: Exact, rows: NDArray[np.bool_]) -> Exact:
    amount = exact.whole(run.look.amount(step.amount, rows, signed=True))
    zero = exact.whole(np.zeros(len(rows), np.int64))
    return exact.larger(exact.plus(value, amount), zero)


def _deduct(run: Held, step: Any, value: Exact, rows: NDArray[np.bool_]) -> Exact:
    if step.rate is not None:
        rate, _ = run.look.rate(step.rate, rows)
        available = exact.times(exact.whole(run.budget), rate)
    else:
        available = exact.whole(run.look.amount(step.amount, rows))
    return exact.minus(value, exact.smaller(value, available))


def _round(_run: Held, _step: Any, value: Exact, _rows: NDArray[np.bool_]) -> Exact:
    return value


OPERATIONS: dict[str, Callable[[Held, Any, Exact, NDArray[np.bool_]], Exact]] = {
    "gate": _gate,
    "share": _share,
    "scale": _scale,
    "cap": partial(_bounded, pick=exact.smaller),
    "floor": partial(_bounded, pick=exact.larger),
    "band": _band,
    "withhold": _withhold,
    "sequester": _sequester,
    "adjust": _adjust,
    "deduct": _deduct,
    "round": _round,
}
