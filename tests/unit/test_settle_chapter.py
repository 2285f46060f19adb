"""The exhibits of the settlement chapter: numbers from the engine, badges that fit."""

from __future__ import annotations

import pytest

import medalliance as ma
from medalliance.chapters import settlement_chapter as chapter
from medalliance.chapters.settlements import MSSP_EXCEPTIONS, load_mssp_table
from medalliance.provenance import Badge


@pytest.mark.parametrize("name", chapter.SHORT)
def test_example_conserves_money_under_every_scenario(name):
    done = ma.settle(ma.load_rules(name), ma.example_ledger(), progress=False)
    assert (done.to_frame().groupby("year")["amount"].sum() == 0).all()
    assert done.badge is Badge.ILLUSTRATIVE


def test_flows_follow_the_whole_result_and_are_told_below_the_picture():
    done = ma.settle(ma.load_rules("two_sided_corridor"), ma.example_ledger(), progress=False)
    for year, amount in zip((2024, 2025), done.surplus, strict=True):
        chosen = {"alliance": "example", "year": year, "result_only": True}
        assert done.flows(**chosen)["amount"].sum() == abs(int(amount)) / 100
        shown = ma.show(done, "Flow.", kind="figure", **chosen)
        assert shown.badge is Badge.ILLUSTRATIVE
        assert len(shown.summary) == len(done.flows(**chosen))


def test_flat_where_the_cap_binds_and_where_losses_are_forgiven():
    grid = chapter.spending_grid()
    ends = {
        name: (ma.settle(ma.load_rules(name), grid, progress=False).settled / grid["budget"]).iloc[
            -1
        ]
        for name in ("one_sided", "two_sided_corridor")
    }
    assert ends == {"one_sided": 0, "two_sided_corridor": -0.05}


def test_rebasing_takes_the_surplus_away():
    first, later = chapter.frugal_years()
    paid = {}
    for weight in ("0", "0.5", "1"):
        rules = ma.load_rules("one_sided").replace(rebasing_share=weight, budget_growth_rate="0")
        done = ma.settle_years(rules, first, later, progress=False)
        paid[weight] = [int(one.settled[0]) for one in done.values()]
    assert len(set(paid["0"])) == 1
    assert set(paid["1"][1:]) == {0}
    assert paid["0.5"][1] == pytest.approx(paid["0.5"][0] / 2)


def test_reasons_are_told_in_the_words_of_the_rules():
    done = ma.settle(ma.load_rules("two_sided_corridor"), ma.example_ledger(), progress=False)
    told = chapter.in_words(done.steps("example", 2024))
    assert told["why"].str.contains("surplus retained 0.5, assumed").any()
    assert not told["why"].str.contains("_").any()


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
