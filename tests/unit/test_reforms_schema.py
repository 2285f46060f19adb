"""Rule files: what loads, what does not, and what the error says."""

from __future__ import annotations

import csv
import pickle
from decimal import Decimal
from pathlib import Path

import pytest

import medalliance as ma
from medalliance.reforms import (
    GROUPS,
    STATUSES,
    Rules,
    core_fields,
    read_rules,
    reading,
    rule_fields,
    rule_names,
    rules_json_schema,
    shown,
)

HEAD = """id: example
kind: case
name: {en: Example, zh: 例}
place: {en: nowhere, zh: 无}
currency: CNY
parameters:
"""


def write(tmp_path: Path, body: str, head: str = HEAD) -> Path:
    path = tmp_path / "example.yaml"
    path.write_text(head + body, encoding="utf-8")
    return path


def rules(body: str, tmp_path: Path) -> Rules:
    return read_rules(write(tmp_path, body))


RETENTION = """  surplus_retention_share:
    - {value: %s, status: reported, source: R28, valid_from: 2019, valid_to: 2020}
"""


def test_numbers_are_exact(tmp_path):
    loaded = rules(RETENTION % "0.1", tmp_path)
    value = loaded.value("surplus_retention_share", 2019)
    assert isinstance(value, Decimal)
    assert value * 3 == Decimal("0.3")


def test_ratio_with_colons_stays_text(tmp_path):
    body = "  internal_split_rule:\n    - {value: 6:3:1, status: reported, source: R28}\n"
    assert rules(body, tmp_path).value("internal_split_rule", 2020) == "6:3:1"


def test_every_problem_is_listed_at_once(tmp_path):
    body = """  surplus_retention_share:
    - {value: 1.2, status: documented, valid_from: 2020, valid_to: 2019}
    - {value: 50, status: reported, source: R28, colour: red}
  colour_of_the_door:
    - {value: red, status: reported, source: R28}
  loss_cap_share:
    - {value: 0.1, status: reported}
    - {status: not_read, value: 0.1, status: not_read}
"""
    with pytest.raises(ma.RuleError) as raised:
        rules(body, tmp_path)
    message = str(raised.value)
    for part in (
        "example.yaml: 9 problems",
        "status is given twice, in lines 14 and 14",
        "parameters.surplus_retention_share[0]: value 1.2 is above 1 (shares are 0-1",
        "parameters.surplus_retention_share[0]: is documented yet has no source",
        "parameters.surplus_retention_share[0]: valid_from 2020 is after valid_to 2019",
        "parameters.surplus_retention_share[1]: value 50 is above 1",
        "parameters.surplus_retention_share[1]: colour: unknown key",
        "parameters.colour_of_the_door: unknown field",
        "parameters.loss_cap_share[0]: is reported yet has no source",
        "parameters.loss_cap_share[1]: is not_read yet has a value",
    ):
        assert part in message, f"{part!r} is not in\n{message}"


def test_problems_of_the_head_are_listed_too(tmp_path):
    head = "id: Example 1\nkind: county\nname: {en: Example}\nplaces: x\nparameters:\n"
    with pytest.raises(ma.RuleError) as raised:
        read_rules(write(tmp_path, RETENTION % "1.5", head))
    message = str(raised.value)
    for part in (
        "id:",
        "kind:",
        "name.zh: is missing",
        "places: unknown key",
        "currency: is missing",
        "value 1.5 is above 1",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ("{value: 0.5, at_most: 0.6, status: reported, source: R28}", "a value and a bound"),
        ("{status: documented, source: R28}", "has no value"),
        ("{value: 0.5, status: assumed, source: R28}", "an assumption is nobody's rule"),
        ("{value: 0.5, status: guessed, source: R28}", "status: Input should be"),
        ("{value: half, status: reported, source: R28}", "'half' is not a number"),
        ("{value: 0.5, status: reported, source: R28, valid_from: 2019-13}", "no month 13"),
        ("{value: 0.5, status: reported, source: R28, valid_from: soon}", "is not a year"),
        ("{value: -0.5, status: reported, source: R28}", "-0.5 is below 0"),
        ("just words", "is not a mapping"),
    ],
)
def test_bad_value(tmp_path, item, sentence):
    with pytest.raises(ma.RuleError) as raised:
        rules(f"  surplus_retention_share:\n    - {item}\n", tmp_path)
    assert sentence in str(raised.value)


