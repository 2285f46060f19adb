"""Make moderndid_honest.json: needs an environment with moderndid[didhonest] and pandas.

usage: python make_moderndid_honest.py FOLDER_OF_ORACLES
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from moderndid.didhonest import compute_conditional_cs_rm

folder = Path(sys.argv[1])
beta = pd.read_csv(folder / "bc_eventstudy_beta.csv")["beta"].to_numpy()
sigma = pd.read_csv(folder / "bc_eventstudy_sigma.csv").to_numpy()
n_pre, n_post, points = 4, 4, 2000
rows = []
for name, contrast in (("first", np.eye(n_post)[0]), ("average", np.full(n_post, 1 / n_post))):
    for bound in (0.0, 0.5, 1.0, 2.0):
        found = compute_conditional_cs_rm(
            beta,
            sigma,
            n_pre,
            n_post,
            l_vec=contrast[:, None],
            m_bar=bound,
            grid_points=points,
            seed=1,
        )
        kept = found["grid"][np.asarray(found["accept"]) == 1]
        rows.append(
            {
                "contrast": name,
                "bound": bound,
                "conf_low": float(kept.min()),
                "conf_high": float(kept.max()),
                "grid_step": float(found["grid"][1] - found["grid"][0]),
            }
        )
        print(rows[-1], flush=True)
out = {"moderndid": version("moderndid"), "data": "bc_eventstudy_*.csv", "rows": rows}
Path(__file__).with_name("moderndid_honest.json").write_text(json.dumps(out, indent=1) + "\n")
