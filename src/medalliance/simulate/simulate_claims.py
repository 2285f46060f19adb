"""Write claims that add up to a known county-year panel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError, needed
from ..progress import counted
from ._claim_cells import Plan, known_panel, plan_claims
from ._claim_rows import partition

if TYPE_CHECKING:
    import pandas as pd

    from .simulate_panel import SimulatedPanel

ROW_GROUP = 262_144


def simulate_claims(
    simulated: SimulatedPanel,
    folder: str | os.PathLike[str],
    *,
    rows: int = 1_000_000,
    seed: int = 0,
    provider_ids: bool = True,
    n_jobs: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Write claims whose county-year panel is known to the fen.

    The simulated panel's visits and spending are scaled to the number of rows; each visit gets
    a person, a day, a provider and one to three claims. Some rows stand twice, some claims are
    taken back in part, others whole, many of these in a later year's partition. Care outside
    the county, pharmacies, admissions and services out of scope are there. Inpatient care,
    pharmacies and patients are made up: fixed shares of the insured, of visits and of spending.

    Parameters
    ----------
    simulated : SimulatedPanel
    folder : path
        New or empty; gets ``year=.../prefecture=.../claims.parquet``.
    rows : int
        About so many; at least 20 a county and year.
    seed : int
    provider_ids : bool
        Write the column ``provider_id``.
    n_jobs : int
        Processes, as joblib; memory is that of one partition each.
    progress : bool
        Show a bar.

    Returns
    -------
    DataFrame
        The panel that :func:`medalliance.build_panel_from_claims` must return.

    Raises
    ------
    DataError
        If the folder holds something, or rows are too few.
    """
    with needed():
        import joblib

    place = Path(folder)
    frame = simulated.panel.frame
    if rows < 20 * len(frame):
        raise DataError(
            f"{rows} rows are too few for {len(frame)} county-years.\n"
            f"  Ask for at least {20 * len(frame):,}."
        )
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise DataError(f"{place} is there already.\n  Name a new folder, or empty this one.")
    plan = plan_claims(frame, rows)
    years = plan.keys["year"].to_numpy()
    groups = plan.keys.groupby(["year", "prefecture_code"]).indices
    tasks = []
    for (year, prefecture), which in groups.items():
        before = groups.get((year - 1, prefecture), np.empty(0, np.int64))
        path = place / f"year={year}" / f"prefecture={prefecture}" / "claims.parquet"
        tasks.append((path, which, before, bool(year == years.max())))
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    work = (joblib.delayed(_write)(plan, seed, provider_ids, *task) for task in tasks)
    for _ in counted(parallel(work), show=progress, unit="partition", total=len(tasks)):
        pass
    return known_panel(plan, provider_ids=provider_ids)


def _write(
    plan: Plan,
    seed: int,
    provider_ids: bool,
    path: Path,
    which: np.ndarray,
    before: np.ndarray,
    last: bool,
) -> None:
    import pyarrow.parquet as pq

    table = partition(plan, which, before, last=last, seed=seed, provider_ids=provider_ids)
    path.parent.mkdir(parents=True)
    part = path.with_suffix(".part")
    pq.write_table(table, part, row_group_size=ROW_GROUP)
    part.replace(path)
