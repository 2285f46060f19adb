"""The table of sensitivity intervals."""

import numpy as np
import pytest

import medalliance as ma
from medalliance import honest_did
from medalliance.errors import DesignError
from medalliance.inference.relative_magnitude import relative_magnitude_interval
from medalliance.inference.smoothness import smoothness_interval

TIMES = [-4, -3, -2, 0, 1, 2]
BETA = np.array([0.02, -0.03, 0.01, 0.5, 0.6, 0.7])
SIGMA = 0.01 * (0.2 + 0.8 * np.eye(6))


def test_table_holds_the_intervals_of_the_headline(event_study):
    effects = event_study(TIMES, BETA, SIGMA)
    table = honest_did(effects, relative_magnitude=(0, 1), smoothness=(0.0, 0.05))
    assert list(table.columns) == ["restriction", "bound", "conf_low", "conf_high"]
    assert len(table) == 4
    mean = np.ones(3) / 3
    np.testing.assert_allclose(
        table.loc[1, ["conf_low", "conf_high"]].to_numpy(float),
        relative_magnitude_interval(BETA, SIGMA, 3, mean, 1.0),
    )
    found = smoothness_interval(BETA, SIGMA, 3, mean, 0.05)
    assert table.loc[3, "conf_high"] == pytest.approx(found.centre + found.half_length)
    assert table.target == "average effect over event times 0 to 2"


def test_breakdown_is_where_the_interval_reaches_zero(event_study):
    effects = event_study(TIMES, BETA, SIGMA)
    table = honest_did(effects, relative_magnitude=(0,), smoothness=(0,), event_time=0)
    for name, bound in table.breakdown.items():
        assert bound > 0
        kept = honest_did(effects, **{name: (bound * 0.999, bound * 1.001)}, event_time=0)
        assert kept["conf_low"].iloc[0] > 0 >= kept["conf_low"].iloc[1]
        assert f"{bound:.3g}" in table.reading


def test_breakdown_is_zero_when_nothing_is_found_at_once(event_study):
    table = honest_did(event_study(TIMES, BETA * 0.01, SIGMA), relative_magnitude=(1,))
    assert table.breakdown == {"relative_magnitude": 0.0}
    assert "contains 0 at a bound of 0" in table.reading


def test_anticipation_moves_the_base(event_study):
    times = [-4, -3, -1, 0, 1]
    effects = event_study(times, BETA[1:], SIGMA[1:, 1:], anticipation=1)
    table = honest_did(effects, relative_magnitude=(1,))
    expected = relative_magnitude_interval(BETA[1:], SIGMA[1:, 1:], 2, np.array([0, 0.5, 0.5]), 1.0)
    np.testing.assert_allclose(table.loc[0, ["conf_low", "conf_high"]].to_numpy(float), expected)


def test_refusals(event_study):
    good = event_study(TIMES, BETA, SIGMA)
    with pytest.raises(DesignError, match="universal base"):
        honest_did(event_study(TIMES, BETA, SIGMA, base_period="varying"), smoothness=(0,))
    with pytest.raises(DesignError, match="no restriction"):
        honest_did(good)
    with pytest.raises(DesignError, match="no event time -3"):
        honest_did(event_study([-4, -2, 0, 1, 2], BETA[1:], SIGMA[1:, 1:]), smoothness=(0,))
    with pytest.raises(DesignError, match="no event time before"):
        honest_did(event_study([0, 1, 2], BETA[3:], SIGMA[3:, 3:]), smoothness=(0,))
    with pytest.raises(DesignError, match="no effect at event time 9"):
        honest_did(good, smoothness=(0,), event_time=9)
    blank = SIGMA.copy()
    blank[0] = blank[:, 0] = np.nan
    with pytest.raises(DesignError, match="no standard error at event times -4"):
        honest_did(event_study(TIMES, BETA, blank), smoothness=(0,))


def test_no_violation_gives_the_t_interval_of_the_effects(simulated):
    panel = simulated()
    for effects in (
        ma.twfe(panel, "y", event_study=True),
        ma.neyman_variance(ma.att_gt(panel, "y", base_period="universal")).aggregate("event_time"),
    ):
        table = honest_did(effects, relative_magnitude=(0,), smoothness=(0,))
        expected = effects.overall.conf_int()[0]
        assert table.original == pytest.approx(expected, rel=1e-8)
        row = table.set_index("restriction").loc["relative_magnitude"]
        width = expected[1] - expected[0]
        assert (row["conf_low"], row["conf_high"]) == pytest.approx(expected, abs=0.02 * width)
