"""What stands behind a synthetic estimate: its weights and its fit before adoption."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..panel import Panel
from ..show.findings import Findings
from ._synthetic import Method
from ._synthetic_blocks import fit_all
from .synthetic_did import make_blocks


def synthetic_weights(panel: Panel, outcome: str, *, method: Method = "sdid") -> Findings:
    """Tabulate the unit weights and the time weights of every adoption date.

    Parameters
    ----------
    panel : Panel
        Balanced, with never-treated units.
    outcome : str
        A registered outcome or a numeric column.
    method : str
        As in ``synthetic_did``.

    Returns
    -------
    Findings
        ``cohort``, ``kind`` ("unit" or "time"), ``name`` (unit or year), ``weight``; largest
        first inside a cohort and kind. ``.paths`` holds the observed and the synthetic
        path: ``cohort, year, treated, synthetic, gap``, the synthetic one shifted to the treated
        by the time-weighted gap before adoption; ``plots.fit_paths`` draws them.

    Raises
    ------
    DesignError
        If the method is unknown, the panel is not balanced, or there are no never-treated units.

    References
    ----------
    Arkhangelsky et al. (2021), section III.
    """
    blocks = make_blocks(panel, outcome)
    weights, paths = [], []
    for g, fit in fit_all(blocks, method).items():
        before = blocks.years[blocks.years < g]
        unit = pd.DataFrame({"kind": "unit", "name": blocks.donor_ids, "weight": fit.unit_weights})
        time = pd.DataFrame({"kind": "time", "name": before, "weight": fit.time_weights})
        both = pd.concat([unit.astype({"name": object}), time.astype({"name": object})])
        both = both.sort_values(["kind", "weight"], ascending=[False, False], kind="stable")
        weights.append(both.assign(cohort=g))
        treated = blocks.adopters[g].mean
        paths.append(
            pd.DataFrame(
                {
                    "cohort": np.int64(g),
                    "year": blocks.years,
                    "treated": treated,
                    "synthetic": treated - fit.path,
                    "gap": fit.path,
                }
            )
        )
    table = pd.concat(weights, ignore_index=True)[["cohort", "kind", "name", "weight"]]
    foot = (
        f"Donors and years before adoption, weighted by {method}; {len(blocks.donor_ids)} donors."
    )
    return Findings(
        table,
        f"Weights of the synthetic {outcome}",
        foot,
        panel.provenance,
        {"paths": pd.concat(paths, ignore_index=True)},
    )
