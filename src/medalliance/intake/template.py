"""An empty, documented workbook in which a county-year panel can be filled in."""

from __future__ import annotations

import errno
import io
import os
from typing import Any

from ..codebook import Variable, load_codebook
from ..errors import needed
from ..panel import CODES, ENUMS, KEYS, NA, YEARS, is_money, standard_columns

SHEET = "panel"
ROWS = 20_000  # rows that Excel checks as they are typed
_TEXT = (*CODES, "rule_id", "visit_def", "budget_scope", "county_name")
_FIRST = ("county_code", "county_name", "prefecture_code", "province_code", "code_vintage")
_REASONS = ("budget", "spending", "visits_village")
_NEEDED = "EFD7D3"
_WIDTH = {"README": (100,), "mapping": (100,)}
_UNIT_WORDS = {"text": "text", "year": "year, four digits", "yes_no": "0 or 1"}

README = """How to fill in this workbook

1. The sheet "panel" holds one row for each county and year. Its columns are the standard ones;
   point at a heading to read what it means, in English and Chinese.
2. county_code, year and cohort are needed. Every other column may be deleted or left blank; the
   check says which outcomes it would have carried.
3. cohort is the first full year settled under a retention rule, 0 for a county that never was. A
   blank means that you do not know, and is refused.
4. Money is yuan with two decimals, not 万元. Shares are 0 to 1, not percent.
5. Area codes are text of six digits. The cells are formatted as text, so that no zero is lost.
6. A value that you do not have stays blank. Its reason goes into the column NAME_na: {reasons}.
   Do not write -9, 999, "—" or "n/a".
7. Counties that merged get one code; the mapping file can do that for you (`crosswalk`).
8. Save the workbook, then run

       medalliance check THIS_FILE.xlsx

   It reads the sheet "panel" only, changes nothing, and sends nothing anywhere.

If your own table has other names or units, you need not copy it: the sheet "mapping" shows a file
that tells the package what your columns are.

       medalliance check YOUR_TABLE --write-mapping map.yaml

   writes a first version of it.
"""

MAPPING = """# A mapping file, map.yaml: your columns in terms of the standard ones.
# medalliance check yours.xlsx --mapping map.yaml
sheet: 面板            # sheet of a workbook; leave out for the best match
header: 2              # row of the column names, or [2, 3]; leave out to have it found
encoding: gb18030      # of a text file; leave out to have it found
separator: semicolon   # comma, semicolon, tab or bar; leave out to have it found
missing: ["—", "n/a", "-9"]          # words and numbers that mean missing
columns:
  县代码: county_code                 # your name: standard name
  年度: year
  试点日期: {to: cohort, date: first_full_year, values: {从未: "0"}}
  总额预算: {to: budget, unit: 万元}   # money: 元, 千元, 万元, 百万元, 亿元
  参保人数: {to: insured_n, unit: 万人}
  考核得分: {to: quality_score, unit: percent}   # share, percent, ‰, bp
  支出口径: {to: spending_basis, values: {权责发生制: accrual, 收付实现制: cash}}
  备注: ignore
# one column a year instead of one row a year:
# wide:
#   spending: {to: "基金支出{year}", unit: 万元}
# counties that merged or changed their code; the rows are added up:
# crosswalk: {"330522": "330523"}
# rows that are no county; totals and notes are found and left out without it:
# drop: {县名: [市本级, 开发区]}
# keep_totals: true    # read rows that look like totals or notes too
# a table without a first year under contract; all other counties have none:
# cohorts: {"330521": 2018}
# pad_codes: true      # put the zero back in front of area codes of five digits
# decimal: ","         # commas mark decimals
"""


def template_workbook() -> bytes:
    """Make the workbook.

    Returns
    -------
    bytes
        An .xlsx file with the sheets README, panel, codebook and mapping. The same bytes every
        time.
    """
    with needed():
        from openpyxl import Workbook

    book = Workbook()
    _text_sheet(book.active, "README", README.format(reasons=", ".join(ENUMS[NA])))
    _panel_sheet(book.create_sheet(SHEET))
    _codebook_sheet(book.create_sheet("codebook"))
    _text_sheet(book.create_sheet("mapping"), "mapping", MAPPING)
    book.active = 1
    return _saved(book)


def template_columns() -> list[str]:
    """Return the columns of the sheet to fill in, in order."""
    names = [name for name in standard_columns() if name not in (*_FIRST, "year", "cohort")]
    columns = [*_FIRST, "year", "cohort", *names]
    for name in _REASONS:
        columns.insert(columns.index(name) + 1, name + NA)
    return columns


def _text_sheet(sheet: Any, title: str, text: str) -> None:
    from openpyxl.styles import Font

    sheet.title = title
    for number, line in enumerate(text.splitlines(), start=1):
        cell = sheet.cell(number, 1, line)
        cell.data_type = "s"
        if title == "mapping":
            cell.font = Font(name="Consolas")
        elif number == 1:
            cell.font = Font(bold=True, size=14)
    sheet.column_dimensions["A"].width = _WIDTH[title][0]


