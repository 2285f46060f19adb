"""Findings about effects: the foot and the badge are those of their design."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from ..show.findings import Findings
from ._design import Design


def findings_of(
    design: Design,
    frame: pd.DataFrame,
    title: str,
    *,
    draw: Callable[..., Any] | None = None,
    foot: str = "",
    **named: Any,
) -> Findings:
    """Make findings about effects.

    Parameters
    ----------
    design : Design
        Of the effects.
    frame : DataFrame
    title : str
    draw : callable, optional
    foot : str
        In place of the design's.
    **named
        What was found beside the frame.

    Returns
    -------
    Findings
    """
    return Findings(frame, title, foot or design.foot(), design.provenance, named, draw)
