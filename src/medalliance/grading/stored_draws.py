"""The graded draws that come with the package."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..errors import DataError
from ..paths import PACKAGE, reading

STORE = PACKAGE / "teaching"


def read_draws(name: str) -> pd.DataFrame:
    """Read stored draws: ``"threats"`` or ``"grading"``.

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
    return stored.astype(dict.fromkeys(stored.select_dtypes("float32").columns, "float64"))


def write_draws(draws: pd.DataFrame, folder: Path, name: str) -> Path:
    """Write draws whole or not at all, numbers in single precision: seven digits."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}_draws.parquet"
    part = path.with_suffix(".part")
    slim = draws.astype(dict.fromkeys(draws.select_dtypes("float64").columns, "float32"))
    slim.to_parquet(part, index=False, compression="zstd")
    part.replace(path)
    return path
