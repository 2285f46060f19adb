"""The graded draws that come with the package."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..errors import DataError
from ..paths import PACKAGE, reading
from ..provenance import Badge, Provenance

STORE = PACKAGE / "teaching"


def load_draws(name: str) -> pd.DataFrame:
    """Load stored draws: ``"threats"`` or ``"grading"``.

    Returns
    -------
    DataFrame
        One row a draw and method, with its provenance.

    Raises
    ------
    DataError
        If nothing was graded yet.
    """
    path = STORE / f"{name}_draws.parquet"
    if not path.is_file():
        raise DataError(f"{path}: no graded draws.\n  Run medalliance grade first.")
    with reading(path).open("rb") as opened:
        stored = pd.read_parquet(opened)
    draws = stored.astype(dict.fromkeys(stored.select_dtypes("float32").columns, "float64"))
    return drawn_from(draws).carried_by(draws)


def drawn_from(draws: pd.DataFrame) -> Provenance:
    """Say how many draws of each design these are, with which seeds."""
    designs = draws.groupby("name")["draw"].agg(["nunique", "min"])
    ends = sorted({int(designs["nunique"].min()), int(designs["nunique"].max())})
    count = " to ".join(f"{end:,}" for end in ends)
    seeds = " and ".join(str(first) for first in sorted(set(designs["min"])))
    return Provenance(
        Badge.SYNTHETIC,
        f"the book's simulator, {count} draws of each design, seeds from {seeds}",
    )


def write_draws(draws: pd.DataFrame, folder: Path, name: str) -> Path:
    """Write draws whole or not at all, numbers in single precision: seven digits."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}_draws.parquet"
    part = path.with_suffix(".part")
    slim = draws.astype(dict.fromkeys(draws.select_dtypes("float64").columns, "float32"))
    slim.to_parquet(part, index=False, compression="zstd")
    part.replace(path)
    return path
