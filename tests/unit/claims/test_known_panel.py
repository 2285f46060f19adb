"""The panel built from generated claims is the one that was put into them, cell by cell."""

import pandas as pd
import pytest

from medalliance import DataError, build_panel_from_claims, simulate_claims
from medalliance.__main__ import main
from medalliance.claims import _build
from medalliance.codebook import load_codebook
from medalliance.panel._checks import MONEY


@pytest.fixture(scope="module")
def million(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("million") / "claims"
    known = simulate_claims(world, folder, rows=1_000_000, n_jobs=2)
    return folder, known


def test_a_million_claims_give_the_known_panel_to_the_fen(million, tmp_path, capsys):
    folder, known = million
    output = tmp_path / "panel.parquet"
    assert main(["panel", str(folder), "-o", str(output), "--memory", "500MB"]) == 0
    pd.testing.assert_frame_equal(pd.read_parquet(output), known, check_exact=True)
    assert [path.name for path in tmp_path.iterdir()] == ["panel.parquet"]
    said = capsys.readouterr().out
    assert "40 counties, 2012-2017, 240 county-years" in said
    assert "Duplicates removed" in said


def test_the_generator_puts_in_what_a_build_must_take_out(claims_folder):
    folder, known = claims_folder
    rows = pd.concat(
        pd.read_parquet(path).assign(file=str(path)) for path in folder.rglob("*.parquet")
    )
    assert 55_000 < len(rows) < 65_000
    once = rows.drop_duplicates("claim_id")
    assert len(rows) - len(once) > 500
    back = once.dropna(subset="reversal_of").merge(
        once, left_on="reversal_of", right_on="claim_id", suffixes=("", "_of"), validate="m:1"
    )
    assert len(back) == once["reversal_of"].notna().sum() > 1000
    assert (back["file"] != back["file_of"]).sum() > 100
    assert (once["enrol_county"] != once["provider_county"]).mean() > 0.05
    assert (~once["in_scope"]).mean() > 0.02
    assert once["claim_id"].is_unique
    assert known["claims_n"].sum() < len(once)
    by_visit = once.groupby(["person_key", "provider_id", "service_date", "setting"]).size()
    assert by_visit.max() > 1


def test_without_provider_ids_a_tier_stands_for_the_provider(world, tmp_path):
    known = simulate_claims(world, tmp_path / "claims", rows=20_000, provider_ids=False)
    report = build_panel_from_claims(tmp_path / "claims")
    pd.testing.assert_frame_equal(report.frame, known, check_exact=True)
    assert any("without provider_id" in text for text in report.remarks)
    assert set(report.frame["visit_def"]) == {"person, tier, day, setting"}


def test_without_the_date_of_settlement_the_panel_is_the_same(claims_folder, tmp_path):
    folder, known = claims_folder
    for path in folder.rglob("*.parquet"):
        place = tmp_path / "claims" / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        pd.read_parquet(path, partitioning=None).drop(columns="settle_date").to_parquet(place)
    report = build_panel_from_claims(tmp_path / "claims")
    pd.testing.assert_frame_equal(report.frame, known, check_exact=True)


def test_every_column_stands_in_the_codebook_and_money_is_checked(claims_folder):
    _, known = claims_folder
    variables = load_codebook().variables
    assert [name for name in known.columns if name not in variables] == []
    spent = {name for name in known.columns if name.endswith("spending")}
    assert spent - set(MONEY) == {"out_of_scope_spending"}


def test_the_panel_loads_once_the_cohort_is_joined(claims_folder, tmp_path):
    import medalliance as ma

    folder, known = claims_folder
    theirs = known[["county_code", "year"]].assign(
        cohort=lambda f: f["county_code"].str[-1].astype(int) % 2 * 2015, insured_n=1000
    )
    theirs.to_csv(tmp_path / "mine.csv", index=False)
    output = tmp_path / "panel.csv"
    given = ["panel", str(folder), "--with", str(tmp_path / "mine.csv"), "-o", str(output)]
    assert main(given) == 0
    panel = ma.load_panel(output)
    assert panel.n_units == 40
    assert panel.badge.value == "YOURS"
    values = ma.outcome_values(panel, "primary_care_visit_share")
    assert ((values > 0) & (values < 1)).all()


def test_the_number_of_buckets_changes_nothing(claims_folder, monkeypatch):
    folder, known = claims_folder
    monkeypatch.setattr(_build, "BYTES_A_ROW", 20_000)
    report = build_panel_from_claims(folder, memory="300MB")
    pd.testing.assert_frame_equal(report.frame, known, check_exact=True)


def test_the_generator_refuses_a_folder_with_files(world, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="there already"):
        simulate_claims(world, tmp_path, rows=20_000)
    with pytest.raises(DataError, match="too few"):
        simulate_claims(world, tmp_path / "claims", rows=100)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_new_claims_writes_the_folder_and_its_panel(tmp_path, capsys):
    folder = tmp_path / "claims"
    asked = ["new", "claims", "--rows", "6000", "--counties", "40", "-o", str(folder)]
    assert main(asked) == 0
    known = pd.read_csv(tmp_path / "claims.panel.csv", dtype={"county_code": "str"})
    built = build_panel_from_claims(folder).frame
    assert built["spending"].tolist() == known["spending"].tolist()
    assert built["patients_n"].tolist() == known["patients_n"].tolist()
    assert main(asked) == 3
    assert "claims.panel.csv exists" in capsys.readouterr().err
