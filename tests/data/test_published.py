import re

import pandas as pd
import pytest

import medalliance as ma
from medalliance.codebook import load_codebook
from medalliance.evidence import STRONG_GRADES
from medalliance.paths import data_dir
from medalliance.provenance import Badge

EVIDENCE = ma.load_evidence()
BOOK = load_codebook()
FRAMES = {
    name: frame
    for name, frame in vars(EVIDENCE).items()
    if isinstance(frame, pd.DataFrame) and name != "sources"
}


def test_everything_loads_with_its_badge():
    assert EVIDENCE.badge is Badge.REAL
    sizes = {name: len(frame) for name, frame in FRAMES.items()}
    assert sizes["statistics"] > 1300
    assert sizes["cases"] > 340
    assert sizes["effects"] >= 60


@pytest.mark.parametrize("name", FRAMES)
def test_every_row_has_a_source_and_a_grade(name):
    frame = FRAMES[name]
    if name == "terms":
        assert frame["source_id"].isna().equals(frame["standing"] == "ours")
        frame = frame.dropna(subset="source_id")
    assert frame["source_id"].isin(EVIDENCE.sources["source_id"]).all()
    assert frame["grade"].isin(BOOK.grades).all()


def test_every_source_is_used():
    used = set().union(*(set(frame["source_id"]) for frame in FRAMES.values()))
    for path in sorted((data_dir() / "reforms").glob("*.yaml")):
        used |= set(re.findall(r"\b[A-Z][A-Z0-9_a-z]*\d\w*\b", path.read_text(encoding="utf-8")))
    unused = sorted(set(EVIDENCE.sources["source_id"]) - used)
    assert unused == []


@pytest.mark.parametrize("name", ["statistics", "cases"])
def test_units_agree_with_the_codebook(name):
    for variable, unit in FRAMES[name][["variable", "unit"]].drop_duplicates().itertuples(False):
        assert BOOK.variables[variable].unit == unit


def test_shares_are_fractions_and_money_is_whole():
    shares = EVIDENCE.statistics.query("unit == 'share'")["value"]
    assert shares.between(0, 1.5).all()
    revenue = EVIDENCE.statistics.query("variable == 'residents_fund_revenue' and year == 2021")
    national = revenue[revenue["level"] == "national"]["value"].item()
    assert national == 972_448_000_000  # 9724.48 in units of 100 million yuan


def test_homonyms_are_kept_apart():
    slugs = set(EVIDENCE.cases["case_slug"]) | set(EVIDENCE.case_design["case_slug"])
    assert {"qianjiang_chongqing", "qianjiang_hubei", "deqing_zhejiang"} <= slugs
    assert "qianjiang" not in slugs
    assert "deqing" not in slugs


def test_what_is_not_a_number_has_a_direction_or_a_remark():
    empty = EVIDENCE.cases[EVIDENCE.cases["value"].isna()]
    assert (empty["direction"].notna() & empty["remark"].notna()).all()
    silent = EVIDENCE.effects[EVIDENCE.effects["estimate"].isna()]
    assert silent["remark"].notna().all()


def test_clauses_are_quotations_with_a_document_and_a_depth():
    clauses = EVIDENCE.clauses
    assert set(clauses["clause"]) == set(range(1, 16))
    assert clauses.groupby("clause")["topic"].nunique().eq(1).all()
    assert (clauses["depth"].isin(["whole", "article"]) | clauses["quoted_by"].eq("typed")).all()
    printed = clauses.set_index("quotation")["printed"]
    assert printed["处骗取金额2倍以上5倍以下的罚款"].unique().tolist() == ["2 to 5 times"]


def test_intervals_hold_their_estimates():
    shown = EVIDENCE.effects.dropna(subset=["conf_low", "conf_high"])
    assert (shown["conf_low"] < shown["estimate"]).all()
    assert (shown["estimate"] < shown["conf_high"]).all()
    outside_zero = (shown["conf_low"] > 0) | (shown["conf_high"] < 0)
    assert (outside_zero == (shown["significance"] == "significant")).all()


def test_source_line_shows_weak_grades():
    weak = EVIDENCE.sources[~EVIDENCE.sources["grade"].isin(STRONG_GRADES)].iloc[0]
    line = EVIDENCE.source_line("S01", weak["source_id"])
    assert BOOK.grades[weak["grade"]]["en"] in line
    with pytest.raises(ma.DataError, match="unknown source nobody"):
        EVIDENCE.source_line("nobody")
