"""Krippendorff (2011): four observers, twelve units."""

from __future__ import annotations

import numpy as np
import pytest

from medalliance.embedding.reliability import krippendorff_alpha
from medalliance.errors import DataError

NAN = np.nan
CODES = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]


@pytest.mark.parametrize(
    ("level", "alpha"),
    [("nominal", 0.7434), ("ordinal", 0.8154), ("interval", 0.8491), ("ratio", 0.7974)],
)
def test_four_levels(level, alpha):
    got = krippendorff_alpha(CODES, level=level, n_draws=99)
    assert got.alpha == pytest.approx(alpha, abs=5e-5)
    assert got.conf_low <= got.alpha <= got.conf_high


def test_ordinal_against_the_formula():
    """1 - D_o / D_e with the ordinal metric, summed by hand over all pairs."""
    codes = np.array(CODES, dtype=float)
    units = [u[np.isfinite(u)] for u in codes.T]
    units = [u for u in units if len(u) > 1]
    pool = np.concatenate(units)
    count = {v: (pool == v).sum() for v in np.unique(pool)}

    def delta(c, k):
        low, high = min(c, k), max(c, k)
        between = sum(n for v, n in count.items() if low <= v <= high)
        return (between - (count[c] + count[k]) / 2) ** 2

    observed = sum(delta(a, b) / (len(u) - 1) for u in units for a in u for b in u) / len(pool)
    expected = sum(delta(a, b) for a in pool for b in pool) / (len(pool) * (len(pool) - 1))
    got = krippendorff_alpha(CODES, level="ordinal", n_draws=0)
    assert got.alpha == pytest.approx(1 - observed / expected, abs=1e-12)
    assert got.verdict == "use"


def test_refuses_what_carries_no_agreement():
    with pytest.raises(DataError, match="two coders or more"):
        krippendorff_alpha([[1, 2, 3]])
    with pytest.raises(DataError, match="no unit has two codes"):
        krippendorff_alpha([[1, NAN], [NAN, 2]])
    with pytest.raises(DataError, match="without variation"):
        krippendorff_alpha([[1, 1], [1, 1]])


def test_infinite_codes_and_negative_ratios_are_refused():
    import medalliance as ma

    codes = np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, -4.0]])
    with pytest.raises(ma.DataError, match=r"negative codes on a ratio scale: coder 2, unit 4"):
        ma.krippendorff_alpha(codes, level="ratio")
    assert ma.krippendorff_alpha(codes, level="interval", n_draws=0).alpha < 1
    codes[0, 1] = np.inf
    for level in ("nominal", "ordinal", "interval", "ratio"):
        with pytest.raises(ma.DataError, match=r"infinite codes: coder 1, unit 2"):
            ma.krippendorff_alpha(codes, level=level)
