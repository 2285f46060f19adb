"""The codebook: what each name means, in English and Chinese, with unit and range."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from .errors import DataError, raise_problems
from .paths import data_dir

KINDS = ("key", "panel", "outcome", "statistic", "case", "laboratory")
TYPES = ("string", "integer", "number")
LANGUAGES = ("en", "zh")
_SECTIONS = ("units", "grades", "variables", "columns", "tables")


@dataclass(frozen=True)
class Unit:
    """A unit of measure and the factors that turn printed units into it."""

    name: str
    en: str
    zh: str
    printed: dict[str, Decimal]
    percent: bool = False


@dataclass(frozen=True)
class Variable:
    """A variable of a table, a panel column or an outcome."""

    name: str
    kind: str
    unit: str
    en: str
    zh: str
    definition: str
    low: float | None = None
    high: float | None = None
    indicator: int | None = None


@dataclass(frozen=True)
class Column:
    """A column of a published table."""

    name: str
    type: str
    en: str
    zh: str
    definition: str
    enum: tuple[str, ...] = ()
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Table:
    """A published table: its columns, those that may not be blank, and its natural key."""

    name: str
    en: str
    zh: str
    columns: tuple[str, ...]
    required: tuple[str, ...]
    key: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Codebook:
    """Every name of the project.

    Attributes
    ----------
    units, variables, columns, tables : dict
        By name, in the order of the file.
    grades : dict
        Grade of a source -> label by language, strongest first.
    """

    units: dict[str, Unit]
    grades: dict[str, dict[str, str]]
    variables: dict[str, Variable]
    columns: dict[str, Column]
    tables: dict[str, Table]


@cache
def load_codebook(path: Path | None = None) -> Codebook:
    """Load the codebook.

    Parameters
    ----------
    path : Path, optional
        A codebook file; by default the project's ``data/codebook.yaml``.

    Raises
    ------
    DataError
        Every problem of the file at once: unknown or missing fields, unknown units or columns,
        names given twice, ranges upside down.
    """
    import yaml

    path = path or data_dir() / "codebook.yaml"
    problems: list[str] = []
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_strict_loader(problems))
    except yaml.YAMLError as error:
        raise DataError(f"{path.name} is not valid YAML: {error}.\n  Mend the file.") from error
    book = _build(raw if isinstance(raw, dict) else {}, problems)
    raise_problems(
        problems, where=path.name, advice="Give each name one line with the documented fields."
    )
    return book


def label(name: str, lang: str = "en") -> str:
    """Return the label of a variable or column.

    Raises
    ------
    DataError
        If the codebook has no such name.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"lang is {lang!r}; the codebook has {' and '.join(LANGUAGES)}.")
    book = load_codebook()
    entry = book.variables.get(name) or book.columns.get(name)
    if entry is None:
        raise _unknown(name)
    return entry.en if lang == "en" else entry.zh


def unit(name: str) -> str:
    """Return the unit of a variable.

    Raises
    ------
    DataError
        If the codebook has no such variable.
    """
    entry = load_codebook().variables.get(name)
    if entry is None:
        raise _unknown(name)
    return entry.unit


def _unknown(name: str) -> DataError:
    return DataError(f"no variable {name!r} in the codebook.\n  Add it to data/codebook.yaml.")


def definition(name: str) -> str:
    """Return the definition of a variable or column.

    Raises
    ------
    KeyError
        If the codebook has no such name.
    """
    book = load_codebook()
    return (book.variables.get(name) or book.columns[name]).definition


def build_datapackage(book: Codebook | None = None) -> dict[str, Any]:
    """Describe the published tables as a Frictionless Data Package.

    Returns
    -------
    dict
        The descriptor: one resource a table with typed fields, constraints, keys and labels.
    """
    book = book or load_codebook()
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "medalliance-published",
        "title": "Published facts on county medical alliances",
        "licenses": [{"name": "CC-BY-4.0", "title": "Creative Commons Attribution 4.0"}],
        "contributors": [{"title": "the medalliance developers", "roles": ["author"]}],
        "resources": [_resource(book, table) for table in book.tables.values()],
    }


def datapackage_text() -> str:
    """Return the descriptor as the text of ``data/datapackage.json``."""
    return json.dumps(build_datapackage(), ensure_ascii=False, indent=1) + "\n"


def _resource(book: Codebook, table: Table) -> dict[str, Any]:
    listed = [_field(book.columns[name], table) for name in table.columns]
    schema: dict[str, Any] = {
        "fields": listed,
        "missingValues": [""],
        "primaryKey": ["source_id" if table.name == "sources" else "row_id"],
    }
    if table.name != "sources":
        schema["foreignKeys"] = [
            {
                "fields": ["source_id"],
                "reference": {"resource": "sources", "fields": ["source_id"]},
            }
        ]
    return {
        "name": table.name,
        "title": table.en,
        "path": f"published/{table.name}.csv",
        "type": "table",
        "scheme": "file",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": schema,
    }


