"""Print results of the numeric core to 8 digits: what a mutant must change to count."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "property"), str(ROOT / "tests")]
warnings.simplefilter("ignore")

import test_every_estimator as every  # noqa: E402

import medalliance as ma  # noqa: E402
from medalliance.outcomes.composition import balances, visit_balances  # noqa: E402


def say(name: str, values: object) -> None:
    numbers = np.asarray(values, dtype=float).ravel()
    print(name, " ".join(f"{number:.8g}" for number in numbers + 0.0))


def main() -> None:
    frame = every.frame_of(7, drop=0.0)
    for name in every.CASES:
        effects = every.fit(name, frame)
        say(name, np.r_[effects.estimate, effects.std_error])
    panel = every.panel_of(frame)
    fitted = ma.twfe(panel, "y", event_study=True)
    for kind in ("crv1", "crv2", "crv3", "two_way", "driscoll_kraay"):
        say(kind, ma.robust_variance(fitted, kind).std_error)
    for effects in (ma.twfe(panel, "y"), ma.att_gt(panel, "y")):
        found = ma.wild_bootstrap(effects, n_draws=199)
        say("wild", found.frame[["p_value", "conf_low", "conf_high"]])
        say("neyman", ma.neyman_variance(effects).std_error)
    event = ma.att_gt(panel, "y", base_period="universal").aggregate("event_time")
    say("honest", ma.honest_did(event, relative_magnitude=(1.0,)).frame[["conf_low", "conf_high"]])
    signs = [[1, 1, -1, -1, 1], [1, -1, 0, 0, 0], [0, 0, 1, -1, 0], [1, 1, 0, 0, -1]]
    say("balances", balances(signs))
    for n_parts in (3, 4, 5):
        say("parts", visit_balances(n_parts))


if __name__ == "__main__":
    main()
