"""The report of a check: the teaching panel, the text, the page, what it leaves alone."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from unit.test_check_rules import clean

import medalliance as ma
from medalliance.intake import check_panel
from medalliance.panel import TEACHING_PANEL


@pytest.fixture(scope="module")
def broken():
    frame = clean().rename(columns={"budget": "总额预算（万元）"})
    frame["<b>注&记</b>"] = "x"
    return check_panel(pd.concat([frame, frame.iloc[[4]]]))


def test_the_teaching_panel_has_neither_error_nor_warning():
    report = ma.check_panel(TEACHING_PANEL)
    assert report.ok and report.warnings == ()
    assert report.panel().n_units == report.frame["county_code"].nunique()


def test_a_frame_is_left_as_it_was():
    frame = clean().sample(frac=1, random_state=1)
    before = frame.copy(deep=True)
    ma.check_panel(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_the_text_holds_every_problem_and_reading(broken):
    text = " ".join(broken.text().split())
    assert text.startswith("table: 241 rows, 17 columns, 24 counties, 2012 to 2021 1 error,")
    for found in broken.problems:
        assert found.code in text and " ".join(found.text.split()) in text
    for reading in broken.readings:
        assert reading.text in text
    assert max(map(len, broken.text().splitlines())) <= 92


def test_the_page_is_one_file_that_asks_for_nothing(broken):
    page = broken.to_html()
    assert page.startswith("<!doctype html>") and 'lang="en"' in page
    assert not re.search(r"<(script|link|img|iframe)|https?:|url\(|@import", page)
    assert "&lt;b&gt;注&amp;记&lt;/b&gt;" in page and "<b>注" not in page
    assert "E101" in page and "prefers-color-scheme:dark" in page
    assert 'data-badge="YOURS"' in broken._repr_html_()


def test_needs_name_the_columns_that_are_missing(broken):
    needs = {need.outcome: need for need in broken.needs}
    assert needs["personnel_share"].missing == ("personnel_spending", "revenue")
    assert not needs["personnel_share"].available
    assert needs["log_spending_per_insured"].coverage == 1
    frame = broken.need_frame()
    assert set(frame["outcome"]) == set(needs)
    assert "pay_H_*, fte_H_*" in " ".join(broken.text().split())


def test_problems_as_a_table(broken):
    frame = broken.problem_frame()
    assert list(frame["severity"]) == sorted(
        frame["severity"], key=["error", "warning", "note"].index
    )
    row = frame[frame["code"] == "E101"].iloc[0]
    assert (row["rows"], row["count"]) == ("5, 241", 1)


def test_rules_without_a_cohort_are_checked_all_the_same():
    frame = clean().drop(columns="cohort")
    frame.loc[3, "out_of_county_spending"] = 2.5e8
    codes = [found.code for found in ma.check_panel(frame).problems]
    assert codes == ["E105", "E114"]
    dates = clean()["cohort"].map({0: "0", 2016: "2015-07-01", 2017: "2016-07-01"})
    report = ma.check_panel(clean().assign(cohort=dates))
    assert [found.code for found in report.problems] == ["E115"]
