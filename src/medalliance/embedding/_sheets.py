"""What the sheets of the embedding framework share: reading, naming lines, known names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from ..errors import DataError, first_three
from ..evidence import load_sources
from ..paths import reading
from ..reforms import load_reforms

DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_NO_CASE = ("scenario", "national", "province")


def named_rows(raw: pd.DataFrame, marked: pd.Series, what: str, column: str) -> Iterator[str]:
    """Say what is wrong with the marked rows, naming the first three lines."""
    if marked.any():
        rows = raw[marked]
        lines = [f"line {i + 2} ({text})" for i, text in zip(rows.index, rows[column], strict=True)]
        yield f"{what}: {first_three(lines)}"


def read_text_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read these columns of a CSV file as text.

    Raises
    ------
    DataError
        If it is no table or a column is missing.
    """
    try:
        raw = pd.read_csv(reading(path), dtype=str, keep_default_na=False, encoding="utf-8")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as wrong:
        raise DataError(f"{path.name}: not a table in UTF-8 ({wrong}). Save it as CSV.") from wrong
    missing = [name for name in columns if name not in raw.columns]
    if missing:
        raise DataError(
            f"{path.name}: no column {first_three(missing)}. Write {', '.join(columns)}."
        )
    return raw[list(columns)]


def case_names() -> dict[str, str]:
    """Return the English name of every case that can be coded, by slug."""
    return {slug: one.name.en for slug, one in load_reforms().items() if one.kind not in _NO_CASE}


def known_sources() -> set[str]:
    """Return the ids of the bibliography."""
    return set(load_sources()["source_id"])
