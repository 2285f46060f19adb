"""Tasks run once, in any backend, and go on where they stopped; recipes show what they claim."""

import numpy as np
import pandas as pd
import pytest

from medalliance.studies import grading, threats
from medalliance.studies.calibration import fitted, targets
from medalliance.studies.monte_carlo import Task, key, run_tasks

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
    "threat", ["anticipation", "select_on_level", "covid", "coreform", "pt_scale", "def_break"]
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
    draws = pd.DataFrame(
        {"name": "estimators/effect", "outcome": "y", "method": "m", "draw": range(4),
         "truth": 1.0, "estimate": [0.9, 1.1, 1.3, 0.7], "std_error": 0.1,
         "covers": [True, True, False, False], "rejects": True}
    )  # fmt: skip
    row = grading.grade(draws).iloc[0]
    assert row["bias"] == pytest.approx(0.0, abs=1e-12)
    assert row["coverage"] == 0.5
    assert row["rejection"] == 1.0
    assert row["sd"] == pytest.approx(np.std([0.9, 1.1, 1.3, 0.7], ddof=1))
    assert row["bias_ok"]
    assert not row["coverage_ok"] or grading.band(4) >= 0.45


def test_one_graded_draw_has_every_method():
    draws = run_tasks(grading.one_draw, [Task("grading", "estimators/no effect", 0, 100)])
    assert set(draws["method"]) == set(grading.ESTIMATORS)
    assert (draws["truth"] == 0).all()
    tests = run_tasks(
        grading.one_draw, [Task("grading", "inference/5 of 40 clusters treated", 0, 400)]
    )
    assert set(tests["method"]) == set(grading.INFERENCE)


def test_calibration_matches_its_targets():
    found = fitted(n_draws=2, n_counties=200)
    assert list(found["moment"]) == list(targets()["moment"])
    assert (found["distance"].abs() < 0.05).all()
    village = found[found["moment"].str.startswith("village")].iloc[0]
    assert village["value"] == pytest.approx(12.8 / 13.5)
