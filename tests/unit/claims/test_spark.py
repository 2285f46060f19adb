"""Spark gives the table that DuckDB gives, cell by cell, from the same expressions."""

import os
import shutil
import subprocess
from pathlib import Path

import claims_tables as small
import pandas as pd
import pytest
from missing import skip_or_fail

from medalliance import build_panel_from_claims
from medalliance.paths import PROJECT

SCRIPT = PROJECT / "tests" / "spark_panel.py"


@pytest.fixture(scope="module")
def spark():
    """Return a function that builds a panel with Spark in its own environment."""
    python = Path(os.environ.get("MEDALLIANCE_SPARK", PROJECT / "build" / "spark" / "bin/python"))
    if not python.exists():
        skip_or_fail(f"{python} is missing; run `make build/spark/.stamp`")
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        skip_or_fail("Java is missing; install a headless Java 17")

    def build(claims, output, cwd):
        cwd.mkdir(exist_ok=True)
        home = {"HOME": str(cwd), "TMPDIR": str(cwd), "PYTHONPATH": ""}
        return subprocess.run(
            [str(python), str(SCRIPT), str(claims), str(output), "1GB"],
            capture_output=True,
            text=True,
            cwd=cwd,
            check=False,
            env={**os.environ, **home},
        )

    return build


def test_spark_agrees_with_duckdb_to_the_cell(spark, claims_folder, tmp_path):
    folder, known = claims_folder
    (tmp_path / "out").mkdir()
    output = tmp_path / "out" / "panel.parquet"
    ran = spark(folder, output, tmp_path / "here")
    assert ran.returncode == 0, ran.stderr[-3000:]
    theirs = pd.read_parquet(output)
    ours = build_panel_from_claims(folder).frame
    pd.testing.assert_frame_equal(theirs, ours, check_exact=True)
    pd.testing.assert_frame_equal(theirs, known, check_exact=True)
    assert [path.name for path in output.parent.iterdir()] == ["panel.parquet"]
    assert list((tmp_path / "here").iterdir()) == []


def test_spark_refuses_what_duckdb_refuses(spark, tmp_path):
    rows = [
        small.claim("a", service_date="05.03.2019", in_scope="maybe"),
        small.claim("b", provider_tier="clinic", fund_fen="7.5"),
        small.claim("c", service_date="2019-02-30"),
    ]
    path = tmp_path / "c.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    with pytest.raises(ValueError, match="cannot be read") as caught:
        build_panel_from_claims(path)
    ran = spark(path, tmp_path / "panel.parquet", tmp_path / "here")
    assert ran.returncode != 0
    assert str(caught.value).splitlines()[-1] in ran.stderr
    for text in str(caught.value).splitlines():
        assert text in ran.stderr
    assert not (tmp_path / "panel.parquet").exists()
