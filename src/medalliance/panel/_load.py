"""Read a panel from a file or a frame that uses the standard column names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import DataError
from ..paths import PACKAGE
from ..provenance import Badge
from ._checks import MONEY
from ._panel import Panel
from ._problems import Reading

TEACHING_PANEL = PACKAGE / "teaching" / "panel.parquet"
UNIT, YEAR, COHORT, CLUSTER = "county_code", "year", "cohort", "prefecture_code"
_CODES = (UNIT, CLUSTER, "province_code", "rule_id")
_READERS = ".csv, .csv.gz, .tsv, .parquet, .xlsx, .dta"


def load_panel(
    source: str | Path | pd.DataFrame | None = None, *, rename: Mapping[str, str] | None = None
) -> Panel:
    """Load a panel with the standard column names.

    The columns ``county_code``, ``year`` and ``cohort`` must be there; ``prefecture_code`` is
    the cluster where it is given. Columns of money may end in ``_yuan``.
    :meth:`Panel.from_frame` takes any names.

    Parameters
    ----------
    source : path, DataFrame or None
        A CSV (UTF-8 or GB 18030), Parquet, Excel or Stata file, or a frame. ``None`` reads the
        file named by ``MEDALLIANCE_PANEL``, or, where that is not set, the teaching panel that
        comes with the package, which is synthetic.
    rename : mapping, optional
        Your column name -> standard name.

    Returns
    -------
    Panel

    Raises
    ------
    DataError
        Every problem of the table at once.

    Examples
    --------
    >>> panel = load_panel()
    >>> panel.badge.value
    'SYNTHETIC'
    """
    rename = dict(rename or {})
    badge = Badge.YOURS
    if source is None:
        named = os.environ.get("MEDALLIANCE_PANEL")
        source = named or TEACHING_PANEL
        badge = Badge.YOURS if named else Badge.SYNTHETIC
    if not isinstance(source, str | os.PathLike | pd.DataFrame):
        raise DataError(
            f"source is a {type(source).__name__}.\n  Give a path or a pandas DataFrame."
        )
    frame, _ = read_standard(source, {"columns": rename})
    cluster = CLUSTER if CLUSTER in frame.columns else None
    return Panel.from_frame(
        frame, unit=UNIT, year=YEAR, cohort=COHORT, cluster=cluster, badge=badge
    )


def read_standard(
    source: str | os.PathLike[str] | pd.DataFrame,
    mapping: str | os.PathLike[str] | Mapping[str, Any] | None = None,
) -> tuple[pd.DataFrame, list[Reading]]:
    """Read a table under standard column names.

    Parameters
    ----------
    source : path or DataFrame
    mapping : path or mapping, optional
        A mapping file (YAML), or its content.

    Returns
    -------
    frame : DataFrame
    readings : list of Reading
        What was renamed or converted.

    Raises
    ------
    DataError
        If the file or the mapping cannot be read.
    """
    if isinstance(mapping, str | os.PathLike):
        import yaml

        content = yaml.safe_load(Path(mapping).read_text(encoding="utf-8"))
    else:
        content = mapping
    rename = dict((content or {}).get("columns") or {})
    frame = source if isinstance(source, pd.DataFrame) else read_table(Path(source), rename)
    absent = [name for name in rename if name not in frame.columns]
    if absent:
        raise DataError(
            f"rename names columns that the table lacks: {', '.join(absent)}.\n"
            f"  The table has: {', '.join(map(str, frame.columns))}."
        )
    frame = frame.rename(columns=rename)
    plain = _plain_money(frame)
    readings = [Reading(f"column {old} was read as {new}", new) for old, new in plain.items()]
    return frame.rename(columns=plain), readings


def _plain_money(frame: pd.DataFrame) -> dict[str, str]:
    """Map ``budget_yuan`` to ``budget``, and so on, where the plain name is free."""
    names = {str(name) for name in frame.columns}
    plain = {f"{name}_yuan": name for name in MONEY}
    plain |= {
        n: n.removesuffix("_yuan") for n in names if n.startswith(("pay_H", "pay_T", "pay_V"))
    }
    return {old: new for old, new in plain.items() if old in names and new not in names}


def read_table(path: Path, rename: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read a table, keeping the leading zeros of area codes.

    Raises
    ------
    DataError
        If the file is missing or its type is not known.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file.\n  Give the path of a {_READERS} file.")
    back = {new: old for old, new in (rename or {}).items()}
    text: dict[Any, Any] = {back.get(name, name): "string" for name in _CODES}
    suffix = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
    suffix = suffix.lower()
    if suffix in (".csv", ".csv.gz", ".tsv", ".txt"):
        separator = "\t" if suffix == ".tsv" else None
        return _read_text(path, separator, text)
    if suffix in (".parquet", ".pq"):
        return pd.read_parquet(path)
    if suffix in (".xlsx", ".xlsm"):
        return pd.read_excel(path, dtype=text)
    if suffix == ".dta":
        return pd.read_stata(path, convert_categoricals=False)
    raise DataError(
        f"{path}: cannot read {suffix or 'a file without a suffix'}.\n"
        f"  Save it as one of {_READERS}."
    )


def _read_text(path: Path, separator: str | None, text: dict[Any, Any]) -> pd.DataFrame:
    options: dict[str, Any] = {"dtype": text}
    options |= {"sep": separator} if separator else {}
    try:
        return pd.read_csv(path, encoding="utf-8-sig", **options)
    except UnicodeDecodeError:
        return pd.read_csv(path, encoding="gb18030", **options)
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: the file is empty.\n  Give a table with a header.") from None
    except pd.errors.ParserError as error:
        raise DataError(f"{path}: not a readable table ({error}).\n  Save it again.") from None
