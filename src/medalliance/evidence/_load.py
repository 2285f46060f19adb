"""Published facts: statistics, case figures, rules and effects, each with its source."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np
import pandas as pd

from ..codebook import Codebook, Column, Table, load_codebook
from ..errors import DataError, first_three, raise_problems
from ..paths import chosen_folder, reading
from ..provenance import Badge, Provenance

STRONG_GRADES = ("official", "journal")
PUBLISHED = Provenance(
    Badge.REAL,
    "published facts, each row with its source",
    files=("data/published/sources.csv",),
    rows_say=True,
)
_FRAME = {"published_effects": "effects"}
_MOST_NAMED = 10
_VALUE_COLUMNS = ("value", "value_low", "value_high", "estimate", "threshold")


@dataclass(frozen=True, eq=False)
class Evidence:
    """The published facts, one tidy frame a table.

    Every row has a ``row_id``, a ``source_id`` and the ``grade`` of its source, but for ``terms``
    whose English is ours. Shares are 0 to 1, money is in full units, blanks are missing values.
    """

    statistics: pd.DataFrame
    cases: pd.DataFrame
    case_design: pd.DataFrame
    contract_rules: pd.DataFrame
    criteria: pd.DataFrame
    effects: pd.DataFrame
    timeline: pd.DataFrame
    clauses: pd.DataFrame
    terms: pd.DataFrame
    series_breaks: pd.DataFrame
    identity_exceptions: pd.DataFrame
    mssp_settlement: pd.DataFrame
    mssp_elements: pd.DataFrame
    mssp_ledger: pd.DataFrame
    mssp_effects: pd.DataFrame
    mssp_new_year: pd.DataFrame
    mssp_rebasing: pd.DataFrame
    england_effects: pd.DataFrame
    sources: pd.DataFrame
    provenance: Provenance

    @property
    def badge(self) -> Badge:
        """Kind of evidence."""
        return self.provenance.badge

    def source_line(self, *source_ids: str) -> str:
        """Return the source line of an exhibit: short references, strongest grade first."""
        return source_line(self.sources, *source_ids)

    def about(self, *source_ids: str) -> Provenance:
        """Return the provenance of what some sources say, for ``show`` or ``say``."""
        return self.provenance.saying(self.source_line(*source_ids))

    def behind(self, *rows: pd.DataFrame) -> Provenance:
        """Return the provenance of rows of these tables: the sources that they name."""
        return self.about(*{name for frame in rows for name in frame["source_id"]})


def load_evidence(folder: str | Path | None = None) -> Evidence:
    """Load the published facts.

    Parameters
    ----------
    folder : Path, optional
        A folder with the published tables; by default the project's.

    Returns
    -------
    Evidence
        With badge ``REAL``.

    Raises
    ------
    DataError
        Every problem of a file at once: blanks where a value is needed, unknown sources,
        variables or units, duplicate keys, numbers outside their range or unlike the printed ones.
    """
    folder = chosen_folder(folder, "published", holds="sources.csv")
    sources = load_sources(folder)
    tables = load_codebook().tables
    read = {
        _FRAME.get(name, name): _carrying(
            read_published(table, folder, known_sources=sources), name
        )
        for name, table in tables.items()
        if name != "sources"
    }
    return Evidence(sources=sources, provenance=PUBLISHED, **read)


def _carrying(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    files = (f"data/published/{name}.csv", "data/published/sources.csv")
    return replace(PUBLISHED, files=files).carried_by(frame)


def load_sources(folder: str | Path | None = None) -> pd.DataFrame:
    """Load the bibliography: one row a source, with its grade.

    Parameters
    ----------
    folder : Path, optional
        A folder with ``sources.csv``; by default the project's.

    Returns
    -------
    DataFrame, shape (n_sources, n_columns)
        The columns that the codebook lists for the table ``sources``.

    Raises
    ------
    DataError
        Every problem of the file at once.
    """
    folder = chosen_folder(folder, "published", holds="sources.csv")
    return read_published(load_codebook().tables["sources"], folder)


def read_published(
    table: Table, folder: Path, known_sources: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Read one published table, checked against the codebook.

    Parameters
    ----------
    table : Table
        What the codebook says of the table.
    folder : Path
        Folder that holds ``<table>.csv``.
    known_sources : DataFrame, optional
        Sources that rows may name; their grade is added as a column.

    Raises
    ------
    DataError
        Every problem of the file at once.
    """
    path = folder / f"{table.name}.csv"
    raw = _read_text(path)
    book = load_codebook()
    problems = list(_column_problems(raw, table))
    if not problems:
        for check in (_blank_problems, _type_problems, _key_problems):
            problems += check(raw, table, book)
        problems += _meaning_problems(raw, book)
        if known_sources is not None:
            problems += _source_problems(raw, known_sources)
    raise_problems(
        problems,
        where=path.name,
        advice="Mend these rows; data/codebook.yaml says what each column may hold.",
    )
    frame = _typed(raw, table, book)
    if known_sources is not None:
        grades = known_sources.set_index("source_id")["grade"]
        frame["grade"] = frame["source_id"].map(grades)
    return frame


