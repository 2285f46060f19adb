"""The exhibits of the settlement chapter: numbers from the engine, badges that fit."""

from __future__ import annotations

import pytest

from medalliance.chapters import settlement_chapter as chapter
from medalliance.chapters.settlements import MSSP_EXCEPTIONS, load_mssp_table
from medalliance.provenance import Badge


@pytest.mark.parametrize("name", chapter.SCENARIOS)
def test_example_conserves_money_under_every_scenario(name):
    table = chapter.example(name).to_frame()
    assert (table.groupby("year")["amount"].sum() == 0).all()
    assert chapter.example(name).badge is Badge.ILLUSTRATIVE


def test_flow_figures_follow_the_whole_result():
    example = chapter.example()
    for year, amount in zip((2024, 2025), example.surplus, strict=True):
        flows = example.flows("example", year, result_only=True)
        assert flows["amount"].sum() == abs(int(amount)) / 100
        assert chapter.flow_figure(year).badge is Badge.ILLUSTRATIVE


def test_flat_where_the_cap_binds_and_where_losses_are_forgiven():
    summary = chapter.transfer_figure().summary.set_index("contract")
    assert float(summary.loc["no loss"].iloc[-1]) == 0
    assert float(summary.loc["corridor"].iloc[-1]) == -0.05


def test_rebasing_takes_the_surplus_away():
    summary = chapter.rebasing_figure().summary.set_index("rebasing").astype(float)
    assert (summary.loc["weight 0"] == summary.iloc[0, 0]).all()
    assert summary.loc["weight 1"].iloc[1:].eq(0).all()
    half = summary.loc["weight 0.5"]
    assert half.iloc[1] == pytest.approx(half.iloc[0] / 2)


def test_corridor_is_between_its_bounds():
    printed = chapter.corridor_table().summary
    last = [float(cell.replace(",", "")) for cell in printed.iloc[-1]]
    assert last[1:] == [-300_000, -300_000, -200_000, -200_000]


def test_real_tables_carry_the_real_badge_and_add_up():
    for make in (chapter.mssp_year_table, chapter.mssp_track_table, chapter.mssp_element_table):
        assert make().badge is Badge.REAL
    table = load_mssp_table()
    assert (table["gains"] + table["losses"] + table["zeros"] == table["settlements"]).all()
    assert table["not_reproduced"].sum() == len(MSSP_EXCEPTIONS)
    assert "A2392" in str(chapter.mssp_sentence())


def test_example_ledger_is_documented_by_the_command(tmp_path):
    from medalliance.__main__ import main
    from medalliance.paths import data_dir

    ledger = data_dir() / "examples" / "ledger.csv"
    assert main(["settle", "split_631", str(ledger), "-o", str(tmp_path / "out.csv")]) == 0
