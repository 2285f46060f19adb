"""Safe tables: primary rules, complementary cells, and what was done, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, first_three
from ._attack import Array, Mask, attack
from ._limits import Limits
from ._primary import concentrated, concentration_need, dominated, few, p_percent_need, too_few
from ._protect import Protection, TooCertainError, protect
from ._tables import Cells, Dimensions, as_cells, link, tabulate
from ._task import Need

SUPPRESSED = "suppressed"
COMPLEMENTARY = "complementary: hidden so that another cell cannot be worked out"


@dataclass(frozen=True)
class Measure:
    """One number of a table's cells.

    Attributes
    ----------
    name : str
        Column of the micro data, and of the released table.
    kind : str
        ``"count"`` for persons, visits or posts; ``"money"`` for sums; ``"units"`` for the number
        of contributors itself.
    signed : bool
        Whether it can be negative.
    threshold : float or None
        Limit of counts, where it is not the general one (posts).
    posts : str or None
        Measure of full-time posts: where they are fewer than the limit of staff, this is hidden.
    """

    name: str
    kind: str = "money"
    signed: bool = False
    threshold: float | None = None
    posts: str | None = None


@dataclass(frozen=True, eq=False)
class Inside:
    """What a table was protected with. It holds true values: it is never written.

    Attributes
    ----------
    cells : Cells
    need : Need
    insiders : list of ndarray of bool
        Cells that one contributor knows exactly.
    places : dict of str to ndarray of int
        Where the cells of each measure stand.
    """

    cells: Cells
    need: Need
    insiders: list[Mask]
    places: dict[str, NDArray[np.intp]]


@dataclass(frozen=True, eq=False)
class SafeTable:
    """A table that may leave, with the record of what was hidden in it.

    Attributes
    ----------
    frame : DataFrame
        One row a cell of the dimensions; a blank where a number is hidden, and then
        ``suppressed`` in the column of the same name that ends in ``_na``.
    record : DataFrame
        One row a number: ``variable``, the labels, ``status`` (published, primary,
        complementary), ``reason``. It holds no number.
    protection : Protection
        Of all numbers together, in the order of ``record``.
    least_contributors : int
        Fewest contributors behind a number that is published.
    inside : Inside
        For audits; never written.
    """

    frame: pd.DataFrame
    record: pd.DataFrame
    protection: Protection
    least_contributors: int
    inside: Inside

    @property
    def n_primary(self) -> int:
        """Numbers hidden for their own sake."""
        return int((self.record["status"] == "primary").sum())

    @property
    def n_complementary(self) -> int:
        """Numbers hidden for the sake of others."""
        return int((self.record["status"] == "complementary").sum())


def safe_table(
    micro: pd.DataFrame,
    dimensions: Dimensions,
    measures: Sequence[Measure],
    limits: Limits,
    *,
    unit: str,
    no_total: Sequence[str] = (),
    identities: Sequence[Mapping[str, float]] = (),
) -> SafeTable:
    """Sum micro data to a table with margins that may leave.

    Every measure keeps the rule of contributors and the p % rule; counts keep their threshold
    too. Measures that an identity binds are protected together.

    Parameters
    ----------
    micro : DataFrame
        One or more rows a contributor; blanks are left out measure by measure.
    dimensions, unit, no_total
        As for :func:`tabulate`.
    measures : sequence of Measure
    limits : Limits
    identities : sequence of mapping
        Measure -> coefficient of sums that are zero in every cell, as for :func:`link`.

    Returns
    -------
    SafeTable

    Raises
    ------
    DataError
        If the table is empty, if nothing of it could be shown, or if it stays open to attack
        whatever is hidden.
    """
    tables = {
        measure.name: _measured(micro, dimensions, measure, unit, no_total) for measure in measures
    }
    parts = {
        measure.name: as_cells(
            tables[measure.name].rename(columns={"value": measure.name}),
            dimensions,
            measure.name,
            signed=measure.signed,
        )
        for measure in measures
    }
    cells, places = link(parts, identities)
    primary = np.zeros(len(cells.value), dtype=bool)
    need = Need.of(len(cells.value))
    reasons = np.full(len(cells.value), "", dtype=object)
    owners: dict[str, Mask] = {}
    counted = np.zeros(len(cells.value), dtype=int)
    for measure in measures:
        at, table = places[measure.name], tables[measure.name]
        counted[at] = table["contributors"].to_numpy(int)
        _apply(measure, table, limits, at, primary, need, reasons)
        if measure.posts:
            few_posts = _few_posts(tables[measure.posts], table, dimensions, limits)
            primary[at[few_posts]] = True
            reasons[at[few_posts]] = f"fewer than {limits.staff:g} posts"
            size = table["absolute"].to_numpy(float) * limits.dominance / 100
            for side in (need.below, need.above):
                side[at] = np.where(few_posts, np.maximum(side[at], size), side[at])
        for place, sole in zip(at, table["sole"], strict=True):
            if sole:
                owners.setdefault(sole, np.zeros(len(cells.value), bool))[place] = True
    inside = Inside(cells, need, [owners[name] for name in sorted(owners)], places)
    found = _protected(inside, primary)
    if found.hidden[cells.value != 0].all():
        raise DataError(
            "every number of the table would have to be hidden.\n"
            "  Withhold it, or join categories until three contributors stand behind a number."
        )
    reasons[found.complementary] = COMPLEMENTARY
    return _assembled(inside, parts, found, reasons, counted)


def _measured(
    micro: pd.DataFrame,
    dimensions: Dimensions,
    measure: Measure,
    unit: str,
    no_total: Sequence[str],
) -> pd.DataFrame:
    if measure.kind == "units":
        keys = [name for levels in dimensions for name in levels]
        micro = micro.drop_duplicates([*keys, unit]).assign(**{measure.name: 1.0})
    return tabulate(micro, dimensions, measure.name, unit=unit, no_total=no_total)


def _apply(
    measure: Measure,
    table: pd.DataFrame,
    limits: Limits,
    at: NDArray[np.intp],
    primary: Mask,
    need: Need,
    reasons: NDArray[np.object_],
) -> None:
    """Mark what the rules hide in one measure, with the reason, and what it needs."""
    whole, one, two = (table[k].to_numpy(float) for k in ("absolute", "largest", "second"))
    contributors = table["contributors"].to_numpy(float)
    flags: dict[str, Mask] = {
        f"fewer than {limits.contributors} contributors": too_few(contributors, limits.contributors)
    }
    if measure.kind == "units":
        need.width[at] = np.where(flags[next(iter(flags))], float(limits.contributors), 0.0)
    else:
        flags[f"p % rule, p = {limits.dominance:g}"] = dominated(whole, one, two, limits.dominance)
        far = p_percent_need(whole, one, two, limits.dominance)
        if limits.largest is not None and limits.share is not None:
            top = np.array([values[: limits.largest].sum() for values in table["top"]])
            rule = f"({limits.largest}, {limits.share:g}) rule"
            flags[rule] = concentrated(whole, top, limits.share)
            far = np.maximum(far, concentration_need(whole, top, limits.share))
        need.above[at], need.below[at] = far, np.minimum(far, _floor(measure, table))
    if measure.kind == "count":
        least = limits.count if measure.threshold is None else measure.threshold
        small = few(table["value"], least, zeros=limits.hide_zeros)
        flags[f"count below {least:g}"] = small
        width = limits.count_width if measure.threshold is None else float(least)
        need.width[at] = np.where(small, width, 0.0)
    for reason, flag in flags.items():
        primary[at[flag]] = True
        for place in at[flag]:
            reasons[place] = f"{reasons[place]}; {reason}" if reasons[place] else reason


def _few_posts(
    posts: pd.DataFrame, table: pd.DataFrame, dimensions: Dimensions, limits: Limits
) -> Mask:
    """Return the cells of a table behind which there are few posts, or none that is known."""
    keys = [name for levels in dimensions for name in levels]
    there = posts.set_index(keys)["value"].reindex(pd.MultiIndex.from_frame(table[keys]))
    numbers = there.fillna(0.0).to_numpy(float)
    return (numbers < limits.staff) & (table["absolute"].to_numpy(float) > 0)


def _floor(measure: Measure, table: pd.DataFrame) -> Array:
    """Return how far below its value a cell can lie at all."""
    values = table["value"].to_numpy(float)
    return np.full(len(values), np.inf) if measure.signed else values


def _protected(inside: Inside, primary: Mask) -> Protection:
    cells, need = inside.cells, inside.need
    for side in (need.below, need.above, need.width):
        side[~primary] = 0.0
    try:
        return protect(
            cells.value, cells.relations, primary, need, low=cells.low, insiders=inside.insiders
        )
    except TooCertainError as found:
        shown = first_three(cells.place(cell) for cell in found.cells)
        raise DataError(
            f"{shown}: stays too certain even when every other number is hidden.\n"
            "  Withhold the table, or join categories."
        ) from None


def _assembled(
    inside: Inside,
    parts: dict[str, Cells],
    found: Protection,
    reasons: NDArray[np.object_],
    counted: NDArray[np.int_],
) -> SafeTable:
    frames, records, cells = [], [], inside.cells
    for name, at in inside.places.items():
        labels = parts[name].labels
        keys = list(labels.columns)
        hidden = found.hidden[at]
        values = np.where(hidden, np.nan, cells.value[at])
        note = np.where(hidden, SUPPRESSED, "")
        frames.append(labels.assign(**{name: values, f"{name}_na": note}).set_index(keys))
        status = np.where(found.primary[at], "primary", "complementary")
        status = np.where(hidden, status, "published")
        records.append(
            labels.assign(variable=name, status=status, reason=np.where(hidden, reasons[at], ""))
        )
    frame = pd.concat(frames, axis=1).sort_index().reset_index()
    notes = [name for name in frame.columns if str(name).endswith("_na")]
    frame[notes] = frame[notes].fillna("not_applicable")
    record = pd.concat(records, ignore_index=True)
    shown = counted[~found.hidden & (counted > 0)]
    return SafeTable(frame, record, found, int(shown.min()) if len(shown) else 0, inside)


def audit(cells: Cells, found: Protection) -> pd.DataFrame:
    """Attack a protected table: one row a primary cell with the interval that is left.

    Returns
    -------
    DataFrame
        The labels, ``low`` and ``high``. For the person who checks; it narrows down what is hidden.
    """
    ends = attack(cells.value, cells.relations, found.hidden, low=cells.low)
    rows = cells.labels[found.primary].copy()
    return rows.assign(low=ends[found.primary, 0], high=ends[found.primary, 1])
