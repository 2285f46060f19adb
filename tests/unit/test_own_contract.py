"""A reader's contract on a reader's panel: settled to the fen, refused in words."""

import re

import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.chapters import own_contract, own_rules
from medalliance.errors import DesignError, RuleError
from medalliance.press.own_book.contract import contract_notebook
from medalliance.provenance import Badge

HEAD = """id: ours
kind: case
name: {en: Our county, zh: 我县}
place: {en: Our county, zh: 我县}
currency: CNY
parameters:
"""
STEPS = """steps:
  - {op: share, side: surplus, rate: surplus_retention_share}
  - {op: round, side: surplus}
  - {op: share, side: deficit, rate: overspend_sharing_share}
  - {op: round, side: deficit}
"""
OWN = "{status: documented, source: our notice of 2021, value: "
COUNTY = ("youxi", "尤溪")


@pytest.fixture
def panel():
    rows = [
        (county, year, 2021 if county < "110103" else 0, 1_000_000.10, spent)
        for county, spent in (("110101", 900_000.05), ("110102", 1_100_000.0), ("110103", 1.0))
        for year in (2020, 2021, 2022)
    ]
    columns = ["county_code", "year", "cohort", "budget", "spending"]
    return ma.load_panel(pd.DataFrame(rows, columns=columns))


def contract(tmp_path, monkeypatch, retained=f"{OWN}0.5}}", steps=STEPS):
    body = (
        f"{HEAD}  surplus_retention_share: [{retained}]\n"
        f"  overspend_sharing_share: [{OWN}0.25}}]\n{steps}"
    )
    path = tmp_path / "ours.yaml"
    path.write_text(body, encoding="utf-8")
    monkeypatch.setenv(own_rules.VARIABLE, str(path))


def test_counties_under_contract_are_settled_to_the_fen(panel, tmp_path, monkeypatch):
    contract(tmp_path, monkeypatch)
    found = own_contract.run(panel)
    held = found.settlement.summary_frame()
    assert list(held["year"]) == [2021, 2022, 2021, 2022]
    saved, missing = 100_000_05, 99_999_90
    assert held["surplus"].tolist() == [saved, saved, -missing, -missing]
    half = held.loc[held["alliance"] == "110101", "settled"].unique()
    assert abs(half[0] - saved / 2) <= 0.5 and len(half) == 1
    owed = held.loc[held["alliance"] == "110102", "settled"].unique()
    assert abs(owed[0] + missing / 4) <= 0.5
    assert found.badge == Badge.YOURS
    text = own_contract.settled_sentence(found).text
    assert "4 county-years are settled. 2 end in surplus, 2 in deficit." in text
    by_year = own_contract.years_table(found).summary
    assert by_year["year"].tolist() == ["2021", "2022"]
    assert np.allclose(by_year["budget"].str.replace(",", "").astype(float), 2.0)


def test_an_assumed_term_that_is_used_makes_the_tables_illustrative(panel, tmp_path, monkeypatch):
    contract(tmp_path, monkeypatch, retained="{status: assumed, value: 0.5}")
    found = own_contract.run(panel)
    assert found.badge == Badge.ILLUSTRATIVE
    assert "assumed: surplus retained" in found.provenance.source


def test_only_the_counties_that_name_the_contract_are_settled(panel, tmp_path, monkeypatch):
    contract(tmp_path, monkeypatch)
    named = panel.frame["county_code"].map({"110102": "ours"})
    found = own_contract.run(panel.with_columns(rule_id=named))
    assert set(found.settlement.frame["alliance"]) == {"110102"}
    assert own_rules.rules_named("ours").id == "ours"
    assert own_rules.rules_named("one_sided").id == "one_sided"


def test_what_a_panel_cannot_settle_is_refused_in_words(panel, tmp_path, monkeypatch):
    gate = "  - {op: gate, side: surplus, score: ledger.score, at_least: surplus_retention_share}\n"
    contract(tmp_path, monkeypatch, steps=STEPS.replace("steps:\n", f"steps:\n{gate}"))
    with pytest.raises(DesignError, match="score is missing"):
        _ = own_contract.run(panel).settlement
    contract(tmp_path, monkeypatch, steps="")
    with pytest.raises(DesignError, match="no steps"):
        _ = own_contract.run(panel).settlement
    contract(tmp_path, monkeypatch)
    bare = ma.load_panel(panel.frame.drop(columns="budget"))
    with pytest.raises(DesignError, match="budget and spending"):
        _ = own_contract.run(bare).settlement


def test_all_problems_of_the_file_come_at_once(panel, tmp_path, monkeypatch):
    contract(tmp_path, monkeypatch, retained="{status: documented, value: 1.5}")
    with pytest.raises(RuleError) as raised:
        own_contract.run(panel)
    assert "above 1" in str(raised.value) and "no source" in str(raised.value)
    monkeypatch.delenv(own_rules.VARIABLE)
    with pytest.raises(RuleError, match="--rules"):
        own_contract.run(panel)


@pytest.fixture
def of_a_real_county(tmp_path, monkeypatch):
    """Name a rule file after a county that exists."""
    contract(tmp_path, monkeypatch)
    text = (tmp_path / "ours.yaml").read_text(encoding="utf-8")
    shares = {"split_lead": 0.6, "split_township": 0.3, "split_village": 0.1, "surplus_pay": 0.5}
    terms = "".join(f"  {name}_share: [{OWN}{share}}}]\n" for name, share in shares.items())
    terms += f"  out_of_county: [{OWN}included}}]\n"
    for words, real in (
        ("id: ours", "id: youxi_fujian"), ("Our county", "Youxi county"), ("我县", "尤溪县"),
        ("parameters:\n", f"parameters:\n{terms}"),
    ):  # fmt: skip
        text = text.replace(words, real)
    path = tmp_path / "youxi_fujian.yaml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv(own_rules.VARIABLE, str(path))
    return path


def exhibits_of_the_chapter(panel):
    """Return every exhibit of the chapter's notebook by the function that makes it."""
    source = "\n".join(cell.source for cell in contract_notebook().cells)
    found = own_contract.run(panel)
    names = re.findall(r"own_contract\.(\w+)\(found\)", source)
    assert len(names) == len(set(names)) == 9
    return {name: getattr(own_contract, name)(found) for name in names}


def named(exhibit):
    shown = f"{exhibit._repr_html_()}{exhibit!r}".lower()
    return any(name in shown for name in COUNTY)


def test_no_synthetic_number_stands_beside_the_county_s_name(panel, of_a_real_county):
    shown = exhibits_of_the_chapter(panel)
    synthetic = {name for name, one in shown.items() if one.badge == Badge.SYNTHETIC}
    assert synthetic == {"laboratory_table"}
    named_in = {name for name, one in shown.items() if named(one)}
    assert "terms_table" in named_in and not named_in & synthetic
    contracts = shown["laboratory_table"].summary["contract"].tolist()
    assert contracts[0] == "your contract" and len(set(contracts)) == 3


@pytest.mark.parametrize("assumed", [False, True])
def test_a_simulated_panel_hides_the_county_s_name(of_a_real_county, assumed):
    if assumed:
        text = of_a_real_county.read_text(encoding="utf-8")
        text = text.replace(f"[{OWN}0.25}}]", "[{status: assumed, value: 0.25}]")
        of_a_real_county.write_text(text, encoding="utf-8")
    shown = exhibits_of_the_chapter(ma.load_panel())
    simulated = {name for name, one in shown.items() if one.badge != Badge.YOURS}
    assert simulated == set(shown) - {"terms_table"}
    assert [name for name in sorted(simulated) if named(shown[name])] == []
