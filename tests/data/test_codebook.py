import json
from pathlib import Path

import pytest

from medalliance import codebook
from medalliance.errors import DataError
from medalliance.paths import data_dir

BOOK = codebook.load_codebook()


def test_labels_in_both_languages():
    assert codebook.label("primary_care_visit_share") == "primary-care visit share"
    assert codebook.label("primary_care_visit_share", "zh") == "基层诊疗量占比"
    assert codebook.unit("fund_surplus_rate") == "surplus_rate"
    for look_up in (codebook.label, codebook.unit):
        with pytest.raises(DataError, match="no variable 'no_such_name' in the codebook"):
            look_up("no_such_name")
    with pytest.raises(ValueError, match="lang is 'fr'"):
        codebook.label("year", "fr")


@pytest.mark.parametrize("entry", [*BOOK.variables.values(), *BOOK.columns.values()])
def test_every_name_has_both_labels_and_a_definition(entry):
    assert entry.en.strip()
    assert any("一" <= letter <= "鿿" for letter in entry.zh)
    assert entry.definition.endswith(".")


def test_three_surpluses_are_three_entries():
    for name in (
        "fund_surplus_yuan",
        "residents_account_current_balance",
        "residents_fund_current_balance",
    ):
        assert BOOK.variables[name].unit == "yuan"


def test_outcomes_are_the_registered_ones():
    from medalliance.outcomes import OUTCOMES

    listed = {name for name, entry in BOOK.variables.items() if entry.kind == "outcome"}
    assert listed == set(OUTCOMES)


def test_datapackage_is_the_generated_one():
    committed = (data_dir() / "datapackage.json").read_text(encoding="utf-8")
    assert committed == codebook.datapackage_text(), (
        "data/datapackage.json is stale; write codebook.datapackage_text() to it"
    )


def test_datapackage_validates():
    from frictionless import Package

    path = data_dir() / "datapackage.json"
    descriptor = json.loads(path.read_text(encoding="utf-8"))
    package = Package.from_descriptor(descriptor, basepath=str(data_dir()))
    report = package.validate()
    assert report.valid, report.flatten(["title", "rowNumber", "fieldName", "message"])[:5]


def write(folder: Path, text: str) -> Path:
    path = folder / "codebook.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_codebook_lists_every_problem_at_once(tmp_path):
    path = write(
        tmp_path,
        """
units: {share: {en: share, zh: 比例, printed: {"%": "one"}}}
grades: {official: {en: official, zh: 官方}}
variables:
  a: {kind: outcome, unit: share, en: a, zh: 甲, definition: A., colour: red}
  a: {kind: outcome, unit: share, en: a, zh: 甲, definition: A.}
  b: {kind: guess, unit: shares, en: b, zh: 乙, definition: B., range: [1, 0]}
  c: {kind: outcome, unit: share, en: c, definition: C.}
  d: three
columns:
  row_id: {type: text, en: row, zh: 行, definition: R.}
tables:
  facts: {en: facts, zh: 事实, columns: [row_id, value], required: [unit], key: [row_id]}
extra: {}
""",
    )
    with pytest.raises(DataError) as caught:
        codebook.load_codebook(path)
    message = str(caught.value)
    for part in (
        "'a' is given twice",
        "factor 'one' of '%' is not a number",
        "variable b: kind 'guess'",
        "variable b: unknown unit 'shares'",
        "range 1 to 0 is upside down",
        "variable c: zh is missing",
        "variable d: fields are missing",
        "column row_id: type 'text'",
        "table facts: column 'value'",
        "table facts: 'unit' is required or a key, but is no column",
        "unknown section 'extra'",
    ):
        assert part in message, part


def test_unknown_field_is_named(tmp_path):
    text = (data_dir() / "codebook.yaml").read_text(encoding="utf-8")
    entry = "{kind: key, unit: text, en: county,"
    path = write(tmp_path, text.replace(entry, entry + " color: red,"))
    with pytest.raises(DataError, match="variable county_code: unknown field 'color'"):
        codebook.load_codebook(path)


def test_broken_yaml_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="not valid YAML"):
        codebook.load_codebook(write(tmp_path, "units: {share: [}"))
