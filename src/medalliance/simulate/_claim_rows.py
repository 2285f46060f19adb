"""Rows of claims from a plan: every column is a function of county, cell, visit and kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ._claim_cells import CELLS, EXTRA, EXTRA_FEN, IN_SCOPE, PARTIAL, SECOND, STRANGERS, TWICE, Plan

if TYPE_CHECKING:
    import pyarrow as pa

Ints = NDArray[np.int64]
Bits = NDArray[np.uint64]

# kinds of rows: claims of a visit, reversals of a part, claims that are taken back whole
FIRST, SECOND_CLAIM, EXTRA_CLAIM, BACK_ONE, BACK_TWO, GHOST, GHOST_BACK = range(7)
REPEATED = 97  # one row in so many stands twice
STEP = 7  # days between a person's visits, modulo 365
PART_BACK = 1000
GHOST_CELL = len(CELLS)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_PROVIDERS = {"village": 40, "township": 8, "community": 4, "county": 3, "above": 2, "other": 20}
TIERS = tuple(_PROVIDERS)
SETTINGS = ("op", "er", "ip")


def partition(
    plan: Plan, which: Ints, before: Ints, *, last: bool, seed: int, provider_ids: bool
) -> pa.Table:
    """Return the rows of one partition, in an order without meaning.

    Parameters
    ----------
    plan : Plan
    which : ndarray of int64
        Rows of the plan: counties of a prefecture in one year.
    before : ndarray of int64
        Rows of the plan of the year before, whose late reversals stand here.
    last : bool
        No later year can hold reversals.
    """
    parts = [part for row in which for part in _rows_of(plan, row, last)]
    parts += [part for row in before for part in _late_rows(plan, row)]
    row, cell, visit, kind = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.arange(len(row))
    order = np.concatenate([order, order[::REPEATED]])
    np.random.default_rng([seed, int(which[0])]).shuffle(order)
    return _columns(plan, row[order], cell[order], visit[order], kind[order], seed, provider_ids)


Part = tuple[Ints, Ints, Ints, Ints]


def _part(row: int, cell: int, visit: Ints, kind: int) -> Part:
    ones = np.ones(len(visit), np.int64)
    return row * ones, cell * ones, visit, kind * ones


def _rows_of(plan: Plan, row: int, last: bool) -> list[Part]:
    """Return row, cell, visit and kind of each claim of a county-year that is not late."""
    parts = []
    for cell in range(GHOST_CELL):
        visit = np.arange(plan.visits[row, cell])
        parts.append(_part(row, cell, visit, FIRST))
        parts.append(_part(row, cell, visit[_hit(visit, SECOND)], SECOND_CLAIM))
        parts.append(_part(row, cell, visit[_hit(visit, PARTIAL)], BACK_ONE))
        parts.append(_part(row, cell, visit[_hit(visit, TWICE)], BACK_TWO))
        if cell < IN_SCOPE:
            parts.append(_part(row, cell, visit[_hit(visit, EXTRA)], EXTRA_CLAIM))
    ghost = np.arange(plan.ghosts[row])
    back = ghost if last else ghost[~_late(ghost)]
    return [*parts, _part(row, GHOST_CELL, ghost, GHOST), _part(row, GHOST_CELL, back, GHOST_BACK)]


def _late_rows(plan: Plan, row: int) -> list[Part]:
    """Return the reversals of a county-year that stand a year later, with some repeated claims."""
    ghost = np.arange(plan.ghosts[row])
    late = ghost[_late(ghost)]
    again = ghost[ghost % 10 == 0]
    return [_part(row, GHOST_CELL, late, GHOST_BACK), _part(row, GHOST_CELL, again, GHOST)]


def _hit(visit: Ints, every: tuple[int, int]) -> NDArray[np.bool_]:
    return visit % every[0] == every[1]


def _late(ghost: Ints) -> NDArray[np.bool_]:
    return ghost % 5 < 2


def _columns(
    plan: Plan, row: Ints, cell: Ints, visit: Ints, kind: Ints, seed: int, provider_ids: bool
) -> pa.Table:
    import pyarrow as pa

    about = [*CELLS, CELLS[3]]  # a claim taken back whole looks like one at a county hospital
    tier = np.array([TIERS.index(c.tier) for c in about])[cell]
    setting = np.array([SETTINGS.index(c.setting) for c in about])[cell]
    away = np.array([c.place == "out" for c in about])[cell]
    scope = np.array([c.in_scope for c in about])[cell] & (kind != EXTRA_CLAIM)
    person, turn = _who(plan, row, cell, visit)
    fund, own = _money(plan, row, cell, visit, kind)
    county, codes = _counties(plan, row)
    trait = _mix(person + (county.astype(np.int64) << 40), seed)
    day = (trait % np.uint64(365)).astype(np.int64) + STEP * (turn // 2 if provider_ids else turn)
    year = plan.keys["year"].to_numpy(np.int64)[row]
    service = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]") + day % 365
    wait = 15 + (trait >> np.uint64(20)).astype(np.int64) % 30
    wait = np.where((kind == GHOST_BACK) & _late(visit), 400, wait)
    number = 2 * ((trait >> np.uint64(9)).astype(np.int64) % _halves()[tier]) + turn % 2
    away_codes = sorted({f"{code[:2]}{end}" for code in codes for end in ("9901", "9902")})
    places = [*codes, *away_codes]
    far = len(codes) + (trait >> np.uint64(3)).astype(np.int64) % 2
    place = np.where(away, far, county)
    back = np.isin(kind, (BACK_ONE, BACK_TWO, GHOST_BACK))
    original = np.where(kind == GHOST_BACK, GHOST, FIRST)
    columns = {
        "claim_id": _hex(_claim(row, cell, visit, kind, seed)),
        "person_key": _hex(trait, _mix(trait.view(np.int64), seed + 1)),
        "enrol_county": _coded(county, codes),
        "provider_county": _coded(place, places),
        "provider_tier": _coded(tier, TIERS),
        "setting": _coded(setting, SETTINGS),
        "service_date": pa.array(service),
        "settle_date": pa.array(service + wait),
        "total_fen": pa.array(fund + own),
        "fund_fen": pa.array(fund),
        "selfpay_fen": pa.array(own),
        "in_scope": pa.array(scope),
        "referral_flag": pa.array(trait % np.uint64(11) == 0),
        "diag_group": _coded(person % 24, [f"D{k:02}" for k in range(24)]),
        "reversal_of": _where(back, _hex(_claim(row, cell, visit, original, seed)[back])),
    }
    if provider_ids:
        names = [f"{c}-{t[:2]}{k:02}" for c in places for t in TIERS for k in range(80)]
        columns["provider_id"] = _coded((place * len(TIERS) + tier) * 80 + number, names)
    return pa.table(columns)


def _who(plan: Plan, row: Ints, cell: Ints, visit: Ints) -> tuple[Ints, Ints]:
    """Deal persons to visits so that no two visits of a person have the same turn."""
    all_visits = np.column_stack([plan.visits, plan.ghosts])
    start = np.cumsum(all_visits, axis=1) - all_visits
    inside = plan.visits[:, :IN_SCOPE].sum(axis=1)
    patients = plan.patients
    everyone = patients + np.ceil(patients * STRANGERS).astype(np.int64) + 1
    turns = 2 * (inside // patients // 2 + 1)
    place = start[row, cell] + visit
    later = place - inside[row]
    ours = cell < IN_SCOPE
    person = np.where(ours, place % patients[row], everyone[row] - 1 - later % everyone[row])
    turn = np.where(ours, place // patients[row], turns[row] + later // everyone[row])
    return person, turn


def _money(plan: Plan, row: Ints, cell: Ints, visit: Ints, kind: Ints) -> tuple[Ints, Ints]:
    """Deal a cell's fund and own payments to its visits, then to the claims of each."""
    ghost = cell == GHOST_CELL
    c = np.where(ghost, 0, cell)
    n = plan.visits[row, c]
    fund, own = (_dealt(pot[row, c], n, visit) for pot in (plan.fund, plan.own))
    pair = _mix((row * GHOST_CELL + c << 32) + (visit >> 1), 0)
    swing = (pair % (plan.fund[row, c] // n // 2 + 1).astype(np.uint64)).astype(np.int64)
    swing = np.where((visit | 1) < n, swing, 0)
    fund = fund + np.where(visit % 2 == 0, swing, -swing)
    split = _hit(visit, SECOND)
    part = _hit(visit, PARTIAL)
    halved = np.where(_hit(visit, TWICE), PART_BACK // 2, PART_BACK)
    gone = 3000 + visit % 1000
    fund_of = [
        fund - np.where(split, fund // 4, 0) + np.where(part, PART_BACK, 0), fund // 4,
        np.full_like(fund, EXTRA_FEN), -halved, -halved, gone, -gone,
    ]  # fmt: skip
    zero = np.zeros_like(own)
    own_of = [own - np.where(split, own // 4, 0), own // 4, zero + 100, zero, zero, gone, -gone]
    return np.choose(kind, fund_of), np.choose(kind, own_of)


def _dealt(pot: Ints, n: Ints, visit: Ints) -> Ints:
    return pot // n + (visit < pot % n)


def _halves() -> Ints:
    return np.array(list(_PROVIDERS.values()))


def _counties(plan: Plan, row: Ints) -> tuple[Ints, list[str]]:
    codes = plan.keys["county_code"].to_numpy(str)
    names = np.unique(codes)
    used, inverse = np.unique(np.searchsorted(names, codes)[row], return_inverse=True)
    return inverse, [str(name) for name in names[used]]


def _claim(row: Ints, cell: Ints, visit: Ints, kind: Ints, seed: int) -> Bits:
    return _mix((((row * (GHOST_CELL + 1) + cell) << 36) + visit << 3) + kind, seed + 2)


def _mix(value: Ints, seed: int) -> Bits:
    """Scramble whole numbers, no two alike becoming one (the finaliser of splitmix64)."""
    x = value.astype(np.uint64) + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)), dtype=np.uint64)


def _hex(*words: Bits) -> pa.Array:
    import pyarrow as pa

    raw = np.column_stack([word.astype(">u8").view(np.uint8).reshape(-1, 8) for word in words])
    text = np.empty((len(raw), 2 * raw.shape[1]), np.uint8)
    text[:, ::2], text[:, 1::2] = _HEX[raw >> 4], _HEX[raw & 15]
    ends = np.arange(0, text.size + 1, text.shape[1], dtype=np.int32)
    return pa.StringArray.from_buffers(len(raw), pa.py_buffer(ends), pa.py_buffer(text))


def _where(mask: NDArray[np.bool_], values: pa.Array) -> pa.Array:
    import pyarrow as pa

    place = np.where(mask, np.cumsum(mask) - 1, 0)
    return values.take(pa.array(place, mask=~mask))


def _coded(place: Ints, names: object) -> pa.Array:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(place.astype(np.int32)), list(names))  # type: ignore[call-overload]
