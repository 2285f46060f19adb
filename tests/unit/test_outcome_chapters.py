"""The outcome chapters: identities hold, truth is known where it should be."""

import numpy as np
import pytest

import medalliance as ma
from medalliance.chapters import link_chapter, rule_laboratory
from medalliance.chapters.surplus_chapter import draw_split
from medalliance.chapters.visits_chapter import draw_parts
from medalliance.errors import DesignError
from medalliance.provenance import Badge
from medalliance.registered.estimates import LINK, PAY, SURPLUS, VISITS, registered_effects

TIERS = ("hospital", "township", "village")
PARTS = ("visits_village", "visits_township", "visits_county", "visits_out")


@pytest.fixture(scope="module")
def panel():
    return ma.load_panel()


def headline(panel, name):
    return ma.headline(registered_effects(panel, name), ma.last_horizon(panel, anticipation=1))


def test_split_is_exact_and_keeps_its_panel(panel):
    split = ma.surplus_split(panel, lambda p, n: registered_effects(p, n).aggregate("event_time"))
    assert split["residual"].abs().max() < 1e-10
    shown = ma.show(draw_split(split.query("0 <= event_time <= 3")), "The split.")
    assert shown.badge == Badge.SYNTHETIC


def test_truth_beside_estimates_comes_from_the_panels_own_file(panel):
    found = headline(panel, SURPLUS[0])
    truth = panel.truth.cells.query("outcome == @SURPLUS[0]")
    event = truth["year"] - truth["cohort"]
    means = [
        np.average(truth["att"][event == k], weights=truth["n_units"][event == k]) for k in range(4)
    ]
    assert found.truth[0] == pytest.approx(np.mean(means), abs=1e-12)


def test_raw_pay_is_fixed_mix_plus_composition(panel):
    for tier in TIERS:
        raw, fixed, mix = (
            float(headline(panel, stem + tier))
            for stem in (
                "log_remuneration_per_fte_", "log_fixed_mix_remuneration_per_fte_",
                "composition_effect_",
            )
        )  # fmt: skip
        assert raw == pytest.approx(fixed + mix, abs=1e-10)


def test_effects_on_parts_sum_to_zero(panel):
    together = ma.etwfe(panel, PARTS, family="multinomial").aggregate("event_time")
    sums = together.to_frame().groupby("event_time")["estimate"].sum()
    assert sums.abs().max() < 1e-10
    assert ma.show(draw_parts(together), "Parts.", about=panel).badge == Badge.SYNTHETIC


@pytest.mark.parametrize("names", [SURPLUS, PAY, VISITS, LINK])
def test_every_registered_outcome_can_be_had_from_the_teaching_panel(panel, names):
    for name in names:
        assert np.isfinite(ma.outcome_values(panel, name)).any()


def test_dose_grows_with_what_townships_may_keep():
    kept = [link_chapter.reference_dose(n) for n in ("one_sided", "primary_care_group_two_sided")]
    assert 0 < kept[0] < kept[1]


def test_layers_hold_truth_only_for_the_effect_itself(monkeypatch):
    monkeypatch.delenv("MEDALLIANCE_PANEL", raising=False)
    monkeypatch.setattr(link_chapter, "N_COUNTIES", 100)
    link_chapter.simulated.cache_clear()
    panel, drawn = link_chapter.panel_with_dose(), link_chapter.simulated()
    assert set(link_chapter.doses(panel)["bonus"] > 0) == {True}
    _, pay, share = LINK
    found = ma.gelbach(panel, share, mediators=[pay])
    assert found.truth[0] == pytest.approx(drawn.effect(share), rel=1e-9)
    assert np.isnan(found.truth[1:]).all()
    rule = ma.rule_dose(panel, share, pay=pay, dose="rule_dose")
    assert rule.truth is None
    assert 0 < drawn.effect(share, "pay") < drawn.effect(share)
    assert panel.frame.groupby("rule_id")["rule_dose"].max().loc[""] == 0
    link_chapter.simulated.cache_clear()


def test_a_panel_without_rules_says_so(panel):
    plain = ma.load_panel(panel.frame.drop(columns="rule_id"))
    with pytest.raises(DesignError, match="names no rules"):
        link_chapter.doses(link_chapter.with_dose(plain))


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
