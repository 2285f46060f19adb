"""The simulator is fitted to published moments, and a refit moves nothing."""

import json
from dataclasses import asdict, astuple, replace

import numpy as np
import pytest

from medalliance.__main__ import main
from medalliance.grading import calibration as c
from medalliance.simulate import FITTED, Parameters, as_json, fitted_parameters


@pytest.fixture(scope="module")
def found():
    return c.fitted()


def jacobian(first, wanted, step=1e-4):
    ones = np.ones(len(first))
    base = c.residuals(ones, first, wanted)
    columns = [c.residuals(ones + step * row, first, wanted) - base for row in np.eye(len(first))]
    return base, np.column_stack(columns) / step


def test_targets_are_the_published_figures():
    wanted = c.targets().set_index(["moment", "year"])["value"]
    assert wanted["village visits to one county hospital visit", 2022] == pytest.approx(12.8 / 13.5)
    assert wanted["visits in the county, share", 2019] == pytest.approx(
        np.mean([0.9976, 0.9640, 0.9141, 0.9277, 0.8372, 0.9569, 0.9158, 0.7958])
    )
    assert wanted["fund income per insured", 2011] == pytest.approx(246.2, abs=0.05)
    assert wanted["pay of county hospital staff", 2015] == 74_000
    assert len(wanted) == 25
    assert (c.targets()["tolerance"] > 0).all()


def test_moments_lie_near_their_targets(found):
    """What conflicts is named: two counts of visits, and a fund that did not grow smoothly."""
    far = found[found["distance"].abs() > 2]
    assert set(zip(far["moment"], far["year"], strict=True)) <= {
        ("primary care's share of visits in the county", 2019),
        ("fund spending per insured", 2021),
    }
    assert (found["distance"] ** 2).sum() < 50


def test_a_refit_moves_nothing():
    """The Gauss-Newton step from the stored parameters is smaller than their tolerance."""
    base, slope = jacobian(np.array(astuple(fitted_parameters())), c.targets())
    assert np.linalg.matrix_rank(slope) == slope.shape[1]  # every parameter has its moments
    step = np.linalg.lstsq(slope, -base, rcond=None)[0]
    assert np.abs(step).max() < c.TOLERANCE


def test_known_parameters_are_found_again():
    """Moments made by other parameters lead back to them."""
    stored = fitted_parameters()
    truth = replace(stored, quota=stored.quota * 1.02, drift=stored.drift * 0.95)
    wanted = c.targets().assign(value=c.drawn(truth).mean(axis=0))
    first = np.array(astuple(stored))
    base, slope = jacobian(first, wanted)
    step = np.linalg.lstsq(slope, -base, rcond=None)[0]
    assert (1 + step) * first == pytest.approx(np.array(astuple(truth)), rel=2e-3)


def test_prices_make_the_fund_spend_the_quota():
    p = fitted_parameters()
    share = np.exp(p.appeal) / np.exp(p.appeal).sum()
    assert p.visits * 0.70 * (share @ p.price) == pytest.approx(p.quota)
    assert p.price_lag(12) > 0


def test_parameters_are_stored_once(tmp_path):
    assert as_json(fitted_parameters()) == FITTED.read_text(encoding="utf-8")
    assert set(json.loads(FITTED.read_text(encoding="utf-8"))) == set(asdict(fitted_parameters()))


def test_command_writes_and_checks(tmp_path, monkeypatch, capsys):
    stored = fitted_parameters()
    moved = Parameters(**{**asdict(stored), "quota": stored.quota * 1.01})
    before = FITTED.read_bytes()
    path = tmp_path / "fitted.json"
    for parameters, converged, code in (
        (stored, True, 0), (moved, True, 1), (stored, False, 1),
    ):  # fmt: skip
        fit = c.Fit(parameters, 1.0, 3, converged)
        monkeypatch.setattr(c, "calibrate", lambda fit=fit: fit)
        assert main(["calibrate", "--check", "-o", str(path)]) == code
        assert not path.exists()
    assert "does not settle" in capsys.readouterr().err
    monkeypatch.setattr(c, "calibrate", lambda: c.Fit(moved, 1.0, 3, True))
    assert main(["calibrate", "-o", str(path)]) == 0
    assert Parameters(**json.loads(path.read_text())).quota == pytest.approx(moved.quota, rel=1e-5)
    assert FITTED.read_bytes() == before


def test_exhibits_say_what_is_compared():
    shown = c.calibration_table()
    assert shown.badge == "SYNTHETIC"
    assert "National counts include cities" in shown.caption
    assert len(c.parameters_table().summary) == len(asdict(fitted_parameters()))
