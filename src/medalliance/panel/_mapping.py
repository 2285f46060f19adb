"""The mapping file: a reader's column names, units and words, in terms of ours."""

from __future__ import annotations

import os
from collections.abc import Mapping as Lookup
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ..errors import DataError, raise_problems
from ..paths import reading
from ..yaml_files import refuse_growth, yaml_text
from ._checks import suggest
from ._names import is_standard, plain_name, standard_columns
from ._table import Layout
from ._units import factor, units_of

IGNORE = "ignore"
DATES = ("first_full_year", "same_year")


class ColumnMap(BaseModel):
    """What one column of a file is.

    Attributes
    ----------
    to : str
        Standard name; a name of your own is kept as it is; ``"ignore"`` leaves the column out.
    unit : str or None
        Unit of the file, such as ``"万元"`` or ``"%"``.
    words : dict
        Your word -> ours; ``values`` in the file. ``""`` stands for a blank cell.
    date : str or None
        For years given as dates. ``"first_full_year"``: a contract that starts after 1 January
        counts from the next year; ``"same_year"``: from the year of the date.
    round : bool
        Round money to fen where it has more decimals.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    to: str
    unit: str | None = None
    words: dict[str, str] = Field(default_factory=dict, alias="values")
    date: Literal["first_full_year", "same_year"] | None = None
    round: bool = False


class PanelMapping(BaseModel):
    """How a reader's file becomes a panel.

    Attributes
    ----------
    columns : dict
        Name in the file -> :class:`ColumnMap`, or a standard name alone.
    sheet, header, encoding, separator : optional
        How the table lies in its file.
    decimal : "," or ".", optional
        Decimal sign, where a comma could be either.
    missing : tuple of str
        Further words, or numbers such as -9, that mean missing.
    wide : dict
        Standard name -> pattern with ``{year}``, for tables with one column a year.
    crosswalk : dict
        Old area code -> code that its rows count to; merged counties are added up.
    cohorts : dict
        Area code -> cohort, for tables without one; 0 in all other counties.
    drop : dict
        Column, by its name in the file or its standard name -> cells whose rows are left out.
    keep_totals : bool
        Keep rows that look like totals, notes or sums of others.
    pad_codes : bool
        Put the zero back in front of area codes of five digits.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, ColumnMap] = Field(default_factory=dict)
    sheet: str | tuple[str, ...] | None = None
    header: int | tuple[int, ...] | None = None
    encoding: str | None = None
    separator: str | None = None
    decimal: Literal[",", "."] | None = None
    missing: tuple[str, ...] = ()
    wide: dict[str, ColumnMap] = Field(default_factory=dict)
    crosswalk: dict[str, str] = Field(default_factory=dict)
    cohorts: dict[str, int] = Field(default_factory=dict)
    drop: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    keep_totals: bool = False
    pad_codes: bool = False

    @field_validator("header", mode="after")
    @classmethod
    def _rows(cls, given: Any) -> Any:
        if given is not None and min([given] if isinstance(given, int) else given, default=0) < 1:
            raise ValueError("rows are counted from 1")
        return given

    @field_validator("sheet", "header", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        return tuple(given) if isinstance(given, list) else given

    @field_validator("drop", mode="before")
    @classmethod
    def _dropped(cls, given: Any) -> Any:
        if not isinstance(given, Lookup):
            return given
        return {str(n): tuple(v) if isinstance(v, list) else (str(v),) for n, v in given.items()}

    @field_validator("columns", mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        if not isinstance(given, Lookup):
            return given
        return {str(name): _as_map(target) for name, target in given.items()}

    @field_validator("wide", mode="before")
    @classmethod
    def _short_pattern(cls, given: Any) -> Any:
        return cls._short_form(given)

    @field_validator("missing", mode="before")
    @classmethod
    def _words(cls, given: Any) -> Any:
        listed = [given] if isinstance(given, str | int | float) else (given or ())
        return tuple(str(word) for word in listed)

    @field_validator("crosswalk", mode="before")
    @classmethod
    def _codes(cls, given: Any) -> Any:
        if not isinstance(given, Lookup):
            return given
        return {str(old): str(new) for old, new in given.items()}

    @property
    def layout(self) -> Layout:
        """How the table lies in its file."""
        return Layout(self.sheet, self.header, self.encoding, _mark(self.separator))


def _as_map(target: Any) -> Any:
    if target is None:
        return {"to": IGNORE}
    return {"to": target} if isinstance(target, str) else target


def _mark(separator: str | None) -> str | None:
    words = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "\\t": "\t"}
    return words.get(separator, separator) if separator else None


class _TextLoader(yaml.BaseLoader):
    """YAML in which every scalar stays text, so that codes keep their zeros."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        if twice:
            line = node.start_mark.line + 1
            raise DataError(f"{', '.join(twice)} is given twice, below line {line}.")
        return super().construct_mapping(node, deep=deep)


def load_mapping(
    source: str | os.PathLike[str] | Lookup[str, Any] | PanelMapping | None,
) -> PanelMapping:
    """Load a mapping file.

    Parameters
    ----------
    source : path, mapping or None
        A YAML file, its content, a mapping that is loaded already, or nothing.

    Raises
    ------
    DataError
        Every problem of the file at once.
    """
    if isinstance(source, PanelMapping):
        return source
    if source is None:
        return PanelMapping()
    where = "mapping"
    content: Any = source
    if isinstance(source, str | os.PathLike):
        where, content = Path(source).name, _read(Path(source))
    try:
        made = PanelMapping.model_validate(content or {})
    except ValidationError as error:
        raise_problems(
            [_sentence(item) for item in error.errors()],
            where=where,
            advice="`medalliance template` writes an example; `medalliance check FILE "
            "--write-mapping map.yaml` writes one for your file.",
        )
        raise
    raise_problems(_problems(made), where=where, advice="Mend the mapping file.")
    return made


def _read(path: Path) -> Any:
    if not path.is_file():
        raise DataError(
            f"{path}: no such mapping file.\n  `medalliance check FILE --write-mapping {path}` "
            "writes a proposal."
        )
    try:
        text = yaml_text(reading(path))
        refuse_growth(yaml.compose(text, Loader=_TextLoader))
        return yaml.load(text, Loader=_TextLoader)
    except DataError as error:
        raise DataError(f"{path.name}: {error}\n  Give each name once.") from None
    except (ValueError, TypeError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise DataError(
            f"{path.name}: {why}.\n  Write `name: standard_name`, one a line."
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        why = getattr(error, "problem", None) or "not valid YAML"
        raise DataError(
            f"{path.name}: {why}{line}.\n  Write `name: standard_name`, one a line; put names "
            "that hold a colon or begin with a sign in quotation marks."
        ) from None


def _sentence(item: Any) -> str:
    place = " > ".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        names = (*PanelMapping.model_fields, *ColumnMap.model_fields)
        return f"{place}: no such setting.{suggest(str(item['loc'][-1]), names)}"
    return f"{place or 'the file'}: {item['msg'][0].lower()}{item['msg'][1:]}"


def _problems(made: PanelMapping) -> list[str]:
    problems = []
    targets: dict[str, str] = {}
    for name, column in made.columns.items():
        if column.to == IGNORE:
            continue
        target = target_of(column)
        if target in targets:
            problems.append(f"{targets[target]} and {name} both go to {target}; keep one")
        targets[target] = name
        problems += _of_column(name, column)
    for target, column in made.wide.items():
        if target not in standard_columns():
            problems.append(f"wide: {target} is no column.{suggest(target, standard_columns())}")
        if "{year}" not in column.to:
            problems.append(f"wide: {target}: write the names with {{year}}, such as 预算{{year}}")
    for old, new in made.crosswalk.items():
        if new in made.crosswalk and made.crosswalk[new] != new:
            problems.append(f"crosswalk: {old} goes to {new}, which goes on; give the last code")
    return problems


def _of_column(name: str, column: ColumnMap) -> list[str]:
    problems = []
    base = plain_name(column.to)
    if not is_standard(column.to):
        hint = suggest(column.to, standard_columns(), cutoff=0.8)
        if hint and column.to != name:
            problems.append(f"{name}: {column.to} is no standard column.{hint}")
        if column.unit is not None:
            problems.append(f"{name}: units are known for standard columns only")
        return problems
    kind = standard_columns()[base].unit
    if column.unit is not None and factor(kind, column.unit) is None:
        known = ", ".join(units_of(kind)) or "none"
        problems.append(f"{name}: {base} has no unit {column.unit!r}; it can be {known}")
    if column.date is not None and kind != "year":
        problems.append(f"{name}: {base} is no year, so date does not fit")
    return problems


def _target(name: str) -> str:
    suffix = "_na" if name.endswith("_na") else ""
    return plain_name(name) + suffix


def target_of(column: ColumnMap) -> str:
    """Return the name that a mapped column gets."""
    return _target(column.to) if is_standard(column.to) else column.to


def unit_factor(column: str, unit: str | None) -> float:
    """Return what numbers of a standard column are multiplied by; 1 without a unit."""
    variable = standard_columns().get(column)
    found = factor(variable.unit, unit) if variable and unit else None
    return 1.0 if found is None else found
