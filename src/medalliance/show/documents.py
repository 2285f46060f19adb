"""Tables as Excel and Word files: three rules, caption above, source below."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import needed
from ..provenance import MEANING, Badge
from .packed import archive

LATIN, EAST_ASIAN = "Times New Roman", "SimSun"
GREY = "7D838C"
_DAY = "2000-01-01T00:00:00Z"
_MANY_COLUMNS = 6
_TITLE = 255  # characters that the properties of an Office file take
# what follows borders in the properties of a table or a cell, in the order of the file format
_AFTER_BORDERS = (
    "w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook", "w:noWrap", "w:tcMar", "w:textDirection",
    "w:tcFitText", "w:vAlign", "w:hideMark",
)  # fmt: skip
_WIDEST = 46  # characters


def minus(text: str, number: bool) -> str:
    """Return a number's text with a true minus sign."""
    return text.replace("-", "\u2212", 1) if number else text


def foot(record: Mapping[str, Any]) -> str:
    """Return what stands below a table: its kind of evidence and its source."""
    badge = Badge(record["badge"])
    return f"{badge.value}: {MEANING[badge]}. Source: {record['source']}"


# --- Word ---------------------------------------------------------------------------------------
def word(tables: Sequence[Mapping[str, Any]], *, title: str) -> bytes:
    """Write tables as a Word document, one after the other.

    Parameters
    ----------
    tables : sequence of mapping
        Records of tables, as :class:`medalliance.show.exhibits.Exhibit` describes them.
    title : str
        Title in the document's properties.

    Returns
    -------
    bytes
        A ``.docx`` file; the same tables give the same bytes.
    """
    with needed():
        import docx
        from docx.enum.section import WD_ORIENT
        from docx.enum.text import WD_BREAK

    document = docx.Document()
    set_fonts(document)
    document.core_properties.title = title[:_TITLE]
    document.core_properties.author = ""
    document.core_properties.comments = ""
    section: Any = document.sections[0]
    if any(len(table["columns"]) > _MANY_COLUMNS for table in tables):
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = section.page_height, section.page_width
    room = section.page_width - section.left_margin - section.right_margin
    for number, table in enumerate(tables, start=1):
        if number > 1:
            document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
        _word_caption(document, number if len(tables) > 1 else None, table)
        _word_table(document, table, room)
        _word_foot(document, table)
    buffer = io.BytesIO()
    document.save(buffer)
    return undated(buffer.getvalue())


def set_fonts(document: Any) -> None:
    """Set the fonts of a Word document, Latin and Chinese."""
    from docx.oxml.ns import qn
    from docx.shared import Pt

    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = LATIN, Pt(10.5)
    fonts = normal.element.get_or_add_rPr().get_or_add_rFonts()
    for script in ("w:eastAsia", "w:cs"):
        fonts.set(qn(script), EAST_ASIAN if script == "w:eastAsia" else LATIN)
    normal.paragraph_format.space_after = Pt(0)


def _word_caption(document: Any, number: int | None, table: Mapping[str, Any]) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    caption = document.add_paragraph()
    caption.alignment = WD_ALIGN_PARAGRAPH.CENTER
    caption.paragraph_format.space_after = Pt(4)
    caption.paragraph_format.keep_with_next = True
    head = "Table" if number is None else f"Table {number}"
    caption.add_run(f"{head}. {table['caption']}").bold = True
    caption.add_run(f" [{table['badge']}]")


def _word_foot(document: Any, table: Mapping[str, Any]) -> None:
    from docx.shared import Pt

    below = document.add_paragraph()
    below.paragraph_format.space_before = Pt(4)
    below.add_run(foot(table)).font.size = Pt(9)


def _word_table(document: Any, table: Mapping[str, Any], room: int) -> None:
    from docx.enum.table import WD_TABLE_ALIGNMENT

    columns = table["columns"]
    rows = len(columns[0]["printed"]) if columns else 0
    grid = document.add_table(rows=rows + 1, cols=len(columns))
    grid.alignment = WD_TABLE_ALIGNMENT.CENTER
    grid.autofit = False
    _rule(grid._tbl.tblPr, "w:tblBorders", {"top": 12, "bottom": 12})
    widths = _widths(columns)
    for place, column in enumerate(columns):
        number, grey = "values" in column, set(column.get("grey", ()))
        cells = grid.columns[place].cells
        texts = [column["heading"], *(minus(text, number) for text in column["printed"])]
        for row, (cell, text) in enumerate(zip(cells, texts, strict=True)):
            cell.width = int(room * widths[place])
            _word_cell(cell, text, right=number, head=row == 0, grey=row - 1 in grey)
            if row == 0:
                _rule(cell._tc.get_or_add_tcPr(), "w:tcBorders", {"bottom": 6})
    _keep_whole(grid)


def _word_cell(cell: Any, text: str, *, right: bool, head: bool, grey: bool) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt, RGBColor

    paragraph = cell.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if right else WD_ALIGN_PARAGRAPH.LEFT
    run = paragraph.add_run(text)
    run.font.size = Pt(9)
    run.bold = head
    if grey and not head:
        run.italic = True
        run.font.color.rgb = RGBColor.from_string(GREY)


