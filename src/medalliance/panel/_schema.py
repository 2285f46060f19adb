"""The schema of a county-year panel, made from the codebook, checked by pandera."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from ..errors import first_three, needed
from ._checks import is_money
from ._names import CODES, NA, TEXTS, YEARS, standard_columns
from ._problems import Problem, problem

ENUMS = {
    "spending_basis": ("accrual", "cash"),
    NA: ("not_collected", "not_applicable", "suppressed", "pending"),
}
# years of the specification; the codebook's wider range holds typing errors off
FIRST_YEAR, LAST_YEAR = 2005, 2035
SENTINELS = (-9.0, -99.0, -999.0, -9999.0, 999.0, 9999.0, 99999.0, 999999.0, 9999999.0)
_WHOLE = ("persons", "visits")


@cache
def panel_schema() -> Any:
    """Build the pandera schema of a panel: one optional column for each standard name.

    Returns
    -------
    pandera.pandas.DataFrameSchema
        Key columns are checked by the rules of the panel's door; here are types, ranges and
        closed lists. Money is a number of yuan with two decimals (E113).
    """
    import pandera.pandas as pa

    columns = {}
    for name in standard_columns():
        columns[name] = pa.Column(checks=_checks(name), nullable=True, required=False, coerce=False)
        columns[name + NA] = pa.Column(
            checks=[_isin(ENUMS[NA])], nullable=True, required=False, coerce=False
        )
    return pa.DataFrameSchema(columns, strict=False, name="county-year panel")


def _isin(allowed: tuple[str, ...]) -> Any:
    import pandera.pandas as pa

    return pa.Check.isin(list(allowed), name="E118", error="E118")


def _checks(name: str) -> list[Any]:
    if name in ENUMS:
        return [_isin(ENUMS[name])]
    if name in TEXTS:
        return []
    variable = standard_columns()[name]
    checks = []
    low, high = _range(name)
    if low is not None or high is not None:
        checks.append(_check("E117", lambda values: _inside(values, low, high, name)))
    if is_money(name):
        checks.append(_check("E113", _two_places))
    if variable.unit in _WHOLE:
        checks.append(_check("E117 whole", lambda values: _blank_or(values, _is_whole)))
    return checks


def _range(name: str) -> tuple[float | None, float | None]:
    variable = standard_columns()[name]
    return variable.low, variable.high


def _check(name: str, function: Callable[[pd.Series], Any]) -> Any:
    import pandera.pandas as pa

    return pa.Check(function, name=name, error=name, ignore_na=True)


def _blank_or(values: pd.Series, holds: Callable[[np.ndarray], np.ndarray]) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        return pd.Series(np.isnan(numbers) | holds(numbers), index=values.index)


def _inside(values: pd.Series, low: float | None, high: float | None, name: str) -> pd.Series:
    floor = -np.inf if low is None else low
    ceiling = np.inf if high is None else high
    never = name == "cohort"
    return _blank_or(
        values,
        lambda x: ((x >= floor) & (x <= ceiling) & ~(never & (x > 0) & (x < 1978))) | np.isinf(x),
    )


def _is_whole(numbers: np.ndarray) -> np.ndarray:
    return np.isinf(numbers) | (numbers == np.round(numbers))


def _two_places(values: pd.Series) -> pd.Series:
    from ._checks import two_places

    return _blank_or(values, lambda x: two_places(x) | np.isinf(x))


def check_schema(frame: pd.DataFrame) -> list[Problem]:
    """Return every cell that the schema refuses, as problems.

    E113 is left to the panel's door, which finds it in the same words.
    """
    with needed():
        import pandera.pandas as pa

    try:
        panel_schema().validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
    else:
        return []
    problems = []
    for (name, check), cells in cases.groupby(["column", "check"], sort=False):
        rows = cells["index"].dropna().to_numpy(np.int64)
        if str(check).startswith("E118"):
            problems.append(_not_listed(str(name), frame, rows))
        elif str(check) == "E117 whole":
            problems.append(_not_whole(str(name), frame, rows))
        elif str(check) == "E117":
            problems += _out_of_range(str(name), frame, rows)
    return problems


def _not_listed(name: str, frame: pd.DataFrame, rows: np.ndarray) -> Problem:
    allowed = ENUMS.get(name, ENUMS[NA])
    shown = list(dict.fromkeys(frame[name].iloc[rows]))
    text = (
        f"{name} holds words that are not on the list in {{where}}: {first_three(shown)}. "
        f"Use {', '.join(allowed)}, or map yours under `values`."
    )
    code = "E126" if name.endswith(NA) else "E118"
    return problem(code, text, rows=rows, values=shown, column=name)


def _not_whole(name: str, frame: pd.DataFrame, rows: np.ndarray) -> Problem:
    shown = frame[name].iloc[rows].unique()
    text = f"{name} counts, but is not whole in {{where}}: {first_three(shown)}. Check its unit."
    return problem("E117", text, rows=rows, values=shown, column=name, severity="note")


def _out_of_range(name: str, frame: pd.DataFrame, rows: np.ndarray) -> list[Problem]:
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = values[rows]
    low, high = _range(name)
    problems = []
    codes = np.isin(bad, SENTINELS) & (bad < 0)
    if codes.any():
        text = (
            f"{name}: {first_three(f'{v:g}' for v in np.unique(bad[codes]))} stands for missing "
            f"in {{where}}, it seems. Leave the cells blank and give the reason in {name}{NA}, or "
            "list the number under `missing` in the mapping."
        )
        problems.append(
            problem(
                "E127",
                text,
                rows=rows[codes],
                values=np.unique(bad[codes]),
                column=name,
                severity="error",
            )
        )
    rows, bad = rows[~codes], bad[~codes]
    if len(rows) and standard_columns()[name].unit == "share" and ((bad > 1) & (bad <= 100)).all():
        shown = first_three(f"{v:,.10g}" for v in dict.fromkeys(bad))
        text = (
            f"{name} is above 1 in {{where}}: {shown}. A share is 0 to 1; if these are percent, "
            "give `unit: percent` in the mapping."
        )
        problems.append(problem("E124", text, rows=rows, values=bad, column=name))
    elif len(rows):
        limits = f"{low:g} to {high:g}" if high is not None else f"{low:g} or more"
        if low is None:
            limits = f"{high:g} or less"
        shown = first_three(f"{v:,.10g}" for v in dict.fromkeys(bad))
        text = f"{name} is outside {limits} in {{where}}: {shown}. {_hint(name, bad)}"
        problems.append(problem("E117", text.strip(), rows=rows, values=bad, column=name))
    return problems


def _hint(name: str, bad: np.ndarray) -> str:
    if name == "cohort":
        return "Use 0 for never treated; map other marks under `values`, such as '9999': '0'."
    if name in YEARS:
        return "Check for typing errors."
    return "Check the sign and the unit." if (bad < 0).any() else "Check the unit."


def is_checked(name: str) -> bool:
    """Return whether the schema knows a column."""
    return name in standard_columns() and name not in CODES
