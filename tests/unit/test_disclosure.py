"""Disclosure control: what is refused, insiders, ratios, needs, speed."""

import time

import numpy as np
import pandas as pd
import pytest

from medalliance.disclosure import (
    Limits,
    Measure,
    Need,
    Support,
    TooCertainError,
    as_cells,
    attack,
    average_relations,
    band,
    dominated,
    few,
    link,
    protect,
    safe_estimates,
    safe_table,
    tabulate,
    with_bands,
    with_ratio,
)
from medalliance.errors import DataError


def micro(values, columns=("a", "b"), unit="county"):
    rows = [
        (*key, f"{key}{k}", float(one))
        for key, many in values.items()
        for k, one in enumerate(many)
    ]
    return pd.DataFrame(rows, columns=[*columns, unit, "money"])


FAIR = {(a, b): [100.0, 110, 120, 130 + a + b] for a in range(3) for b in range(3)}
DIMENSIONS = [("a",), ("b",)]


def safe(values, *, signed=False, limits=None):
    return safe_table(
        micro(values), DIMENSIONS, [Measure("money", signed=signed)], limits or Limits(),
        unit="county",
    )  # fmt: skip


def status(table, a, b):
    record = table.record
    return record[(record["a"] == str(a)) & (record["b"] == str(b))]["status"].item()


def test_nothing_is_hidden_where_nothing_shows_too_much():
    table = safe(FAIR)
    assert (table.n_primary, table.n_complementary, table.least_contributors) == (0, 0, 4)


def test_a_cell_of_two_takes_three_with_it():
    table = safe(FAIR | {(0, 0): [150.0, 160]})
    assert status(table, 0, 0) == "primary"
    assert table.n_primary == 1 and table.n_complementary == 3
    assert "fewer than 3 contributors; p % rule, p = 10" in set(table.record["reason"])
    blank = table.frame[table.frame["money"].isna()]
    assert set(blank["money_na"]) == {"suppressed"} and len(blank) == 4


def test_a_cell_that_one_dominates_is_hidden():
    table = safe(FAIR | {(1, 1): [9000.0, 100, 20, 20, 20]})
    assert status(table, 1, 1) == "primary"


def test_a_surplus_is_judged_by_its_size_not_its_sum():
    balanced = FAIR | {(1, 1): [-900.0, 5, 5, 890.0 + 5, 4]}
    assert status(safe(balanced, signed=True), 1, 1) == "primary"
    with pytest.raises(DataError, match=r"money is negative at a 1, b 1"):
        safe(balanced | {(1, 1): [-900.0, 5, 5, 4]})


def test_an_insider_who_is_alone_in_a_cell_learns_no_other():
    # two single-county cells in one row and column pattern hide each other from the public,
    # but each knows its own: a third cell must go in every relation that joins them
    values = FAIR | {(0, 0): [400.0], (0, 1): [410.0]}
    table = safe(values)
    cells = as_cells(tabulate(micro(values), DIMENSIONS, "money", unit="county"), DIMENSIONS)
    hidden = table.protection.hidden
    own = (cells.labels["a"] == "0") & (cells.labels["b"] == "0")
    other = np.flatnonzero((cells.labels["a"] == "0") & (cells.labels["b"] == "1"))[0]
    left = attack(cells.value, cells.relations, hidden, known=own.to_numpy())[other]
    assert left[1] - cells.value[other] >= 0.1 * 410 - 1e-6
    without = protect(
        cells.value, cells.relations, table.protection.primary,
        Need.of(len(hidden), above=41.0, below=41.0),
    )  # fmt: skip
    assert without.loss < table.protection.loss


def test_an_identity_between_variables_is_attacked_too():
    data = micro(FAIR | {(0, 0): [150.0, 160]}).rename(columns={"money": "budget"})
    data["spending"] = data["budget"] * 0.9
    data["surplus"] = data["budget"] - data["spending"]
    measures = [Measure("budget"), Measure("spending"), Measure("surplus", signed=True)]
    identity = [{"budget": 1.0, "spending": -1.0, "surplus": -1.0}]
    bound = safe_table(
        data, DIMENSIONS, measures, Limits(), unit="county", identities=identity
    )  # fmt: skip
    tables = {
        m.name: as_cells(
            tabulate(data, DIMENSIONS, m.name, unit="county"), DIMENSIONS, signed=m.signed
        )
        for m in measures
    }
    cells, _ = link(tables, identity)
    ends = attack(cells.value, cells.relations, bound.protection.hidden, low=cells.low)
    assert (np.diff(ends)[bound.protection.primary] > 1).all()


