"""R's words for averages name the same averages as ours."""

import pandas as pd
import pytest

import medalliance as ma


@pytest.fixture(scope="module")
def effects():
    return ma.att_gt(ma.load_panel(), "primary_care_visit_share")


@pytest.mark.parametrize(
    ("theirs", "ours"), [("dynamic", "event_time"), ("group", "cohort"), ("calendar", "year")]
)
def test_words_of_r_average_alike(effects, theirs, ours):
    pd.testing.assert_frame_equal(
        effects.aggregate(theirs).to_frame(bands=False),
        effects.aggregate(ours).to_frame(bands=False),
    )
    if theirs == "dynamic":
        kept = effects.aggregate("dynamic", balance=1)
        pd.testing.assert_frame_equal(kept.terms, effects.aggregate(ours, balance=1).terms)
        pd.testing.assert_frame_equal(kept.aggregate("dynamic").terms, kept.terms)


def test_an_unknown_word_is_told_every_word(effects):
    words = "simple, event_time, cohort, year, dynamic, group, calendar"
    for asked in (effects, effects.aggregate("cohort")):
        with pytest.raises(ma.DesignError, match=f"'calender' is not known.\n.*{words}"):
            asked.aggregate("calender")
