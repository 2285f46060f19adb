"""Compositions: closure, identities, invariances and known truth of the log-ratio estimator."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import medalliance as ma
from medalliance.codebook import unit
from medalliance.errors import DataError, DesignError
from medalliance.outcomes.composition import (
    COMPOSITIONS,
    balances,
    composition_values,
    count_share_identity,
    replace_zeros,
    shares_from_centred,
    visit_balances,
)

PARTS = ["visits_village", "visits_township", "visits_county", "visits_out"]
volumes = st.lists(st.floats(1e-3, 1e6), min_size=4, max_size=4).map(np.array)


@given(volumes, volumes)
@settings(max_examples=80, deadline=None)
def test_count_share_identity_is_exact(before, after):
    parts = count_share_identity(before, after)
    change = after / after.sum() - before / before.sum()
    np.testing.assert_allclose(parts.sum(axis=1), change, atol=1e-10)
    assert parts.sum() == pytest.approx(0, abs=1e-10)


@given(volumes, st.lists(st.floats(-1, 1), min_size=4, max_size=4))
@settings(max_examples=40, deadline=None)
def test_small_changes_follow_the_differential(before, growth):
    d_log = 1e-6 * np.array(growth)
    share = before / before.sum()
    expected = share * (d_log - share @ d_log)
    got = count_share_identity(before, before * np.exp(d_log)).sum(axis=1)
    np.testing.assert_allclose(got, expected, atol=1e-10)


@given(volumes)
@settings(max_examples=40, deadline=None)
def test_log_ratios_go_there_and_back(volume):
    share = volume / volume.sum()
    contrast = visit_balances()
    back = shares_from_centred(np.log(share) @ contrast.T @ contrast)
    np.testing.assert_allclose(back, share, atol=1e-12)


def test_balances_are_the_textbook_formula():
    share = np.array([0.1, 0.3, 0.4, 0.2])
    mean = np.sqrt
    expected = [
        np.log(mean(0.1 * 0.3) / mean(0.4 * 0.2)),
        np.sqrt(1 / 2) * np.log(0.1 / 0.3),
        np.sqrt(1 / 2) * np.log(0.4 / 0.2),
    ]
    np.testing.assert_allclose(visit_balances() @ np.log(share), expected, atol=1e-12)
    with pytest.raises(DesignError, match="one side only"):
        balances([[1, 1, 0]])
    with pytest.raises(DesignError, match="sequential binary partition"):
        balances([[1, -1, 0], [1, 0, -1]])


def test_zero_replacement_keeps_closure_and_ratios():
    shares = np.array([[0.0, 0.2, 0.8, 0.0], [0.25, 0.25, 0.25, 0.25]])
    filled = replace_zeros(shares, np.array([0.01, 0.01]))
    np.testing.assert_allclose(filled.sum(axis=1), 1)
    np.testing.assert_allclose(filled[0, [0, 3]], 0.01)
    assert filled[0, 2] / filled[0, 1] == pytest.approx(4)
    np.testing.assert_array_equal(filled[1], shares[1])


def simulate(seed=0, n=240, years=8, effect=(0.3, 0.2, 0.0, -0.2), noise=0.05):
    """Return counts whose log-ratios have common trends and a known additive effect."""
    rng = np.random.default_rng(seed)
    cohort = rng.choice([0, 2014, 2016], n)
    time = np.arange(2010, 2010 + years)
    path = 0.06 * np.random.default_rng(99).normal(size=(1, years, 4)).cumsum(axis=1)
    path = path + 0.12 * np.arange(years)[:, None] * np.array([-1, -1, 1, 1])
    eta = rng.normal(0, 0.4, (n, 1, 4)) + path
    eta[..., 0] += 0.9 * (cohort == 0)[:, None]
    eta = eta + np.array([-0.5, 0.3, 0.8, 0.0]) + noise * rng.normal(size=(n, years, 4))
    on = ((time >= cohort[:, None]) & (cohort[:, None] > 0))[..., None]
    treated = shares_from_centred(eta + on * np.array(effect))
    untreated = shares_from_centred(eta)
    frame = pd.DataFrame(treated.reshape(-1, 4), columns=list("vtho"))
    frame["unit"] = np.repeat(np.arange(n), years)
    frame["year"] = np.tile(time, n)
    frame["cohort"] = np.repeat(cohort, years)
    truth = (treated - untreated)[on[..., 0]].mean(axis=0)
    return frame, truth


def load(frame):
    return ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")


def test_known_effects_are_recovered_and_sum_to_zero():
    frame, truth = simulate(n=1500)
    effects = ma.log_ratio_did(load(frame), list("vtho"))
    overall = effects.overall
    assert np.abs(effects.estimate.reshape(4, -1).sum(axis=0)).max() < 1e-10
    assert abs(overall.estimate.sum()) < 1e-10
    assert np.all(np.abs(overall.estimate - truth) < 3 * overall.std_error)
    linear = [ma.att_gt(load(frame), part).overall.estimate[0] for part in "vtho"]
    assert np.abs(overall.estimate - truth).max() < np.abs(np.array(linear) - truth).max()


@pytest.mark.parametrize("transform", ["alr", "clr"])
def test_every_transform_gives_the_same_shares(transform):
    panel = load(simulate()[0])
    base = ma.log_ratio_did(panel, list("vtho"))
    other = ma.log_ratio_did(panel, list("vtho"), transform=transform)
    np.testing.assert_allclose(other.estimate, base.estimate, atol=1e-12)
    np.testing.assert_allclose(other.vcov, base.vcov, atol=1e-14)


def test_permuting_parts_permutes_effects():
    panel = load(simulate()[0])
    base = ma.log_ratio_did(panel, list("vtho")).estimate.reshape(4, -1)
    other = ma.log_ratio_did(panel, list("ohtv")).estimate.reshape(4, -1)
    np.testing.assert_allclose(other[::-1], base, atol=1e-12)


@pytest.mark.slow
def test_errors_agree_with_the_spread_over_samples():
    draws, errors = [], []
    for seed in range(120):
        overall = ma.log_ratio_did(load(simulate(seed, n=100)[0]), list("vtho")).overall
        draws.append(overall.estimate)
        errors.append(overall.std_error)
    ratio = np.mean(errors, axis=0) / np.std(draws, axis=0)
    assert np.all((ratio > 0.8) & (ratio < 1.35))


def test_zeros_are_replaced_counted_and_probed():
    frame, _ = simulate(n=120)
    counts = (frame[list("vtho")] * 900).round()
    counts.iloc[[5, 21], 0] = 0
    panel = load(frame.assign(**{c: counts[c] for c in "vtho"}))
    effects = ma.log_ratio_did(panel, list("vtho"))
    assert "2 zero parts replaced" in effects.design.foot()
    table = ma.zero_sensitivity(panel, list("vtho"))
    assert sorted(table["delta"].unique()) == [0.5, 1.0, 2.0]
    assert table.groupby("outcome")["estimate"].nunique().max() == 3
    with pytest.raises(DesignError, match="part is zero for 0 in 2015, 2 in 2015"):
        ma.log_ratio_did(panel, list("vtho"), zeros="refuse")
    never = panel.with_columns(v=np.where(panel.unit_codes == 3, 0, panel.frame["v"]))
    with pytest.raises(DesignError, match="zero in every year: v of 3"):
        ma.log_ratio_did(never, list("vtho"))


def test_bad_compositions_are_listed_all_at_once():
    frame, _ = simulate(n=30)
    frame.loc[3, "v"] += 0.05
    frame.loc[9, "t"] = -0.1
    frame.loc[17, list("vtho")] = 0.0
    frame["nothing"] = 0.0
    with pytest.raises(DataError) as caught:
        composition_values(load(frame), [*"vtho", "nothing"])
    text = str(caught.value)
    for part in (
        "4 problems",
        "negative for 1 in 2011",
        "all parts are zero for 2 in 2011",
        "do not sum to one for 1 rows: 0 in 2013 (+0.0500)",
        "nothing is zero everywhere",
    ):
        assert part in text
    with pytest.raises(DesignError, match="no composition 'vists'"):
        composition_values(load(frame), "vists")
    with pytest.raises(DesignError, match="two different columns"):
        composition_values(load(frame), ["v", "v"])


def test_registered_visits_close_on_the_teaching_panel():
    shares, names = composition_values(ma.load_panel(), "visits")
    assert list(names) == PARTS
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("name", list(COMPOSITIONS))
def test_every_registered_part_is_in_the_codebook_and_closes(name):
    parts = COMPOSITIONS[name]
    assert all(unit(part) in ("visits", "persons", "yuan") for part in parts)
    frame, _ = simulate(n=20)
    volume = {part: 1000 * frame["vtho"[j]] for j, part in enumerate(parts)}
    shares, names = composition_values(load(frame.assign(**volume)), name)
    assert names == parts
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-12)


def test_share_table_rows_add_up():
    before, after = np.array([30.0, 20, 40, 10]), np.array([36.0, 22, 38, 9])
    table = ma.share_change_table(before, after, PARTS)
    contributions = table.filter(like="from ").sum(axis=1)
    np.testing.assert_allclose(contributions, table["change"], atol=1e-12)
    np.testing.assert_allclose(table["share_after"] - table["share_before"], table["change"])


@pytest.mark.parametrize("n_parts", [2, 3, 5, 6])
def test_balances_of_other_numbers_of_parts_set_each_against_the_rest(n_parts):
    """Egozcue et al. (2003): sqrt(s / (s + 1)) ln(x_j / gm(later parts)), by hand."""
    from medalliance.outcomes.composition import shares_from_centred, visit_balances

    matrix = visit_balances(n_parts)
    assert matrix.shape == (n_parts - 1, n_parts)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(n_parts - 1), atol=1e-12)
    np.testing.assert_allclose(matrix.sum(axis=1), 0, atol=1e-12)
    shares = np.random.default_rng(n_parts).dirichlet(np.ones(n_parts))
    for j, found in enumerate(matrix @ np.log(shares)):
        later = shares[j + 1 :]
        rest = np.exp(np.log(later).mean())
        assert found == pytest.approx(
            np.sqrt(len(later) / (len(later) + 1)) * np.log(shares[j] / rest)
        )
    back = shares_from_centred(matrix.T @ (matrix @ np.log(shares)))
    np.testing.assert_allclose(back, shares, rtol=1e-12)


@pytest.mark.parametrize("n_parts", [3, 5])
def test_effects_on_three_or_five_parts_add_up_and_follow_the_balances(n_parts):
    rng = np.random.default_rng(n_parts)
    unit, year = np.repeat(np.arange(60), 5), np.tile(np.arange(2000, 2005), 60)
    cohort = np.where(unit % 2, 2003, 0)
    level = rng.normal(size=(60, n_parts))[unit] + 0.01 * rng.normal(size=(300, n_parts))
    level[(cohort > 0) & (year >= cohort), 0] += 1.0
    shares = np.exp(level) / np.exp(level).sum(axis=1, keepdims=True)
    names = [f"part{j}" for j in range(n_parts)]
    frame = pd.DataFrame(shares, columns=names).assign(unit=unit, year=year, cohort=cohort)
    panel = ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")
    effects = ma.log_ratio_did(panel, names).overall
    assert effects.estimate.sum() == pytest.approx(0, abs=1e-10)
    assert effects.estimate[0] > 0 > effects.estimate[1:].max()
    logs = ma.log_ratio_did(panel, names, scale="log_ratio", transform="ilr").overall
    # one log more of the first part moves its balance alone, by the root of s / (s + 1)
    s = n_parts - 1
    assert logs.estimate[0] == pytest.approx(np.sqrt(s / (s + 1)), abs=0.05)
    assert np.abs(logs.estimate[1:]).max() < 0.05
