"""The limits that a release keeps."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..errors import DataError, raise_problems


@dataclass(frozen=True)
class Limits:
    """Thresholds of disclosure control.

    Attributes
    ----------
    count : int
        Counts of persons or events from 1 to one less are hidden.
    contributors : int
        Fewest institutions or counties behind a published number.
    dominance : float
        Percent ``p`` of the p % rule: a total is hidden if what remains without the two largest
        contributors is less than ``p`` % of the largest.
    largest, share : int and float, or None
        The (n, k) rule, where it is asked for: a total is hidden if its ``largest`` contributors
        make more than ``share`` % of it.
    staff : float
        Fewest full-time posts behind a published pay figure.
    width : float or None
        Width that the interval of a hidden count must keep; the threshold of counts if None.
    counties, treated_clusters, freedom : int
        Fewest counties, treated clusters and residual degrees of freedom behind an estimate.
    hide_zeros : bool
        Whether a count of zero is hidden like a small one.

    Raises
    ------
    DataError
        Every limit that makes no sense, at once.
    """

    count: int = 10
    contributors: int = 3
    dominance: float = 10.0
    largest: int | None = None
    share: float | None = None
    staff: float = 5.0
    width: float | None = None
    counties: int = 10
    treated_clusters: int = 3
    freedom: int = 10
    hide_zeros: bool = False

    def __post_init__(self) -> None:
        raise_problems(
            list(_problems(self)), where="limits", advice="See medalliance release --help."
        )

    @property
    def count_width(self) -> float:
        """Width that the interval of a hidden count must keep."""
        return float(self.count if self.width is None else self.width)

    def described(self) -> str:
        """Say every limit in one line."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return ", ".join(f"{name}={value:g}" if isinstance(value, int | float) else f"{name}=none"
                         for name, value in said.items())  # fmt: skip


def _problems(limits: Limits):
    whole = {
        "count": (2, "one person or event would be shown"),
        "contributors": (3, "with two, each sees the other's number"),
        "counties": (3, "an estimate from fewer counties shows them"),
        "treated_clusters": (2, "with one there is no standard error, and it is shown"),
        "freedom": (1, "a saturated regression repeats the data"),
    }
    for name, (least, why) in whole.items():
        value = getattr(limits, name)
        if isinstance(value, bool) or int(value) != value or value < least:
            yield f"{name}={value}: at least {least}; {why}"
    if not 0 < limits.dominance < 100:
        yield f"dominance={limits.dominance}: a percent above 0 and below 100"
    if limits.staff < 3 or limits.staff != limits.staff:
        yield f"staff={limits.staff}: at least 3; with two, each sees the other's pay"
    if limits.width is not None and not limits.width > 0:
        yield f"width={limits.width}: must be positive"
    if (limits.largest is None) != (limits.share is None):
        yield "largest and share go together: give both or neither"
    elif limits.largest is not None and limits.share is not None:
        if limits.largest < 1 or int(limits.largest) != limits.largest:
            yield f"largest={limits.largest}: a whole number of contributors from 1"
        if not 0 < limits.share < 100:
            yield f"share={limits.share}: a percent above 0 and below 100"


def check_finite(name: str, missing: int) -> None:
    """Refuse a column with blanks.

    Raises
    ------
    DataError
    """
    if missing:
        raise DataError(f"{name} is blank in {missing} rows.\n  Leave those rows out, and say so.")
