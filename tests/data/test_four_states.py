"""Not read is not the same as not stated: the state of a blank follows from how deep was read."""

import pytest

import medalliance as ma
from medalliance.chapters.contract_anatomy import reading_table
from medalliance.paths import PROJECT
from medalliance.reforms import SILENCE, core_fields

WHOLE = {"whole text", "full text"}
VALUES = [
    (name, field, value)
    for name, rules in ma.load_reforms().items()
    for field, values in rules.parameters.items()
    for value in values
]
DEPTH = ma.load_sources().set_index("source_id")["read_as"]


def test_a_rule_is_not_stated_only_where_its_source_was_read_whole():
    for name, field, value in VALUES:
        whole = value.source is not None and DEPTH[value.source] in WHOLE
        assert not whole or value.status != "not_read", (name, field)
        assert whole or value.status != "not_stated", (name, field)


def test_states_of_each_contract_add_up():
    table = reading_table()
    states = table[["stated", *SILENCE]].sum(axis=1)
    assert (states == len(core_fields())).all()
    assert table["not_read"].sum() > table["not_stated"].sum() > 0
    lianzhou = table.set_index("contract").loc["Lianzhou"]
    assert "whole text" in lianzhou["read_as"]
    assert lianzhou["not_read"] == 0


@pytest.mark.parametrize("folder", ["src", "book", "data"])
def test_no_file_calls_a_text_unpublished_because_it_was_not_read(folder):
    said = [
        path.relative_to(PROJECT).as_posix()
        for path in sorted((PROJECT / folder).rglob("*"))
        if path.suffix in {".py", ".md", ".yaml", ".ipynb", ".csv", ".json"}
        and b"not_published" in path.read_bytes()
    ]
    assert said == []
