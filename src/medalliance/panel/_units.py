"""Units in which tables are printed, with the factors that turn them into ours."""

from __future__ import annotations

_MONEY: dict[str, float] = {
    "元": 1,
    "yuan": 1,
    "cny": 1,
    "rmb": 1,
    "分": 0.01,
    "fen": 0.01,
    "百元": 100,
    "千元": 1_000,
    "thousand yuan": 1_000,
    "1000 yuan": 1_000,
    "万元": 10_000,
    "万": 10_000,
    "10k yuan": 10_000,
    "10000 yuan": 10_000,
    "wan yuan": 10_000,
    "百万元": 1_000_000,
    "million yuan": 1_000_000,
    "千万元": 10_000_000,
    "亿元": 100_000_000,
    "亿": 100_000_000,
    "100m yuan": 100_000_000,
}
_SHARE: dict[str, float] = {
    "share": 1,
    "比例": 1,
    "小数": 1,
    "%": 0.01,
    "percent": 0.01,
    "百分比": 0.01,
    "百分数": 0.01,
    "分": 0.01,
    "‰": 0.001,
    "per mille": 0.001,
    "permille": 0.001,
    "千分比": 0.001,
    "basis points": 0.0001,
    "bp": 0.0001,
    "基点": 0.0001,
}
_COUNT: dict[str, float] = {
    "persons": 1,
    "visits": 1,
    "人": 1,
    "人次": 1,
    "名": 1,
    "次": 1,
    "fte": 1,
    "千人": 1_000,
    "千人次": 1_000,
    "thousand": 1_000,
    "thousands": 1_000,
    "万人": 10_000,
    "万人次": 10_000,
    "万": 10_000,
    "10k persons": 10_000,
    "10k visits": 10_000,
    "million": 1_000_000,
}
_INDEX: dict[str, float] = {"index": 1, "%": 0.01, "base 100": 0.01}
_OF_UNIT: dict[str, dict[str, float]] = {
    "yuan": _MONEY,
    "share": _SHARE,
    "persons": _COUNT,
    "visits": _COUNT,
    "full_time_equivalents": _COUNT,
    "index": _INDEX,
}
UNITS = frozenset(unit for factors in _OF_UNIT.values() for unit in factors)


def factor(kind: str, unit: str) -> float | None:
    """Return what a number in this unit is multiplied by, ``None`` if the unit does not fit.

    Parameters
    ----------
    kind : str
        Unit of the standard column in the codebook.
    unit : str
        Unit of the file.

    >>> factor("yuan", "万元")
    10000.0
    """
    found = units_of(kind).get(unit.strip().lower())
    return None if found is None else float(found)


def units_of(kind: str) -> dict[str, float]:
    """Return the units in which a column of this unit may be given."""
    return dict(_OF_UNIT.get(kind, {}))
