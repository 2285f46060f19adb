"""Embedding chapters: blanks stay open, no order is printed, a new case is picked up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.chapters import budget_units, embedding_chapter, process_tracing
from medalliance.paths import PACKAGE, PROJECT
from medalliance.show.plots import timeline, xy_plot


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.mark.parametrize(
    "build",
    [
        embedding_chapter.evidence_sentence,
        embedding_chapter.grid_table,
        embedding_chapter.grid_map,
        embedding_chapter.reliability_table,
        embedding_chapter.decisions_table,
        embedding_chapter.index_table,
        process_tracing.timeline_figure,
        process_tracing.steps_table,
        budget_units.contract_table,
        budget_units.code_map,
        budget_units.effects_table,
        budget_units.pengshui_figure,
        budget_units.revenue_figure,
    ],
)
def test_facts_are_real_with_a_source(build):
    exhibit = build()
    assert exhibit.badge == "REAL"
    assert exhibit.source


@pytest.mark.parametrize("name", ["primary_care_unit", "hospital_led_package"])
def test_judged_weights_are_illustrative(name):
    assert process_tracing.odds_table(name).badge == "ILLUSTRATIVE"
    assert process_tracing.odds_sentence(name).badge == "ILLUSTRATIVE"
    told = repr(process_tracing.odds_table(name)) + process_tracing.odds_sentence(name).text
    assert not [place for place in ma.load_coding().names.values() if place in told]


def test_blank_cells_are_blank_in_the_map():
    shown = embedding_chapter.grid_map().summary.set_index("case")
    assert shown.loc["Tianchang"].ne("").sum() == 1
    assert shown.loc["Qianjiang", "Social structure: resources"] == "2"


def test_no_order_is_printed_that_weights_could_turn():
    frame = embedding_chapter.index_frame()
    assert not frame["decided"].any()
    assert frame["case"].is_monotonic_increasing
    assert "prints no order" in embedding_chapter.ranking_sentence().text


def test_pengshui_effect_is_the_published_one():
    text = budget_units.pengshui_sentence().text
    assert "+14.92 percentage points" in text
    assert "(6.59 to 23.24)" in text


def test_decisions_show_every_sheet():
    shown = embedding_chapter.decisions_table().summary
    assert len(shown) == len(ma.load_coding().decisions)
    row = shown[(shown["case"] == "Qianjiang") & shown["indicator"].str.startswith("A surplus")]
    assert row[["sheet A", "sheet B", "stands"]].to_numpy().tolist() == [["2", "1", "1"]]


def test_timeline_pushes_equal_dates_apart():
    frame = pd.DataFrame({"case": ["x", "x", "y"], "year": [2018.0, 2018.0, 2019.0]})
    marks = timeline(frame, row="case", when="year").collections[-1].get_offsets()
    assert len({tuple(point) for point in np.asarray(marks)}) == 3


def test_xy_plot_names_contradicting_cases():
    ax = xy_plot(np.array([0.9, 0.8, 0.1]), np.array([0.95, 0.2, 0.3]), labels=("a", "b", "c"))
    assert [text.get_text() for text in ax.texts] == ["b"]


_NEW = """
import medalliance as ma
from medalliance.__main__ import main
from medalliance.paths import PROJECT
from medalliance.chapters import contract_anatomy, embedding_chapter, process_tracing
slug = "newtown_hunan"
assert main(["new", "case", slug, "--folder", str(PROJECT)]) == 0
path = PROJECT / "data" / "reforms" / f"{slug}.yaml"
lines = path.read_text(encoding="utf-8").splitlines()
at = next(i for i, line in enumerate(lines) if line.startswith("  payment_model:"))
lines[at + 1] = "    - {value: a package, status: documented, source: R31, valid_from: 2021}"
path.write_text("\\n".join(lines) + "\\n", encoding="utf-8")
with (PROJECT / "data" / "coding" / "coder_a.csv").open("a", encoding="utf-8") as sheet:
    sheet.write(f"{slug},budget_rule,2,2021,a package,R31,a\\n")
with (PROJECT / "data" / "coding" / "process.csv").open("a", encoding="utf-8") as sheet:
    sheet.write(f"{slug},2021,county,pays a package,R31,,,\\n")
grid = embedding_chapter.grid_map().summary.set_index("case")
assert grid.loc["Newtown", "Institution: resources"] == "2", grid
told = repr(contract_anatomy.anatomy_table(("payment_model",), caption="x"))
assert "Newtown" in told and "a package" in told
assert "Newtown" in set(process_tracing.timeline_figure().summary["case"])
assert "Newtown" in set(embedding_chapter.index_frame()["case"])
page = ma.case_page(slug)
assert "a package" in repr(page.embedding()) and "pays a package" in repr(page.steps())
assert "a package" in repr(page.contract()) and "R31" in repr(page.sources())
assert (PROJECT / "book" / "cases" / f"{slug}.ipynb").is_file()
assert f"- file: cases/{slug}" in (PROJECT / "book" / "_toc.yml").read_text(encoding="utf-8")
print("picked up")
"""


def test_a_new_case_is_one_rule_file_and_one_row(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "src" / "medalliance")
    shutil.copytree(PROJECT / "data", tmp_path / "data")
    (tmp_path / "book" / "cases").mkdir(parents=True)
    shutil.copy(PROJECT / "book" / "_toc.yml", tmp_path / "book" / "_toc.yml")
    where = {**os.environ, "PYTHONPATH": str(tmp_path / "src"), "MPLBACKEND": "agg"}
    ran = subprocess.run(
        [sys.executable, "-c", _NEW], env=where, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "picked up" in ran.stdout