def test_unknown_source(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_source_ids", lambda path: frozenset({"R05", "R28"}))
    assert rules(RETENTION % "0.5", tmp_path).id == "example"
    with pytest.raises(ma.RuleError, match="source R99 is not in the bibliography"):
        rules((RETENTION % "0.5").replace("R28", "R99"), tmp_path)


def test_overlapping_dates(tmp_path):
    body = (
        RETENTION % "0.5"
        + "    - {value: 0.6, status: reported, source: R28, valid_from: 2020-06}\n"
    )
    with pytest.raises(ma.RuleError, match="overlap: one ends 2020, the next starts 2020-06"):
        rules(body, tmp_path)


def test_dates_out_of_order(tmp_path):
    body = RETENTION % "0.5" + "    - {value: 0.6, status: reported, source: R28, valid_to: 2018}\n"
    with pytest.raises(ma.RuleError, match="out of order"):
        rules(body, tmp_path)


def test_the_rule_at_the_years_end_counts(tmp_path):
    body = """  surplus_retention_share:
    - {value: 0.5, status: reported, source: R28, valid_from: 2018, valid_to: 2019-06}
    - {value: 0.6, status: reported, source: R28, valid_from: 2019-07}
"""
    loaded = rules(body, tmp_path)
    assert [loaded.value("surplus_retention_share", y) for y in (2018, 2019, 2030)] == [
        Decimal("0.5"), Decimal("0.6"), Decimal("0.6"),
    ]  # fmt: skip
    with pytest.raises(ma.RuleError, match="has no value for 2017"):
        loaded.value("surplus_retention_share", 2017)


def test_a_value_that_was_not_read_raises_in_the_stated_words():
    loaded = ma.load_rules("qianjiang_chongqing")
    with pytest.raises(ma.RuleError) as raised:
        loaded.value("surplus_retention_share", 2025)
    assert str(raised.value) == (
        "qianjiang_chongqing: surplus_retention_share is not in what was read for 2025 "
        "(data/reforms/qianjiang_chongqing.yaml).\n"
        "  Pass rules.replace(surplus_retention_share=…) to assume a value; "
        'tables will say "assumed".'
    )


def test_a_bound_is_shown_and_does_not_settle():
    loaded = ma.load_rules("guangyuan_sichuan")
    dated = loaded.dated("fund_share_inside_corridor", 2019)
    assert shown(dated) == "at most 0.50"
    with pytest.raises(ma.RuleError, match=r"is only bounded for 2019 \(at most 0.50\)"):
        loaded.value("fund_share_inside_corridor", 2019)


def test_tracks():
    loaded = ma.load_rules("guangyuan_sichuan")
    assert loaded.value("surplus_retention_share", 2019, "employees") == Decimal("0.30")
    assert loaded.value("surplus_retention_share", 2019, "residents") == Decimal("0.20")
    with pytest.raises(ma.RuleError, match="differs by track in 2019"):
        loaded.value("surplus_retention_share", 2019)


def test_replace_assumes():
    loaded = ma.load_rules("qianjiang_chongqing")
    assumed = loaded.replace(surplus_retention_share="0.5", first_dollar=True)
    assert assumed.value("surplus_retention_share", 2025) == Decimal("0.5")
    assert assumed.assumed == ("surplus_retention_share", "first_dollar")
    assert (loaded.badge, assumed.badge) == (ma.Badge.REAL, ma.Badge.ILLUSTRATIVE)
    assert loaded.assumed == ()
    by_track = loaded.replace(surplus_retention_share={"a": "0.1", "b": "0.2"})
    assert by_track.value("surplus_retention_share", 1, "b") == Decimal("0.2")
    for bad, words in (({"surplus_retention_share": 0.5}, "binary float"),
                       ({"surplus_retention_share": "1.5"}, "above 1"),
                       ({"colour": "0.5"}, "unknown field")):  # fmt: skip
        with pytest.raises(ma.RuleError, match=words):
            loaded.replace(**bad)


def test_frozen_and_picklable():
    loaded = ma.load_rules("guangyuan_sichuan")
    with pytest.raises(ValueError, match="frozen"):
        loaded.kind = "case"
    again = pickle.loads(pickle.dumps(loaded))
    assert again == loaded
    assert again.file == loaded.file == "data/reforms/guangyuan_sichuan.yaml"


def test_unknown_name_suggests():
    with pytest.raises(ma.RuleError, match="deqing_guangdong, deqing_zhejiang"):
        ma.load_rules("deqing")


def test_json_schema_closes_the_names():
    schema = rules_json_schema()
    names = schema["properties"]["parameters"]["propertyNames"]["enum"]
    assert names == list(rule_fields())
    assert schema["additionalProperties"] is False


def test_fields_are_bilingual_and_grouped():
    for name, field in rule_fields().items():
        assert field.group in GROUPS
        assert field.label.en
        assert any("一" <= letter <= "鿿" for letter in field.label.zh), name
        assert field.definition.endswith(".")


def test_every_file_loads_and_every_case_speaks_about_the_core():
    reforms = ma.load_reforms()
    assert list(reforms) == list(rule_names())
    for name, one in reforms.of_kind("case").items():
        assert set(core_fields()) <= set(one.parameters), name
    frame = reforms.to_frame()
    assert set(frame["status"]) <= set(STATUSES)
    sourced = frame["status"].isin(["documented", "reported"])
    assert frame.loc[sourced, "source"].notna().all()
    assert frame.loc[frame["status"] == "not_read", "shown"].eq("").all()


def test_sources_of_all_files_are_in_the_facts(shared):
    with shared("facts/sources.csv").open(encoding="utf-8") as lines:
        known = {row["source_id"] for row in csv.DictReader(lines)}
    used = set(ma.load_reforms().to_frame()["source"].dropna())
    assert used <= known


def test_national_texts_set_no_ratio():
    frame = ma.load_reforms().of_kind("national").to_frame()
    ratios = frame[frame["field"].isin(
        ["surplus_retention_share", "split_lead_share", "overspend_sharing_share"]
    )]  # fmt: skip
    assert len(ratios) >= 3
    assert (ratios["status"] == "not_read").all()
    assert ratios["source"].notna().all()


def test_bengbu_gradient_is_the_published_one():
    loaded = ma.load_rules("bengbu_anhui")
    levels = ["level_1", "level_2", "city_tertiary", "provincial_tertiary"]
    assert [loaded.value("inpatient_deductible", 2024, x) for x in levels] == [200, 500, 800, 1200]
    rates = [loaded.value("inpatient_reimbursement_rate", 2024, x) for x in levels]
    assert rates == [Decimal(x) for x in ("0.85", "0.80", "0.70", "0.65")]
