"""The chapter on what differs between the cases."""

from __future__ import annotations

import pytest

import medalliance as ma
from medalliance.chapters import contract_anatomy as anatomy
from medalliance.reforms import STATUSES, core_fields


def test_status_matrix_has_every_contract_and_core_field():
    reforms = ma.load_reforms()
    matrix = anatomy.status_matrix(reforms)
    assert matrix.shape == (len(reforms), len(core_fields()))
    assert set(matrix.to_numpy().ravel()) <= {*STATUSES, "bounded"}
    assert matrix.loc["Qianjiang", "surplus_retention_share"] == "not_read"
    assert matrix.loc["Guangyuan 2019 hospital budgets", "surplus_retention_share"] == "reported"
    assert matrix.loc["Maryland hospital budgets", "budget_growth_rate"] == "bounded"


def test_map_counts_what_it_draws():
    exhibit = anatomy.documentation_map()
    assert exhibit.badge == "REAL"
    counts = exhibit.summary.set_index("field")["contracts that state it"].astype(int)
    assert counts["Surplus retained"] < counts["Payment model"]


def test_one_chinese_text_prints_a_retention_share():
    matrix = anatomy.status_matrix(ma.load_reforms().of_kind(*anatomy.CHINA))
    stated = matrix["surplus_retention_share"].isin(["documented", "reported"])
    assert list(matrix.index[stated]) == ["Guangyuan 2019 hospital budgets"]


def test_blanks_are_printed_and_ended_rules_say_so():
    frame, fill = anatomy.anatomy_frame(("budget_holder", "payment_model"))
    row = frame.set_index("case").loc["Qianjiang"]
    assert row["budget_holder"] == "not in what was read"
    assert row["payment_model"].endswith("(to 2009)")
    assert fill.shape == frame.shape
    assert "nothing stated" in repr(anatomy.anatomy_table(("budget_holder",), caption="Holder"))


def test_status_is_coloured():
    html = anatomy.anatomy_table(("budget_unit",), caption="Unit")._repr_html_()
    assert anatomy.FILL["documented"] in html
    assert anatomy.FILL["reported"] in html


def test_year_picks_the_rule_then_in_force():
    frame, _ = anatomy.anatomy_frame(("payment_model",), kinds=("national",), year=2018)
    assert frame.loc[0, "payment_model"].startswith("explore global budgets for vertical")


@pytest.mark.parametrize("build", [anatomy.ratio_table, anatomy.national_table])
def test_tables_carry_sources(build):
    exhibit = build()
    assert exhibit.badge == "REAL"
    assert exhibit.summary["source"].str.fullmatch(r"[A-Z]+\d+").all()


def test_gradient_falls_with_the_level():
    rates = anatomy.gradient_figure().summary["insurance_pays"].astype(float)
    assert rates.is_monotonic_decreasing


def test_silence_is_counted():
    counts = anatomy.silence_table().summary.set_index("term")
    row = counts.loc["Surplus retained"]
    assert row["county contracts"].startswith("0 of")
    assert row["provincial and national texts"].startswith("0 of")
    assert row["city schemes"].startswith("1 of")


def test_named_contracts_keep_their_order():
    names = ("luohu_guangdong", "funan_anhui")
    frame, _ = anatomy.anatomy_frame(("budget_unit",), names=names)
    assert list(frame["case"]) == ["Luohu", "Funan"]
