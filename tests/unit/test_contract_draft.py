"""The draft contract in Word: filled, marked, open where rules are silent, and it settles."""

import io
import shutil
import subprocess

import docx
import numpy as np
import pytest
from docx.oxml.ns import qn

from medalliance.__main__ import main
from medalliance.chapters import contract_clauses as book
from medalliance.chapters import contract_example as worked
from medalliance.chapters import laboratory
from medalliance.chapters.contract_settings import rules_of, settings_of
from medalliance.errors import RuleError
from medalliance.press.contract_draft import draft, example_of, rule_name
from medalliance.reforms import load_rules

ADDRESS = "laboratory.html#gain_share=0.6&sides=two&loss_share=0.4&corridor=0.01&cap=0.05&lang=zh"


def opened(content):
    return docx.Document(io.BytesIO(content))


def text_of(document):
    return "\n".join(paragraph.text for paragraph in document.paragraphs)


def runs(document, style):
    return [run.text for p in document.paragraphs for run in p.runs if run.style.name == style]


@pytest.fixture(scope="module")
def chinese():
    return draft(load_rules("two_sided_corridor"), "zh")


def test_a_draft_has_styles_fonts_clauses_and_whole_tables(chinese):
    document = opened(chinese)
    for name in ("Normal", "Title", "Heading 1", "Heading 2"):
        fonts = document.styles[name].element.rPr.rFonts
        assert fonts.get(qn("w:eastAsia")) in ("SimSun", "SimHei")
        assert not any(key.endswith("Theme") for key in fonts.attrib)
    heads = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    assert len(heads) == len(book.clauses()) + 2
    assert heads[5] == "第六条　结余留用"
    assert heads[-2:] == ["附件一　清算示例", "附件二　来源"]
    settled = worked.example(load_rules("two_sided_corridor"))
    for grid, year in zip(document.tables, worked.years(settled), strict=True):
        lines = worked.lines(settled, year, "zh")
        cells = [[cell.text for cell in row.cells] for row in grid.rows]
        assert cells[1:] == [[line.label, line.wan] for line in lines]


def test_assumed_values_are_marked_and_blanks_say_why(chinese):
    document = opened(chinese)
    assert "50%" in runs(document, "Assumed")
    blank = next(text for text in runs(document, "Blank") if "结余留用上限" in text)
    assert blank == "＿＿%（结余留用上限）"
    assert "结余留用上限——规则文件没有涉及" in text_of(document)
    real = opened(draft(load_rules("guangyuan_sichuan"), "en"))
    assert "employees: 30 %; residents: 20 %" in text_of(real)
    assert runs(real, "Assumed") == []
    assert "from there up to 20 %" in text_of(real)


def test_a_county_that_states_too_little_gets_an_example_of_another_name():
    rules = load_rules("pengshui_chongqing")
    settled, why = example_of(rules)
    assert why
    assert settled.rules.id == worked.EXAMPLE
    text = text_of(opened(draft(rules, "zh")))
    assert "不足以清算" in text
    assert "彭水" not in text.partition("附件一")[2].partition("附件二")[0]


def test_the_same_rules_give_the_same_bytes(chinese):
    assert draft(load_rules("two_sided_corridor"), "zh") == chinese


def test_an_address_gives_its_setting_and_its_rules():
    settings = settings_of(ADDRESS)
    assert settings == laboratory.defaults(
        gain_share=0.6, sides="two", loss_share=0.4, corridor=0.01, cap=0.05
    )
    assert settings_of("preset=audited") == laboratory.defaults(**laboratory.PRESETS["audited"])
    filled = book.filled_from(rules_of(settings), "zh")
    assert filled["surplus_retention_share"].text == "60%"
    assert filled["savings_cap_share"].text == "2.4%"
    assert filled["loss_cap_share"].text == "1.6%"
    assert filled["quality_gate"].reason


