"""The book's stored results on the Lipset data are what the data give."""

from __future__ import annotations

import pandas as pd
import pytest

from medalliance.chapters import method_example


@pytest.mark.parametrize("name", ["solutions", "necessity", "robustness"])
def test_stored_results_are_the_computed_ones(shared, name):
    shared("oracles/lipset_fuzzy.csv")
    computed = method_example.method_results()[name]
    stored = method_example._stored(name)
    pd.testing.assert_frame_equal(stored, computed, check_dtype=False, atol=1e-9)


def test_picture_is_replaced_by_a_sentence_where_the_data_are_not(monkeypatch, tmp_path):
    method_example._read.cache_clear()
    monkeypatch.setenv("MEDALLIANCE_SHARED", str(tmp_path))
    assert "not part of this project" in method_example.membership_figure().text
    method_example._read.cache_clear()


def test_published_fit_figures_are_shown():
    stored = method_example._stored("solutions").set_index(["kind", "term"])
    row = stored.loc[("conservative", "(model)")]
    assert row[["inclusion", "pri", "coverage"]].round(3).tolist() == [0.870, 0.843, 0.658]
    row = stored.loc[("parsimonious", "(model)")]
    assert row[["inclusion", "pri", "coverage"]].round(3).tolist() == [0.850, 0.819, 0.714]
    need = method_example._stored("necessity").set_index("condition").loc["STB"]
    assert need.round(3).tolist() == [0.920, 0.707, 0.680]
