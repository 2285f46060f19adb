"""Spark gives the table that DuckDB gives, cell by cell, from the same expressions."""

import os
import shutil
import subprocess
from pathlib import Path

import claims_tables as small
import pandas as pd
import pytest
from missing import skip_or_fail

from medalliance import DataError, build_panel_from_claims
from medalliance.paths import PROJECT

SCRIPT = PROJECT / "tests" / "spark_panel.py"


WRONG = [
    small.claim("a", service_date="05.03.2019", in_scope="maybe"),
    small.claim("b", provider_tier="clinic", fund_fen="7.5"),
    small.claim("c", service_date="2019-02-30"),
]


@pytest.fixture(scope="module")
def built(claims_folder, tmp_path_factory):
    """Build two panels with Spark in its own environment, from an empty folder.

    Returns the folder: ``wrong.csv`` must be refused, ``out`` holds what was written.
    """
    python = Path(os.environ.get("MEDALLIANCE_SPARK", PROJECT / "build" / "spark" / "bin/python"))
    if not python.exists():
        skip_or_fail(f"{python} is missing; run `make build/spark/.stamp`")
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        skip_or_fail("Java is missing; install a headless Java 17")
    folder = tmp_path_factory.mktemp("spark")
    here, out, wrong = folder / "here", folder / "out", folder / "wrong.csv"
    here.mkdir()
    out.mkdir()
    pd.DataFrame(WRONG).to_csv(wrong, index=False)
    pairs = [wrong, out / "wrong.parquet", claims_folder[0], out / "panel.parquet"]
    home = {"HOME": str(here), "TMPDIR": str(here), "PYTHONPATH": ""}
    home["JDK_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # quick to start
    ran = subprocess.run(
        [str(python), str(SCRIPT), "1GB", *map(str, pairs)],
        capture_output=True,
        text=True,
        cwd=here,
        check=False,
        env={**os.environ, **home},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return folder


def test_spark_agrees_with_duckdb_to_the_cell(built, claims_folder):
    folder, known = claims_folder
    theirs = pd.read_parquet(built / "out" / "panel.parquet")
    ours = build_panel_from_claims(folder).frame
    pd.testing.assert_frame_equal(theirs, ours, check_exact=True)
    pd.testing.assert_frame_equal(theirs, known, check_exact=True)


def test_spark_refuses_in_the_words_of_duckdb(built):
    with pytest.raises(DataError, match="cannot be read") as caught:
        build_panel_from_claims(built / "wrong.csv")
    refused = (built / "out" / "wrong.parquet.refused").read_text(encoding="utf-8")
    assert refused == str(caught.value)


def test_spark_writes_nothing_but_the_panel(built):
    names = sorted(path.name for path in (built / "out").iterdir())
    assert names == ["panel.parquet", "wrong.parquet.refused"]
    assert list((built / "here").iterdir()) == []
