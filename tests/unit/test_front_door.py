"""The front door: results shown, compared and said with the provenance that they carry."""

import inspect
import json

import docx
import numpy as np
import openpyxl
import pandas as pd
import pytest

import medalliance as ma
from medalliance.errors import DataError, DesignError
from medalliance.paths import data_dir
from medalliance.provenance import Badge, Provenance, mixed, provenance_of
from medalliance.settlement.ledger_file import read_ledger
from medalliance.show import plots
from medalliance.show.exhibits import RECORD
from medalliance.show.html import exhibit_html, sentence_html

OUTCOME = "primary_care_visit_share"
REAL = Provenance("REAL", "a yearbook", "CNY", ("data/a.csv",))
MADE_UP = Provenance("ILLUSTRATIVE", "an example", "USD")


@pytest.fixture(scope="module")
def panel():
    return ma.load_panel()


@pytest.fixture(scope="module")
def effects(panel):
    return ma.att_gt(panel, OUTCOME, anticipation=1)


def test_mixing_takes_the_weakest_badge_and_names_every_source():
    both = REAL | MADE_UP
    assert both == Provenance("ILLUSTRATIVE", "a yearbook; an example", "", ("data/a.csv",))
    assert REAL | REAL == REAL and (MADE_UP | REAL).badge is Badge.ILLUSTRATIVE
    assert mixed([None, REAL, "text"]) == REAL and mixed([]) is None
    assert provenance_of({"a": REAL, "b": MADE_UP}) == both


def test_a_frame_carries_its_provenance_through_choices_and_files(tmp_path):
    frame = REAL.carried_by(pd.DataFrame({"year": [2020, 2021], "x": [1.0, 2.0]}))
    chosen = frame[frame["x"] > 1].drop(columns="year").assign(y=3)
    assert provenance_of(chosen) == REAL
    assert provenance_of(pd.concat([frame, frame])) == REAL
    pytest.importorskip("pyarrow")
    frame.to_parquet(tmp_path / "x.parquet")
    assert provenance_of(pd.read_parquet(tmp_path / "x.parquet")) == REAL


def test_results_inherit_from_their_panel(panel, effects):
    by_event = effects.aggregate("event_time")
    for result in (effects, by_event, by_event.overall, ma.pretrend_test(effects)):
        assert result.provenance == panel.provenance
    mine = ma.Panel.from_frame(
        panel.frame, unit="county_code", year="year", cohort="cohort", source="my county"
    )
    shown = ma.show(ma.att_gt(mine, OUTCOME).overall, "Mine")
    assert shown.badge is Badge.YOURS and shown.source == "my county" and mine.truth is None


def test_the_truth_is_averaged_like_the_estimates(panel, effects):
    cells = effects.terms.merge(
        panel.truth.cells[panel.truth.cells["outcome"] == OUTCOME],
        on=["cohort", "year"],
        how="left",
    )
    assert np.array_equal(effects.truth, cells["att"], equal_nan=True)
    by_event = effects.aggregate("event_time")
    after = by_event.terms["event_time"].to_numpy(float) >= 0
    expected = panel.truth.by_event(OUTCOME).to_numpy()
    assert by_event.truth[after] == pytest.approx(expected, abs=1e-15)
    assert np.isnan(by_event.truth[~after]).all()
    headline = effects.aggregate("event_time", balance=4).overall
    assert headline.truth == pytest.approx([panel.truth.effect(OUTCOME, horizon=4)], abs=1e-15)
    assert effects.overall.truth == pytest.approx([panel.truth.effect(OUTCOME)], abs=1e-15)


def test_the_truth_of_a_part_of_the_panel_is_known_where_cells_are_whole(panel):
    early = panel.keep(panel.frame["year"] < 2020)
    assert early.truth.cells["year"].max() == 2019
    assert panel.keep(np.arange(len(panel.frame)) > 30).truth is None
    assert panel.with_columns(extra=1.0).truth is panel.truth
    assert panel.with_columns(visits_village=0.0).truth is None