def _rule(properties: Any, kind: str, sizes: Mapping[str, int]) -> None:
    """Set horizontal rules, in eighths of a point."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    borders = OxmlElement(kind)
    for side, size in sizes.items():
        line = OxmlElement(f"w:{side}")
        for name, value in (("val", "single"), ("sz", size), ("space", 0), ("color", "000000")):
            line.set(qn(f"w:{name}"), str(value))
        borders.append(line)
    properties.insert_element_before(borders, *_AFTER_BORDERS)


def _keep_whole(grid: Any) -> None:
    """Repeat the heading on each page; keep a row's lines together."""
    from docx.oxml import OxmlElement

    for place, row in enumerate(grid.rows):
        properties = row._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if place == 0:
            properties.append(OxmlElement("w:tblHeader"))


def _widths(columns: Sequence[Mapping[str, Any]]) -> list[float]:
    """Divide the width by the longest text of each column, long texts wrapped."""
    longest = [
        max(6, min(_WIDEST, max(_span(t) for t in [c["heading"], *c["printed"]]))) for c in columns
    ]
    return [length / sum(longest) for length in longest]


def _span(text: str) -> int:
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


# --- Excel --------------------------------------------------------------------------------------
def excel(tables: Sequence[Mapping[str, Any]], names: Sequence[str]) -> bytes:
    """Write tables as an Excel workbook, one a sheet, numbers at full precision.

    Parameters
    ----------
    tables : sequence of mapping
        As for :func:`word`.
    names : sequence of str
        Names of the sheets; longer ones than 31 characters are cut.

    Returns
    -------
    bytes
        An ``.xlsx`` file; the same tables give the same bytes.
    """
    with needed():
        from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    for table, name in zip(tables, names, strict=True):
        _sheet(book.create_sheet(_sheet_name(name, book.sheetnames)), table)
    buffer = io.BytesIO()
    book.save(buffer)
    return undated(buffer.getvalue())


def _sheet_name(name: str, taken: Sequence[str]) -> str:
    plain = re.sub(r"[\[\]:*?/\\]", " ", name)[:31]
    for number in range(2, 1000):
        if plain not in taken:
            return plain
        plain = f"{plain[:27]} {number}"
    raise ValueError(f"more than a thousand sheets are named {name}")


def _sheet(sheet: Any, table: Mapping[str, Any]) -> None:
    from openpyxl.styles import Alignment, Border, Font, Side

    thick, thin = Side(style="medium"), Side(style="thin")
    columns, first = table["columns"], 4
    last = first + (len(columns[0]["printed"]) if columns else 0)
    _put(sheet.cell(1, 1), table["caption"], font=Font(bold=True))
    _put(sheet.cell(2, 1), f"[{table['badge']}]")
    for place, column in enumerate(columns, start=1):
        head = sheet.cell(first, place)
        _put(head, column["heading"], font=Font(bold=True))
        head.alignment = Alignment(
            horizontal="right" if "values" in column else "left", wrap_text=True
        )
        for row, text in enumerate(column["printed"]):
            cell = sheet.cell(first + 1 + row, place)
            value = column["values"][row] if "values" in column else None
            grey = Font(italic=True, color=GREY) if row in column.get("grey", ()) else None
            _put(cell, text if value is None else value, font=grey)
            if "values" in column:
                cell.number_format = _format(text)
                cell.alignment = Alignment(horizontal="right")
        for row in range(first, last + 1):
            top = thick if row == first else None
            below = thin if row == first else thick if row == last else None
            sheet.cell(row, place).border = Border(top=top, bottom=below)
        texts = [column["heading"], *column["printed"]]
        letter = sheet.cell(first, place).column_letter
        sheet.column_dimensions[letter].width = 2 + min(_WIDEST, max(map(_span, texts)))
    _put(sheet.cell(last + 2, 1), foot(table))
    sheet.freeze_panes = sheet.cell(first + 1, 1)


def _put(cell: Any, value: Any, *, font: Any = None) -> None:
    """Write a value; text stays text, even if it begins like a formula."""
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
    if font is not None:
        cell.font = font


def _format(printed: str) -> str:
    """Return the number format that prints as the book does."""
    decimals = len(printed.rpartition(".")[2]) if "." in printed else 0
    whole = "#,##0" if "," in printed else "0"
    return f"{whole}.{'0' * decimals}" if decimals else whole


# --- both ---------------------------------------------------------------------------------------
def undated(content: bytes) -> bytes:
    """Return an Office file whose bytes do not tell when it was written."""
    dates, core = rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*", "docProps/core.xml"
    with zipfile.ZipFile(io.BytesIO(content)) as given:
        files = {name: given.read(name) for name in given.namelist()}
    files[core] = re.sub(dates, rb"\g<1>" + _DAY.encode(), files[core])
    return archive(files)
