"""What is wrong with a table: a rule, a sentence, the rows it stands in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import first_three

SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True)
class Rule:
    """A rule that a panel must keep.

    Attributes
    ----------
    code : str
        ``E101`` and so on.
    title : str
        The rule in a few words.
    severity : str
        ``"error"`` stops estimation, ``"warning"`` a reader should look at, ``"note"`` tells.
    """

    code: str
    title: str
    severity: str


def _rules(*listed: tuple[str, str, str]) -> dict[str, Rule]:
    return {code: Rule(code, title, severity) for code, severity, title in listed}


RULES = _rules(
    ("E101", "error", "one row a county and year"),
    ("E102", "error", "treatment is absorbing"),
    ("E103", "warning", "every county has a budget, settled or notional"),
    ("E104", "warning", "one accounting basis in a county"),
    ("E105", "error", "spending outside the county is part of the total"),
    ("E106", "warning", "one definition of a visit in a county"),
    ("E107", "warning", "surplus ratios are plausible"),
    ("E108", "warning", "pay per head is plausible"),
    ("E109", "warning", "untreated counties remain"),
    ("E110", "warning", "enough treated clusters"),
    ("E111", "note", "three years before treatment"),
    ("E112", "error", "totals agree with the settlement report"),
    ("E113", "error", "money has two decimals"),
    ("E114", "error", "the columns that name a row are there"),
    ("E115", "error", "county, year and cohort can be read"),
    ("E116", "error", "numbers are numbers"),
    ("E117", "error", "numbers lie in their range"),
    ("E118", "error", "words come from the list"),
    ("E119", "error", "area codes have six digits"),
    ("E120", "warning", "a county keeps its code"),
    ("E121", "error", "cohort, cluster and weight are constant in a county"),
    ("E122", "error", "treatment is 0 or 1, in agreement with the cohort"),
    ("E123", "warning", "no year is missing inside a series"),
    ("E124", "error", "shares are 0 to 1, not percent"),
    ("E125", "warning", "money per person is plausible"),
    ("E126", "error", "missing codes stand beside blanks"),
    ("E127", "warning", "no number stands for missing"),
    ("E128", "note", "every column has a known name"),
    ("E129", "error", "numbers are finite"),
    ("E130", "error", "the table has rows"),
    ("E131", "error", "some county is treated"),
    ("E132", "error", "each column name stands once"),
    ("E133", "note", "counties are seen before treatment"),
    ("E134", "error", "rows have as many cells as the header"),
    ("E135", "warning", "no row holds the sum of others"),
    ("E136", "error", "numbers lie near their neighbours and differ from each other"),
)


@dataclass(frozen=True)
class Problem:
    """A rule that a table breaks, with where it does.

    Attributes
    ----------
    code, severity : str
        The rule of ``RULES``; ``"error"``, ``"warning"`` or ``"note"``.
    text : str
        One sentence for the reader.
    column : str
        The column concerned, ``""`` if none.
    rows : tuple of int
        Every row concerned, counted from 1 at the first row of numbers, or as the file numbers
        them (header is row 1) once a file is read.
    values, places : tuple of str
        Up to three offending values; up to three "county in year".
    count : int
        How many cells, rows or counties break the rule.
    raised : str
        The words of an exception, where they differ from ``text``.
    words : tuple of str
        ``text`` and ``raised`` before the rows were filled in.
    """

    code: str
    severity: str
    text: str
    column: str = ""
    rows: tuple[int, ...] = ()
    values: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    count: int = 1
    raised: str = ""
    words: tuple[str, str] = field(default=("", ""), repr=False)

    @property
    def line(self) -> str:
        """The problem as one line of an exception."""
        return f"{self.code} {self.raised or self.text}"

    @property
    def is_error(self) -> bool:
        """Whether the problem stops estimation."""
        return self.severity == "error"


@dataclass(frozen=True)
class Reading:
    """Something that was read as something else, so that nothing happens in silence.

    Attributes
    ----------
    text : str
        One sentence.
    column : str
        Standard name of the column, ``""`` for the whole table.
    count : int
        Cells or rows concerned.
    """

    text: str
    column: str = ""
    count: int = 0


def problem(
    code: str,
    text: str,
    *,
    rows: Iterable[int] = (),
    values: Iterable[object] = (),
    places: Sequence[str] = (),
    count: int | None = None,
    column: object = "",
    raised: str = "",
    severity: str | None = None,
) -> Problem:
    """Make a problem of a rule.

    Parameters
    ----------
    text, raised : str
        ``{where}`` stands for the rows: "2 rows (4, 7)".
    rows : iterable of int
        Rows counted from 0.
    values : iterable
        Offending values; the first three distinct ones are kept.
    """
    numbers = tuple(int(row) + 1 for row in np.sort(np.fromiter(rows, np.int64)))
    shown = tuple(dict.fromkeys(_plainly(value) for value in values))[:3]
    size = count if count is not None else max(1, len(numbers))
    kind = severity or RULES[code].severity
    kept = tuple(places[:3])
    made = Problem(
        code, kind, text, str(column), numbers, shown, kept, size, raised, (text, raised)
    )
    return _filled(made)


def _plainly(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float | np.floating) else str(value)


def renumber(found: Problem, numbers: np.ndarray) -> Problem:
    """Return a problem whose rows are counted as the file counts them.

    Parameters
    ----------
    numbers : ndarray of int
        Number of each row of the table in its file.
    """
    rows = tuple(int(numbers[row - 1]) for row in found.rows)
    return _filled(replace(found, rows=rows))


def _filled(found: Problem) -> Problem:
    """Fill the rows into the words, where they ask for them."""
    where = _in_numbered(found.rows)
    text, raised = (words.replace("{where}", where) for words in found.words)
    return replace(found, text=text, raised=raised)


def _in_numbered(rows: Sequence[int]) -> str:
    return f"{many(len(rows), 'row')} ({first_three(rows)})"


def many(count: int, noun: str) -> str:
    """Return ``"1 row"``, ``"2 rows"``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
