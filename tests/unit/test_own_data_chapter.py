"""The messy example: what is wrong with it is found, and its mapping gives the panel back."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest

from medalliance.chapters import own_data
from medalliance.chapters.example_claims import (
    EVERY_BACK,
    EVERY_TWICE,
    example_claims,
    known_visits,
    panel_of_claims,
)
from medalliance.chapters.messy_file import EACH, MAPPING, MESSY, YEARS, messy_text
from medalliance.intake import check_panel
from medalliance.panel import load_mapping, load_panel, teaching_frame
from medalliance.provenance import Badge


@pytest.fixture(scope="module")
def first():
    return check_panel(MESSY)


@pytest.fixture(scope="module")
def mended():
    return check_panel(MESSY, MAPPING)


def test_the_file_is_what_its_recipe_writes():
    assert MESSY.read_bytes() == messy_text().encode("gb18030")
    assert "虚构" in messy_text().splitlines()[0]


def test_every_trouble_that_was_put_in_is_found(first):
    codes = [found.code for found in first.problems]
    assert sorted(codes) == ["E113", "E114", "E115", "E116", "E120", "E124", "E125", "E125"]
    said = " ".join(reading.text for reading in first.readings)
    for words in (
        "GB18030",
        "line 2 was read as the header",
        "thousands separators",
        "full-width signs",
        "'—' read as missing in 2 cells",
        "a zero in front was lost",
    ):
        assert words in said


def test_the_mapping_gives_the_panel_back(mended):
    assert mended.ok, mended.text()
    whole = teaching_frame()
    place = whole.groupby("prefecture_code")["county_code"].rank("dense")
    codes = sorted(whole["prefecture_code"].unique())[:7]
    kept = whole["prefecture_code"].isin(codes) & (place <= EACH) & whole["year"].isin(YEARS)
    theirs = whole[kept].reset_index(drop=True)
    ours = mended.frame.sort_values(["county_name", "year"]).reset_index(drop=True)
    assert list(ours["cohort"]) == list(theirs["cohort"])
    for name in ("budget", "spending", "notional_budget", "out_of_county_spending"):
        np.testing.assert_array_equal(ours[name], theirs[name].round(2))  # whole fen
    for name in ("insured_n", "visits_village", "visits_township", "visits_county"):
        np.testing.assert_array_equal(ours[name], theirs[name])
    np.testing.assert_allclose(ours["rural_share"], theirs["rural_share"], atol=5e-5)
    assert set(ours["county_code"].str.len()) == {6} and ours["county_code"].nunique() == 35
    loaded = load_panel(MESSY, mapping=MAPPING)
    assert loaded.data_hash == mended.panel().data_hash


def test_nothing_writes_to_the_file(first, mended):
    before = hashlib.sha256(MESSY.read_bytes()).hexdigest()
    check_panel(MESSY)
    assert hashlib.sha256(MESSY.read_bytes()).hexdigest() == before


def test_tables_of_the_chapter_say_what_they_are_of(first, mended):
    assert own_data.MADE_UP.badge == own_data.CLAIMS.badge == Badge.SYNTHETIC
    assert own_data.example_panel(mended).badge == Badge.SYNTHETIC
    assert len(own_data.problems(first)) == len(first.problems)
    assert len(own_data.readings(first, "zero in front")) >= 1
    plan = load_mapping(MAPPING)
    assert len(own_data.mapping_lines(plan)) == len(plan.columns) + len(plan.crosswalk)
    assert own_data.raw_cells().shape == (5, 6) and len(own_data.needs(mended)) == 3


def test_claims_give_the_visits_that_they_were_made_from():
    pytest.importorskip("ibis")
    claims = panel_of_claims()
    visits = known_visits()
    total = int(visits.filter(like="visits_").to_numpy().sum())
    assert claims.duplicates == -(-total // EVERY_TWICE)
    assert claims.cancelled == claims.reversals == -(-total // EVERY_BACK)
    assert claims.rows == len(example_claims())
    pd.testing.assert_frame_equal(claims.frame[list(visits.columns)], visits, check_dtype=False)
    assert (own_data.beside_claims(claims)["visits that differ"] == 0).all()