def _panel_sheet(sheet: Any) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter

    for place, name in enumerate(template_columns(), start=1):
        variable = standard_columns()[name.removesuffix(NA)]
        cell = sheet.cell(1, place, name)
        cell.font = Font(bold=True)
        if name in KEYS:
            cell.fill = PatternFill("solid", start_color=_NEEDED)
        cell.comment = Comment(_note(name, variable), "medalliance", width=320, height=170)
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = max(12, len(name) + 2)
        if name in _TEXT:
            sheet.column_dimensions[letter].number_format = "@"
        rule = _validation(name, variable)
        if rule is not None:
            sheet.add_data_validation(rule)
            rule.add(f"{letter}2:{letter}{ROWS + 1}")
    sheet.freeze_panes = "C2"


def _note(name: str, variable: Variable) -> str:
    if name.endswith(NA):
        return f"Why {variable.name} is blank: {', '.join(ENUMS[NA])}. 缺失原因"
    unit = load_codebook().units[variable.unit]
    need = "NEEDED. " if name in KEYS else ""
    return (
        f"{need}{variable.en} · {variable.zh}\n{variable.definition}\n"
        f"Unit: {_UNIT_WORDS.get(variable.unit, unit.en)} ({unit.zh}). {_range_text(variable)}"
    ).strip()


def _range_text(variable: Variable) -> str:
    if variable.low is None and variable.high is None:
        return ""
    if variable.high is None:
        return f"Range: {variable.low:g} or more."
    return f"Range: {variable.low:g} to {variable.high:g}."


def _validation(name: str, variable: Variable) -> Any:
    from openpyxl.worksheet.datavalidation import DataValidation

    words = ENUMS[NA] if name.endswith(NA) else ENUMS.get(name)
    if words:
        rule = DataValidation(type="list", formula1=f'"{",".join(words)}"', allow_blank=True)
        rule.error = f"Use {', '.join(words)}, or leave the cell blank."
    elif name in CODES:
        rule = DataValidation(
            type="textLength", operator="equal", formula1="6", allow_blank=name != "county_code"
        )
        rule.error = "An area code has six digits."
    elif variable.low is not None:
        kind = "whole" if name in YEARS else "decimal"
        high = variable.high
        rule = DataValidation(
            type=kind,
            operator="between" if high is not None else "greaterThanOrEqual",
            formula1=f"{variable.low:g}",
            formula2=None if high is None else f"{high:g}",
            allow_blank=True,
        )
        rule.error = (
            f"{_range_text(variable)} {'Yuan, not 万元.' if is_money(name) else ''}".strip()
        )
    else:
        return None
    rule.errorTitle = name[:32]
    rule.showErrorMessage = True
    return rule


def _codebook_sheet(sheet: Any) -> None:
    from openpyxl.styles import Alignment, Font

    head = ("name", "needed", "English", "中文", "unit", "单位", "lowest", "highest", "definition")
    sheet.append(head)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for name in template_columns():
        variable = standard_columns()[name.removesuffix(NA)]
        sheet.append(_codebook_row(name, variable))
    for letter, width in zip("ABCDEFGHI", (24, 8, 34, 26, 24, 14, 8, 8, 90), strict=True):
        sheet.column_dimensions[letter].width = width
    for row in sheet.iter_rows(min_row=2):
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "B2"


def _codebook_row(name: str, variable: Variable) -> tuple[Any, ...]:
    unit = load_codebook().units[variable.unit]
    if name.endswith(NA):
        said = (f"why {variable.name} is blank", "缺失原因", "word", "文本", None, None)
        return (name, "", *said, ", ".join(ENUMS[NA]))
    words = f" Words: {', '.join(ENUMS[name])}." if name in ENUMS else ""
    label = (variable.en, variable.zh, unit.en, unit.zh, variable.low, variable.high)
    return (name, "yes" if name in KEYS else "", *label, variable.definition + words)


def _saved(book: Any) -> bytes:
    """Save with fixed times, so that the same package writes the same bytes."""
    import datetime as dt
    import zipfile

    book.properties.creator = "medalliance"
    book.properties.created = book.properties.modified = dt.datetime(2024, 1, 1)
    raw, out = io.BytesIO(), io.BytesIO()
    try:
        book.save(raw)
    except Exception as error:  # lxml has an error of its own for a full disk: IO_ENOSPC
        number = getattr(errno, str(error).removeprefix("IO_"), None)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), "a temporary file") from error
    with zipfile.ZipFile(raw) as written, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as fixed:
        for name in written.namelist():
            content = written.read(name)
            if name == "docProps/core.xml":
                content = _without_time(content)
            fixed.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), content)
    return out.getvalue()


def _without_time(core: bytes) -> bytes:
    import re

    return re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2024-01-01T00:00:00Z", core)
