"""Panels from tiny tables of claims equal those worked out row by row in plain Python."""

import datetime
import tempfile
from pathlib import Path

import claims_tables as small
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medalliance import DataError
from medalliance.claims import _build, _inputs, build_panel_from_claims

COUNTIES = ("910101", "910102")
claims = st.fixed_dictionaries(
    {
        "person_key": st.sampled_from(("p1", "p2", "p3")),
        "enrol_county": st.sampled_from(COUNTIES),
        "provider_county": st.sampled_from((*COUNTIES, "910201")),
        "provider_tier": st.sampled_from(tuple(small.PLACE_OF)),
        "provider_id": st.sampled_from(("a", "b", None)),
        "setting": st.sampled_from(("op", "er", "ip")),
        "service_date": st.sampled_from(
            (datetime.date(2018, 12, 31), datetime.date(2019, 1, 1), datetime.date(2019, 1, 2))
        ),
        "fund_fen": st.integers(0, 5) | st.just(10**13 + 1),
        "in_scope": st.booleans(),
    }
)


@st.composite
def tables(draw):
    """Claims, reversals in part and in whole, repeated rows, dealt to files in any order."""
    rows = []
    for place, changes in enumerate(draw(st.lists(claims, min_size=1, max_size=8))):
        one = small.claim(f"c{place}", **changes, total_fen=changes["fund_fen"] + 3)
        rows.append(one)
        how = draw(st.sampled_from(("stands", "stands", "whole", "part", "twice")))
        if how == "whole":
            rows.append(small.reversal(f"r{place}", one))
        elif how == "part":
            rows.append(small.reversal(f"r{place}", one, fund_fen=0, total_fen=-1))
        elif how == "twice":
            rows.append(small.reversal(f"r{place}", one, fund_fen=0, total_fen=-3))
            rows.append(small.reversal(f"s{place}", one, total_fen=-one["fund_fen"]))
    again = draw(st.lists(st.sampled_from(rows), max_size=4))
    shuffled = draw(st.permutations(rows + again))
    files = draw(st.lists(st.integers(0, 2), min_size=len(shuffled), max_size=len(shuffled)))
    return rows, shuffled, files


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tables(), st.sampled_from((1, 2)))
def test_order_files_repeats_and_buckets_change_nothing(monkeypatch, drawn, buckets):
    rows, shuffled, files = drawn
    monkeypatch.setattr(_build, "BYTES_A_ROW", 10**12 if buckets > 1 else 1)
    monkeypatch.setattr(_build, "MOST_BUCKETS", buckets)
    monkeypatch.setattr(_inputs, "BATCH_ROWS", 3)
    with tempfile.TemporaryDirectory() as name:
        for number in set(files):
            part = [row for row, file in zip(shuffled, files, strict=True) if file == number]
            small.write(part, Path(name) / f"year={2018 + number}" / "prefecture=910100/c.parquet")
        if not small.expected(rows):
            with pytest.raises(DataError, match="no claim stands"):
                build_panel_from_claims(name, memory="200MB")
            return
        report = build_panel_from_claims(name, memory="200MB")
    assert small.as_cells(report.frame) == small.without_zeros(small.expected(rows))
    assert report.rows == len(shuffled)
    assert report.duplicates == len(shuffled) - len(rows)
    assert report.reversals == sum(row["reversal_of"] is not None for row in rows)
