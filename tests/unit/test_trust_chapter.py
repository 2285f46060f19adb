"""The stored draws are what the code draws, and the chapter's words follow from them."""

import numpy as np
import pytest

from medalliance.chapters import trust_chapter
from medalliance.errors import DataError
from medalliance.grading import grading, threats
from medalliance.grading.monte_carlo import Task, run_tasks
from medalliance.grading.stored_draws import STORE, read_draws, write_draws
from medalliance.provenance import Badge

NUMBERS = ["truth", "estimate", "std_error", "dof", "own_error", "own_dof"]


FIRST = 20_000


@pytest.mark.parametrize("threat", ["anticipation", "def_break"])
def test_stored_threat_draws_come_out_again(threat):
    stored = read_draws("threats").query("name == @threat and draw == @FIRST").iloc[0]
    again = run_tasks(threats.one_draw, [Task("threats", threat, FIRST, 400)]).iloc[0]
    for name in again.index:
        if isinstance(again[name], float):
            assert stored[name] == pytest.approx(again[name], rel=1e-6, nan_ok=True), name
        else:
            assert stored[name] == again[name], name


def test_stored_grades_come_out_again():
    name = "estimators/effect"
    stored = read_draws("grading").query("name == @name and draw == @FIRST").reset_index(drop=True)
    again = run_tasks(grading.one_draw, [Task("grading", name, FIRST, 400)])
    assert list(stored["method"]) == list(again["method"])
    assert np.allclose(stored[NUMBERS], again[NUMBERS], rtol=1e-6, atol=1e-9)
    name = "inference/2 of 10 clusters treated"
    stored = read_draws("grading").query("name == @name and draw == @FIRST")
    again = run_tasks(grading.one_draw, [Task("grading", name, FIRST, 400)])
    assert np.allclose(stored["p_value"], again["p_value"], rtol=1e-6, atol=1e-9)


def test_seeds_are_fresh_and_files_small():
    """Recipes were settled on seeds below 20,000."""
    for name in ("threats", "grading"):
        assert read_draws(name)["draw"].min() == FIRST
        assert f"seeds from {FIRST}" in trust_chapter._source(name).source
    assert sum(path.stat().st_size for path in STORE.glob("*_draws.parquet")) < 3_000_000


def test_every_threat_misleads_is_noticed_and_is_survived():
    m = threats.matrix(read_draws("threats")).set_index("threat")
    room = grading.band(int(m["n_draws"].min()))
    biased = m.drop(index=["few_treated", "pooling"])  # these two are about errors, not bias
    assert (biased["naive_bias"].abs() > 3 * biased["naive_bias_error"]).all()
    assert (biased["naive_bias"].abs() > 3 * biased["survivor_bias"].abs()).all()
    assert (m["naive_coverage"] < m["survivor_coverage"]).all()
    assert (m["survivor_bias"].abs() < 0.03 * m["truth"].abs().clip(lower=0.05)).all()
    assert (m["survivor_coverage_drawn"] >= 0.95 - room).all()
    assert (m["survivor_coverage"] - 0.95).abs().max() <= room
    assert (m["fired"] >= 0.9).all()
    assert (m["fired_without"] <= 0.1).all()


def test_acceptance_of_the_grades():
    """Bias within three Monte Carlo errors or 2 %, coverage and size within their bands."""
    g = grading.grade(read_draws("grading"))
    assert (g["n_draws"] == 1_000).all()
    assert (g["n_bias"] == np.where(g["method"] == grading.SYNTHETIC, 4_000, 1_000)).all()
    growing = g["name"] == "estimators/growing effect"
    ours = g[~(growing & (g["method"] == grading.STATIC))]
    assert ours["bias_ok"].all(), ours.loc[~ours["bias_ok"], ["name", "outcome", "method"]]
    assert ours["coverage_ok"].all(), ours.loc[~ours["coverage_ok"], ["name", "outcome", "method"]]
    five = grading.sizes(read_draws("grading"))
    five = five[five["clusters"] == "5 of 40 clusters treated"].set_index("method")
    assert five.loc["wild bootstrap, null imposed", "size_ok"]
    static = g[(g["name"] == "estimators/growing effect") & (g["method"] == grading.STATIC)]
    assert not static["bias_ok"].any()


def test_what_fails_is_named():
    """The sentences name every pair that the tables do not pass."""
    g = grading.grade(read_draws("grading"))
    failing = g[~(g["bias_ok"] & g["coverage_ok"])]
    text = trust_chapter.grades_sentence().text
    assert all(method in text for method in failing["method"].unique())
    sizes = grading.sizes(read_draws("grading"))
    said = trust_chapter.size_sentence().text
    assert all(method in said for method in sizes.loc[~sizes["size_ok"], "method"].unique())


def test_stated_power_is_reached():
    """Power at the stated effect lies within its binomial band of 0.8."""
    found = grading.powers(read_draws("grading"))
    assert found["power_ok"].all(), found[~found["power_ok"]]


def test_exhibits_carry_the_number_of_draws():
    for shown in (
        trust_chapter.threats_table(), trust_chapter.matrix_table(), trust_chapter.matrix_figure(),
        trust_chapter.grades_table("effect"), trust_chapter.bias_figure(),
        trust_chapter.size_figure(), trust_chapter.size_table(),
        trust_chapter.power_table(),
    ):  # fmt: skip
        assert shown.badge == Badge.SYNTHETIC
        assert "draws" in shown.source
    assert "11 threats" in trust_chapter.matrix_sentence().text


def test_draws_are_written_whole(tmp_path, monkeypatch):
    draws = read_draws("threats").head(3)
    path = write_draws(draws, tmp_path / "new", "threats")
    assert [p.name for p in path.parent.iterdir()] == ["threats_draws.parquet"]
    monkeypatch.setattr("medalliance.grading.stored_draws.STORE", tmp_path)
    with pytest.raises(DataError, match="medalliance grade"):
        read_draws("threats")


def test_the_synthetic_sentence_counts_last_and_all_draws():
    draws = read_draws("grading")
    last = draws.query("name == 'synthetic/no effect' and outcome == @grading.SHARE")["estimate"]
    z = last.mean() / (last.std(ddof=1) / np.sqrt(len(last)))
    text = trust_chapter.synthetic_sentence().text
    assert f"on the last 1,000 draws spending {text.split('spending ')[1][:4]}" in text
    assert f"primary-care share {z:+.1f}; on all 4,000 draws" in text
