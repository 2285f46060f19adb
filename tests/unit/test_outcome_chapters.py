"""The outcome chapters: identities hold, truth is shown where known, a reader's panel runs too."""

import numpy as np
import pytest

import medalliance as ma
from medalliance.chapters import (
    link_chapter,
    outcome_chapters,
    remuneration_chapter,
    rule_laboratory,
    surplus_chapter,
    visits_chapter,
)
from medalliance.errors import DesignError
from medalliance.provenance import Badge
from medalliance.simulate import simulate_panel


@pytest.fixture(scope="module")
def teaching():
    return ma.load_panel()


@pytest.fixture(scope="module")
def yours():
    """A reader's panel, small, from a file-like frame."""
    frame = simulate_panel(60, 12, seed=8, channels=False).panel.frame
    return ma.load_panel(frame.drop(columns=["visits_village", "cpi_index"]))


def test_split_is_exact(teaching):
    found = surplus_chapter.run(teaching)
    table = surplus_chapter._split(found)
    assert table["residual"].abs().max() < 1e-10
    shown = surplus_chapter.split_figure(found)
    assert shown.badge == Badge.SYNTHETIC
    assert len(shown.summary) == found.horizon + 1


def test_truth_beside_estimates_comes_from_the_panels_own_file(teaching):
    found = outcome_chapters.study(teaching, ["log_spending_per_insured"])
    row = outcome_chapters.headline_row(found, "log_spending_per_insured")
    truth = found.truth.cells[found.truth.cells["outcome"] == "log_spending_per_insured"]
    event = truth["year"] - truth["cohort"]
    means = [
        np.average(truth["att"][event == k], weights=truth["n_units"][event == k])
        for k in range(found.horizon + 1)
    ]
    assert row["truth"] == pytest.approx(np.mean(means), abs=1e-12)
    assert "holds it" in outcome_chapters.describe(found, "log_spending_per_insured").text


def test_raw_pay_is_fixed_mix_plus_composition(teaching):
    found = remuneration_chapter.run(teaching)
    assert "to within" in remuneration_chapter.composition_figure(found).caption
    for tier in remuneration_chapter.TIERS:
        parts = [
            outcome_chapters.headline(found.effects[stem + tier], found.horizon)[0]
            for stem in (
                remuneration_chapter.RAW, remuneration_chapter.FIXED, remuneration_chapter.MIX
            )
        ]  # fmt: skip
        assert parts[0] == pytest.approx(parts[1] + parts[2], abs=1e-10)


def test_effects_on_parts_sum_to_zero_and_volumes_explain_shares(teaching):
    found = visits_chapter.run(teaching)
    assert visits_chapter._by_event(found).sum(axis=1).abs().max() < 1e-10
    table = visits_chapter.identity_table(found).summary
    number = table.iloc[:, 1:].astype(float)
    assert np.allclose(number.iloc[:, 4:].sum(axis=1), number["effect"], atol=3e-4)


def test_a_readers_panel_runs_and_names_what_is_missing(yours):
    found = remuneration_chapter.run(yours.with_columns(cpi_index=np.ones(len(yours.frame))))
    assert remuneration_chapter.events(found).badge == Badge.YOURS
    found = surplus_chapter.run(yours)
    assert found.truth is None
    assert "not available" in outcome_chapters.describe(found, surplus_chapter.SPEND).text
    assert surplus_chapter.events(found).badge == Badge.YOURS
    table = outcome_chapters.robustness_table(found, surplus_chapter.SPEND)
    assert table.badge == Badge.YOURS
    refused = outcome_chapters.study(yours, ["log_spending_per_insured", "in_county_visit_share"])
    assert "visits_village" in refused.refused["in_county_visit_share"]
    with pytest.raises(DesignError, match="gives none"):
        outcome_chapters.study(yours, ["in_county_visit_share"])


def test_dose_grows_with_what_townships_may_keep():
    kept = [link_chapter.reference_dose(n) for n in ("one_sided", "primary_care_group_two_sided")]
    assert 0 < kept[0] < kept[1]


def test_link_layers_on_simulated_counties(monkeypatch):
    monkeypatch.delenv("MEDALLIANCE_PANEL", raising=False)
    monkeypatch.setattr(link_chapter, "N_COUNTIES", 100)
    link_chapter._drawn.cache_clear()
    found = link_chapter.run()
    table = link_chapter.layers_table(found).summary
    assert set(table["layer"]) == {"accounting", "pay held fixed", "rule alone"}
    assert 0 < found.truth(link_chapter.SHARE, "pay") < found.truth(link_chapter.SHARE)
    dose = found.panel.frame.groupby("rule_id")["rule_dose"].max()
    assert dose.loc[""] == 0
    link_chapter._drawn.cache_clear()


def test_link_without_rules_says_so(yours):
    panel = yours.with_columns(
        visits_village=yours.frame["visits_township"], cpi_index=np.ones(len(yours.frame))
    )
    panel = ma.load_panel(panel.frame.drop(columns="rule_id"))
    found = link_chapter.Link(
        outcome_chapters.study(link_chapter.with_dose(panel), tuple(link_chapter.TITLES)), None
    )
    assert "names no rules" in link_chapter.dose_table(found).summary.to_string()
    assert "not available" in link_chapter.layers_table(found).summary.to_string()


def test_laboratory_ranks_rules(monkeypatch):
    monkeypatch.setattr(rule_laboratory, "SEEDS", (1, 2))
    monkeypatch.setattr(rule_laboratory, "N_COUNTIES", 60)
    rule_laboratory.outcomes.cache_clear()
    means = rule_laboratory._means().set_index("rule")
    assert (
        means.loc["split_631", "log_spending_per_insured"]
        < means.loc["one_sided", "log_spending_per_insured"]
    )
    assert rule_laboratory.rules_table().badge == Badge.ILLUSTRATIVE
    assert len(rule_laboratory.ranks_table().summary) == len(rule_laboratory.SCENARIOS)
    rule_laboratory.outcomes.cache_clear()
