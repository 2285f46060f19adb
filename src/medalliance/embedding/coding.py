"""The coding grid: indicators, the coders' sheets, decisions on where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import yaml

from ..errors import DataError, first_three, raise_problems
from ..paths import chosen_folder, data_dir, reading
from ..provenance import Badge, Provenance
from ._sheets import DATE, case_names, known_sources, named_rows, read_text_table

SHEET_COLUMNS = ("case", "indicator", "code", "date", "evidence", "source_id", "coder")
DECISION_COLUMNS = ("case", "indicator", "code", "reason")
HIGHEST = 3
PUBLISHED = Provenance(
    Badge.REAL,
    "codes given to published documents, each with its quoted words and source",
    files=("data/coding/adjudicated.csv",),
)
UNIT = ["case", "indicator"]


@dataclass(frozen=True, eq=False)
class Indicator:
    """One question of the grid.

    Attributes
    ----------
    cell : tuple of str
        Row and column of the grid.
    label : mapping
        Text in ``en`` and ``zh``.
    anchors : tuple of mapping
        What the codes 0 to 3 stand for, in both languages.
    """

    name: str
    cell: tuple[str, str]
    label: Mapping[str, str]
    anchors: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, eq=False)
class Grid:
    """Rows, columns, indicators and hypotheses of the embedding framework, in both languages."""

    rows: Mapping[str, Mapping[str, str]]
    columns: Mapping[str, Mapping[str, str]]
    indicators: Mapping[str, Indicator]
    hypotheses: Mapping[str, Mapping[str, str]]

    @property
    def cells(self) -> list[tuple[str, str]]:
        """Return the cells in reading order."""
        return [(row, column) for row in self.rows for column in self.columns]

    def cell_label(self, cell: tuple[str, str], lang: str = "en") -> str:
        """Return the name of a cell in words."""
        return f"{self.rows[cell[0]][lang]}: {self.columns[cell[1]][lang]}"


@dataclass(frozen=True, eq=False)
class Coding:
    """Codes of the cases: what each coder wrote, what was decided.

    Attributes
    ----------
    grid : Grid
    sheets : DataFrame
        One row a code: ``case, indicator, code, date, evidence, source_id, coder``.
    decisions : DataFrame
        Units that were decided afterwards: ``case, indicator, code`` (missing: no code stands),
        ``reason``.
    names : mapping
        Slug of each coded case -> its English name.
    """

    grid: Grid
    sheets: pd.DataFrame
    decisions: pd.DataFrame
    names: Mapping[str, str]
    provenance: Provenance = PUBLISHED

    @property
    def badge(self) -> Badge:
        """Kind of evidence."""
        return self.provenance.badge

    @cached_property
    def final(self) -> pd.DataFrame:
        """Return one row a case and indicator with a code that stands.

        Columns ``case, indicator, code, n_coders, decided``.
        """
        units = self.sheets.groupby(UNIT, sort=False)["code"].agg(["first", "size"]).reset_index()
        units = units.rename(columns={"first": "code", "size": "n_coders"})
        merged = units.merge(self.decisions, on=UNIT, how="left", suffixes=("", "_decided"))
        merged["decided"] = merged["reason"].notna()
        merged["code"] = merged["code"].where(~merged["decided"], merged["code_decided"])
        kept = merged[merged["code"].notna()]
        return kept[[*UNIT, "code", "n_coders", "decided"]].reset_index(drop=True)

    def matrix(self) -> pd.DataFrame:
        """Return the codes that stand, shape (n_cases, n_indicators); blanks are missing."""
        wide = self.final.pivot_table(index="case", columns="indicator", values="code")
        return wide.reindex(index=list(self.names), columns=list(self.grid.indicators))

    def cells(self) -> pd.DataFrame:
        """Return the mean code of each cell, shape (n_cases, 9); a cell without code is missing."""
        codes = self.matrix()
        columns = {
            cell: codes[[n for n, one in self.grid.indicators.items() if one.cell == cell]]
            for cell in self.grid.cells
        }
        frame = pd.DataFrame({cell: part.mean(axis=1) for cell, part in columns.items()})
        frame.columns = pd.MultiIndex.from_tuples(columns, names=["row", "column"])
        return frame

    def by_coder(self) -> pd.DataFrame:
        """Return the codes as written, shape (n_coders, n_units), for a reliability figure."""
        return self.sheets.pivot_table(index="coder", columns=UNIT, values="code")


def load_grid(path: Path | None = None) -> Grid:
    """Load the coding grid.

    Raises
    ------
    DataError
        Every problem of the file at once.
    """
    path = path or data_dir() / "coding" / "grid.yaml"
    try:
        raw = yaml.safe_load(reading(path).read_text(encoding="utf-8"))
        indicators = {
            name: Indicator(name, tuple(one["cell"]), {k: one[k] for k in ("en", "zh")},
                            tuple(one["anchors"]))
            for name, one in raw["indicators"].items()
        }  # fmt: skip
        grid = Grid(raw["rows"], raw["columns"], indicators, raw.get("hypotheses", {}))
    except (KeyError, TypeError, AttributeError, yaml.YAMLError) as wrong:
        raise DataError(
            f"{path.name}: not a coding grid ({wrong}).\n"
            "  Write rows, columns and indicators, each with en and zh."
        ) from wrong
    raise_problems(
        list(_grid_problems(grid)), where=path.name, advice="Every cell has 2 or 3 indicators."
    )
    return grid


def load_coding(folder: str | Path | None = None) -> Coding:
    """Load the codes of the cases with the decisions on where coders differ.

    Parameters
    ----------
    folder : Path, optional
        A folder with ``grid.yaml``, ``coder_*.csv`` and ``adjudicated.csv``; the project's by
        default.

    Returns
    -------
    Coding

    Raises
    ------
    DataError
        Every problem of all files at once.
    """
    folder = chosen_folder(folder, "coding", holds="grid.yaml")
    grid, names, sources = load_grid(folder / "grid.yaml"), case_names(), known_sources()
    problems: list[str] = []
    sheets = []
    for path in sorted(folder.glob("coder_*.csv")):
        raw = read_text_table(path, SHEET_COLUMNS)
        found = list(sheet_problems(raw, grid, set(names), sources))
        problems += [f"{path.name}: {text}" for text in found]
        sheets.append(raw)
    if not sheets:
        raise DataError(f"{folder}: no coder_*.csv. Write one sheet a coder.")
    raise_problems(problems, where="coding sheets", advice=_ADVICE)
    codes = pd.concat(sheets, ignore_index=True)
    codes["code"] = codes["code"].astype(float)
    decisions = read_text_table(folder / "adjudicated.csv", DECISION_COLUMNS)
    raise_problems(
        list(_decision_problems(decisions, codes)),
        where="adjudicated.csv",
        advice="Decide each unit on which coders differ, once, with a reason.",
    )
    decisions["code"] = pd.to_numeric(decisions["code"].replace("", None))
    coded = set(codes["case"])
    return Coding(grid, codes, decisions, {k: v for k, v in names.items() if k in coded})


def check_sheet(path: Path) -> pd.DataFrame:
    """Return a coding sheet if it keeps every rule.

    Raises
    ------
    DataError
        Every problem of the sheet at once.
    """
    raw = read_text_table(path, SHEET_COLUMNS)
    problems = sheet_problems(raw, load_grid(), set(case_names()), known_sources())
    raise_problems(list(problems), where=path.name, advice=_ADVICE)
    return raw.assign(code=raw["code"].astype(float))


_ADVICE = "A code needs a case and an indicator that exist, a date, the words and their source."


def sheet_problems(
    raw: pd.DataFrame, grid: Grid, cases: set[str], sources: set[str]
) -> Iterator[str]:
    """List what is wrong with a coding sheet, read as text.

    Yields
    ------
    str
        One sentence a kind of problem with the first three lines.
    """
    if raw.empty:
        yield "no row"
    for column, known in (("case", cases), ("indicator", set(grid.indicators))):
        yield from named_rows(raw, ~raw[column].isin(known), f"unknown {column}", column)
    blank = raw["source_id"].eq("")
    yield from named_rows(
        raw, ~raw["source_id"].isin(sources) & ~blank, "unknown source", "source_id"
    )
    allowed = {str(code) for code in range(HIGHEST + 1)}
    yield from named_rows(raw, ~raw["code"].isin(allowed), f"code is not 0 to {HIGHEST}", "code")
    for column, what in (("source_id", "source"), ("evidence", "evidence"), ("coder", "coder")):
        yield from named_rows(
            raw, raw[column].str.strip().eq(""), f"code without {what}", "indicator"
        )
    undated = ~raw["date"].map(lambda text: bool(DATE.fullmatch(text)))
    yield from named_rows(raw, undated, "date is not YYYY, YYYY-MM or YYYY-MM-DD", "date")
    twice = raw.duplicated([*UNIT, "coder"], keep="first")
    yield from named_rows(raw, twice, "coded twice by one coder", "indicator")


def _decision_problems(decisions: pd.DataFrame, codes: pd.DataFrame) -> Iterator[str]:
    units = codes.groupby(UNIT)["code"].nunique()
    decided = pd.MultiIndex.from_frame(decisions[UNIT])
    allowed = {"", *(str(code) for code in range(HIGHEST + 1))}
    yield from named_rows(decisions, ~decisions["code"].isin(allowed), "code is not 0 to 3", "code")
    silent = decisions["reason"].str.strip().eq("")
    yield from named_rows(decisions, silent, "decision without reason", "indicator")
    nobody = pd.Series(~decided.isin(units.index), index=decisions.index)
    yield from named_rows(decisions, nobody, "decision on what nobody coded", "indicator")
    yield from named_rows(decisions, decisions.duplicated(UNIT), "decided twice", "indicator")
    differ = units[units > 1].index.difference(decided)
    if len(differ):
        yield f"coders differ, nothing decided: {first_three(': '.join(unit) for unit in differ)}"


def _grid_problems(grid: Grid) -> Iterator[str]:
    for name, one in grid.indicators.items():
        if one.cell not in grid.cells:
            yield f"{name} is in no cell of the grid"
        if len(one.anchors) != HIGHEST + 1:
            yield f"{name} has {len(one.anchors)} anchors; {HIGHEST + 1} are needed"
        texts = [one.label, *one.anchors]
        if not all(text.get("en") and text.get("zh") for text in texts):
            yield f"{name} lacks a text in English or Chinese"
    for cell in grid.cells:
        count = sum(one.cell == cell for one in grid.indicators.values())
        if count not in (2, 3):
            yield f"cell {' x '.join(cell)} has {count} indicators"
