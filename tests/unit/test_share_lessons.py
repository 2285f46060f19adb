"""The recipes of the chapter on shares."""

from __future__ import annotations

import pytest

from medalliance.chapters import share_lessons as lessons
from medalliance.provenance import Badge


def test_designs_hold_the_effects_that_the_specification_names():
    assert lessons.true_effect(lessons.two_period_case()) == pytest.approx(0.048010, abs=5e-7)
    errors = lessons._estimates().set_index(["design", "estimator"])["error"]
    assert abs(errors["two years", "fractional logit"]) < 1e-9
    assert errors["six years", "linear"] == pytest.approx(-0.024, abs=1.5e-3)


def test_exhibits_carry_the_badge_of_their_data():
    for make, badge in (
        (lessons.bias_table, Badge.ILLUSTRATIVE),
        (lessons.bias_sentence, Badge.ILLUSTRATIVE),
        (lessons.paths_figure, Badge.ILLUSTRATIVE),
        (lessons.parts_table, Badge.SYNTHETIC),
        (lessons.triangle_figure, Badge.SYNTHETIC),
        (lessons.identity_table, Badge.SYNTHETIC),
    ):
        assert make().badge is badge


def test_parts_table_sums_to_zero():
    last = lessons.parts_table().summary.iloc[-1]
    assert last.iloc[0] == "sum of the parts"
    assert float(last.iloc[1]) == float(last.iloc[3]) == 0