def source_line(sources: pd.DataFrame, *source_ids: str) -> str:
    """Return the references of sources, strongest grade first, weak grades in brackets.

    More than two documents of one publisher and grade are named together; more than ten sources
    are counted by grade.

    Raises
    ------
    DataError
        If a source is not in the table.
    """
    listed = {row["source_id"]: row for _, row in sources.iterrows()}
    unknown = [name for name in source_ids if name not in listed]
    if unknown:
        raise DataError(f"unknown source {first_three(unknown)}.\n  Add it to sources.csv.")
    order = list(load_codebook().grades)
    if len(set(source_ids)) > _MOST_NAMED:
        grades = [listed[name]["grade"] for name in set(source_ids)]
        counts = [
            f"{label['en']} {grades.count(grade)}"
            for grade, label in load_codebook().grades.items()
            if grade in grades
        ]
        return f"{len(grades)} sources in the list of sources ({', '.join(counts)})"
    groups: dict[tuple[int, str], list[pd.Series]] = {}
    for name in sorted(set(source_ids)):
        source = listed[name]
        venue = name if pd.isna(source["venue"]) else str(source["venue"])
        groups.setdefault((order.index(source["grade"]), venue), []).append(source)
    return "; ".join(
        reference for key in sorted(groups) for reference in _references(key[1], groups[key])
    )


def _references(venue: str, group: list[pd.Series]) -> list[str]:
    grade = _grade_note(group[0]["grade"])
    if len(group) <= 2:
        return [_reference(source) + grade for source in group]
    years = sorted(int(source["year"]) for source in group if pd.notna(source["year"]))
    span = f", {years[0]} to {years[-1]}" if years else ""
    return [f"{venue}, {len(group)} documents{span}{grade}"]


def _reference(source: pd.Series) -> str:
    authors = "" if pd.isna(source["authors"]) else f"{source['authors']}, "
    year = "" if pd.isna(source["year"]) else f" ({source['year']})"
    return f"{authors}{source['title']}{year}"


def _grade_note(grade: str) -> str:
    return "" if grade in STRONG_GRADES else f" [{load_codebook().grades[grade]['en']}]"


def _read_text(path: Path) -> pd.DataFrame:
    try:
        with reading(path).open(encoding="utf-8", newline="") as lines:
            header, *rows = csv.reader(lines)
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing.\n  Restore the published table.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 ({error}).\n  Save it as UTF-8.") from error
    except ValueError as error:
        raise DataError(f"{path.name} is empty.\n  Restore the published table.") from error
    ragged = [
        f"line {number} has {len(row)} cells, the header has {len(header)}"
        for number, row in enumerate(rows, start=2)
        if len(row) != len(header)
    ]
    raise_problems(ragged, where=path.name, advice="Quote cells that hold a comma.")
    return pd.DataFrame(rows, columns=header, dtype=str)


def _column_problems(raw: pd.DataFrame, table: Table) -> Iterator[str]:
    for name in table.columns:
        if name not in raw.columns:
            yield f"column {name!r} is missing"
    for name in raw.columns:
        if name not in table.columns:
            yield f"unknown column {name!r}"


def _blank_problems(raw: pd.DataFrame, table: Table, book: Codebook) -> Iterator[str]:
    for name in table.required:
        blank = raw[name].str.strip() == ""
        if blank.any():
            yield f"{name} is blank in {_where(raw, blank)}"


def _type_problems(raw: pd.DataFrame, table: Table, book: Codebook) -> Iterator[str]:
    for name in table.columns:
        column = book.columns[name]
        filled = raw[name] != ""
        cells = raw.loc[filled, name]
        bad = ~cells.map(lambda cell, column=column: _fits(cell, column)).astype(bool)
        if bad.any():
            rows = bad.reindex(raw.index, fill_value=False)
            shown = first_three(repr(cell) for cell in cells[bad].unique())
            yield f"{name} is {shown}, not {_asked(column)}, in {_where(raw, rows)}"


def _fits(cell: str, column: Column) -> bool:
    if cell != cell.strip():
        return False
    if column.type == "string":
        good = not column.enum or cell in column.enum
        return good and (column.pattern is None or re.fullmatch(column.pattern, cell) is not None)
    if column.type == "integer" and not re.fullmatch(r"-?\d+", cell):
        return False
    number = _decimal(cell)
    if number is None or not number.is_finite():
        return False
    low = column.minimum is None or number >= Decimal(str(column.minimum))
    return low and (column.maximum is None or number <= Decimal(str(column.maximum)))


def _asked(column: Column) -> str:
    if column.enum:
        return "one of " + ", ".join(column.enum)
    if column.pattern:
        return f"of the form {column.pattern}"
    if column.type == "string":
        return "without blanks around it"
    limits = (column.minimum, column.maximum)
    within = "" if limits == (None, None) else f" from {limits[0]} to {limits[1]}"
    return {"integer": "a whole number", "number": "a number"}[column.type] + within


