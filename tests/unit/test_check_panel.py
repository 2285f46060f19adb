"""The check of a reader's panel: what it finds, what it says, what it leaves alone."""

import pandas as pd

import medalliance as ma
from medalliance.panel import TEACHING_PANEL


def test_the_teaching_panel_has_no_error():
    report = ma.check_panel(TEACHING_PANEL)
    assert report.ok
    assert report.panel().n_units == 200


def test_a_doubled_row_is_an_error_in_the_words_of_the_rule():
    frame = pd.read_parquet(TEACHING_PANEL)
    report = ma.check_panel(pd.concat([frame, frame.iloc[[4]]]))
    assert not report.ok
    (found,) = report.errors
    assert found.code == "E101"
    assert found.text == (
        "County 910101, year 2016 appears 2 times; the panel needs one row per county and year."
    )
    assert found.rows == (5, 2401)
