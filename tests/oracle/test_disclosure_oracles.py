"""Published worked examples of cell suppression, and every subset of small tables.

Sources:
  Handbook: Hundepool et al., Handbook on Statistical Disclosure Control, chapter 4 (sdcTools).
  Fischetti and Salazar (2001), Management Science 47(7), the introductory table.
  sdcTable: tests of the R package (test-simpleheuristic.R, test-linked-tables.r).
  GaussSuppression: vignette "Magnitude table suppression", tables 2, 3 and 10.
"""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

from medalliance.disclosure import (
    Need,
    as_cells,
    attack,
    concentrated,
    concentration_need,
    dominated,
    link,
    p_percent_need,
    protect,
    tabulate,
    too_few,
)


def crossed(inner):
    """A table of two dimensions with margins as cells, and the place of each inner cell."""
    inner = np.asarray(inner, dtype=float)
    rows, columns = np.indices(inner.shape)
    micro = pd.DataFrame(
        {"row": rows.ravel(), "column": columns.ravel(), "n": inner.ravel(), "id": "one"}
    )
    dimensions = [("row",), ("column",)]
    cells = as_cells(tabulate(micro, dimensions, "n", unit="id"), dimensions)
    keys = list(zip(cells.labels["row"], cells.labels["column"], strict=True))
    place = {key: k for k, key in enumerate(keys)}
    return cells, lambda r, c: place[str(r), str(c)]


def test_feasibility_interval_of_the_handbook():
    # Example 3 (Geurts 1992, table 10): four cells hidden; cell (1, 1) lies between 3 and 6
    cells, at = crossed([[4, 3], [2, 1], [3, 3]])
    hidden = np.zeros(len(cells.value), bool)
    hidden[[at(0, 0), at(0, 1), at(1, 0), at(1, 1)]] = True
    found = attack(cells.value, cells.relations, hidden)
    assert found[at(0, 0)] == pytest.approx([3, 6])
    assert found[at(2, 0)] == pytest.approx([3, 3])


def test_rules_of_the_handbook():
    # Example 1: 51,000 overestimates 50,000 by 2 %; the (1, 90) rule does not see it, p = 10 does
    assert not concentrated([100_000], [50_000], 90)[0]
    assert dominated([100_000], [50_000], [49_000], 10)[0]
    # Example 2: overestimates by 15.4 %: safe at p = 10, not safe under (2, 90.9)
    assert not dominated([110_000], [52_000], [50_000], 10)[0]
    assert dominated([110_000], [52_000], [50_000], 15.5)[0]
    assert concentrated([110_000], [102_000], 100 * 100 / 110)[0]
    # Example 4: 300 + 20 + 10 under (1, 85): the interval must reach 352.94
    assert concentrated([330], [300], 85)[0]
    assert 330 + concentration_need([330], [300], 85)[0] == pytest.approx(352.94, abs=0.005)
    # Example 5: p/100 x1 - (X - x1 - x2)
    assert p_percent_need([330], [300], [20], 10)[0] == pytest.approx(0.1 * 300 - 10)


def test_introductory_table_of_fischetti_and_salazar():
    cells, at = crossed([[20, 50, 10], [8, 19, 22], [17, 32, 12]])
    primary = np.zeros(len(cells.value), bool)
    primary[at(1, 2)] = True
    need = Need.of(len(primary), below=primary * 5.0, above=primary * 5.0)
    found = protect(cells.value, cells.relations, primary, need)
    pattern = {at(1, 0), at(1, 2), at(2, 0), at(2, 2)}
    assert set(np.flatnonzero(found.hidden)) == pattern
    assert (found.loss, found.method) == (8 + 17 + 12, "best")
    assert attack(cells.value, cells.relations, found.hidden)[at(1, 2)] == pytest.approx([5, 30])


