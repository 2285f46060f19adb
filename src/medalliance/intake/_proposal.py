"""A mapping file proposed for a table: names recognised, units as stated, doubts as comments."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pandas as pd

from ..errors import first_three
from ..panel import (
    KEYS,
    NA,
    YEARS,
    ColumnMap,
    Problem,
    is_money,
    is_standard,
    recognise,
    standard_columns,
    suggest,
    units_of,
)

if TYPE_CHECKING:
    from .report import PanelReport

_PLAIN = re.compile(r"[^\W\d][\w ]*")
_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
_YEAR = re.compile(r"(?:19|20)\d{2}")
HEAD = """# Mapping of {name} to the standard columns of a county-year panel.
# A proposal from the names of the columns: look at every line, then check again with
#   medalliance check {name} --mapping THIS_FILE
# your column: standard name, or {{to: name, unit: 万元, values: {{your word: ours}}}}; `ignore`
# leaves a column out. Units are never guessed: no unit means yuan, persons, visits or a share
# of 0 to 1.
"""


def proposal_text(report: PanelReport) -> str:
    """Write the mapping that a report proposes, as YAML with comments.

    Parameters
    ----------
    report : PanelReport
        Of :func:`check_panel`.
    """
    lines = [HEAD.format(name=report.name), *_first_rows(report), *_settings(report), "columns:"]
    plan = report.mapping
    used = plan.columns if plan else {}
    wide = _wide(report.header) if "year" not in report.frame.columns else {}
    in_wide = {name for names in wide.values() for name in names[1]}
    for name in report.header:
        if name in used:
            lines += _line(name, used[name], report)
        elif name in in_wide:
            continue
        elif is_standard(name):
            lines.append(f"  {_key(name)}: {_exact(name)}")
        else:
            hint = suggest(name, standard_columns(), cutoff=0.6)
            lines.append(f"  # {_key(name)}:   # not recognised.{hint}".rstrip("."))
    if len(lines) and lines[-1] == "columns:":
        lines[-1] = "columns: {}"
    lines += [] if not wide else ["wide:   # one column a year"]
    lines += [f"  {to}: {_key(pattern)}" for to, (pattern, _) in wide.items()]
    lines += _doubts(report)
    return "\n".join(lines) + "\n"


def _settings(report: PanelReport) -> list[str]:
    plan = report.mapping
    if plan is None:
        return []
    lines = []
    for name in ("sheet", "header", "encoding", "separator", "decimal"):
        value = getattr(plan, name)
        if value is not None:
            said = json.dumps(value, ensure_ascii=False)
            lines.append(f"{name}: {said if isinstance(value, tuple) else _key(str(value))}")
    if plan.missing:
        lines.append(f"missing: [{', '.join(_key(word) for word in plan.missing)}]")
    if plan.pad_codes:
        lines.append("pad_codes: true")
    if plan.keep_totals:
        lines.append("keep_totals: true")
    for name, cells in plan.drop.items():
        lines += ["drop:"] if "drop:" not in lines else []
        lines.append(f"  {_key(name)}: [{', '.join(_key(cell) for cell in cells)}]")
    if plan.cohorts:
        pairs = ", ".join(f"{_key(code)}: {year}" for code, year in plan.cohorts.items())
        lines.append(f"cohorts: {{{pairs}}}")
    if plan.crosswalk:
        pairs = ", ".join(f"{_key(a)}: {_key(b)}" for a, b in plan.crosswalk.items())
        lines.append(f"crosswalk: {{{pairs}}}")
    return lines


def _line(name: str, column: ColumnMap, report: PanelReport) -> list[str]:
    parts = [f"to: {column.to}"]
    if column.unit:
        parts.append(f"unit: {_key(column.unit)}")
    words = column.words or _blank_cohorts(column, report)
    if words:
        listed = ", ".join(f"{_key(a)}: {_key(b)}" for a, b in words.items())
        parts.append(f"values: {{{listed}}}")
    date = column.date or _date_of(column.to, report)
    if date:
        parts.append(f"date: {date}")
    if column.round:
        parts.append("round: true")
    value = f"{{{', '.join(parts)}}}" if len(parts) > 1 else column.to
    comment = _comment(column, report)
    if words and not column.words:
        comment = "a blank is read as never under contract: take `values` out if it means unknown"
    if date and not column.date:
        comment = "dates: first_full_year or same_year?"
    return [f"  {_key(name)}: {value}{f'   # {comment}' if comment else ''}"]


def _blank_cohorts(column: ColumnMap, report: PanelReport) -> dict[str, str]:
    """Propose that a blank cohort means never, where some cells are filled."""
    blank = any(p.code == "E115" and "is missing in" in p.text for p in report.problems
                if p.column == column.to)  # fmt: skip
    some = column.to in report.frame.columns and report.frame[column.to].notna().any()
    return {"": "0"} if column.to == KEYS[2] and blank and some else {}


def _first_rows(report: PanelReport) -> list[str]:
    """Show the first rows as they will be read, as comments, with what was left out."""
    frame = report.frame.head(3)
    if frame.empty:
        return []
    lines = ["# The first rows, as they will be read:"]
    for name in map(str, frame.columns):
        cells = [
            "blank" if cell is None or cell != cell else f"{cell:,.10g}" if isinstance(cell, float)
            else str(cell) for cell in frame[name]
        ]  # fmt: skip
        lines.append(f"#   {name}: {' | '.join(cell[:24] for cell in cells)}")
    told = [item.text for item in report.readings if not item.column]
    if told:
        lines += ["# How the file was read:", *(f"#   {text}" for text in told)]
    return [*lines, ""]


def _comment(column: ColumnMap, report: PanelReport) -> str:
    """Ask for a unit where neither the name nor the mapping states one."""
    base = column.to.removesuffix(NA)
    variable = standard_columns().get(base)
    if variable is None or base != column.to or column.unit:
        return ""
    units = list(units_of(variable.unit))
    if not units or base not in report.frame.columns:
        return ""
    values = pd.to_numeric(report.frame[base], errors="coerce")
    if values.notna().sum() == 0:
        return "no number in it"
    span = f"{values.min():,.6g} to {values.max():,.6g}"
    if is_money(base):
        return f"unit? {span} taken as yuan; write {{to: {base}, unit: 万元}} if they are 万元"
    if variable.unit == "share":
        return (
            f"unit? {span} taken as a share of 0 to 1; write {{to: {base}, unit: percent}} if not"
        )
    if variable.unit in ("persons", "visits"):
        larger = "万人" if variable.unit == "persons" else "万人次"
        return f"unit? {span} taken as {variable.unit}; write {{to: {base}, unit: {larger}}} if not"
    return ""


def _date_of(target: str, report: PanelReport) -> str | None:
    dated = any(
        p.code == "E115" and p.column == target and "dates" in p.text for p in report.problems
    )
    return "first_full_year" if dated and target in YEARS else None


def _wide(header: tuple[str, ...]) -> dict[str, tuple[str, list[str]]]:
    """Find names that repeat with a year in them: 预算2015, 预算2016."""
    groups: dict[str, tuple[str, list[str]]] = {}
    for name in header:
        years = _YEAR.findall(name)
        if len(years) != 1:
            continue
        pattern = name.replace(years[0], "{year}")
        stem = recognise(pattern.replace("{year}年", "").replace("{year}", "").strip(" _-"))
        if stem and not stem.column.endswith(NA):
            known, names = groups.setdefault(stem.column, (pattern, []))
            if known == pattern:
                names.append(name)
    return {to: group for to, group in groups.items() if len(group[1]) > 1}


def _doubts(report: PanelReport) -> list[str]:
    """Write what the problems suggest as settings that are commented out."""
    codes: dict[str, list[Problem]] = {}
    for found in report.problems:
        codes.setdefault(found.code, []).append(found)
    lines = []
    if any("pad_codes" in found.text for found in codes.get("E119", [])):
        lines.append("# pad_codes: true   # put the zero back in front of codes of five digits")
    if any("decimal" in found.text for found in codes.get("E116", [])):
        lines.append("# decimal: ','   # commas mark decimals")
    words = [v for found in codes.get("E116", []) for v in found.values]  # noqa: PD011
    words += [v for found in codes.get("E127", []) for v in found.values]  # noqa: PD011
    if words:
        listed = ", ".join(_key(word) for word in dict.fromkeys(words))
        lines.append(f"# missing: [{listed}]   # words and numbers that mean missing")
    if "E120" in codes:
        places = first_three(place for found in codes["E120"] for place in found.places)
        lines.append(f"# crosswalk: {{'old code': 'code that its rows count to'}}   # {places}")
    if KEYS[2] not in report.frame.columns and "treated" not in report.frame.columns:
        lines.append(
            "# cohorts: {'code of a county': 2018}   # first full year under contract, of those "
            "that have one; 0 in all others"
        )
    if "E135" in codes:
        shown = ", ".join(_key(v) for found in codes["E135"] for v in found.values)  # noqa: PD011
        lines.append(f"# drop: {{county_code: [{shown}]}}   # if they are totals of a prefecture")
    return ["", *lines] if lines else []


def _exact(name: str) -> str:
    match = recognise(name)
    return match.column if match else name


def _key(text: str) -> str:
    """Write a text as a YAML scalar, quoted where it must be."""
    plain = _PLAIN.fullmatch(text) and text == text.strip() and text.lower() not in _WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)
