"""Divide whole amounts among parties so that every unit is paid once (largest remainder)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RuleError, need_type
from ..reforms import exact


def allocate(amount: int, weights: Mapping[str, Decimal | int]) -> dict[str, int]:
    """Divide one amount in proportion to weights by the largest-remainder rule.

    Parameters
    ----------
    amount : int
        Minor units (fen, cents), zero or more.
    weights : mapping of str to Decimal or int
        Weight of each party, zero or more. They need not sum to one.

    Returns
    -------
    dict of str to int
        Amount of each party; the values sum to ``amount``.

    Raises
    ------
    TypeError
        If the amount is not a whole number or a weight is a float.
    RuleError
        If the amount or a weight is negative, or all weights are zero.

    Notes
    -----
    Hamilton's method: each party gets its exact quota rounded down; the units left over go to
    the largest fractions, ties to the party whose id sorts first. Each result lies within one
    unit of the exact quota.

    Examples
    --------
    >>> allocate(100000001, {"lead_hospital": 6, "township": 3, "village": 1})
    {'lead_hospital': 60000001, 'township': 30000000, 'village': 10000000}
    """
    if isinstance(amount, bool) or not isinstance(amount, (int, np.integer)):
        raise TypeError(f"amount is {type(amount).__name__}; money is whole minor units (fen).")
    need_type("weights", weights, Mapping, advice='Give {"party": weight, ...}.', error=RuleError)
    floats = [party for party, weight in weights.items() if isinstance(weight, float)]
    if floats:
        raise TypeError(f"weight of {floats[0]} is a float; pass a Decimal or a whole number.")
    if amount < 0 or any(weight < 0 for weight in weights.values()):
        raise RuleError("cannot allocate a negative amount or by a negative weight.")
    if not any(weights.values()):
        raise RuleError("all weights are zero; name at least one party that takes part.")
    parties = list(weights)
    rank = np.empty(len(parties), dtype=np.int64)
    rank[sorted(range(len(parties)), key=lambda i: parties[i])] = np.arange(len(parties))
    parts = allocate_segments(
        np.array([amount]),
        exact.from_decimals(weights.values()).num,
        np.zeros(len(parties), dtype=np.intp),
        rank,
    )
    return {party: int(part) for party, part in zip(parties, parts, strict=True)}


def allocate_segments(
    amounts: NDArray[np.int64],
    weights: NDArray[Any],
    segment: NDArray[np.intp],
    rank: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Divide many amounts at once, each among the members of its own segment.

    Parameters
    ----------
    amounts : ndarray of int64, shape (n_segments,)
        Minor units, zero or more.
    weights : ndarray of int, shape (n_members,)
        Whole-number weights; a segment whose weights are all zero must have amount zero.
    segment : ndarray of int, shape (n_members,)
        Segment of each member, 0..n_segments-1.
    rank : ndarray of int, shape (n_members,)
        Order in which ties are served inside a segment; distinct there.

    Returns
    -------
    ndarray of int64, shape (n_members,)
        In each segment the parts sum to its amount.
    """
    if not len(segment):
        return np.zeros(0, dtype=np.int64)
    total = _sum_by(weights, segment, len(amounts))
    total = np.where(total == 0, 1, total)
    quota = exact._product(np.asarray(weights), amounts[segment])
    floor = quota // total[segment]
    remainder = quota - floor * total[segment]
    floor = floor.astype(np.int64)
    left = amounts - _sum_by(floor, segment, len(amounts)).astype(np.int64)
    order_key = np.unique(remainder, return_inverse=True)[1]
    order = np.lexsort((rank, -order_key, segment))
    starts = np.searchsorted(segment[order], np.arange(len(amounts)))
    place = np.empty(len(segment), dtype=np.int64)
    place[order] = np.arange(len(segment)) - starts[segment[order]]
    return floor + (place < left[segment])


def _sum_by(values: NDArray[Any], segment: NDArray[np.intp], n: int) -> NDArray[Any]:
    big = values.dtype == object or exact._largest(values) * len(values) >= 2**62
    out = np.zeros(n, dtype=object if big else np.int64)
    np.add.at(out, segment, values)
    return out
