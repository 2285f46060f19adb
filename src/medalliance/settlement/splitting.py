"""Divide what is settled: among parties, among the members of a party, among uses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..reforms import exact
from ..reforms.exact import Exact
from .allocate import allocate_segments
from .ledger import Ledger
from .lookup import Lookup


@dataclass(frozen=True, eq=False)
class Leaf:
    """Amounts of one party (and use) that are not divided further.

    Attributes
    ----------
    party, use : str
        ``use`` is "" until the money is divided among uses.
    rows : ndarray of int, shape (m,)
        Alliance row of each amount.
    amounts : ndarray of int64, shape (m,)
        Minor units, zero or more.
    members : ndarray of str, shape (m,), or None
        Member that each amount belongs to; None: the party as a whole.
    why : str
        Rule field that decided the division.
    """

    party: str
    rows: NDArray[np.intp]
    amounts: NDArray[np.int64]
    members: NDArray[np.object_] | None
    use: str
    why: str


def split(step: Any, leaves: list[Leaf], look: Lookup) -> None:
    """Replace the leaves by their parts."""
    if step.among:
        parts = [part for leaf in leaves for part in _among(step.among, leaf, look)]
    elif step.within:
        parts = [part for leaf in leaves for part in _within(step.within, leaf, look)]
    else:
        parts = [part for leaf in leaves for part in _uses(step.uses, leaf, look)]
    leaves[:] = parts


def _divide(amounts: NDArray[np.int64], weights: list[Exact], names: list[str]) -> NDArray[Any]:
    """Divide each amount by its row of weights, ties by name; shape (n, k)."""
    n, k = len(amounts), len(names)
    common = [exact._align(weight, _denominator(weights, n))[0] for weight in weights]
    table = np.stack(common, axis=1)
    rank = np.empty(k, dtype=np.int64)
    rank[sorted(range(k), key=lambda i: names[i])] = np.arange(k)
    parts = allocate_segments(amounts, table.ravel(), np.repeat(np.arange(n), k), np.tile(rank, n))
    return parts.reshape(n, k)


def _denominator(weights: list[Exact], n: int) -> Exact:
    import math

    return Exact(np.ones(n, np.int64), math.lcm(*(weight.den for weight in weights)))


def _needed(leaf: Leaf, look: Lookup) -> NDArray[np.bool_]:
    rows = np.zeros(len(look.ledger), dtype=bool)
    rows[leaf.rows[leaf.amounts > 0]] = True
    return rows


def _among(among: dict[str, str], leaf: Leaf, look: Lookup) -> list[Leaf]:
    rows = _needed(leaf, look)
    names = list(among)
    before = len(look.unstated)
    weights = [look.rate(ref, rows)[0] for ref in among.values()]
    total = weights[0]
    for weight in weights[1:]:
        total = exact.plus(total, weight)
    wrong = rows & (total.num != total.den)
    if wrong.any():
        if len(look.unstated) == before:
            fields = " + ".join(among.values())
            look.ledger._say_rows(f"{look.rules.id}: {fields} do not sum to one", wrong)
        return [leaf]
    own = [Exact(weight.num[leaf.rows], weight.den) for weight in weights]
    parts = _divide(leaf.amounts, own, names)
    return [
        replace(leaf, party=name, amounts=parts[:, place], why=among[name])
        for place, name in enumerate(names)
    ]


def _uses(uses: dict[str, str], leaf: Leaf, look: Lookup) -> list[Leaf]:
    rows = _needed(leaf, look)
    rest = exact.whole(np.ones(len(rows), np.int64))
    weights: dict[str, Exact] = {}
    for use, ref in uses.items():
        if ref != "rest":
            weights[use] = look.rate(ref, rows)[0]
            rest = exact.minus(rest, weights[use])
    if (rest.num[rows] < 0).any():
        look.ledger._say_rows(f"{look.rules.id}: shares of uses exceed one", rows)
        return [leaf]
    weights[next(use for use, ref in uses.items() if ref == "rest")] = rest
    names = list(weights)
    own = [Exact(weights[name].num[leaf.rows], weights[name].den) for name in names]
    parts = _divide(leaf.amounts, own, names)
    reason = next(ref for ref in uses.values() if ref != "rest") if len(uses) > 1 else leaf.why
    return [
        replace(leaf, use=name, amounts=parts[:, place], why=f"{leaf.why} + {reason}")
        for place, name in enumerate(names)
    ]


def _within(ref: str, leaf: Leaf, look: Lookup) -> list[Leaf]:
    """Divide a party's part among its members; a party without member rows stays whole."""
    members = look.ledger.members
    if leaf.members is not None or "party" not in members or not len(members):
        return [leaf]
    own = members[(members["party"] == leaf.party).to_numpy()].reset_index(drop=True)
    amounts = np.zeros(len(look.ledger), np.int64)
    amounts[leaf.rows] = leaf.amounts
    own = own[amounts[own["row"].to_numpy()] > 0].reset_index(drop=True)
    if not len(own):
        return [leaf]
    rule = look.word(ref, _needed(leaf, look))[own["row"].to_numpy()]
    weights = _member_weights(own, rule, look.ledger)
    rows, segment = np.unique(own["row"].to_numpy(), return_inverse=True)
    sums = np.zeros(len(rows), dtype=object)
    np.add.at(sums, segment, weights)
    if (sums == 0).any():
        labels = look.ledger.labels[rows[sums == 0]]
        look.ledger._say_once(
            f"weights of all {leaf.party} members are zero in {', '.join(labels[:3])}"
        )
        return [leaf]
    rank = np.argsort(np.argsort(own["member"].to_numpy(str), kind="stable"), kind="stable")
    parts = allocate_segments(amounts[rows], weights, segment, rank)
    whole = ~np.isin(leaf.rows, rows)
    names, why = own["member"].to_numpy(object), f"{leaf.why} + {ref}"
    return [
        Leaf(leaf.party, own["row"].to_numpy(), parts, names, "", why),
        replace(leaf, rows=leaf.rows[whole], amounts=leaf.amounts[whole]),
    ]


def _member_weights(own: pd.DataFrame, rule: NDArray[np.object_], book: Ledger) -> NDArray[Any]:
    """Return whole-number weights of members: headcount times score, residents, or one each."""
    labels = np.array(
        [f"row {line} ({name})" for line, name in zip(own["line"], own["member"], strict=True)],
        dtype=object,
    )
    table = Ledger(own, own.iloc[:0], labels, book.problems)
    by_score, by_residents = rule == "headcount_score", rule == "residents"
    score, _ = table.rate("score", by_score)
    staff = exact.times(table.decimal("headcount", by_score), score)
    people = table.decimal("residents", by_residents)
    one = exact.whole(np.ones(len(own), np.int64))
    book.floats += table.floats
    return exact.choose(by_score, staff, exact.choose(by_residents, people, one)).num