def test_a_ratio_is_hidden_with_what_it_is_made_of():
    data = micro(FAIR | {(0, 0): [150.0, 160]}).assign(posts=7.0)
    measures = [Measure("money"), Measure("posts", "count", threshold=5)]
    table = safe_table(data, DIMENSIONS, measures, Limits(), unit="county")
    table = with_ratio(table, "pay", lambda f: f["money"] / f["posts"], ["money", "posts"])
    gone = table.frame["pay"].isna()
    either = table.frame["money"].isna() | table.frame["posts"].isna()
    assert gone.equals(either) and gone.any()
    assert set(table.frame.loc[gone, "pay_na"]) == {"suppressed"}


def test_three_ways_and_nested_margins_are_relations():
    frame = pd.DataFrame({"province": list("ppqq"), "prefecture": list("abcd"), "id": range(4)})
    frame = frame.assign(year=1, n=[5.0, 6, 7, 8])
    dimensions = [("province", "prefecture"), ("year",)]
    cells = as_cells(tabulate(frame, dimensions, "n", unit="id", no_total=["year"]), dimensions)
    assert len(cells.value) == 4 + 2 + 1
    assert cells.relations.shape[0] == 3
    assert abs(cells.relations @ cells.value).max() == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": 1}, "count=1"),
        ({"contributors": 2}, "contributors=2"),
        ({"dominance": 0.0}, "dominance=0"),
        ({"dominance": float("nan")}, "dominance=nan"),
        ({"staff": 2.0}, "staff=2"),
        ({"largest": 2}, "together"),
        ({"largest": 2, "share": 100.0}, "share=100"),
        ({"width": -1.0}, "width=-1"),
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong, said):
    with pytest.raises(DataError, match=said):
        Limits(**wrong)


def test_all_wrong_limits_are_named_at_once():
    with pytest.raises(DataError, match="3 problems"):
        Limits(count=0, contributors=0, dominance=200)


def table_of(rows):
    return pd.DataFrame(rows, columns=["a", "b", "value"])


GOOD = [(1, 1, 5.0), (1, 2, 6.0), (1, "Total", 11.0), (2, 1, 7.0), (2, 2, 8.0), (2, "Total", 15.0),
        ("Total", 1, 12.0), ("Total", 2, 14.0), ("Total", "Total", 26.0)]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "no rows"),
        ([*GOOD[:-1], ("Total", "Total", 27.0)], "the grand total is off by 1.00"),
        ([*GOOD[:2], (1, "Total", 12.0), *GOOD[3:]], "a 1 is off by 1.00"),
        ([(1, 1, np.nan), *GOOD[1:]], "blank or infinite at a 1, b 1"),
        ([(1, 1, -5.0), *GOOD[1:]], "is negative at a 1, b 1"),
        ([*GOOD, (1, 1, 5.0)], "stands twice at a 1, b 1"),
    ],
)
def test_tables_that_cannot_be_protected_are_refused_with_places(rows, said):
    with pytest.raises(DataError, match=said):
        as_cells(table_of(rows), DIMENSIONS)


def test_micro_data_that_cannot_be_summed_are_refused():
    data = micro(FAIR)
    for wrong, said in (
        (data.iloc[:0], "empty"),
        (data.assign(money=np.nan), "empty"),
        (data.assign(a=None), "a is blank in 36 rows"),
        (data.assign(b="Total"), "kept for margins"),
        (data.drop(columns="county"), "no column county"),
    ):
        with pytest.raises(DataError, match=said):
            tabulate(wrong, DIMENSIONS, "money", unit="county")


def test_linked_tables_must_agree():
    one = as_cells(table_of(GOOD), DIMENSIONS)
    other = as_cells(table_of([(1, 1, 6.0)]), DIMENSIONS)
    with pytest.raises(DataError, match=r"different numbers for variable n, a 1, b 1"):
        link({"n:one": one, "n:other": other})


def test_a_table_with_nowhere_to_hide_says_so():
    cells = as_cells(table_of(GOOD), DIMENSIONS)
    primary = few(cells.value, 6)
    keep = ~primary
    with pytest.raises(TooCertainError, match="even when all other cells are hidden"):
        protect(cells.value, cells.relations, primary, Need.of(9, width=primary * 6.0), keep=keep)
    # margins may go: only without the grand total is there no upper end
    found = protect(cells.value, cells.relations, primary, Need.of(9, width=primary * 40.0))
    assert found.hidden[(cells.labels == "Total").all(axis=1)].all()


