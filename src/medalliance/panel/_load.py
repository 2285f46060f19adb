"""Load a panel from a file or a frame."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import raise_problems
from ..paths import PACKAGE, reading
from ..provenance import Badge, Provenance
from ._checks import PanelWarning
from ._mapping import ColumnMap, load_mapping
from ._panel import YOURS, Panel
from ._standardise import Standard, find_problems, roles_of, standardise
from ._truth import Truth

TEACHING_PANEL = PACKAGE / "teaching" / "panel.csv"
# hash of a panel in standard form whose every rule was checked by the command that wrote it
CHECKED = "MEDALLIANCE_CHECKED"
_WORDS = ("county_code", "county_name", "prefecture_code", "province_code", "rule_id")
TEACHING = Provenance(
    Badge.SYNTHETIC,
    "the teaching panel: invented counties with known effects, drawn from a fixed seed",
    "CNY",
    ("src/medalliance/teaching/panel.csv",),
)


def load_panel(
    source: str | Path | pd.DataFrame | None = None,
    *,
    rename: Mapping[str, str] | None = None,
    mapping: str | Path | Mapping[str, Any] | None = None,
) -> Panel:
    """Load a panel with the standard column names.

    The columns ``county_code``, ``year`` and ``cohort`` must be there (a 0/1 column ``treated``
    may stand for ``cohort``); ``prefecture_code`` is the cluster where it is given. Columns of
    money may end in ``_yuan``. Other names, units and words need ``rename`` or ``mapping``;
    :func:`check_panel` proposes them. :meth:`Panel.from_frame` takes any names.

    Parameters
    ----------
    source : path, DataFrame or None
        A CSV (UTF-8, UTF-16 or GB 18030), Parquet, Excel or Stata file, or a frame. ``None``
        reads the file named by ``MEDALLIANCE_PANEL``, or, where that is not set, the teaching
        panel that comes with the package, which is synthetic.
    rename : mapping, optional
        Your column name -> standard name.
    mapping : path or mapping, optional
        A mapping file (YAML), or its content: names, units, words, merged counties.

    Returns
    -------
    Panel
        The teaching panel knows its true effects (``panel.truth``); a reader's does not.

    Raises
    ------
    DataError
        Every problem of the table at once.

    Warns
    -----
    PanelWarning
        What was read and should be looked at.

    Examples
    --------
    >>> panel = load_panel()
    >>> panel.badge.value
    'SYNTHETIC'
    """
    if source is None:
        named = os.environ.get("MEDALLIANCE_PANEL")
        if not named and not rename and mapping is None:
            return _panel(teaching_frame(), TEACHING)
        if named and os.environ.get(CHECKED) == _hash(Path(named)):
            return _panel(pd.read_parquet(named), YOURS)
        return _checked(named or TEACHING_PANEL, rename, mapping, YOURS if named else TEACHING)
    return _checked(source, rename, mapping, YOURS)


def teaching_frame() -> pd.DataFrame:
    """Read the teaching panel's columns, shape (2400, 56); pandas alone is needed."""
    frame = pd.read_csv(reading(TEACHING_PANEL), dtype=dict.fromkeys(_WORDS, str))
    return frame.fillna(dict.fromkeys(_WORDS, ""))


@lru_cache(maxsize=1)
def _teaching_truth() -> Truth:
    return Truth(pd.read_csv(reading(TEACHING_PANEL.with_name("truth.csv"))))


def _checked(
    source: Any, rename: Mapping[str, str] | None, mapping: Any, provenance: Provenance
) -> Panel:
    plan = load_mapping(mapping)
    said_by = "rename" if rename else "the mapping"
    if rename:
        renamed = {str(old): ColumnMap(to=new) for old, new in rename.items()}
        plan = load_mapping(plan.model_copy(update={"columns": {**plan.columns, **renamed}}))
    standard = standardise(source, plan, recognised=False, said_by=said_by)
    problems, _ = find_problems(standard)
    errors = [found.line for found in problems if found.is_error]
    raise_problems(errors, where=_where(standard), advice=_advice(standard))
    for found in problems:
        if found.severity == "warning":
            warnings.warn(found.line, PanelWarning, stacklevel=3)
    return _panel(standard.frame, provenance)


def _panel(frame: pd.DataFrame, provenance: Provenance) -> Panel:
    roles, treatment = roles_of(frame)
    panel = Panel.from_frame(
        frame,
        unit=str(roles["unit"]),
        year=str(roles["year"]),
        cohort=roles["cohort"],
        cluster=roles["cluster"],
        treatment=treatment,
        badge=provenance.badge,
    )
    truth = _teaching_truth() if provenance == TEACHING else None
    return replace(panel, provenance=provenance, truth=truth)


def _hash(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _where(standard: Standard) -> str:
    return "panel" if standard.name == "table" else standard.name


def _advice(standard: Standard) -> str:
    if standard.name == "table":
        return (
            "Row numbers count from 1 in the table as given. Correct the table and load it again."
        )
    return (
        f"Rows are numbered as in the file. `medalliance check {standard.name}` reports more and "
        "proposes a mapping of names and units."
    )
