"""Tasks run once, in any backend, and go on where they stopped; recipes show what they claim."""

import numpy as np
import pandas as pd
import pytest

from medalliance.grading import grading, pretrends, threats
from medalliance.grading.monte_carlo import Task, key, run_tasks
from medalliance.grading.stored_draws import load_draws

SMALL = [Task("threats", "few_treated", seed, 100) for seed in range(3)]


def test_cached_tasks_do_not_run_again(tmp_path):
    calls = []

    def count(task):
        calls.append(task.seed)
        return [{"value": task.seed / 3}]

    first = run_tasks(count, SMALL[:2], cache_folder=tmp_path)
    again = run_tasks(count, SMALL, cache_folder=tmp_path)
    assert calls == [0, 1, 2]
    pd.testing.assert_frame_equal(again.iloc[:2], first)
    assert list(again["value"]) == [0, 1 / 3, 2 / 3]
    assert not list(tmp_path.glob("*.part"))


def test_an_interrupted_run_goes_on(tmp_path):
    def stop_at_two(task):
        if task.seed == 2:
            raise KeyboardInterrupt
        return [{"value": 1.0}]

    with pytest.raises(KeyboardInterrupt):
        run_tasks(stop_at_two, SMALL, cache_folder=tmp_path)
    assert len(list(tmp_path.glob("*.json"))) == 2
    assert len(run_tasks(lambda t: [{"value": 1.0}], SMALL, cache_folder=tmp_path)) == 3


def test_keys_tell_tasks_apart():
    tasks = [*SMALL, Task("grading", "few_treated", 0, 100), Task("threats", "covid", 0, 100)]
    assert len({key(task) for task in tasks}) == len(tasks)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_every_backend_gives_the_same_numbers(backend):
    tasks = SMALL[:2]
    serial = run_tasks(threats.one_draw, tasks)
    parallel = run_tasks(threats.one_draw, tasks, n_jobs=2, backend=backend)
    pd.testing.assert_frame_equal(serial, parallel)


@pytest.mark.parametrize(
    "threat",
    ["anticipation", "select_on_level", "covid", "coreform", "pt_scale", "def_break"],
)
def test_naive_estimate_misses_where_the_survivor_holds(threat):
    """Three small draws: the naive bias is many errors wide, the survivor's is not."""
    draws = run_tasks(threats.one_draw, [Task("threats", threat, s, 200) for s in range(3)])
    row = threats.matrix(draws).iloc[0]
    assert abs(row["naive_bias"]) > 2 * abs(row["survivor_bias"])
    assert abs(row["naive_bias"]) > 0.15 * abs(row["truth"])
    assert row["fired"] > row["fired_without"]


def test_matrix_knows_every_switch():
    from medalliance.simulate import THREATS

    assert set(threats.RECIPES) == set(THREATS)


def test_grade_counts_what_it_says():
    """Four draws with t(3) intervals of half width 0.318 around the estimate."""
    draws = pd.DataFrame(
        {"name": "estimators/effect", "outcome": "y", "method": "m", "draw": range(4),
         "truth": [0.8, 1.2, 1.0, 1.0], "estimate": [0.9, 1.1, 1.4, 0.6], "std_error": 0.1,
         "dof": 3.0, "own_error": 0.1, "own_dof": np.inf}
    )  # fmt: skip
    row = grading.grade(draws).iloc[0]
    assert row["truth"] == pytest.approx(1.0)
    assert row["bias"] == pytest.approx(0.0, abs=1e-12)
    assert row["coverage"] == 0.5  # misses by 0.1, 0.1, 0.4 and 0.4 from the population's effect
    assert row["coverage_drawn"] == 0.5
    assert row["coverage_own"] == 0.5
    assert row["rejection"] == 1.0
    assert row["sd"] == pytest.approx(np.std([0.9, 1.1, 1.4, 0.6], ddof=1))
    far = grading.grade(draws.assign(truth=[0.5, 1.5, 1.0, 1.0])).iloc[0]
    assert far["coverage"] == 0.5
    assert far["coverage_drawn"] == 0.0
    narrow = grading.grade(draws.assign(own_error=0.05)).iloc[0]
    assert (narrow["coverage"], narrow["coverage_own"]) == (0.5, 0.0)


def test_sizes_and_powers_count_what_they_say():
    tests = pd.DataFrame(
        {"name": "inference/few", "outcome": "y", "method": "m", "draw": range(4),
         "p_value": [0.04, 0.05, 0.5, 0.01]}
    )  # fmt: skip
    assert grading.sizes(tests).iloc[0]["rejection"] == 0.75
    rng = np.random.default_rng(1)
    draws = pd.DataFrame(
        {"name": "estimators/no effect", "outcome": "y", "method": "m", "draw": range(4000),
         "estimate": rng.normal(0, 0.1, 4000), "std_error": 0.1, "dof": 1e6}
    )  # fmt: skip
    row = grading.powers(draws).iloc[0]
    assert row["effect"] == pytest.approx(0.1 * (1.960 + 0.842), rel=0.03)
    assert row["power"] == pytest.approx(0.8, abs=0.02)
    assert row["power_ok"]
    small = grading.powers(draws.assign(std_error=0.05)).iloc[0]
    assert small["effect"] == pytest.approx(row["effect"] / 2)
    assert not small["power_ok"]


