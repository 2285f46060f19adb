"""Read a ledger that somebody typed: a CSV file with money in yuan or in fen."""

from __future__ import annotations

import csv
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pandas as pd

from ..errors import DataError, first_three, raise_problems
from ..panel import find_layout, first_line, first_lines, some_rows
from ..paths import data_dir, reading
from .ledger import MAIN_UNIT, MINOR_UNIT

_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
FIRST_ROW = 2  # the line of a file's first row, below its header


def example_ledger() -> pd.DataFrame:
    """Return the example ledger that comes with the package: invented, one alliance, two years.

    Returns
    -------
    DataFrame
        Money in fen, as :func:`read_ledger` returns it.
    """
    return read_ledger(data_dir() / "examples" / "ledger.csv", "CNY")


def read_ledger(path: str | Path, currency: str) -> pd.DataFrame:
    """Read a ledger from a CSV file; nothing becomes a float on the way.

    Parameters
    ----------
    path : str or Path
        UTF-8, UTF-16 or GB 18030, split at commas, semicolons, tabs or bars. Money columns name
        their unit: ``budget_yuan`` (at most two decimals)
        or ``budget_fen`` (whole); for dollars ``budget_usd`` or ``budget_cents``.
    currency : str
        Currency of the rules, such as ``"CNY"``.

    Returns
    -------
    DataFrame
        Text columns as they stand; money columns as whole minor units.

    Raises
    ------
    DataError
        Listing every column and row that cannot be read.
    """
    path = Path(path)
    frame, separator = _read_text(path)
    if frame.empty:
        raise DataError(
            f"{path.name} holds a header and no row.\n  Add a row an alliance and year."
        )
    main, minor = MAIN_UNIT[currency], MINOR_UNIT[currency]
    problems = [
        f"column {name}: name the unit of money, {name}_{main} or {name}_{minor}"
        for name in ("budget", "spending", "reserve")
        if name in frame
    ]
    for name in [column for column in frame if column.endswith(f"_{main}")]:
        plain = name.removesuffix(f"_{main}")
        if f"{plain}_{minor}" in frame:
            problems.append(f"columns {name} and {plain}_{minor} say the same; keep one")
            continue
        commas = separator == ","
        frame[f"{plain}_{minor}"] = _to_minor(frame.pop(name), name, problems, commas=commas)
    advice = "Mend the file; nothing was settled."
    if separator != ",":
        advice = f"Columns were split at {separator!r}; write decimals with a point. {advice}"
    raise_problems(problems, where=path.name, advice=advice)
    return frame


def _read_text(path: Path) -> tuple[pd.DataFrame, str]:
    if not path.is_file():
        raise DataError(f"{path}: no such file.\n  Name a CSV file with one header line.")
    encoding, separator = find_layout(path)
    options = {"dtype": str, "keep_default_na": False, "encoding": encoding, "sep": separator}
    try:
        frame = pd.read_csv(reading(path), **options)
    except (ValueError, EOFError, OSError, csv.Error) as error:
        if isinstance(error, PermissionError):
            raise
        raise DataError(f"{path.name}: {first_line(error)}.\n  Save it as CSV again.") from None
    names = [str(name).strip() for name in frame.columns]
    given = [cell.strip() for cell in some_rows(first_lines(path, encoding), separator, stop=1)[0]]
    twice = sorted({name for name in given if name and given.count(name) > 1})
    if twice:
        raise DataError(
            f"{path.name}: column names stand twice: {first_three(twice)}.\n  Keep one of each."
        )
    if not isinstance(frame.index, pd.RangeIndex) or len(given) != len(names):
        raise DataError(
            f"{path.name}: rows hold more cells than the header.\n  Put text that holds the "
            "separator in quotation marks."
        )
    frame.columns = names
    return frame.map(str.strip), separator


def _to_minor(column: pd.Series, name: str, problems: list[str], *, commas: bool) -> pd.Series:
    """Turn text in main units into text in minor units; blanks stay blank."""
    known: dict[str, str] = {"": ""}
    wrong: list[str] = []
    for text in column.unique():
        if text and _minor(text, commas) is None:
            rows = (column == text).to_numpy().nonzero()[0] + FIRST_ROW
            wrong += [f"row {row} ({text})" for row in rows[:3]]
        known[text] = _minor(text, commas) or ""
    if wrong:
        problems.append(f"{name} is not money with at most two decimals in {first_three(wrong)}")
    return column.map(known)


def _minor(text: str, commas: bool) -> str | None:
    """Return whole minor units; a comma may part thousands only where it does not part columns."""
    if not text.isascii() or "_" in text:
        return None
    if "," in text and not (commas and _GROUPED.fullmatch(text)):
        return None
    try:
        value = Decimal(text.replace(",", "")) * 100
        return str(int(value)) if value == value.to_integral_value() else None
    except (InvalidOperation, ValueError, OverflowError):
        return None
