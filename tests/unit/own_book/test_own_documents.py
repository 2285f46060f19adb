"""Tables as Word and Excel: three rules, numbers on the right, text that stays text."""

import io
import json

import docx
import openpyxl
import pandas as pd
import pytest
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn

import medalliance as ma
from medalliance.show.documents import GREY, excel, word
from medalliance.show.exhibits import RECORD

# ISO/IEC 29500-1, CT_TblPr: the order in which Word reads a table's properties
TABLE_PROPERTIES = (
    "tblStyle", "tblW", "jc", "tblCellSpacing", "tblInd", "tblBorders", "shd", "tblLayout",
    "tblCellMar", "tblLook",
)  # fmt: skip
MINE = ma.Provenance("YOURS", "my county")
FRAME = pd.DataFrame(
    {
        "county": ["甲县", "=1+1", "丙县"],
        "estimate": [-3.91234, 1234.5, None],
        "p_value": [0.0001, 0.04, 0.5],
        "status": ["", "assumed", ""],
    }
)


@pytest.fixture
def record():
    shown = ma.show(FRAME, "Effects", about=MINE, blank="", labels={})
    return shown.record


def borders(cell):
    found = cell._tc.tcPr.find(qn("w:tcBorders"))
    return set() if found is None else {child.tag.partition("}")[2] for child in found}


def test_word_has_three_rules_caption_above_and_source_below(record):
    document = docx.Document(io.BytesIO(word([record], title="Effects")))
    grid = document.tables[0]
    outer = grid._tbl.tblPr.find(qn("w:tblBorders"))
    assert {child.tag.partition("}")[2]: child.get(qn("w:sz")) for child in outer} == {
        "top": "12",
        "bottom": "12",
    }
    order = [child.tag.partition("}")[2] for child in grid._tbl.tblPr]
    assert order == [name for name in TABLE_PROPERTIES if name in order]
    assert all(borders(cell) == {"bottom"} for cell in grid.rows[0].cells)
    assert all(not borders(cell) for row in grid.rows[1:] for cell in row.cells)
    order = [child.tag.partition("}")[2] for child in document.element.body]
    assert order[:3] == ["p", "tbl", "p"]
    assert document.paragraphs[0].text == "Table. Effects [YOURS]"
    assert "Source: my county" in document.paragraphs[1].text
    fonts = document.styles["Normal"].element.rPr.rFonts
    assert (fonts.get(qn("w:ascii")), fonts.get(qn("w:eastAsia"))) == ("Times New Roman", "SimSun")


def test_word_prints_as_the_book_with_numbers_on_the_right_and_assumptions_in_grey(record):
    grid = docx.Document(io.BytesIO(word([record], title="Effects"))).tables[0]
    texts = [[cell.text for cell in row.cells] for row in grid.rows]
    assert texts[1] == ["甲县", "\u22123.9", "<0.001", ""]
    assert texts[2][:2] == ["=1+1", "1,234.5"]
    sides = [cell.paragraphs[0].alignment for cell in grid.rows[1].cells]
    left, right = WD_ALIGN_PARAGRAPH.LEFT, WD_ALIGN_PARAGRAPH.RIGHT
    assert sides == [left, right, right, left]
    inks = [str(row.cells[1].paragraphs[0].runs[0].font.color.rgb) for row in grid.rows]
    assert inks == ["None", "None", GREY, GREY]


def test_excel_holds_full_precision_with_the_printed_format_and_no_formula(record):
    sheet = openpyxl.load_workbook(io.BytesIO(excel([record], ["effects: all/none"])))[
        "effects  all none"
    ]
    assert [cell.value for cell in sheet[4]] == ["county", "estimate", "p value", "status"]
    assert sheet["B5"].value == -3.91234 and sheet["B5"].number_format == "0.0"
    assert sheet["B6"].number_format == "#,##0.0"
    assert sheet["A6"].value == "=1+1" and sheet["A6"].data_type == "s"
    assert sheet["B7"].value is None
    lines = [sheet.cell(row, 1).border for row in range(4, 8)]
    edges = [(line.top and line.top.style, line.bottom and line.bottom.style) for line in lines]
    assert edges == [("medium", "thin"), (None, None), (None, None), (None, "medium")]
    assert sheet["A1"].value == "Effects" and "Source: my county" in sheet["A9"].value


def test_the_same_table_gives_the_same_bytes(record):
    assert word([record], title="t") == word([record], title="t")
    assert excel([record, record], ["a", "a"]) == excel([record, record], ["a", "a"])
    assert openpyxl.load_workbook(io.BytesIO(excel([record, record], ["a", "a"]))).sheetnames == [
        "a",
        "a 2",
    ]


def test_a_table_carries_its_data_as_plain_json():
    shown = ma.show(FRAME, "Effects", about=MINE)
    bundle = shown._repr_mimebundle_()
    assert json.loads(json.dumps(bundle[RECORD])) == bundle[RECORD] == shown.record
    assert bundle[RECORD]["columns"][1]["values"] == [-3.91234, 1234.5, None]
    assert bundle["text/html"] == shown._repr_html_() and bundle["text/plain"] == repr(shown)
