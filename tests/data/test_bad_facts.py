import shutil

import pandas as pd
import pytest

from medalliance.errors import DataError
from medalliance.evidence import load_evidence, load_sources
from medalliance.paths import data_dir


@pytest.fixture
def folder(tmp_path):
    copy = tmp_path / "published"
    shutil.copytree(data_dir() / "published", copy)
    return copy


def edit(folder, table, change):
    path = folder / f"{table}.csv"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    change(frame).to_csv(path, index=False)


def test_every_problem_of_the_file_is_listed_at_once(folder):
    def spoil(frame):
        frame.loc[0, "unit"] = ""
        frame.loc[1, "source_id"] = "nobody"
        frame.loc[2, "value"] = "many"
        frame.loc[3, "year"] = "2011.5"
        frame.loc[4, "variable"] = "visit_total"
        frame.loc[5, "basis"] = "guessed"
        frame.loc[6, "value"] = "1"
        frame.loc[7, "unit"] = "persons"
        share = frame.index[frame["variable"] == "hospital_share_of_visits"][0]
        frame.loc[share, ["value", "printed"]] = ["45.8", "4580"]
        return pd.concat([frame, frame.iloc[[20]]])

    edit(folder, "statistics", spoil)
    with pytest.raises(DataError) as caught:
        load_evidence(folder)
    message = str(caught.value)
    assert message.startswith("statistics.csv: ")
    for part in (
        "unit is blank in line 2",
        "unknown source nobody in line 3",
        "value is 'many', not a number, in line 4",
        "year is '2011.5', not a whole number from 1949 to 2040, in line 5",
        "variable visit_total is not in the codebook",
        "basis is 'guessed', not one of printed, derived, computed, in line 7",
        "value is not printed times the factor",
        "unit 'persons' of all_schemes_fund",
        "value outside the codebook's range",
        "duplicate key (row_id)",
        "duplicate key (geography, level, year",
    ):
        assert part in message, part


def test_number_without_a_unit_and_unit_without_a_number(folder):
    def spoil(frame):
        frame.loc[0, "unit"] = "no_number"
        empty = frame.index[frame["estimate"] == ""][0]
        frame.loc[empty, "unit"] = "share_difference"
        return frame

    edit(folder, "published_effects", spoil)
    with pytest.raises(DataError, match="a number stands without a unit in line 2") as caught:
        load_evidence(folder)
    assert "a unit stands without a number" in str(caught.value)


def test_columns_are_checked_first(folder):
    edit(folder, "timeline", lambda frame: frame.rename(columns={"event": "happening"}))
    with pytest.raises(DataError, match="column 'event' is missing") as caught:
        load_evidence(folder)
    assert "unknown column 'happening'" in str(caught.value)


def test_bad_source(folder):
    def spoil(frame):
        frame.loc[0, "grade"] = "rumour"
        frame.loc[1, "title"] = ""
        return frame

    edit(folder, "sources", spoil)
    with pytest.raises(DataError, match="grade is 'rumour'") as caught:
        load_sources(folder)
    assert "title is blank in line 3" in str(caught.value)


def test_files_that_cannot_be_read(folder):
    (folder / "cases.csv").write_text("row_id,case\n1,2,3,4\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2 has 4 cells, the header has 2"):
        load_evidence(folder)
    (folder / "cases.csv").write_bytes("row_id\n紧密型医共体\n".encode("gb18030"))
    with pytest.raises(DataError, match="not UTF-8"):
        load_evidence(folder)
    (folder / "cases.csv").unlink()
    with pytest.raises(DataError, match="is missing"):
        load_evidence(folder)
