"""The pay chapter: the registration before the results, weakness first, no typed number."""

import json
import re

import pytest
from numpy.testing import assert_allclose

from medalliance.chapters import pay_england as chapter
from medalliance.paths import PROJECT
from medalliance.registered.england_panel import PART_WORDS
from medalliance.registered.england_pay import LABELS, REGISTERED_PAY, registered_pay_text


@pytest.fixture(scope="module")
def cells():
    text = (PROJECT / "book" / "pay-england.ipynb").read_text(encoding="utf-8")
    return json.loads(text)["cells"]


def test_the_registration_stands_in_the_chapter_word_for_word(cells):
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert texts.count(registered_pay_text()) == 1


def test_the_registration_stands_before_every_estimate_but_the_opening(cells):
    sources = ["".join(cell["source"]) for cell in cells]
    place = sources.index(registered_pay_text())
    code = [cell["cell_type"] == "code" for cell in cells]
    early = [
        text
        for text, is_code in zip(sources[3:place], code[3:place], strict=True)
        if is_code and ("pay_table" in text or "compare" in text or "effects" in text)
    ]
    assert not early


def test_a_null_result_is_called_that_in_the_first_paragraph(cells):
    first = next(cell for cell in cells if cell["cell_type"] == "code")
    shown = "".join(first["outputs"][0]["data"]["text/html"])
    adjusted = chapter.load_pay_effects().set_index("outcome").loc[LABELS[chapter.MAIN]]
    assert ("null result" in shown) == (adjusted["p_adjusted"] >= chapter.LEVEL)
    assert "not the pay of a doctor" in shown


def test_no_number_of_a_result_is_typed(cells):
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and text != registered_pay_text():
            assert not re.search(r"\d+\.\d+|\d+ ?%", text), text


def test_every_exhibit_is_real(cells):
    shown = [
        "".join(output.get("data", {}).get("text/html", ""))
        for cell in cells
        for output in cell.get("outputs", [])
    ]
    badges = re.findall(r'data-badge="([A-Z]+)"', "".join(shown))
    assert set(badges) == {"REAL"} and len(badges) >= 15


def test_the_opening_needs_no_file_and_follows_the_numbers(monkeypatch, tmp_path):
    monkeypatch.setenv("MEDALLIANCE_ENGLAND_DIR", str(tmp_path))
    assert "null result" in chapter.opening().text
    kept = chapter.load_pay_effects()
    kept.loc[kept["outcome"] == LABELS[chapter.MAIN], "p_adjusted"] = 0.01
    monkeypatch.setattr(chapter, "load_pay_effects", lambda: kept)
    assert "null result" not in chapter.opening().text


def test_kept_rows_are_the_registered_ones_with_parts_that_add_up():
    kept = chapter.load_pay_effects()
    names = [LABELS[name] for name in REGISTERED_PAY.outcomes]
    assert kept["outcome"].tolist()[: len(names)] == names
    by = kept.set_index("outcome")["estimate"]
    whole = by["income without drugs, the sum of these"]
    assert_allclose(sum(by[word] for word in PART_WORDS.values()), whole, atol=1e-3)
    assert ((kept["conf_low"] <= kept["estimate"]) & (kept["estimate"] <= kept["conf_high"])).all()


def test_kept_rows_are_what_the_files_give(shared, monkeypatch):
    monkeypatch.setenv("MEDALLIANCE_ENGLAND_DIR", str(shared("england")))
    found, kept = chapter.kept_pay_effects(), chapter.load_pay_effects()
    assert kept["outcome"].tolist() == found["outcome"].tolist()
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        assert_allclose(kept[column], found[column], atol=2e-4, err_msg=column)
