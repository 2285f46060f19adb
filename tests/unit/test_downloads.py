"""Numbers of exhibits: taken from their records, packed the same way each time."""

import csv
import io
import json
import zipfile

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import medalliance as ma
from medalliance.panel import TEACHING
from medalliance.press import downloads
from medalliance.press.records import stored_exhibits
from medalliance.show import plots


@pytest.fixture(scope="module")
def exhibits():
    frame = pd.DataFrame({"place": ["a <b> & c", "d"], "value": [-1234.5, None]})
    drawn = plots.lines(pd.DataFrame({"x": [1, 2], "y": [0.5, -0.25]}), x="x", y="y")
    table = ma.show(frame, "A < B", about=ma.Provenance("REAL", "one; two"))
    figure = ma.show(drawn, "C & D", alt="a line", about=ma.Provenance("SYNTHETIC", "s"))
    example = ma.Provenance("ILLUSTRATIVE", TEACHING.source)
    said = ma.say("Pay rose by 3 %.", about=example, lang="zh")
    return [table, figure, said]


def cells(exhibits):
    outputs = [{"data": exhibit._repr_mimebundle_()} for exhibit in exhibits]
    return [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": outputs}]


def unpacked(content):
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {name: packed.read(name).decode("utf-8-sig") for name in packed.namelist()}


def test_what_is_stored_is_what_was_made(exhibits):
    table, figure, said = stored_exhibits(cells(exhibits))
    assert (table.kind, table.badge, table.text) == ("table", "REAL", "A < B")
    assert (table.source, table.cell) == ("one; two", 2)
    summary = exhibits[0].summary
    assert table.rows[0] == list(summary.columns)
    assert table.rows[1:] == summary.to_numpy().tolist()
    assert (figure.kind, figure.text) == ("figure", "C & D")
    numbers = exhibits[1].summary
    assert figure.rows == [list(numbers.columns), *numbers.astype(str).to_numpy().tolist()]
    assert (said.kind, said.text, said.source) == ("sentence", "Pay rose by 3 %.", TEACHING.source)
    assert said.rows == []


def test_the_archive_lists_every_exhibit_with_its_badge_and_source(exhibits):
    stored = stored_exhibits(cells(exhibits))
    files = unpacked(downloads.numbers_archive(stored))
    assert list(files) == ["contents.csv", "01-table.csv", "02-figure.csv"]
    listed = list(csv.DictReader(io.StringIO(files["contents.csv"])))
    assert [row["file"] for row in listed] == ["01-table.csv", "02-figure.csv", ""]
    assert [row["badge"] for row in listed] == ["REAL", "SYNTHETIC", "ILLUSTRATIVE"]
    table = pd.read_csv(io.StringIO(files["01-table.csv"]))
    assert table["value"].tolist() == ["-1234.5", "\u2013"]
    assert table["place"].tolist() == ["a <b> & c", "d"]


def test_the_same_numbers_give_the_same_bytes(exhibits):
    stored = stored_exhibits(cells(exhibits))
    assert downloads.numbers_archive(stored) == downloads.numbers_archive(stored)
    with zipfile.ZipFile(io.BytesIO(downloads.numbers_archive(stored))) as packed:
        assert {entry.date_time for entry in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_a_printed_number_can_be_read_back(value, places):
    printed = f"{value:,.{places}f}"
    assert float(downloads.plain(printed.replace("-", "\u2212", 1))) == float(f"{value:.{places}f}")


@pytest.mark.parametrize(
    "text", ["1,2", "2016–2020", "12,34,5", "1.2.3", "3 %", "−", "", "<0.001", "0123,456"]
)
def test_what_is_not_a_number_stays_as_printed(text):
    assert downloads.plain(text) == text


def test_a_panel_is_offered_only_where_the_teaching_panel_is_used(tmp_path, exhibits):
    staged, html = tmp_path / "source", tmp_path / "html"
    for folder in (staged, html):
        folder.mkdir()
    for name, shown in (("facts", exhibits[:2]), ("taught", exhibits)):
        (staged / f"{name}.ipynb").write_text(json.dumps({"cells": cells(shown)}), encoding="utf-8")
        (html / f"{name}.html").write_text("<html></html>")
    (staged / "draft.ipynb").write_text(json.dumps({"cells": cells(exhibits)}), encoding="utf-8")
    offered = downloads.write_downloads(staged, html)
    assert {page: [kind for kind, _ in links] for page, links in offered.items()} == {
        "facts": ["notebook", "numbers"],
        "taught": ["notebook", "numbers", "panel"],
    }
    files = unpacked((html / downloads.PANEL_FILE).read_bytes())
    panel = pd.read_csv(io.StringIO(files["panel.csv"]), dtype={"county_code": str})
    pd.testing.assert_frame_equal(
        panel[["year", "cohort", "spending"]],
        ma.load_panel().frame[["year", "cohort", "spending"]],
        check_dtype=False,
    )
    columns = pd.read_csv(io.StringIO(files["columns.csv"]))
    assert columns["name"].tolist() == panel.columns.tolist()
    assert columns["definition"].notna().mean() > 0.9
