"""The report of a check: problems, readings, and what each outcome still needs."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..panel import Panel, Problem, Reading


@dataclass(frozen=True)
class Need:
    """What one registered outcome needs from a panel.

    Attributes
    ----------
    outcome, label, family : str
        The outcome, its English label, ``"surplus"``, ``"remuneration"`` or ``"shares"``.
    available : bool
        Whether it can be computed.
    missing : tuple of str
        Columns that the panel lacks.
    coverage : float
        Share of rows in which every needed column has a value; NaN if a column is missing.
    reason : str
        Why it is refused although the columns are there, ``""`` if it is not.
    """

    outcome: str
    label: str
    family: str
    available: bool
    missing: tuple[str, ...] = ()
    coverage: float = float("nan")
    reason: str = ""


@dataclass(frozen=True, eq=False)
class PanelReport:
    """Everything that a check of a panel found.

    Attributes
    ----------
    name : str
        Name of the file, without its folder.
    frame : DataFrame
        The table under standard names, as :meth:`Panel.from_frame` takes it.
    problems : tuple of Problem
        Errors first, then warnings, then notes.
    needs : tuple of Need
        One for each registered outcome.
    readings : tuple of Reading
        What was converted, renamed or filled on the way.
    """

    name: str
    frame: pd.DataFrame
    problems: tuple[Problem, ...]
    needs: tuple[Need, ...]
    readings: tuple[Reading, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing stops estimation."""
        return not self.errors

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that stop estimation."""
        return tuple(found for found in self.problems if found.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Problems that a reader should look at."""
        return tuple(found for found in self.problems if found.severity == "warning")

    def panel(self) -> Panel:
        """Return the panel, badge ``YOURS``.

        Raises
        ------
        DataError
            Every error at once.
        """
        from ..panel import load_panel

        return load_panel(self.frame)

    def text(self) -> str:
        """Write the report for a terminal."""
        lines = [f"{self.name}: {len(self.frame):,} rows, {len(self.frame.columns)} columns", ""]
        for kind in ("error", "warning", "note"):
            lines += [f"{kind} {p.code} {p.text}" for p in self.problems if p.severity == kind]
        lines += [f"read: {reading.text}" for reading in self.readings]
        there = [need.outcome for need in self.needs if need.available]
        lines += ["", f"{len(there)} of {len(self.needs)} outcomes can be computed."]
        return "\n".join(lines) + "\n"

    def to_html(self) -> str:
        """Write the report as one page that needs no other file."""
        from html import escape

        return (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            f"<title>{escape(self.name)}</title>{self._repr_html_()}</html>\n"
        )

    def _repr_html_(self) -> str:
        from html import escape

        return f'<pre class="panel-report">{escape(self.text())}</pre>'
