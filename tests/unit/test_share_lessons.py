"""The made-up designs of the chapter on shares hold the effects that they were given."""

from __future__ import annotations

import pytest

import medalliance as ma
from medalliance.chapters import share_lessons as lessons
from medalliance.provenance import Badge


def test_designs_hold_the_effects_that_the_specification_names():
    two, six = lessons.two_period_case(), lessons.many_period_case()
    assert lessons.true_effect(two) == pytest.approx(0.048010, abs=5e-7)
    fit = ma.etwfe(two, "share", family="logit").overall
    assert fit.truth[0] == pytest.approx(0.048010, abs=5e-7)
    assert float(fit) == pytest.approx(fit.truth[0], abs=1e-9)
    linear = ma.etwfe(six, "share").overall
    assert float(linear) - linear.truth[0] == pytest.approx(-0.024, abs=1.5e-3)


def test_pictures_know_their_data():
    panel = ma.load_panel()
    paths = ma.show(lessons.draw_paths(lessons.many_period_case()), "Paths.")
    assert paths.badge is Badge.ILLUSTRATIVE
    assert ma.show(lessons.draw_groups(panel), "Groups.").badge is Badge.SYNTHETIC
