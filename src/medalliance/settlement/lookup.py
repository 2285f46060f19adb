"""Rule values for every ledger row: one look-up a year and track, elections read row by row."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, RuleError
from ..reforms import exact
from ..reforms.exact import Exact
from .ledger import FloatError, Ledger

if TYPE_CHECKING:
    from ..reforms import Rules

_MONEY_PLACES = 100


class Lookup:
    """Read references of steps: rule fields by year and track, or ledger columns.

    Parameters
    ----------
    rules : Rules
    ledger : Ledger
        Collects what is missing or out of range; nothing raises before the end.
    """

    def __init__(self, rules: Rules, ledger: Ledger) -> None:
        self.rules, self.ledger = rules, ledger
        self.unstated: list[str] = []
        keys = pd.MultiIndex.from_arrays([ledger.year, pd.Series(ledger.track).fillna("")])
        self.combo, found = pd.factorize(keys)
        self.combos = [(int(year), str(track) or None) for year, track in found]

    def _stated(self, field: str, rows: NDArray[np.bool_], *, required: bool = True) -> list[Any]:
        """Value of a field for each combination that occurs among the rows; None elsewhere."""
        present = np.zeros(len(self.combos), dtype=bool)
        present[self.combo[rows]] = True
        out: list[Any] = [None] * len(self.combos)
        for code in np.flatnonzero(present):
            try:
                out[code] = self.rules.value(field, *self.combos[code])
            except RuleError as error:
                if required and str(error) not in self.unstated:
                    self.unstated.append(str(error))
        return out

    def _elections(self, field: str) -> dict[str, NDArray[np.bool_]]:
        """Ledger columns in which contracts elect the field, with the rows they hold for."""
        out: dict[str, NDArray[np.bool_]] = {}
        for code, (year, track) in enumerate(self.combos):
            try:
                column = self.rules.dated(field, year, track).elected
            except RuleError:
                continue
            if column and column in self.ledger.frame:
                rows = out.setdefault(column, np.zeros(len(self.ledger), dtype=bool))
                rows |= self.combo == code
        return out

    def rate(
        self, ref: str, rows: NDArray[np.bool_], *, required: bool = True
    ) -> tuple[Exact, NDArray[np.bool_]]:
        """Return a share for each row with the rows that have one; others hold zero."""
        if ref.startswith("ledger."):
            return self.ledger.rate(ref.removeprefix("ledger."), rows, blank_ok=not required)
        elected = [
            self.ledger.rate(column, where & rows, blank_ok=True)
            for column, where in self._elections(ref).items()
        ]
        chosen = np.zeros(len(rows), dtype=bool)
        for _, stated in elected:
            chosen |= stated
        values = self._stated(ref, rows & ~chosen, required=required)
        numbers = [Decimal(value) if _is_number(value) else Decimal(0) for value in values]
        by_combo = exact.from_decimals(numbers or [Decimal(0)])
        out = Exact(by_combo.num[self.combo], by_combo.den)
        known = np.array([_is_number(value) for value in values])[self.combo] & rows & ~chosen
        for value, stated in elected:
            out = exact.choose(stated, value, out)
        lacking = rows & ~chosen & ~known
        if required and lacking.any() and not any(f" {ref} " in text for text in self.unstated):
            self.ledger._say_rows(f"{ref} is stated neither by rule nor by election", lacking)
        return out, known | chosen

    def amount(
        self, ref: str, rows: NDArray[np.bool_], *, signed: bool = False
    ) -> NDArray[np.int64]:
        """Return minor units for each row from a ledger column or a rule field of money."""
        if ref.startswith("ledger."):
            return self.ledger.money(ref.removeprefix("ledger."), rows, signed=signed)
        values = self._stated(ref, rows)
        minor = [int(Decimal(v) * _MONEY_PLACES) if _is_number(v) else 0 for v in values]
        return np.where(rows, np.array(minor or [0], dtype=np.int64)[self.combo], 0)

    def word(self, ref: str, rows: NDArray[np.bool_]) -> NDArray[np.object_]:
        """Return a field of words for each row; None outside the rows."""
        values = np.array([*self._stated(ref, rows), None], dtype=object)[:-1]
        return np.where(rows, values[self.combo], np.array(None, dtype=object))

    def flag(self, ref: str, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return a ledger flag for each row."""
        return self.ledger.flag(ref.removeprefix("ledger."), rows)

    def any_flag(self, refs: tuple[str, ...], rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return whether any of the flags is 1."""
        out = np.zeros(len(rows), dtype=bool)
        for ref in refs:
            out |= self.flag(ref, rows)
        return out

    def by_schedule(self, ref: str, score: Exact, rows: NDArray[np.bool_]) -> Exact:
        """Return what a schedule gives for a score: the last step at or below it, else zero."""
        out = exact.whole(np.zeros(len(rows), np.int64))
        for code, pairs in enumerate(self._stated(ref, rows)):
            own = rows & (self.combo == code)
            for start, value in pairs or ():
                reached = own & exact.at_least(score, _constant(Decimal(start), len(rows)))
                out = exact.choose(reached, _constant(Decimal(value), len(rows)), out)
        return out

    def by_size(self, ref: str, size: str, rows: NDArray[np.bool_]) -> Exact:
        """Return a rate interpolated between the sizes of a schedule, constant beyond its ends.

        Between two sizes ``a`` and ``b`` the rate moves in equal steps and reaches the next
        rate at ``b - 1``, as in the table of 42 CFR 425.604(b).
        """
        n = self.ledger.money(size.removeprefix("ledger."), rows)
        out = exact.whole(np.zeros(len(rows), np.int64))
        for code, pairs in enumerate(self._stated(ref, rows)):
            own = rows & (self.combo == code)
            if pairs:
                out = exact.choose(own, _interpolate(pairs, n), out)
        return out

    def raise_problems(self, where: str) -> None:
        """Raise one error that lists every problem found, or return if there is none.

        Raises
        ------
        DataError
            If the ledger has problems (``FloatError``, also a TypeError, if some are floats).
        RuleError
            If only the rules lack something.
        """
        found = self.ledger.problems
        rules = [" ".join(text.split()) for text in self.unstated]
        if not found and not rules:
            return
        error: type[ValueError] = RuleError
        if found:
            error = FloatError if self.ledger.floats else DataError
        count = len(found) + len(rules)
        lines = "\n".join(f"  - {problem}" for problem in [*found, *rules])
        raise error(
            f"{where}: {count} problem{'' if count == 1 else 's'}.\n{lines}\n"
            "  Mend them and settle again; nothing was settled."
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, (Decimal, int)) and not isinstance(value, bool)


def _constant(value: Decimal, n: int) -> Exact:
    one = exact.from_decimals([value])
    return Exact(np.repeat(one.num, n), one.den)


def _interpolate(pairs: tuple[tuple[Decimal, Decimal], ...], n: NDArray[np.int64]) -> Exact:
    spans = [int(b[0] - a[0]) - 1 for a, b in pairwise(pairs)]
    rates = exact.from_decimals([rate for _, rate in pairs])
    common = math.lcm(*(max(span, 1) for span in spans)) if spans else 1
    starts = np.array([int(size) for size, _ in pairs])
    place = np.clip(np.searchsorted(starts, n, side="right") - 1, 0, len(pairs) - 1)
    numbers = rates.num.astype(object)
    fall = np.append(numbers[:-1] - numbers[1:], 0)
    step = np.array([common // max(span, 1) for span in spans] + [0], dtype=object)
    num = numbers[place] * common - fall[place] * step[place] * np.maximum(n - starts[place], 0)
    return Exact(num, rates.den * common)