def test_a_table_that_would_be_blank_is_refused():
    with pytest.raises(DataError, match="every number of the table would have to be hidden"):
        safe({(0, 0): [5.0]})


def test_bands_have_round_ends_and_hold_the_value():
    for value in (118_000.0, 99.0, 5.0, -40.0):
        for width in (0.7, 3.0, 20_000.0):
            low, high = band(value, width)
            assert low <= value < high and high - low >= width
    with pytest.raises(DataError, match="positive width"):
        band(5.0, 0.0)


def pay_by_tier():
    """Two employers at one hospital tier in a table of pay with posts: only a band may leave."""
    values = {(t, k): [800.0, 900, 1000, 1100] for t in ("hospital", "township") for k in "ab"}
    values["hospital", "a"] = [11_800_000.0 / 8, 11_800_000.0 / 8]
    values["township", "a"] = [500_000.0, 600_000, 700_000, 400_000]
    values = {
        key: [x * (1 if key[1] == "a" else 900) for x in many] for key, many in values.items()
    }
    return micro(values, columns=("tier", "type")).assign(posts=12.5)


def test_a_band_stands_in_for_the_pay_of_two_employers():
    dimensions = [("tier",), ("type",)]
    measures = [Measure("money"), Measure("posts", "count", threshold=5)]
    limits = Limits()
    table = safe_table(pay_by_tier(), dimensions, measures, limits, unit="county")
    hospital = table.frame["tier"] == "hospital"
    table = with_bands(table, "band", "money", "posts", hospital, limits)
    row = table.frame[(table.frame["tier"] == "hospital") & (table.frame["type"] == "a")].iloc[0]
    assert np.isnan(row["money"])
    assert row["band"] == "100,000 to 150,000"
    assert not (table.frame["band"][table.frame["tier"] == "township"] != "").any()


def test_dominance_wants_contributions_in_order():
    with pytest.raises(DataError, match="out of order"):
        dominated([100.0], [40.0], [50.0])


def test_a_table_of_sixteen_hundred_cells_takes_seconds():
    rng = np.random.default_rng(0)
    inner = rng.negative_binomial(1, 0.02, (40, 40)).astype(float)
    rows, columns = np.indices(inner.shape)
    frame = pd.DataFrame({"a": rows.ravel(), "b": columns.ravel(), "n": inner.ravel(), "id": "i"})
    cells = as_cells(tabulate(frame, DIMENSIONS, "n", unit="id"), DIMENSIONS)
    primary = few(cells.value, 10)
    need = Need.of(len(primary), width=primary * 10.0)
    started = time.process_time()
    found = protect(cells.value, cells.relations, primary, need)
    assert found.method == "best" and primary.sum() > 200
    assert time.process_time() - started < 20


def event_study(n_units):
    """Two cohorts, event times 0 to 2 as their mean by size, and the mean of those."""
    sizes = np.repeat(n_units, 3)
    cells = np.arange(1.0, 7.0)
    weights = np.array([[sizes[k] if k % 3 == e else 0.0 for e in range(3)] for k in range(6)])
    weights = weights / weights.sum(axis=0)
    overall = np.full(3, 1 / 3)
    event = weights.T @ cells
    frame = pd.DataFrame({"estimate": np.r_[cells, event, overall @ event]})
    frame["n_units"] = [*sizes, *[sum(n_units)] * 4]
    return frame.assign(std_error=0.1), average_relations(weights, overall)


def test_an_average_does_not_give_a_hidden_estimate_away():
    frame, relations = event_study([30, 4])
    weight = [1.0] * 6 + [5.0] * 3 + [25.0]
    shown, reasons = safe_estimates(frame, relations, Limits(), weight=weight)
    hidden = shown["na"] == "suppressed"
    assert hidden[3:6].all()
    # with the other cohort and the averages shown, each hidden cell would follow
    assert hidden[:3].all() and not hidden[6:].any()
    assert (reasons[3:6] != reasons[:3]).all()
    assert shown.loc[hidden, ["estimate", "std_error", "n_units"]].isna().all(axis=None)


def test_estimates_of_enough_counties_stay():
    frame, relations = event_study([30, 14])
    shown, reasons = safe_estimates(frame, relations, Limits())
    assert (shown["na"] == "").all() and (reasons == "").all()
    pd.testing.assert_series_equal(shown["estimate"], frame["estimate"])


def test_what_an_estimate_rests_on_is_named():
    assert Support(200, 12, 900).shortfall(Limits()) == ""
    missed = Support(9, 2, 900).shortfall(Limits())
    assert missed == "fewer than 10 counties, fewer than 3 treated clusters"
