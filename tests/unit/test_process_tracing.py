"""Process tracing: odds multiply, doubts are shown, bad steps are named."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import medalliance as ma
from medalliance.embedding.process import load_process, odds_sensitivity, posterior_odds
from medalliance.paths import data_dir


def test_odds_multiply():
    assert posterior_odds(0.5, [4, 0.25, 3]) == pytest.approx(1.5)
    assert posterior_odds(2, []) == 2


@pytest.mark.parametrize(("prior", "ratios"), [(1, [2, 0]), (1, [np.nan]), (0, [2]), (1, [-1])])
def test_odds_need_positive_numbers(prior, ratios):
    with pytest.raises(ma.DataError, match="not above 0"):
        posterior_odds(prior, ratios)


def test_each_ratio_is_halved_doubled_and_left_out():
    found = odds_sensitivity([1.5, 4], prior_odds=2).set_index("piece")
    assert found.loc[0].tolist() == [12, 6, 24, 8]
    assert found.loc[1].tolist() == [12, 6, 24, 3]
    assert found.loc[-1].tolist() == [12, 3, 48, 2]


def test_steps_load_with_sources_in_order_of_date():
    steps = load_process()
    pengshui = steps[steps["case"] == "pengshui_chongqing"]
    assert pengshui["date"].is_monotonic_increasing
    assert pengshui["likelihood_ratio"].max() == 4
    assert steps["likelihood_ratio"].isna().any()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("atlantis,2018,a,b,S02,,,", "unknown case"),
        ("sanming_fujian,18,a,b,S02,,,", "date is not YYYY"),
        ("sanming_fujian,2018,,b,S02,,,", "step without actor"),
        ("sanming_fujian,2018,a,b,Z1,,,", "unknown source"),
        ("sanming_fujian,2018,a,b,S02,own,hoop,2", "unknown hypothesis"),
        ("sanming_fujian,2018,a,b,S02,primary_care_unit,guess,2", "unknown test"),
        ("sanming_fujian,2018,a,b,S02,primary_care_unit,hoop,0", "likelihood ratio is not above 0"),
        ("sanming_fujian,2018,a,b,S02,primary_care_unit,,2", "test is not complete"),
    ],
)
def test_bad_steps_are_named(tmp_path, row, said):
    folder = tmp_path / "coding"
    shutil.copytree(data_dir() / "coding", folder)
    path = folder / "process.csv"
    path.write_text(path.read_text(encoding="utf-8") + row + "\n", encoding="utf-8")
    with pytest.raises(ma.DataError, match=said):
        load_process(folder)
