"""Case pages: every exhibit says where it comes from, blanks are blanks, examples name nobody."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

import medalliance as ma
from medalliance.__main__ import main
from medalliance.chapters import pilot_counties
from medalliance.chapters.example_county import (
    BUDGET_YUAN,
    EXCESS_YUAN,
    SAVING_YUAN,
    example_rules,
    settle_example,
)
from medalliance.paths import book_dir
from medalliance.press.case_template import SECTIONS, case_notebook_text, case_rules_text
from medalliance.press.notebooks import read_cells
from medalliance.press.records import stored_exhibits
from medalliance.reforms import core_fields, read_rules


@pytest.mark.parametrize("name", ["youxi_fujian", "suixi_anhui", "guangyuan_sichuan", "maryland"])
def test_every_exhibit_of_a_page_carries_badge_and_source(name):
    page = ma.case_page(name)
    for build in (page.summary, page.contract, page.timeline, page.picture, page.figures,
                  page.effects, page.missing, page.sources):  # fmt: skip
        exhibit = build()
        assert exhibit.badge == "REAL"
        assert exhibit.source


def test_contract_prints_every_blank_once():
    printed = ma.case_page("suixi_anhui").contract().summary
    assert len(printed) == len(core_fields())
    assert set(printed["rule"]) == {"not in what was read"}


def test_contract_keeps_dates_and_colours():
    html = ma.case_page("qianjiang_chongqing").contract()._repr_html_()
    assert "2007 to 2009" in html
    assert "rgba(1,115,178" in html


def test_a_rule_that_ended_is_followed_by_its_blank():
    printed = ma.case_page("qianjiang_chongqing").contract().summary
    rows = printed[printed["part"] == "Payment model"]
    assert rows["rule"].tolist()[1:] == ["not in what was read"]
    assert rows["dates"].tolist() == ["2007 to 2009", "from 2010"]


def test_every_published_rule_is_in_a_rule_file():
    reforms, unread = ma.load_reforms(), {"R42"}  # a document known by its title alone
    same = {"guiyang_guizhou": "guizhou"}
    beside = {("luohu_guangdong", "R31"), ("youxi_fujian", "R31")}  # said in a remark
    for row in ma.load_evidence().contract_rules.itertuples():
        name = same.get(row.case_slug, row.case_slug)
        used = {v.source for values in reforms[name].parameters.values() for v in values}
        known = row.source_id in used | unread or (name, row.source_id) in beside
        assert known, (name, row.field, row.source_id)


def test_picture_pairs_before_with_after():
    drawn = ma.case_page("youxi_fujian").picture().summary
    assert drawn.loc[0, ["before", "after"]].tolist() == ["0.508", "0.685"]
    later = ma.case_page("luohu_guangdong").picture().summary
    assert later.loc[0, ["before", "after"]].tolist() == ["0.399", "0.624"]


def test_figures_stand_as_printed():
    text = repr(ma.case_page("youxi_fujian").figures())
    assert "2.84 %" in text
    assert "S01" in text


def test_effects_are_never_pooled():
    maryland = ma.case_page("maryland").effects().summary
    effects = ma.load_evidence().effects
    assert (
        len(maryland) == effects["study_slug"].isin(["maryland_tcoc", "maryland_all_payer"]).sum()
    )


def test_missing_counts_terms():
    assert ma.case_page("suixi_anhui").missing().text.startswith("0 of the 9 terms")
    assert ma.case_page("deqing_guangdong").missing().text.startswith("2 of the 9 terms")


def test_names_of_figures_and_studies_are_in_the_published_tables():
    evidence = ma.load_evidence()
    known = set(evidence.cases["case_slug"]) | set(evidence.timeline["case_slug"])
    for name, one in ma.load_reforms().items():
        assert set(one.figures) <= known, name
        assert set(one.within) <= known, name
        assert set(one.studies) <= set(evidence.effects["study_slug"]), name


def test_no_page_settles_anything_under_a_name():
    for path in sorted((book_dir() / "cases").glob("*.ipynb")):
        cells = read_cells(path)
        assert {one.badge for one in stored_exhibits(cells, path.name)} == {"REAL"}, path.name
        code = "".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        assert "example" not in code and "settle" not in code, path.name


@pytest.mark.parametrize("name", ["qianjiang_chongqing", "deqing_guangdong", "tianchang_anhui"])
def test_example_is_illustrative_and_conserves_money(name):
    rules = ma.load_rules(name)
    settled = settle_example(rules, BUDGET_YUAN - SAVING_YUAN)
    assert settled.badge == "ILLUSTRATIVE"
    assert settled.to_frame()["amount"].sum() == 0
    assert 0 <= settled.settled[0] <= SAVING_YUAN * 100
    assert settle_example(rules, BUDGET_YUAN + EXCESS_YUAN).settled[0] <= 0


def test_example_keeps_what_a_contract_states_and_assumes_the_rest():
    ready = example_rules(ma.load_rules("deqing_guangdong"))
    assert ready.parameters["budget_basis"][0].status == "reported"
    assert ready.parameters["surplus_retention_share"][0].status == "assumed"
    ended = example_rules(ma.load_rules("qianjiang_chongqing"))
    assert "payment_model" not in ended.parameters


def test_guangyuan_settles_by_its_own_steps_and_assumes_its_bound():
    ready = example_rules(ma.load_rules("guangyuan_sichuan"))
    inside = ready.parameters["fund_share_inside_corridor"][0]
    assert (inside.value, inside.status) == (Decimal("0.50"), "assumed")
    gained = settle_example(ma.load_rules("guangyuan_sichuan"), BUDGET_YUAN - SAVING_YUAN)
    assert gained.settled[0] == SAVING_YUAN * 100 * 20 // 100


def test_pilot_counties_show_eight_counties_and_five_shares():
    shares = pilot_counties.share_map().summary
    assert shares.shape == (8, 6)
    assert len(pilot_counties.money_table().summary) == 8


def sections(notebook):
    heads = [c["source"][0] for c in notebook["cells"] if c["cell_type"] == "markdown"]
    return tuple(head.strip().removeprefix("## ") for head in heads if head.startswith("## "))


def test_every_case_page_has_the_fixed_sections():
    pages = sorted((book_dir() / "cases").glob("*.ipynb"))
    assert len(pages) >= 12
    for path in pages:
        assert sections(json.loads(path.read_text(encoding="utf-8"))) == SECTIONS, path.name


def test_template_is_what_the_pages_are_made_from():
    notebook = json.loads(case_notebook_text("anywhere_henan"))
    assert sections(notebook) == SECTIONS
    assert [cell["id"] for cell in notebook["cells"]][:2] == ["cell-00", "cell-01"]


def test_new_case_writes_rules_that_load_and_a_page(tmp_path, capsys):
    (tmp_path / "data" / "reforms").mkdir(parents=True)
    (tmp_path / "book").mkdir()
    command = ["new", "case", "anywhere_henan", "--folder", str(tmp_path)]
    assert main(command) == 0
    rules = tmp_path / "data" / "reforms" / "anywhere_henan.yaml"
    page = tmp_path / "book" / "cases" / "anywhere_henan.ipynb"
    assert set(read_rules(rules).parameters) == set(core_fields())
    assert sections(json.loads(page.read_text(encoding="utf-8"))) == SECTIONS
    rules.write_text("mine", encoding="utf-8")
    page.unlink()
    assert main(command) == 1
    assert "there already. Nothing was written." in capsys.readouterr().err
    assert rules.read_text(encoding="utf-8") == "mine"
    assert not page.exists()


def test_new_case_writes_both_or_nothing(tmp_path, monkeypatch):
    import medalliance.cli._output as output

    (tmp_path / "data" / "reforms").mkdir(parents=True)
    (tmp_path / "book").mkdir()
    write = output.write_whole

    def full_disk(path, content):
        if path.suffix == ".ipynb":
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(output, "write_whole", full_disk)
    assert main(["new", "case", "anywhere_henan", "--folder", str(tmp_path)]) == 3
    assert not list(tmp_path.rglob("*.yaml"))
    assert not list(tmp_path.rglob("*.ipynb"))


def test_new_case_is_listed_after_the_last_one(tmp_path, monkeypatch):
    import medalliance.cli._output as output

    (tmp_path / "data" / "reforms").mkdir(parents=True)
    (tmp_path / "book").mkdir()
    order = tmp_path / "book" / "_toc.yml"
    before = "parts:\n  - file: cases/a_b\n  - file: other\n"
    order.write_text(before, encoding="utf-8")
    command = ["new", "case", "anywhere_henan", "--folder", str(tmp_path)]
    write = output.write_whole

    def full_disk(path, content):
        if path == order:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(output, "write_whole", full_disk)
    assert main(command) == 3
    assert order.read_text(encoding="utf-8") == before
    assert not list(tmp_path.rglob("*.ipynb"))
    monkeypatch.undo()
    assert main(command) == 0
    after = before.replace("cases/a_b\n", "cases/a_b\n  - file: cases/anywhere_henan\n")
    assert order.read_text(encoding="utf-8") == after


@pytest.mark.parametrize("slug", ["deqing", "Deqing_zhejiang", "deqing-zhejiang", "../x_y"])
def test_new_case_refuses_other_names(tmp_path, slug, capsys):
    assert main(["new", "case", slug, "--folder", str(tmp_path)]) == 1
    assert "county_province" in capsys.readouterr().err


def test_new_case_needs_a_project(tmp_path, capsys):
    assert main(["new", "case", "anywhere_henan", "--folder", str(tmp_path)]) == 1
    assert "has no folder data/reforms, book" in capsys.readouterr().err


def test_rule_skeleton_explains_each_field():
    text = case_rules_text("anywhere_henan")
    assert text.count("status: not_read") == len(core_fields())
