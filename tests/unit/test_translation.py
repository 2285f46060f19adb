"""The second language of exhibits: numbers taken out and put back, records translated whole."""

import string

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import medalliance as ma
from medalliance.errors import DataError
from medalliance.provenance import Provenance
from medalliance.show import pictures
from medalliance.show.html import exhibit_html
from medalliance.show.translation import (
    EDITIONS,
    PICTURE,
    Catalogue,
    abstracted,
    filled,
    gaps,
    messages,
    needs_translation,
    read_messages,
)

ABOUT = Provenance("REAL", "a yearbook of 2019")


@given(st.text(alphabet=string.printable + "中，。{}0123456789", max_size=60))
def test_numbers_taken_out_come_back(text):
    message, numbers = abstracted(text)
    assert filled(message, numbers) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,234 of 2,800 counties", "{0} of {1} counties"),
        ("2013-2022, a 95 % interval", "{0}-{1}, a {2} % interval"),
        ("from −0.05 to +0.3", "from {0} to {1}"),
        ("R12 and n2 stay", "R12 and n2 stay"),
        ("data bcbdae449875 of 240", "data {0} of {1}"),
        ("inputs 0da7a4a88e4e0b97, p = 1.7e-31", "inputs {0}, p = {1}"),
        ("a {brace} of 3", "a {{brace}} of {0}"),
    ],
)
def test_messages_hold_no_number(text, message):
    assert abstracted(text)[0] == message
    assert filled(*abstracted(text)) == text


def test_a_translation_orders_and_converts_its_numbers():
    assert filled("{1}个县中的{0}个", ("3", "10")) == "10个县中的3个"
    assert filled("{0*100}万元", ("−1,234.5",)) == "-123,450万元"
    assert gaps("{0*100}万元，{n:.1f}，{x.y}") == {"0", "n", "x"}


@pytest.mark.parametrize(
    ("text", "needed"),
    [("12 %", False), ("p = .05", False), ("county", True),
     ("三明 (Sanming)", True), ("Sanming county (三明)", True), ("DRG/DIP 衔接", False),
     ("三明市将DRG用于县域医共体的结算办法", False), (None, False), ("R12", False)],
)  # fmt: skip
def test_what_needs_translation(text, needed):
    assert needs_translation(text) is needed


def exhibit():
    frame = pd.DataFrame({"county": ["Youxi", "尤溪"], "surplus": [0.5, 1.25]})
    return ma.show(frame, "Surplus in 2 counties", about=ABOUT, foot="Read 3 texts; 1 was lost.")


def test_a_record_is_translated_whole_or_refused():
    record = exhibit().record
    known = dict.fromkeys(messages(record), "译{0}")
    known |= {"Surplus in {0} counties": "{0}个县的结余", "Youxi": "尤溪", "county": "县"}
    known |= {"Read {0} texts": "读了{0}份文件", "{0} was lost.": "{0}份遗失。"}
    known |= {"a yearbook of {0}": "{0}年年鉴", "surplus": "结余"}
    made = Catalogue(known).record(record)
    assert made["caption"] == "2个县的结余"
    assert made["foot"] == "读了3份文件；1份遗失。"
    assert made["columns"][0]["printed"] == ["尤溪", "尤溪"]
    assert made["columns"][1]["printed"] == record["columns"][1]["printed"]
    html = exhibit_html(made)
    assert "实际数据" in html and "来源：2019年年鉴" in html and "REAL<" not in html
    del known["Youxi"]
    with pytest.raises(DataError, match=r"1 messages have no Chinese(.|\n)*'Youxi'(.|\n)*make"):
        Catalogue(known).record(record)


def test_a_sentence_keeps_its_numbers_and_translates_its_words():
    said = ma.say("{share:.1%} of visits {move}.", share=0.5234, move="rose", about=ABOUT)
    assert set(messages(said.record)) == {
        "{share:.1%} of visits {move}.", "rose", "a yearbook of {0}"
    }  # fmt: skip
    money = ma.say("{n:.1f} million yuan", n=1.5, about=ABOUT)
    wan = {"{n:.1f} million yuan": "{n*100:,.0f}万元", "a yearbook of {0}": "{0}年年鉴"}
    assert Catalogue(wan).record(money.record)["text"] == "150万元"
    known = {
        "{share:.1%} of visits {move}.": "就诊的{share:.0%}{move}。",
        "rose": "上升",
        "a yearbook of {0}": "{0}年年鉴",
    }
    made = Catalogue(known).record(said.record)
    assert made["text"] == "就诊的52%上升。"
    assert made["numbers"] == said.record["numbers"]


def test_a_picture_is_drawn_again_where_all_its_words_are_known(monkeypatch):
    from medalliance.show import plots

    frame = pd.DataFrame({"year": [1, 2, 3], "share": [0.1, 0.2, 0.3]})

    def drawn():
        ax = plots.lines(frame, x="year", y="share")
        ax.set_ylabel("share of visits")
        return ma.show(ax, "Three years", about=ABOUT, alt="It rises.")

    words = drawn().record["words"]
    assert "share of visits" in words
    monkeypatch.setenv(EDITIONS, "zh")
    monkeypatch.setattr(pictures, "load_catalogue", lambda: Catalogue({}))
    assert PICTURE not in drawn().pictures
    known = Catalogue(dict.fromkeys(words, "就诊份额"))
    monkeypatch.setattr(pictures, "load_catalogue", lambda: known)
    both = drawn()
    assert both.pictures[PICTURE][:4] == b"\x89PNG"
    assert both.pictures[PICTURE] != both.png


def test_fuzzy_and_empty_messages_do_not_count(tmp_path):
    path = tmp_path / "words.po"
    path.write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "surplus"\nmsgstr "结余"\n\n#, fuzzy\nmsgid "pay"\nmsgstr "结余"\n\n'
        'msgid "visits"\nmsgstr ""\n',
        encoding="utf-8",
    )
    assert read_messages(path) == {"surplus": "结余"}
    assert read_messages(tmp_path / "none.po") == {}