def test_sums_of_rows_give_a_cell_away_as_in_sdctable():
    inner = [[30, 47, 64, 89], [90, 124, 5, 31], [92, 100, 59, 85], [800, 991, 651, 685]]
    cells, at = crossed(inner)
    primary = np.zeros(len(cells.value), bool)
    first = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 1), (2, 3), (3, 1), (3, 3)]
    primary[[at(*cell) for cell in first]] = True
    # each row and column has two hidden cells, and yet (236 - 189) gives one exactly
    assert attack(cells.value, cells.relations, primary)[at(0, 1)] == pytest.approx([47, 47])
    found = protect(cells.value, cells.relations, primary, Need.of(len(primary), width=primary))
    assert np.flatnonzero(found.complementary).tolist() == [at(1, 3)]
    assert attack(cells.value, cells.relations, found.hidden)[at(0, 1)] == pytest.approx([0, 78])


def test_linked_tables_of_sdctable():
    data = pd.DataFrame(
        {
            "region": list("ABIJKLMN"),
            "county": ["county-1"] * 4 + ["county-2"] * 4,
            "group": ["small"] * 5 + ["BIG", "BIG", "small"],
            "n": [2, 2, 8, 8, 3, 3, 3, 7],
        }
    )
    one, two = [("county", "region")], [("group", "region")]
    tables = {
        "n:county": as_cells(tabulate(data, one, "n", unit="region"), one),
        "n:group": as_cells(tabulate(data, two, "n", unit="region"), two),
    }
    for cells in tables.values():  # alone, either table is safe
        small = (cells.value > 0) & (cells.value <= 3)
        ends = attack(cells.value, cells.relations, small)
        assert (np.diff(ends[small]) > 0).all()
    cells, _ = link(tables)
    small = (cells.value > 0) & (cells.value <= 3)
    found = protect(cells.value, cells.relations, small, Need.of(len(small), width=small))
    assert cells.labels["region"][found.complementary].tolist() == ["N"]


MAGNITUDE = """Agriculture private Portugal 75.9|Agriculture private Portugal 24.5
Agriculture private Spain 96.6|Agriculture private Spain 43.2|Entertainment private Iceland 16.8
Entertainment private Portugal 7.1|Entertainment private Portugal 2.3
Entertainment private Spain 77.4|Entertainment private Spain 11.5|Entertainment private Spain 16.4
Governmental public Portugal 21.6|Governmental public Portugal 2.0|Governmental public Spain 6.5
Governmental public Spain 2.7|Industry private Iceland 9.6|Industry private Iceland 8.8
Industry private Iceland 1.9|Industry private Portugal 25.7|Industry private Portugal 3.4
Industry private Spain 8.4"""


@pytest.fixture(scope="module")
def magnitude():
    rows = [row.split() for row in MAGNITUDE.replace("\n", "|").split("|")]
    frame = pd.DataFrame(rows, columns=["sector", "owner", "geo", "value"])
    return frame.assign(value=frame["value"].astype(float), row=range(len(rows)))


def named(table, flags):
    rows = table[np.asarray(flags)]
    return set(zip(rows["sector"], rows["geo"], strict=True))


def test_primary_cells_of_gausssuppression(magnitude):
    table = tabulate(magnitude, [("sector",), ("geo",)], "value", unit="row")
    alone = {("Entertainment", "Iceland"), ("Industry", "Spain")}
    assert named(table, too_few(table["contributors"], 2)) == alone  # table 2
    above = alone | {("Governmental", "Portugal"), ("Industry", "Portugal")}
    assert named(table, concentrated(table["absolute"], table["largest"], 80)) == above  # table 3
    share = (table["largest"] / table["absolute"]).round(7).tolist()
    for printed in (0.2089552, 0.4528302, 0.4670769, 0.7559761, 0.9152542, 0.8831615):
        assert printed in share