def _key_problems(raw: pd.DataFrame, table: Table, book: Codebook) -> Iterator[str]:
    keys = [["row_id"]] if "row_id" in table.columns else []
    for key in [*keys, list(table.key)]:
        again = raw.duplicated(key, keep=False)
        if again.any():
            yield f"duplicate key ({', '.join(key)}) in {_where(raw, again)}"


def _meaning_problems(raw: pd.DataFrame, book: Codebook) -> Iterator[str]:
    """Check variables, units, ranges, printed values against the codebook."""
    if "unit" not in raw.columns:
        return
    unknown = ~raw["unit"].isin(book.units) & (raw["unit"] != "")
    if unknown.any():
        yield f"unknown unit {first_three(raw['unit'][unknown].unique())} in {_where(raw, unknown)}"
    if "variable" in raw.columns:
        yield from _variable_problems(raw, book)
    numbers = [name for name in _VALUE_COLUMNS if name in raw.columns]
    given = (raw[numbers] != "").any(axis=1) if numbers else pd.Series(True, index=raw.index)
    unitless = given & (raw["unit"] == "no_number")
    if unitless.any():
        yield f"a number stands without a unit in {_where(raw, unitless)}"
    empty = ~given & ~raw["unit"].isin(["no_number", ""])
    if empty.any():
        yield f"a unit stands without a number in {_where(raw, empty)}"
    if "printed_unit" in raw.columns:
        yield from _printed_problems(raw, book)


def _variable_problems(raw: pd.DataFrame, book: Codebook) -> Iterator[str]:
    unknown = ~raw["variable"].isin(book.variables) & (raw["variable"] != "")
    if unknown.any():
        names = first_three(raw["variable"][unknown].unique())
        yield f"variable {names} is not in the codebook, in {_where(raw, unknown)}"
    known = raw[~unknown & (raw["variable"] != "")]
    unlike = [
        book.variables[name].unit != unit and unit != ""
        for name, unit in zip(known["variable"], known["unit"], strict=True)
    ]
    if any(unlike):
        rows = known[unlike]
        row = rows.iloc[0]
        yield (
            f"unit {row['unit']!r} of {row['variable']} is not the codebook's "
            f"{book.variables[row['variable']].unit!r} in {_names(rows)}"
        )
    if "value" in raw.columns:
        outside = [
            not _inside(value, book.variables[name].low, book.variables[name].high)
            for name, value in zip(known["variable"], known["value"], strict=True)
        ]
        if any(outside):
            yield f"value outside the codebook's range in {_names(known[outside])}"


def _inside(value: str, low: float | None, high: float | None) -> bool:
    number = _decimal(value)
    if number is None:
        return True
    above = low is None or number >= Decimal(str(low))
    return above and (high is None or number <= Decimal(str(high)))


def _printed_problems(raw: pd.DataFrame, book: Codebook) -> Iterator[str]:
    value = next(name for name in _VALUE_COLUMNS if name in raw.columns)
    unlike = []
    for row in raw.itertuples():
        printed, number = str(row.printed).lstrip("<>="), _decimal(getattr(row, value))
        unit = book.units.get(str(row.unit))
        factors = unit.printed if unit else {}
        if number is None or not printed or _decimal(printed) is None:
            unlike.append(False)
        else:
            factor = factors.get(str(row.printed_unit))
            unlike.append(factor is None or Decimal(printed) * factor != number)
    if any(unlike):
        shown = raw[unlike]
        yield f"value is not printed times the factor of its printed unit in {_names(shown)}"


def _source_problems(raw: pd.DataFrame, sources: pd.DataFrame) -> Iterator[str]:
    unknown = ~raw["source_id"].isin(sources["source_id"]) & (raw["source_id"] != "")
    if unknown.any():
        names = first_three(raw["source_id"][unknown].unique())
        yield f"unknown source {names} in {_where(raw, unknown)}"


def _where(raw: pd.DataFrame, marked: pd.Series) -> str:
    return _names(raw[marked])


def _names(rows: pd.DataFrame) -> str:
    lines = [
        f"line {index + 2}" + (f" ({name})" if name else "")
        for index, name in zip(rows.index, rows.iloc[:, 0], strict=True)
    ]
    return f"{first_three(lines)}"


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _typed(raw: pd.DataFrame, table: Table, book: Codebook) -> pd.DataFrame:
    typed: dict[str, pd.Series] = {}
    for name in table.columns:
        cells = raw[name].where(raw[name] != "", None)
        kind = book.columns[name].type
        if kind == "integer":
            typed[name] = pd.to_numeric(cells).astype("Int64")
        elif kind == "number":
            typed[name] = pd.to_numeric(cells).astype(np.float64)
        else:
            typed[name] = cells
    return pd.DataFrame(typed)
