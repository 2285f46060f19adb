"""Bias and coverage of factor models on draws with a known truth.

usage: python benchmarks/factor_draws.py [draws]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from factor_panels import factor_panel  # noqa: E402

import medalliance as ma  # noqa: E402

MODELS = {
    "group-time": lambda p: ma.att_gt(p, "y"),
    "ife, two factors": lambda p: ma.interactive_effects(p, "y", n_factors=2, held_out=0),
    "ife, never-treated": lambda p: ma.interactive_effects(
        p, "y", n_factors=2, control_group="never_treated", held_out=0
    ),
    "mc, penalty 0.05": lambda p: ma.interactive_effects(
        p, "y", method="mc", penalty=0.05, held_out=0
    ),
}


def main(n_draws: int) -> None:
    found = {name: [] for name in MODELS}
    for seed in range(n_draws):
        frame = factor_panel(200, 15, seed=seed, starts=(9, 11))
        panel = ma.Panel.from_frame(frame, unit="unit", year="year", cohort="cohort")
        truth = frame.loc[frame["effect"] > 0, "effect"].mean()
        for name, fit in MODELS.items():
            one = fit(panel).overall
            low, high = one.conf_int()[0]
            found[name].append((one.estimate[0] - truth, one.std_error[0], low <= truth <= high))
    for name, rows in found.items():
        gap, error, inside = np.array(rows, dtype=float).T
        print(
            f"{name:<20} {n_draws} draws: bias {gap.mean():+.3f} "
            f"({gap.std(ddof=1) / np.sqrt(n_draws):.3f}), sd {gap.std(ddof=1):.3f}, "
            f"mean error {error.mean():.3f}, coverage {inside.mean():.3f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