def test_rules_of_a_setting_pay_what_the_model_counts():
    """In the middle of the band the settlement keeps the share of what exceeds the corridor."""
    from medalliance.incentives.bridge import contract_from_rules
    from medalliance.incentives.transfer import expected_transfer, transfer_of

    settings = settings_of(ADDRESS)
    ours = contract_from_rules(rules_of(settings), 2024)
    theirs = laboratory.terms(settings)[0]
    at = np.array([-0.2, -0.03, -0.005, 0.0, 0.004, 0.03, 0.2])
    paid = [
        expected_transfer(transfer_of(contract, 1.0), at, np.array(1e-9))
        for contract in (ours, theirs)
    ]
    np.testing.assert_allclose(paid[0], paid[1], atol=1e-9)
    assert paid[0].min() < 0 < paid[0].max()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("gain_share=9", "outside 0 to 1"),
        ("gain_share=half", "no number"),
        ("sides=three", "none of one, two"),
        ("colour=red", "no setting"),
        ("preset=magic", "none of"),
    ],
)
def test_a_wrong_address_is_one_refusal(address, said, tmp_path, capsys):
    with pytest.raises(RuleError, match=said):
        settings_of(address)
    assert main(["contract", f"laboratory.html#{address}", "-o", str(tmp_path / "x.docx")]) == 1
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_wrong_rules_and_languages_leave_nothing(tmp_path, capsys, monkeypatch):
    wrong = tmp_path / "mine.yaml"
    good = (
        "id: mine\nkind: scenario\nname: {en: Mine, zh: 我的}\nplace: {en: Here, zh: 此地}\n"
        "currency: CNY\nparameters:\n  generosity:\n    - {value: 1, status: assumed}\n"
    )
    wrong.write_text(good, encoding="utf-8")
    target = tmp_path / "x.docx"
    assert main(["contract", str(wrong), "-o", str(target)]) == 1
    assert "generosity: unknown field" in capsys.readouterr().err
    assert main(["contract", "one_sided", "--lang", "fr", "-o", str(target)]) == 1
    assert "no language 'fr'" in capsys.readouterr().err
    monkeypatch.setenv("MEDALLIANCE_LANG", "de")
    assert main(["contract", "one_sided", "-o", str(target)]) == 1
    monkeypatch.delenv("MEDALLIANCE_LANG")
    assert main(["contract", "one_sided", "-o", str(tmp_path / "x.pdf")]) == 1
    assert "no Word file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize("source", ["two_sided_corridor", ADDRESS])
def test_settle_checks_the_numbers_of_a_draft(source, tmp_path):
    import pandas as pd

    target = tmp_path / "draft.docx"
    assert main(["contract", source, "-o", str(target), "--files"]) == 0
    rules, ledger = tmp_path / "draft.yaml", tmp_path / "draft_ledger.csv"
    assert main(["settle", str(rules), str(ledger), "-o", str(tmp_path / "done.csv")]) == 0
    posted = pd.read_csv(tmp_path / "done.csv")
    document = docx.Document(target)
    for grid, year in zip(document.tables, sorted(posted["year"].unique()), strict=True):
        printed = {row.cells[0].text: row.cells[1].text for row in grid.rows[1:]}
        rows = posted[posted["year"] == year]
        for party, label in (("lead_hospital", "lead hospital"), ("village", "village clinics")):
            fen = round(abs(rows.loc[rows["party"] == party, "amount_fen"].sum()))
            assert round(float(printed[label].replace(",", "")) * 1_000_000) == fen


def test_names_of_rules_can_be_loaded():
    assert rule_name("Draft 1") == "draft_1"
    assert rule_name("合同") == "draft"


def test_a_draft_opens_in_libreoffice(chinese, tmp_path):
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("LibreOffice is not installed; install libreoffice-writer to convert a draft")
    source = tmp_path / "draft.docx"
    source.write_bytes(chinese)
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    command = [office, profile, "--headless", "--convert-to", "pdf", "--outdir", tmp_path, source]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    assert (tmp_path / "draft.pdf").read_bytes().startswith(b"%PDF")
