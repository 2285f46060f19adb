"""Properties of the minimiser, checked against brute force over all assignments."""

from __future__ import annotations

from itertools import combinations, product
from time import process_time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalliance.embedding.calibrate import calibrate
from medalliance.embedding.minimise import covers, prime_implicants, smallest_covers
from medalliance.embedding.qca import minimise
from medalliance.embedding.reliability import embedding_index, rank_ranges
from medalliance.embedding.robustness import robustness, term_survival
from medalliance.embedding.truth_table import truth_table
from medalliance.errors import DataError, DesignError

ROWS = list(product((0, 1), repeat=3))
functions = st.lists(st.sampled_from([0, 1, None]), min_size=8, max_size=8).filter(lambda f: 1 in f)


@given(functions)
@settings(max_examples=60, deadline=None)
def test_every_cover_is_exact_and_smallest(outputs):
    on = {r for r, o in zip(ROWS, outputs, strict=True) if o == 1}
    off = {r for r, o in zip(ROWS, outputs, strict=True) if o == 0}
    primes = prime_implicants(3, on, set(ROWS) - on - off)
    valid = [
        cube
        for cube in product((0, 1, 2), repeat=3)
        if not any(covers(cube, r) for r in off) and any(covers(cube, r) for r in on)
    ]
    wider = [c for c in valid if not any(d != c and covers(d, c) for d in valid)]
    assert sorted(primes) == sorted(wider)
    models = smallest_covers(primes, on)
    size = len(models[0])
    brute = [
        set(choice)
        for n in range(1, size + 1)
        for choice in combinations(primes, n)
        if all(any(covers(c, r) for c in choice) for r in on)
    ]
    assert sorted(map(sorted, brute)) == sorted(sorted(m) for m in models)


def crisp(outputs):
    frame = pd.DataFrame([r for r, o in zip(ROWS, outputs, strict=True) if o is not None])
    frame.columns = list("ABC")
    frame["Y"] = [float(o) for o in outputs if o is not None]
    frame.index = [f"case {i}" for i in range(len(frame))]
    return frame.astype(float)


@given(functions.filter(lambda f: 0 in f))
@settings(max_examples=40, deadline=None)
def test_intermediate_lies_between(outputs):
    table = truth_table(crisp(outputs), "Y", list("ABC"), inclusion_cut=1.0)
    conservative = minimise(table, "conservative")
    middle = minimise(table, "intermediate", expectations={"A": True, "B": True, "C": False})
    simple = minimise(table, "parsimonious")
    assert len(simple.models[0]) <= len(middle.models[0]) <= len(conservative.models[0])
    for solution in (conservative, middle, simple):
        for i in range(len(solution.models)):
            np.testing.assert_array_equal(solution.membership(i), table.outcome_membership)


def test_calibration_is_monotone_and_symmetric():
    x = np.linspace(-5, 25, 61)
    rising = calibrate(x, out=0, cross=10, full=20)
    assert np.all(np.diff(rising) > 0)
    np.testing.assert_allclose(rising + calibrate(x, out=20, cross=10, full=0), 1, atol=1e-12)
    with pytest.raises(DesignError, match="not strictly ordered"):
        calibrate(x, out=0, cross=10, full=10)
    with pytest.raises(DataError, match="position 1"):
        calibrate([1.0, np.nan], out=0, cross=1, full=2)


def test_bad_input_is_named_all_at_once():
    frame = crisp([1, 1, 1, 1, 1, 1, 1, 1])
    frame.loc["case 2", "A"] = 0.5
    frame.loc["case 3", "B"] = 1.2
    with pytest.raises(DataError) as caught:
        truth_table(frame, "Y", list("ABC"))
    text = str(caught.value)
    assert "3 problems" in text
    for part in ("case 2", "case 3", "does not vary"):
        assert part in text


def test_contradictory_rows_are_marked_with_their_cases():
    frame = crisp([1, 0, 1, 0, 1, 0, 1, 0])
    frame.loc["again"] = [0, 0, 0, 0.0]
    rows = truth_table(frame, "Y", list("ABC"), inclusion_cut=0.8).rows
    marked = rows[rows["contradictory"]]
    assert marked["cases"].tolist() == ["case 0, again"]
    assert marked["output"].tolist() == [0]


def test_summary_names_contradictory_rows():
    frame = crisp([1, 0, 1, 0, 1, 0, 1, 0])
    frame.loc["again"] = [0, 0, 0, 0.0]
    found = minimise(truth_table(frame, "Y", list("ABC"), inclusion_cut=0.8))
    assert "contradictory rows: case 0, again" in found.summary()


def test_eight_conditions_and_forty_cases_take_under_a_second():
    rng = np.random.default_rng(3)
    names = list("ABCDEFGH")
    frame = pd.DataFrame(rng.integers(0, 2, (40, 8)).astype(float), columns=names)
    frame["Y"] = (frame[["A", "B"]].min(axis=1) + frame["C"]).clip(upper=1.0)
    start = process_time()
    found = minimise(truth_table(frame, "Y", names, inclusion_cut=1.0), "parsimonious")
    assert process_time() - start < 1.0
    assert found.models


def test_rank_is_decided_only_where_no_weight_can_turn_it():
    cells = pd.DataFrame([[3, 3.0], [1, 2], [2, 1]], index=["high", "left", "right"])
    ranks = rank_ranges(cells, n_draws=500)
    assert ranks.loc["high"].tolist() == [1, 1, True]
    assert ranks.loc["left", ["best_rank", "worst_rank"]].tolist() == [2, 3]
    assert not ranks.loc["right", "decided"]


def test_a_blank_widens_the_range_instead_of_lowering_the_case():
    cells = pd.DataFrame([[1, np.nan], [2.0, 2]], index=["blank", "full"])
    ranks = rank_ranges(cells, n_draws=500)
    assert ranks.loc["blank", ["best_rank", "worst_rank"]].tolist() == [1, 2]


def test_index_has_three_summaries_of_coded_cells():
    found = embedding_index(pd.DataFrame([[3.0, 1, np.nan, np.nan]]))
    expected = [2 / 3, 1 / 3, (1 / 3) ** 0.5, 0.5]
    np.testing.assert_allclose(found.loc[0].to_numpy(float), expected)


def test_no_sufficient_row_is_said():
    frame = crisp([1, 0, 1, 0, 1, 0, 1, 0])
    table = truth_table(frame, "Y", ["A"], inclusion_cut=0.9)
    with pytest.raises(DesignError, match="no row reaches output 1"):
        minimise(table)


def test_robustness_lists_every_variant(shared):
    raw = pd.read_csv(shared("oracles/lipset_raw.csv"), index_col="case")
    anchors = {"DEV": (400, 550, 900), "LIT": (50, 75, 90), "SURV": (-9, 0, 10)}
    table = robustness(raw, "SURV", anchors)
    assert table["variant"].value_counts().to_dict() == {
        "case": 18,
        "anchor": 6,
        "cut": 2,
        "base": 1,
    }
    assert table.loc[0, "same_as_base"]


def test_term_survival_is_sure_without_error():
    frame = crisp([1, 0, 1, 0, 1, 0, 1, 0])
    effect = np.where(frame["Y"] > 0.5, 1.0, -1.0)
    sure = term_survival(frame[list("ABC")], effect, np.zeros((8, 8)), (-1.0, 0.0, 1.0), n_draws=5)
    assert sure.to_dict("records") == [{"term": "~C", "survival": 1.0}]
