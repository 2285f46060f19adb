"""Effects: averages, variances, intervals and what is shown."""

import numpy as np
import pandas as pd
import pytest

from medalliance import DesignError
from medalliance.results import CompactInfluence, Design, Effects, Units, terms_frame

COHORT = np.array([0, 0, 0, 2003, 2003, 2004, 2004, 2004])
CELLS = [(2003, 2002), (2003, 2003), (2003, 2004), (2004, 2002), (2004, 2003), (2004, 2004)]


def make(influence=None, **changes):
    rng = np.random.default_rng(1)
    cohort = np.array([c for c, _ in CELLS])
    year = np.array([y for _, y in CELLS])
    drawn = rng.normal(size=(len(COHORT), len(CELLS)))
    design = Design(
        outcome="y", estimator="test", n_units=8, n_obs=24, n_clusters=8, unit_of_measure="share"
    )
    values = {
        "estimate": np.array([0.1, 1.0, 2.0, -0.1, 0.2, 3.0]),
        "terms": terms_frame(
            "y",
            [f"{c} in {y}" for c, y in CELLS],
            cohort=cohort,
            year=year,
            event_time=year - cohort,
            n_units=[(c == COHORT).sum() for c in cohort],
        ),
        "design": design,
        "units": Units(pd.Index(range(8)), COHORT, np.ones(8), np.arange(8)),
        "influence_function": drawn - drawn.mean(0) if influence is None else influence,
        "mass": np.array([(c == COHORT).mean() for c in cohort]),
    }
    return Effects(**{**values, **changes})


def test_averages_weight_by_cohort_size():
    effects = make()
    assert effects.aggregate("simple").estimate[0] == pytest.approx((2 + 4 + 9) / 7)
    event = effects.aggregate("event_time")
    assert list(event.terms["event_time"]) == [-2, -1, 0, 1]
    np.testing.assert_allclose(event.estimate, [-0.1, (0.2 + 0.6) / 5, (2 + 9) / 5, 2.0])
    assert event.overall.estimate[0] == pytest.approx((2.2 + 2.0) / 2)
    cohort = effects.aggregate("cohort")
    np.testing.assert_allclose(cohort.estimate, [1.5, 3.0])
    assert cohort.overall.estimate[0] == pytest.approx((2 * 1.5 + 3 * 3) / 5)
    year = effects.aggregate("year")
    np.testing.assert_allclose(year.estimate, [1.0, (2 * 2 + 3 * 3) / 5])
    assert effects.overall.estimate[0] == effects.aggregate("simple").estimate[0]


def test_balance_keeps_cohorts_seen_long_enough():
    event = make().aggregate("event_time", balance=1)
    assert list(event.terms["event_time"]) == [-1, 0, 1]
    np.testing.assert_allclose(event.estimate, [0.1, 1.0, 2.0])
    assert list(event.terms["n_units"]) == [2, 2, 2]
    with pytest.raises(DesignError, match="every event time from 0 to 5"):
        make().aggregate("event_time", balance=5)


def test_estimated_weights_equal_a_delete_one_derivative():
    """The influence of a weight is the derivative of the average in a unit's own weight."""
    effects = make(np.zeros((8, 6)))
    influence = effects.aggregate("simple").influence[:, 0]

    def simple(weight):
        mass = {c: weight[c == COHORT].sum() for c in (2003, 2004)}
        top = mass[2003] * (1 + 2) + mass[2004] * 3
        return top / (2 * mass[2003] + mass[2004])

    step = 1e-6
    for unit in range(8):
        weight = np.ones(8)
        weight[unit] += step
        assert influence[unit] / 8 == pytest.approx(
            (simple(weight) - simple(np.ones(8))) / step, abs=1e-5
        )


def test_compact_influence_equals_dense():
    rng = np.random.default_rng(2)
    group = np.array([0, 1, 1, 0, 2, 2, 0, 1])
    values, loadings = rng.normal(size=(8, 3)), rng.normal(size=(3, 3, 6))
    shared, shared_loadings = rng.normal(size=(8, 2)), rng.normal(size=(2, 6))
    dense = np.einsum("ip,ipk->ik", values, loadings[group]) + shared @ shared_loadings
    compact = CompactInfluence(values, group, loadings, shared, shared_loadings)
    np.testing.assert_allclose(make(compact).influence, dense)
    np.testing.assert_allclose(make(compact).vcov, make(dense).vcov)
    one, two = make(compact).aggregate("cohort"), make(dense).aggregate("cohort")
    np.testing.assert_allclose(one.overall.std_error, two.overall.std_error)


def test_intervals_nest_and_frame_is_tidy():
    effects = make()
    frame = effects.to_frame()
    assert list(frame.columns) == [
        *["outcome", "term", "cohort", "year", "event_time", "estimate", "std_error"],
        *["conf_low", "conf_high", "band_low", "band_high", "p_value", "n_units"],
    ]
    assert (frame["band_low"] < frame["conf_low"]).all()
    assert (frame["band_high"] > frame["conf_high"]).all()
    np.testing.assert_allclose(
        frame["conf_high"] - frame["estimate"], 1.959964 * frame["std_error"]
    )
    pd.testing.assert_frame_equal(frame, make().to_frame())
    with pytest.raises(DesignError, match="between 0 and 1"):
        effects.conf_int(95)


def test_clusters_add_up_before_squaring():
    cluster = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    effects = make()
    units = Units(effects.units.ids, COHORT, np.ones(8), cluster)
    design = Design(outcome="y", estimator="test", n_units=8, n_obs=24, n_clusters=4)
    clustered = make(units=units, design=design)
    sums = effects.influence.reshape(4, 2, 6).sum(1)
    np.testing.assert_allclose(clustered.vcov, sums.T @ sums / 64)


def test_one_treated_cluster_has_no_standard_error():
    design = Design(
        outcome="y", estimator="test", n_units=8, n_obs=24, n_clusters=8, n_treated_clusters=1
    )
    effects = make(design=design)
    assert np.isnan(effects.aggregate("simple").std_error).all()
    assert effects.to_frame()[["conf_low", "band_low", "p_value"]].isna().all(axis=None)
    assert "no standard error" in effects.describe()


def test_given_variance_alone_offers_no_band():
    effects = make(influence_function=None, given_vcov=np.eye(6), mass=None, terms=make().terms)
    np.testing.assert_allclose(effects.std_error, 1)
    assert effects.to_frame()["band_low"].isna().all()
    with pytest.raises(DesignError, match="simultaneous=False"):
        effects.conf_int(simultaneous=True)
    with pytest.raises(DesignError, match="It offers"):
        effects.aggregate("cohort")


def test_text_names_its_badge_convention_and_seed():
    effects = make().aggregate("event_time")
    text = effects.summary()
    assert "[YOURS]" in text
    assert "R did" in text
    assert "seed 20260101" in text
    assert "*" not in text
    sentence = effects.describe()
    assert "2.10" in sentence
    assert "parallel" not in sentence
    assert 'data-badge="YOURS"' in effects._repr_html_()
    assert r"\toprule" in effects.to_latex()


@pytest.mark.parametrize("kind", ["simple", "event_time", "cohort", "year"])
def test_every_average_is_drawn(kind):
    import matplotlib as mpl

    mpl.use("Agg")
    assert make().aggregate(kind).plot().has_data()
    assert make().plot().has_data()


def test_effects_are_frozen():
    with pytest.raises(AttributeError):
        make().estimate = np.zeros(6)
