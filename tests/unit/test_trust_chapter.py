"""The stored draws are what the code draws, and the chapter's words follow from them."""

import numpy as np
import pytest

from medalliance.chapters import trust_chapter
from medalliance.errors import DataError
from medalliance.grading import grading, threats
from medalliance.grading.monte_carlo import Task, run_tasks
from medalliance.grading.stored_draws import STORE, load_draws, write_draws
from medalliance.provenance import Badge, provenance_of

NUMBERS = ["truth", "estimate", "std_error", "dof", "own_error", "own_dof"]


FIRST = 20_000


@pytest.mark.parametrize("threat", ["anticipation", "def_break"])
def test_stored_threat_draws_come_out_again(threat):
    stored = load_draws("threats").query("name == @threat and draw == @FIRST").iloc[0]
    again = run_tasks(threats.one_draw, [Task("threats", threat, FIRST, 400)]).iloc[0]
    for name in again.index:
        if isinstance(again[name], float):
            assert stored[name] == pytest.approx(again[name], rel=1e-6, nan_ok=True), name
        else:
            assert stored[name] == again[name], name


def test_stored_grades_come_out_again():
    name = "estimators/effect"
    stored = load_draws("grading").query("name == @name and draw == @FIRST").reset_index(drop=True)
    again = run_tasks(grading.one_draw, [Task("grading", name, FIRST, 400)])
    assert list(stored["method"]) == list(again["method"])
    assert np.allclose(stored[NUMBERS], again[NUMBERS], rtol=1e-6, atol=1e-9)
    name = "inference/2 of 10 clusters treated"
    stored = load_draws("grading").query("name == @name and draw == @FIRST")
    again = run_tasks(grading.one_draw, [Task("grading", name, FIRST, 400)])
    assert np.allclose(stored["p_value"], again["p_value"], rtol=1e-6, atol=1e-9)


def test_seeds_are_fresh_and_files_small():
    """Recipes were settled on seeds below 20,000."""
    for name in ("threats", "grading"):
        assert load_draws(name)["draw"].min() == FIRST
        assert f"seeds from {FIRST}" in provenance_of(load_draws(name)).source
    assert sum(path.stat().st_size for path in STORE.glob("*_draws.parquet")) < 3_000_000


def test_every_threat_misleads_is_noticed_and_is_survived():
    m = threats.matrix(load_draws("threats")).set_index("threat")
    room = m["n_draws"].map(grading.band)
    biased = m.drop(index=["few_treated", "pooling"])  # these two are about errors, not bias
    assert (biased["naive_bias"].abs() > 3 * biased["naive_bias_error"]).all()
    assert (biased["naive_bias"].abs() > 3 * biased["survivor_bias"].abs()).all()
    assert (m["naive_coverage"] < m["survivor_coverage"]).all()
    assert (m["survivor_bias"].abs() < 0.03 * m["truth"].abs().clip(lower=0.05)).all()
    assert (m["survivor_coverage_drawn"] >= 0.95 - room).all()
    assert ((m["survivor_coverage"] - 0.95).abs() <= room).all()
    assert (m["fired"] >= 0.9).all()
    assert (m["fired_without"] <= 0.1).all()


def test_acceptance_of_the_grades():
    """Bias within three Monte Carlo errors or 2 %, coverage and size within their bands."""
    g = grading.grade(load_draws("grading"))
    assert (g["n_draws"] == 1_000).all()
    assert (g["n_bias"] == np.where(g["method"] == grading.SYNTHETIC, 4_000, 1_000)).all()
    growing = g["name"] == "estimators/growing effect"
    ours = g[~(growing & (g["method"] == grading.STATIC))]
    assert ours["bias_ok"].all(), ours.loc[~ours["bias_ok"], ["name", "outcome", "method"]]
    assert ours["coverage_ok"].all(), ours.loc[~ours["coverage_ok"], ["name", "outcome", "method"]]
    five = grading.sizes(load_draws("grading"))
    five = five[five["clusters"] == "5 of 40 clusters treated"].set_index("method")
    assert five.loc["wild bootstrap, null imposed", "size_ok"]
    static = g[(g["name"] == "estimators/growing effect") & (g["method"] == grading.STATIC)]
    assert not static["bias_ok"].any()


def test_what_fails_is_named():
    """The sentences name every pair that the tables do not pass."""
    g = grading.grade(load_draws("grading"))
    failing = g[~(g["bias_ok"] & g["coverage_ok"])]
    text = " ".join(trust_chapter.passed(g)["do not pass"])
    assert all(method in text for method in failing["method"].unique())
    sizes = grading.sizes(load_draws("grading"))
    said = " ".join(trust_chapter.kept(sizes)["do not"])
    assert all(method in said for method in sizes.loc[~sizes["size_ok"], "method"].unique())


def test_stated_power_is_reached():
    """Power at the stated effect lies within its binomial band of 0.8."""
    found = grading.powers(load_draws("grading"))
    assert found["power_ok"].all(), found[~found["power_ok"]]


def test_what_is_computed_from_draws_carries_their_number():
    graded, drawn = load_draws("grading"), load_draws("threats")
    grades, matrix = grading.grade(graded), threats.matrix(drawn)
    sizes = grading.sizes(graded)
    for frame in (
        matrix, trust_chapter.shown_matrix(matrix),  grades,
        trust_chapter.of_design(grades, "effect"), trust_chapter.passed(grades),
        trust_chapter.covered(grades), trust_chapter.kept(sizes), grading.powers(graded),
        trust_chapter.errors_of_synthetic(graded),
    ):  # fmt: skip
        about = provenance_of(frame)
        assert about.badge == Badge.SYNTHETIC
        assert "draws of each design, seeds from" in about.source
    assert len(trust_chapter.recipes()) == len(matrix) >= 11


def test_draws_are_written_whole(tmp_path, monkeypatch):
    draws = load_draws("threats").head(3)
    path = write_draws(draws, tmp_path / "new", "threats")
    assert [p.name for p in path.parent.iterdir()] == ["threats_draws.parquet"]
    monkeypatch.setattr("medalliance.grading.stored_draws.STORE", tmp_path)
    with pytest.raises(DataError, match="medalliance grade"):
        load_draws("threats")


def test_the_errors_of_synthetic_estimates_count_last_and_all_draws():
    draws = load_draws("grading")
    last = draws.query("name == 'synthetic/no effect' and outcome == @grading.SHARE")["estimate"]
    z = last.mean() / (last.std(ddof=1) / np.sqrt(len(last)))
    found = trust_chapter.errors_of_synthetic(draws)
    assert found["number"].tolist() == [1_000, 4_000]
    assert found["primary-care share"].iloc[0] == pytest.approx(z)