def test_show_picks_picture_or_table_and_prints_what_stands_behind_it(panel, effects):
    drawn = ma.show(effects.aggregate("event_time"), "Visits by years since the reform")
    assert drawn.kind == "figure" and drawn.caption == "Visits by years since the reform"
    assert (drawn.badge, drawn.source) == (panel.badge, panel.source)
    assert drawn.foot == effects.design.foot() and "interval" in drawn.alt
    assert "true effect" in set(drawn.summary["series"])
    html = drawn._repr_html_()
    assert 'data-badge="SYNTHETIC"' in html and "20 clusters" in html
    assert ma.show(effects.overall).kind == "table"
    table = ma.show(effects.aggregate("event_time"), kind="table")
    assert table.kind == "table" and "Effect on" in table.caption and len(table.summary) == 15


def test_show_takes_axes_and_frames_with_what_they_were_made_from():
    frame = pd.DataFrame({"year": [2020, 2021], "share": [0.5, 0.6]})
    with pytest.raises(DataError, match=r"DataFrame does not know.*\n  Pass about="):
        ma.show(frame, "Shares")
    assert ma.show(frame, "Shares", about=REAL).badge is Badge.REAL
    known = REAL.carried_by(frame)
    mixed_table = ma.show(known, "Shares", about=MADE_UP)
    assert (
        mixed_table.badge is Badge.ILLUSTRATIVE and mixed_table.source == "a yearbook; an example"
    )
    drawn = ma.show(plots.lines(known, x="year", y="share"), "Shares")
    assert drawn.source == REAL.source and drawn.alt == ("Shares. share: 2 points from 0.5 to 0.6.")


def test_show_refuses_what_it_cannot_show():
    with pytest.raises(DataError, match="list cannot be shown"):
        ma.show([1, 2], "c", about=REAL)
    with pytest.raises(DataError, match="caption is empty"):
        ma.show(pd.DataFrame({"x": [1]}), about=REAL)
    with pytest.raises(DataError, match="kind='plot'"):
        ma.show(pd.DataFrame({"x": [1]}), "c", about=REAL, kind="plot")
    with pytest.raises(DataError, match="exhibit already"):
        ma.show(ma.show(pd.DataFrame({"x": [1]}), "c", about=REAL), "c")


def test_compare_sets_the_same_numbers_as_each_result(panel, effects, tmp_path):
    other = ma.did_imputation(panel, OUTCOME)
    found = ma.compare({"group-time": effects, "imputation": other}, "Two methods", horizon=4)
    for row, one in zip(found.frame.itertuples(), (effects, other), strict=True):
        alone = one.aggregate("event_time", balance=4).overall
        assert row.estimate == alone.estimate[0] and row.std_error == alone.std_error[0]
        assert row.truth == pytest.approx(panel.truth.effect(OUTCOME, horizon=4), abs=1e-15)
    html = found._repr_html_()
    assert html.count('data-badge="SYNTHETIC"') == 2 and "<img" in html
    assert r"\caption{Two methods}" in found.to_latex() and "imputation" in found.to_latex()
    sheet = openpyxl.load_workbook(found.to_excel(tmp_path / "a.xlsx")).worksheets[0]
    assert found.frame["estimate"][0] in {cell.value for row in sheet.rows for cell in row}
    document = docx.Document(str(found.to_word(tmp_path / "a.docx")))
    assert document.tables[0].rows[2].cells[0].text == "imputation"
    assert "teaching panel" in document.paragraphs[-1].text


def test_show_draws_a_dict_of_effects_side_by_side(panel, effects):
    drawn = ma.show({"a": effects, "b": ma.did_imputation(panel, OUTCOME)}, "Both")
    assert drawn.alt.startswith("Both. a: 15 points from -0.004451 to 0.07337; b: 8 points from")
    numbers = drawn.summary.set_index("event_time")
    by_event = effects.aggregate("event_time").to_frame(bands=False).set_index("event_time")
    assert {"a", "b"} <= set(numbers.columns)
    assert float(numbers.loc["3", "a"]) == pytest.approx(by_event.loc[3, "estimate"], abs=5e-5)
    with pytest.raises(DesignError, match=r"no estimates: b \(int\)"):
        ma.compare({"a": effects, "b": 3})
    with pytest.raises(DesignError, match="nothing to compare"):
        ma.compare({})


