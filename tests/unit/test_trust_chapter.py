"""The stored draws are what the code draws, and the chapter's words follow from them."""

import numpy as np
import pytest

from medalliance.errors import DataError
from medalliance.provenance import Badge
from medalliance.studies import grading, threats, trust_chapter
from medalliance.studies.monte_carlo import Task, run_tasks
from medalliance.studies.stored_draws import read_draws, write_draws

NUMBERS = ["truth", "estimate", "std_error"]


@pytest.mark.parametrize("threat", ["anticipation", "def_break"])
def test_stored_threat_draws_come_out_again(threat):
    stored = read_draws("threats").query("name == @threat and draw == 0").iloc[0]
    again = run_tasks(threats.one_draw, [Task("threats", threat, 0, 400)]).iloc[0]
    for name in again.index:
        if isinstance(again[name], float):
            assert stored[name] == pytest.approx(again[name], rel=1e-6, abs=1e-9), name
        else:
            assert stored[name] == again[name], name


def test_stored_grades_come_out_again():
    name = "estimators/effect"
    stored = read_draws("grading").query("name == @name and draw == 0").reset_index(drop=True)
    again = run_tasks(grading.one_draw, [Task("grading", name, 0, 400)])
    assert list(stored["method"]) == list(again["method"])
    assert np.allclose(stored[NUMBERS], again[NUMBERS], rtol=1e-6, atol=1e-9)
    assert (stored["covers"] == again["covers"]).all()


def test_every_threat_misleads_is_noticed_and_is_survived():
    m = threats.matrix(read_draws("threats")).set_index("threat")
    room = grading.band(int(m["n_draws"].min()))
    biased = m.drop(index=["few_treated", "pooling"])  # these two are about errors, not bias
    assert (biased["naive_bias"].abs() > 3 * biased["naive_bias_error"]).all()
    assert (biased["naive_bias"].abs() > 3 * biased["survivor_bias"].abs()).all()
    assert (m["naive_coverage"] < m["survivor_coverage"]).all()
    assert (m["survivor_coverage"] >= 0.95 - room).all()
    assert (m["fired"] >= 0.9).all()
    assert (m["fired_without"] <= 0.1).all()


def test_acceptance_of_the_grades():
    """Bias within three Monte Carlo errors or 2 %, size under the null within its band."""
    g = grading.grade(read_draws("grading"))
    registered = g[g["method"] != "two-way effects, static"]
    ours = registered[registered["name"].str.startswith("estimators/")]
    assert ours["bias_ok"].all(), ours.loc[~ours["bias_ok"], ["name", "outcome", "method"]]
    null = ours[ours["name"] == "estimators/no effect"]
    assert null["coverage_ok"].all()
    five = g[g["name"] == "inference/5 of 40 clusters treated"].set_index("method")
    assert five.loc["wild bootstrap, null imposed", "coverage_ok"]
    static = g[(g["name"] == "estimators/growing effect") & (g["method"].str.contains("static"))]
    assert not static["bias_ok"].any()


def test_stated_power_is_reached():
    power = trust_chapter.power_table().summary["power there"].astype(float)
    room = 3 * np.sqrt(0.8 * 0.2 / 120)
    assert (power >= 0.8 - room).all()


def test_exhibits_carry_the_number_of_draws():
    for shown in (
        trust_chapter.threats_table(), trust_chapter.matrix_table(), trust_chapter.matrix_figure(),
        trust_chapter.grades_table("effect"), trust_chapter.bias_figure(),
        trust_chapter.size_figure(), trust_chapter.size_table(),
    ):  # fmt: skip
        assert shown.badge == Badge.SYNTHETIC
        assert "draws" in shown.source
    assert "11 threats" in trust_chapter.matrix_sentence().text


def test_draws_are_written_whole(tmp_path, monkeypatch):
    draws = read_draws("threats").head(3)
    path = write_draws(draws, tmp_path / "new", "threats")
    assert [p.name for p in path.parent.iterdir()] == ["threats_draws.parquet"]
    monkeypatch.setattr("medalliance.studies.stored_draws.STORE", tmp_path)
    with pytest.raises(DataError, match="medalliance grade"):
        read_draws("threats")