def _field(column: Column, table: Table) -> dict[str, Any]:
    constraints: dict[str, Any] = {}
    if column.name in table.required:
        constraints["required"] = True
    if column.enum:
        constraints["enum"] = list(column.enum)
    for name in ("pattern", "minimum", "maximum"):
        if getattr(column, name) is not None:
            constraints[name] = getattr(column, name)
    described = {
        "name": column.name,
        "type": column.type,
        "title": column.en,
        "title_zh": column.zh,
        "description": column.definition,
    }
    return described | ({"constraints": constraints} if constraints else {})


def _strict_loader(problems: list[str]) -> type:
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                problems.append(f"line {line}: {key.value!r} is given twice")
            seen.add(key.value)
        return loader.construct_mapping(node, deep=True)

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    return Loader


def _build(raw: dict[str, Any], problems: list[str]) -> Codebook:
    problems += [f"unknown section {name!r}" for name in raw if name not in _SECTIONS]
    problems += [f"section {name!r} is missing" for name in _SECTIONS if name not in raw]
    section = {name: raw.get(name) or {} for name in _SECTIONS}
    units = {
        name: made
        for name, entry in section["units"].items()
        if (made := _make(Unit, "unit", name, entry, problems, _printed_factors))
    }
    variables = {
        name: made
        for name, entry in section["variables"].items()
        if (made := _make(Variable, "variable", name, entry, problems, _open_range))
    }
    columns = {
        name: made
        for name, entry in section["columns"].items()
        if (made := _make(Column, "column", name, entry, problems))
    }
    tables = {
        name: made
        for name, entry in section["tables"].items()
        if (made := _make(Table, "table", name, entry, problems))
    }
    for variable in variables.values():
        problems += _variable_problems(variable, units)
    for column in columns.values():
        if column.type not in TYPES:
            problems.append(f"column {column.name}: type {column.type!r} is none of {TYPES}")
    for table in tables.values():
        problems += _table_problems(table, columns)
    grades = {name: dict(entry) for name, entry in section["grades"].items()}
    return Codebook(units, grades, variables, columns, tables)


def _make(
    cls: type[Any],
    what: str,
    name: str,
    entry: Any,
    problems: list[str],
    prepare: Any = None,
) -> Any:
    where = f"{what} {name}"
    if not isinstance(entry, dict):
        problems.append(f"{where}: fields are missing")
        return None
    before = len(problems)
    entry = prepare(where, dict(entry), problems) if prepare else entry
    known = {field.name: field for field in fields(cls) if field.name != "name"}
    problems += [f"{where}: unknown field {key!r}" for key in entry if key not in known]
    needed = [key for key, field in known.items() if _has_no_default(field)]
    problems += [f"{where}: {key} is missing" for key in needed if entry.get(key) in (None, "")]
    if len(problems) > before:
        return None
    return cls(name=name, **{key: _frozen(value) for key, value in entry.items()})


def _has_no_default(field: Any) -> bool:
    from dataclasses import MISSING

    return field.default is MISSING and field.default_factory is MISSING


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _printed_factors(where: str, entry: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    factors = {}
    for printed, factor in (entry.get("printed") or {}).items():
        try:
            factors[str(printed)] = Decimal(str(factor))
        except InvalidOperation:
            problems.append(f"{where}: factor {factor!r} of {printed!r} is not a number")
    return entry | {"printed": factors}


def _open_range(where: str, entry: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    limits = entry.pop("range", [None, None])
    if not isinstance(limits, list) or len(limits) != 2:
        problems.append(f"{where}: range is not [lowest, highest]")
        return entry
    return entry | {"low": limits[0], "high": limits[1]}


def _variable_problems(variable: Variable, units: dict[str, Unit]) -> Iterable[str]:
    where = f"variable {variable.name}"
    if variable.kind not in KINDS:
        yield f"{where}: kind {variable.kind!r} is none of {', '.join(KINDS)}"
    if variable.unit not in units:
        yield f"{where}: unknown unit {variable.unit!r}"
    if None not in (variable.low, variable.high) and variable.low > variable.high:  # type: ignore[operator]
        yield f"{where}: range {variable.low} to {variable.high} is upside down"


def _table_problems(table: Table, columns: dict[str, Column]) -> Iterable[str]:
    for name in table.columns:
        if name not in columns:
            yield f"table {table.name}: column {name!r} is not described under columns"
    for name in (*table.required, *table.key):
        if name not in table.columns:
            yield f"table {table.name}: {name!r} is required or a key, but is no column"
