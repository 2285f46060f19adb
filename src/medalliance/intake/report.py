"""The report of a check: problems, readings, and what each outcome still needs."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import pandas as pd

from ..errors import first_three
from ..panel import Panel, PanelMapping, Problem, Reading, load_panel, many
from ._needs import Need
from ._page import fragment, page, where

WIDTH = 92
STAFF = ("physician", "nurse", "technical", "administrative")
FAMILIES = ("surplus", "remuneration", "shares")
SEVERITY_WORDS = {
    "error": "stops estimation",
    "warning": "look at it",
    "note": "good to know",
}


@dataclass(frozen=True, eq=False)
class PanelReport:
    """Everything that a check of a panel found.

    Attributes
    ----------
    name : str
        Name of the file, without its folder.
    frame : DataFrame
        The table under standard names, as :func:`load_panel` takes it.
    problems : tuple of Problem
        Errors first, then warnings, then notes; rows as the file numbers them.
    needs : tuple of Need
        One for each registered outcome.
    readings : tuple of Reading
        What was converted, renamed or filled on the way.
    header : tuple of str
        Column names of the file.
    mapping : PanelMapping
        The mapping that was used, with the columns that were recognised by their names.
    """

    name: str
    frame: pd.DataFrame
    problems: tuple[Problem, ...]
    needs: tuple[Need, ...]
    readings: tuple[Reading, ...]
    header: tuple[str, ...] = ()
    mapping: PanelMapping | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing stops estimation."""
        return not self.errors

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that stop estimation."""
        return self.of("error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Problems that a reader should look at."""
        return self.of("warning")

    def of(self, severity: str) -> tuple[Problem, ...]:
        """Return the problems of one severity."""
        return tuple(found for found in self.problems if found.severity == severity)

    def panel(self) -> Panel:
        """Return the panel, badge ``YOURS``.

        Raises
        ------
        DataError
            Every error at once.
        """
        return load_panel(self.frame)

    def problem_frame(self) -> pd.DataFrame:
        """Return one row a problem: severity, code, text, column, rows, values, count."""
        return pd.DataFrame(
            [
                {
                    "severity": found.severity,
                    "code": found.code,
                    "text": found.text,
                    "column": found.column,
                    "rows": first_three(found.rows),
                    "values": ", ".join(found.values),
                    "count": found.count,
                }
                for found in self.problems
            ],
            columns=["severity", "code", "text", "column", "rows", "values", "count"],
        )

    def need_frame(self) -> pd.DataFrame:
        """Return one row an outcome: family, label, availability, missing columns, reason."""
        return pd.DataFrame(
            [
                {
                    "family": need.family,
                    "outcome": need.outcome,
                    "label": need.label,
                    "available": need.available,
                    "missing": ", ".join(need.missing),
                    "coverage": need.coverage,
                    "reason": need.reason,
                }
                for need in self.needs
            ]
        )

    def verdict(self) -> str:
        """Say in one sentence whether the panel can be used."""
        counts = ", ".join(many(len(self.of(severity)), severity) for severity in SEVERITY_WORDS)
        if not self.ok:
            return f"{counts}. The errors stop estimation; mend them first."
        if not any(need.available for need in self.needs):
            return f"{counts}. The table holds no outcome that can be estimated; see below."
        return f"{counts}. Nothing stops estimation."

    def shape(self) -> str:
        """Say how large the table is."""
        said = [many(len(self.frame), "row"), many(len(self.frame.columns), "column")]
        if "county_code" in self.frame.columns:
            counties = self.frame["county_code"].nunique()
            said.append("1 county" if counties == 1 else f"{counties:,} counties")
        years = self.frame.get("year")
        if years is not None and pd.to_numeric(years, errors="coerce").notna().any():
            numbers = pd.to_numeric(years, errors="coerce")
            said.append(f"{numbers.min():.0f} to {numbers.max():.0f}")
        return ", ".join(said)

    def text(self) -> str:
        """Write the report for a terminal."""
        lines = [f"{self.name}: {self.shape()}", self.verdict()]
        for severity, meaning in SEVERITY_WORDS.items():
            found = self.of(severity)
            if found:
                lines += ["", f"{severity.upper()}S ({meaning})"]
                lines += [line for item in found for line in _lines(item)]
        if self.readings:
            lines += ["", "HOW THE FILE WAS READ"]
            lines += [line for item in self.readings for line in _wrapped(item.text, "  - ")]
        return "\n".join([*lines, "", *_outcome_lines(self.needs)]) + "\n"

    def to_html(self) -> str:
        """Write the report as one page that needs no other file."""
        return page(self)

    def _repr_html_(self) -> str:
        return fragment(self)

    def __repr__(self) -> str:
        return f"PanelReport({self.name}: {self.shape()}; {self.verdict()})"


def missing_groups(needs: tuple[Need, ...]) -> dict[tuple[str, ...], list[str]]:
    """Group outcomes that cannot be computed by the columns that they lack.

    ``pay_H_*`` stands for the columns of all types of staff.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for need in needs:
        if need.missing:
            short = tuple(dict.fromkeys(_any_staff(name) for name in need.missing))
            groups.setdefault(short, []).append(need.outcome)
    return dict(sorted(groups.items(), key=lambda group: len(group[0])))


def _any_staff(name: str) -> str:
    stem, _, kind = name.rpartition("_")
    return f"{stem}_*" if kind in STAFF and stem[:4] in ("pay_", "fte_") else name


def _lines(found: Problem) -> list[str]:
    place = where(found)
    lines = _wrapped(found.text, f"  {found.code}  ")
    return lines + (_wrapped(place, " " * 8, deeper=8) if place else [])


def _wrapped(text: str, head: str, deeper: int | None = None) -> list[str]:
    indent = " " * (len(head) if deeper is None else deeper)
    return textwrap.wrap(
        text, WIDTH, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False
    )


def _outcome_lines(needs: tuple[Need, ...]) -> list[str]:
    there = [need for need in needs if need.available]
    lines = [f"OUTCOMES: {len(there)} of {len(needs)} can be computed"]
    for family in FAMILIES:
        own = [need for need in needs if need.family == family]
        lines.append(f"  {family}: {sum(need.available for need in own)} of {len(own)}")
    groups = missing_groups(needs)
    for missing, outcomes in groups.items():
        lines += _wrapped(f"{first_three(outcomes)}: needs {', '.join(missing)}", "  - ")
    if any("*" in name for missing in groups for name in missing):
        lines.append(f"    * stands for {', '.join(STAFF)}")
    reasons = dict.fromkeys(need.reason for need in needs if need.reason)
    for reason in reasons:
        refused = ", ".join(need.outcome for need in needs if need.reason == reason)
        lines += _wrapped(f"{refused}: {reason}", "  - ")
    return lines
