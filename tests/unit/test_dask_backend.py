"""The same call on a Dask cluster gives the same records, and goes on where it stopped."""

from __future__ import annotations

import pandas as pd
import pytest
from missing import skip_or_fail

from medalliance.__main__ import main
from medalliance.grading import grading, threats
from medalliance.grading.monte_carlo import Task, run_tasks
from medalliance.grading.stored_draws import STORE

TASKS = [Task("threats", "few_treated", seed, 100) for seed in range(4)]


@pytest.fixture(scope="module")
def cluster():
    try:
        import distributed
    except ImportError:
        skip_or_fail("dask.distributed is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=None,
        host="127.0.0.1",
    ) as local:  # fmt: skip
        yield local


@pytest.fixture
def client(cluster):
    from distributed import Client

    with Client(cluster) as opened:
        yield opened


def squares(task: Task) -> list[dict]:
    return [{"value": task.seed**2}]


def test_a_cluster_gives_the_same_records(client):
    serial = run_tasks(threats.one_draw, TASKS[:2])
    spread = run_tasks(threats.one_draw, TASKS[:2], backend="dask", n_jobs=-1)
    pd.testing.assert_frame_equal(serial, spread)
    graded = [Task("grading", "estimators/no effect", 3, 100)]
    pd.testing.assert_frame_equal(
        run_tasks(grading.one_draw, graded),
        run_tasks(grading.one_draw, graded, backend="dask", n_jobs=-1),
    )


def test_a_cluster_goes_on_from_the_cache(client, tmp_path):
    shared = {"cache_folder": tmp_path, "backend": "dask", "n_jobs": -1}
    first = run_tasks(squares, TASKS[:2], **shared)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(before) == 2
    again = run_tasks(squares, TASKS, **shared)
    assert list(again["value"]) == [0, 1, 4, 9]
    pd.testing.assert_frame_equal(again.iloc[:2], first)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_an_interrupted_cluster_leaves_whole_files(client, tmp_path):
    def fails_at_two(task: Task) -> list[dict]:
        if task.seed == 2:
            raise RuntimeError("the machine went away")
        return squares(task)

    with pytest.raises(RuntimeError, match="went away"):
        run_tasks(fails_at_two, TASKS, cache_folder=tmp_path, backend="dask", n_jobs=-1)
    assert not list(tmp_path.glob("*.part"))
    assert 1 <= len(list(tmp_path.glob("*.json"))) <= 3
    found = run_tasks(squares, TASKS, cache_folder=tmp_path, backend="dask", n_jobs=-1)
    assert list(found["value"]) == [0, 1, 4, 9]


def small(monkeypatch):
    monkeypatch.setattr(threats, "RECIPES", {"few_treated": threats.RECIPES["few_treated"]})
    monkeypatch.setattr(grading, "DESIGNS", {"no effect": (None, ())})
    monkeypatch.setattr(grading, "FEW", {})


def test_the_command_takes_a_scheduler(cluster, tmp_path, monkeypatch):
    small(monkeypatch)
    asked = ["grade", "--draws", "1", "--counties", "100"]
    there = ["--backend", "dask", "--scheduler", cluster.scheduler_address]
    for name, how in (("dask", there), ("loky", ["--jobs", "1"])):
        folders = ["--cache", str(tmp_path / f"{name}_cache"), "-o", str(tmp_path / name)]
        assert main([*asked, *how, *folders]) == 0
    for name in ("threats", "grading", "pretrends"):
        one, other = (
            pd.read_parquet(tmp_path / how / f"{name}_draws.parquet") for how in ("dask", "loky")
        )
        pd.testing.assert_frame_equal(one, other)


def test_the_command_says_what_a_cluster_needs(tmp_path, capsys, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in STORE.iterdir()}
    asked = ["grade", "--draws", "1", "-o", str(tmp_path)]
    assert main([*asked, "--scheduler", "tcp://127.0.0.1:1"]) == 2
    assert "needs --backend dask" in capsys.readouterr().err
    monkeypatch.setattr("medalliance.cli._cluster.WAIT", "200ms")
    assert main([*asked, "--backend", "dask", "--scheduler", "tcp://127.0.0.1:1"]) == 3
    assert "127.0.0.1:1" in capsys.readouterr().err
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    assert main([*asked, "--backend", "dask"]) == 2
    assert "dask.distributed is not installed" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in STORE.iterdir()} == before
    assert not list(tmp_path.iterdir())
