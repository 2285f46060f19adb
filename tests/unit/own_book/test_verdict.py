"""The verdict: right against known truth, in two languages and three formats, alone and first."""

import io
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from medalliance.__main__ import main
from medalliance.evidence.grade import Grade
from medalliance.panel import load_panel
from medalliance.press.own_book import build as building
from medalliance.press.own_book.verdict_page import WORDS, parts_of, sure_of, verdict_files
from medalliance.registered.verdict import QUESTIONS, verdict, with_money
from medalliance.simulate import simulate_panel


@pytest.fixture(scope="module")
def drawn():
    return simulate_panel(60, 9, seed=8, rules="split_631", channels=False)


@pytest.fixture(scope="module")
def found(drawn):
    return verdict(drawn.panel)


def test_each_question_is_answered_near_the_truth(drawn, found):
    assert [answer.question for answer in found.answers] == list(QUESTIONS)
    for answer in found.answers:
        assert answer.low < answer.estimate < answer.high
        if answer.question != "money":
            right = drawn.by_event(answer.outcome).loc[0 : answer.horizon].mean()
            right = 100 * (np.expm1(right) if answer.question == "pay" else right)
            assert abs(answer.estimate - right) < answer.high - answer.low


def test_the_grade_and_the_checks_stand_beside_each_number(found):
    for lang in ("en", "zh"):
        for answer in found.answers:
            said = sure_of(answer, WORDS[lang], lang)
            assert answer.grade.label(lang) in said
            assert f"{answer.pretrend:.2f}" in said or "< 0.01" in said
        kinds = [part.kind for part in parts_of(found, lang)]
        assert kinds.count("quote") == 1 and kinds.count("table") == len(found.answers)
    assert found.n_clusters < 40 and all(a.grade == Grade.WEAK for a in found.answers)


def test_words_follow_the_interval(found):
    answer = found.answers[1]
    words = WORDS["en"]
    said = {
        "rose by 3.0 points": replace(answer, estimate=3.0, low=1.0, high=5.0),
        "fell by 3.0 points": replace(answer, estimate=-3.0, low=-5.0, high=-1.0),
        "no clear change": replace(answer, estimate=3.0, low=-1.0, high=7.0),
        "too few clusters": replace(answer, low=np.nan, high=np.nan),
    }
    for words_of, one in said.items():
        parts = parts_of(replace(found, answers=(one,)), "en")
        assert words_of in next(part.text for part in parts if part.kind == "say")
    assert words["break_zero"] in sure_of(said["no clear change"], words, "en")


def test_both_languages_have_the_same_words_with_the_same_numbers():
    assert set(WORDS["en"]) == set(WORDS["zh"])
    for name, text in WORDS["en"].items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", WORDS["zh"][name]))


def test_three_formats_hold_the_same_sentences(found):
    files = verdict_files(found, "zh")
    page = files["verdict.html"].decode()
    with zipfile.ZipFile(io.BytesIO(files["verdict.docx"])) as packed:
        text = re.sub(r"<[^>]+>", "", packed.read("word/document.xml").decode())
    for part in parts_of(found, "zh"):
        if part.kind in ("say", "quote"):
            assert part.text in page and part.text in text
    assert files["verdict.pdf"].startswith(b"%PDF") and 'data-badge="' in page
    assert verdict_files(found, "zh") == files


def test_what_a_table_cannot_answer_is_said(drawn):
    frame = drawn.panel.frame
    kept = ["county_code", "year", "cohort", "spending", "insured_n"]
    found = verdict(load_panel(frame[kept]))
    assert [answer.outcome for answer in found.answers] == ["spending_per_insured_yuan"]
    assert set(found.refused) == {"visits", "pay"}
    assert "Not answered" in " ".join(part.text for part in parts_of(found, "en"))
    money = with_money(load_panel(frame[[*kept, "notional_budget"]])).frame
    right = (frame["notional_budget"] - frame["spending"]) / frame["insured_n"]
    np.testing.assert_allclose(money["surplus_per_insured_yuan"], right)


def test_the_verdict_stands_alone_and_a_failure_costs_itself(drawn, tmp_path, capsys, monkeypatch):
    drawn.panel.frame.to_csv(tmp_path / "p.csv", index=False)
    given = ["build", "--data", str(tmp_path / "p.csv"), "-o", str(tmp_path / "b"), "--verdict"]
    assert main([*given, "--lang", "zh"]) == 0
    assert "改革" in (tmp_path / "b" / "verdict.html").read_text(encoding="utf-8")
    assert sorted(p.suffix for p in (tmp_path / "b").glob("verdict.*")) == [
        ".docx", ".html", ".pdf",
    ]  # fmt: skip

    def broken(panel):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(building, "verdict", broken)
    assert main(given) == 4
    assert "a bug" in capsys.readouterr().err
    assert main([*given, "--lang", "fr"]) == 2