def test_one_graded_draw_has_every_method():
    draws = run_tasks(grading.one_draw, [Task("grading", "estimators/no effect", 0, 100)])
    assert set(draws["method"]) == set(grading.ESTIMATORS)
    assert (draws["truth"] == 0).all()
    tests = run_tasks(
        grading.one_draw, [Task("grading", "inference/5 of 40 clusters treated", 0, 400)]
    )
    assert set(tests["method"]) == set(grading.INFERENCE) - {grading.NEYMAN_LOGIT}  # lone cohort
    many = run_tasks(
        grading.one_draw, [Task("grading", "inference/24 of 40 clusters treated", 0, 400)]
    )
    assert set(many["method"]) == set(grading.INFERENCE) - {"Conley-Taber"}
    synthetic = run_tasks(grading.one_draw, [Task("grading", "synthetic/effect", 0, 100)])
    assert set(synthetic["outcome"]) == set(grading.OUTCOMES)


def test_keys_as_numbers_change_no_estimate():
    from medalliance import twfe
    from medalliance.simulate import simulate_panel

    panel = simulate_panel(60, 8, seed=2, channels=False).panel
    one, other = twfe(panel, grading.SPEND), twfe(grading.only(panel, grading.SPEND), "value")
    assert other.estimate == pytest.approx(one.estimate, abs=1e-13)
    assert other.std_error == pytest.approx(one.std_error, rel=1e-12)


def test_unsettled_draws_have_the_same_visits_and_spending():
    from medalliance.simulate import simulate_panel

    asked = {"threats": ["covid"], "channels": False, "outcomes": (grading.SPEND,)}
    one, other = (simulate_panel(60, 8, 4, settled=s, **asked) for s in (True, False))
    for column in ("spending", "visits_village", "visits_county", "employee_visits"):
        assert np.array_equal(one.panel.frame[column], other.panel.frame[column]), column
    assert one.effect(grading.SPEND) == other.effect(grading.SPEND)
    assert other.panel.frame["budget"].isna().all()


SMALL_METHODS = ("group-time", "imputation", "saturated", "interaction-weighted")


@pytest.mark.slow
@pytest.mark.parametrize("design", ["effect", "no effect"])
def test_a_hundred_small_draws_are_within_acceptance(design, monkeypatch):
    """Twenty prefectures: bias within three errors or 2 %, coverage within its band."""
    chosen = {name: grading.ESTIMATORS[name] for name in SMALL_METHODS}
    monkeypatch.setattr(grading, "ESTIMATORS", chosen)
    monkeypatch.setattr(grading, "OUTCOMES", (grading.SPEND, grading.SHARE))
    tasks = [Task("grading", f"estimators/{design}", 30_000 + s, 200) for s in range(100)]
    found = grading.grade(run_tasks(grading.one_draw, tasks))
    assert len(found) == 2 * len(chosen)
    assert found["bias_ok"].all(), found
    assert found["coverage_ok"].all(), found


def test_checks_of_pretrends_reject_as_often_as_they_say():
    """A stored draw comes out again; rates stand within chance of 5 %, a band not above."""
    draws = load_draws("pretrends")
    again = run_tasks(pretrends.one_draw, pretrends.tasks(1, first_seed=20_000))
    first = draws[draws["draw"] == 20_000].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, again, check_dtype=False)
    table = pretrends.rates(draws)
    assert len(table) == 2 * len(pretrends.STUDIES)
    assert (table["n_draws"] >= 400).all()
    assert table["size_ok"].all()
    assert ((table["rejection"] - 0.05).abs() <= grading.band(400)).all()


def test_rates_say_what_is_outside_chance():
    counts = {("a", pretrends.JOINT): 20, ("b", pretrends.JOINT): 1, ("c", pretrends.JOINT): 40,
              ("b", pretrends.BAND): 1, ("c", pretrends.BAND): 40}  # fmt: skip
    draws = pd.DataFrame(
        {"estimator": name, "check": check, "rejects": k < count}
        for (name, check), count in counts.items()
        for k in range(400)
    )
    table = pretrends.rates(draws).set_index(["estimator", "check"])
    assert table["rejection"].to_dict() == {key: n / 400 for key, n in counts.items()}
    assert table["size_ok"].tolist() == [True, True, False, True, False]