def test_intervals_of_gausssuppression(magnitude):
    dimensions = [("owner", "sector"), ("geo",)]
    table = tabulate(magnitude, dimensions, "value", unit="row")
    cells = as_cells(table, dimensions)
    primary = dominated(table["absolute"], table["largest"], table["second"], 30)
    at = {key: k for k, key in enumerate(zip(table["owner"], table["sector"], table["geo"],
                                             strict=True))}  # fmt: skip
    second = [
        ("private", "Industry", "Total"),
        ("private", "Total", "Iceland"),
        ("private", "Total", "Spain"),
        ("private", "Total", "Total"),
        ("Total", "Total", "Iceland"),
        ("Total", "Total", "Portugal"),
    ]
    hidden = primary.copy()
    hidden[[at[key] for key in second]] = True
    before = {
        ("private", "Entertainment", "Iceland"): (0, 60.7),
        ("private", "Industry", "Iceland"): (0, 60.7),
        ("public", "Total", "Portugal"): (0, 60.7),
        ("public", "Governmental", "Portugal"): (0, 60.7),
        ("private", "Agriculture", "Spain"): (101.3, 240.2),
    }
    after = {
        ("private", "Agriculture", "Portugal"): (0, 199.6),
        ("private", "Agriculture", "Spain"): (40.6, 240.2),
        ("private", "Entertainment", "Iceland"): (0, 131.5),
        ("private", "Entertainment", "Portugal"): (0, 131.5),
        ("private", "Entertainment", "Spain"): (0, 131.5),
        ("private", "Industry", "Iceland"): (0, 90.6),
        ("private", "Industry", "Portugal"): (0, 90.6),
        ("private", "Industry", "Spain"): (0, 90.6),
        ("public", "Governmental", "Total"): (0, 90.6),
        ("public", "Total", "Spain"): (0, 90.6),
    }
    found = attack(cells.value, cells.relations, hidden)
    for key, ends in before.items():
        assert found[at[key]] == pytest.approx(ends, abs=0.05)
    hidden[at["private", "Total", "Portugal"]] = True
    found = attack(cells.value, cells.relations, hidden)
    for key, ends in after.items():
        assert found[at[key]] == pytest.approx(ends, abs=0.05)
    # the rule that the interval be 80 wide, or 70 % of the cell, holds with our own set too
    width = np.where(primary, np.maximum(80.0, 0.7 * cells.value), 0.0)
    ours = protect(cells.value, cells.relations, primary, Need.of(len(width), width=width))
    left = np.diff(attack(cells.value, cells.relations, ours.hidden))[:, 0]
    assert (left[primary] >= width[primary] - 1e-6).all()
    assert ours.loss <= cells.value[hidden & ~primary].sum()


def tables_that_agree(inner, hidden):
    """Every table of two rows of whole numbers with the same margins and published cells."""
    choices = [
        range(int(top + bottom) + 1) if blank.all() else [int(top)]
        for (top, bottom), blank in zip(inner.T, hidden.T, strict=True)
    ]
    first = np.array(list(product(*choices)), dtype=float)
    first = first[first.sum(axis=1) == inner[0].sum()]
    return np.stack([first, inner.sum(axis=0) - first], axis=1)


def lightest_by_enumeration(inner, small, width):
    """The least sum of complementary inner cells over every subset, no linear programme."""
    others = np.argwhere(~small)
    best = np.inf
    for size in range(len(others) + 1):
        for chosen in combinations(others.tolist(), size):
            hidden = small.copy()
            for row, column in chosen:
                hidden[row, column] = True
            spread = np.ptp(tables_that_agree(inner, hidden), axis=0)
            if (spread[small] >= width).all():
                best = min(best, inner[hidden & ~small].sum())
    return best


@pytest.mark.parametrize("seed", range(12))
def test_no_lighter_set_of_inner_cells_protects(seed):
    rng = np.random.default_rng(seed)
    inner = rng.integers(4, 12, (2, 4)).astype(float)
    inner[0, rng.integers(4)] = 2
    cells, at = crossed(inner)
    primary = (cells.value > 0) & (cells.value < 3)
    margin = (cells.labels == "Total").any(axis=1).to_numpy()
    width = 2.0 + seed % 4
    found = protect(
        cells.value, cells.relations, primary, Need.of(len(primary), width=primary * width),
        keep=margin, whole=True,
    )  # fmt: skip
    assert found.method == "best"
    assert found.loss == lightest_by_enumeration(inner, inner < 3, width)
    hidden = np.array([[found.hidden[at(r, c)] for c in range(4)] for r in range(2)])
    tables = tables_that_agree(inner, hidden)
    ends = attack(cells.value, cells.relations, found.hidden, whole=True)
    for row, column in np.argwhere(hidden):
        seen = tables[:, row, column]
        assert ends[at(row, column)].tolist() == [seen.min(), seen.max()]