def test_say_keeps_template_and_numbers_apart(effects):
    headline = effects.overall
    said = ma.say("Over {n} years the share moves by {x:+.3f}.", n=4, x=headline)
    assert said.text == f"Over 4 years the share moves by {headline.estimate[0]:+.3f}."
    assert said.numbers == {"n": 4, "x": headline.estimate[0]} and "{x:+.3f}" in said.template
    assert (said.badge, said.source) == (effects.provenance.badge, effects.provenance.source)
    zh = ma.say("{n} 年。", n=np.int64(3), about=REAL, lang="zh")
    assert repr(zh) == "[REAL] 3 年。 来源：a yearbook" and type(zh.numbers["n"]) is int
    with pytest.raises(DataError, match="no number for y; no field for z"):
        ma.say("{y}", z=1, about=REAL)
    with pytest.raises(DataError, match="do not know where"):
        ma.say("{y}", y=1)


def test_settlements_and_equilibria_are_shown():
    ledger = read_ledger(data_dir() / "examples" / "ledger.csv", "CNY")
    rules = ma.load_rules("split_631")
    settlement = ma.settle(rules, ledger, progress=False)
    table = ma.show(settlement)
    assert table.kind == "table" and table.source.startswith(f"rules of {rules.name.en}")
    assert ma.show(settlement, "The flow", kind="figure").kind == "figure"
    real = REAL.carried_by(ledger)
    assert ma.settle(rules, real, progress=False).provenance == rules.provenance | REAL
    members = ma.Technology(
        members=[1, 4], saving=[4, 2], effort_cost=[4, 2], margin_pay=0.3, price=[6, 1],
        margin=[1, 0.2], inducement_cost=[1, 0.2], fund_share=0.7, sigma=4.0,
        baseline_spending=100.0,
    )  # fmt: skip
    found = ma.respond(ma.Contract(split=[0.6, 0.4], gain_share=0.5, budget=100.0), members)
    assert ma.show(found).badge is Badge.ILLUSTRATIVE
    assert ma.show(found, "Answers", kind="figure").alt == found.describe()


def test_the_room_is_called_like_the_function():
    import medalliance.show as room

    assert room is ma.show or room.show is ma.show
    assert room(pd.DataFrame({"x": [1]}), "c", about=REAL).kind == "table"
    assert list(inspect.signature(room).parameters)[:2] == ["value", "caption"]


def test_the_record_holds_everything_but_the_picture_as_json(effects):
    found = effects.aggregate("event_time")
    shown = [ma.show(found, "c"), ma.show(found, kind="table"), ma.say("{x:.2f}", x=found)]
    for one in shown:
        bundle = one._repr_mimebundle_()
        record = bundle[RECORD]
        assert json.loads(json.dumps(record, allow_nan=False)) == record
        assert record["made_by"] == f"medalliance.show.front.{'say' if one is shown[2] else 'show'}"
        assert "src/medalliance/teaching/panel.csv" in record["files"]
    assert exhibit_html(shown[1].record) == shown[1]._repr_html_()
    assert sentence_html(shown[2].record) == shown[2]._repr_html_()
    translated = {**shown[1].record, "caption": "年份", "lang": "zh"}
    assert "年份" in exhibit_html(translated) and "来源：" in exhibit_html(translated)
    assert found._repr_mimebundle_()[RECORD]["made_by"] == "medalliance.results._effects.Effects"
    pair = ma.compare({"a": effects, "b": effects})._repr_mimebundle_()[RECORD]
    assert [record["kind"] for record in pair] == ["table", "figure"]
