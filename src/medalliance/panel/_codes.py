"""Area codes: text of six digits, whatever a spreadsheet made of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import first_three
from ._problems import Problem, Reading, many, problem

DIGITS = 6


def clean_codes(column: pd.Series) -> pd.Series:
    """Return codes as text: ``330521.0``, ``'330521`` and ``330521000000`` are ``330521``."""
    codes, found = pd.factorize(column.astype(object))
    texts = [_clean(value) for value in found]
    listed = np.array([*texts, None], dtype=object)[codes]
    return pd.Series(listed, index=column.index, name=column.name, dtype="str")


def _clean(value: object) -> str | None:
    if isinstance(value, float | np.floating):
        value = int(value) if value.is_integer() else value
    text = re.sub(r"[\x00-\x1f\x7f]", "", unicodedata.normalize("NFKC", str(value)))
    text = text.strip().lstrip("'`").strip()
    if text.endswith(".0") and text[:-2].isdigit():
        text = text[:-2]
    if text.isdigit() and len(text) in (9, 12) and set(text[DIGITS:]) == {"0"}:
        text = text[:DIGITS]
    return text or None


def restore_zeros(
    codes: pd.Series, name: str, others: Iterable[pd.Series], *, pad: bool
) -> tuple[pd.Series, list[Reading], list[Problem]]:
    """Put a lost leading zero back where that is certain.

    It is certain where the padded code stands elsewhere in the column, where another area code of
    the row begins with the same province, or where the mapping says ``pad_codes: true``.

    Parameters
    ----------
    codes : Series of str
    name : str
        Standard name of the column.
    others : iterable of Series
        The other code columns, of the same rows.
    pad : bool
        Whether the reader confirms that a zero was lost.

    Returns
    -------
    codes : Series
    readings : list of Reading
    problems : list of Problem
        E119 where a code is short for another reason.
    """
    lengths = codes.str.len().to_numpy(np.float64, na_value=np.nan)
    digits = codes.str.isdigit().to_numpy(bool, na_value=False)
    whole = digits & (lengths == DIGITS)
    short = digits & (lengths < DIGITS)
    padded = codes.str.zfill(DIGITS)
    lost = short & (lengths == DIGITS - 1)
    certain = lost & (pad | padded.isin(set(codes[whole])).to_numpy(bool))
    for other in others:
        certain |= lost & _same_province(padded, other)
    out = codes.where(~certain, padded)
    readings = []
    if certain.any():
        shown = first_three(f"{a} as {b}" for a, b in _pairs(codes, padded, certain))
        text = (
            f"{name}: a zero in front was lost and put back in {many(certain.sum(), 'row')}: "
            f"{shown}. Store codes as text to keep it"
        )
        readings.append(Reading(text, name, int(certain.sum())))
    return out, readings, _problems(codes, name, whole | certain, digits, lost & ~certain)


def _same_province(padded: pd.Series, other: pd.Series) -> NDArray[np.bool_]:
    full = other.str.len().eq(DIGITS).to_numpy(bool, na_value=False)
    same = padded.str[:2].eq(other.str[:2]).to_numpy(bool, na_value=False)
    return full & same


def _pairs(codes: pd.Series, padded: pd.Series, rows: NDArray[np.bool_]) -> list[tuple[str, str]]:
    return list(dict.fromkeys(zip(codes[rows], padded[rows], strict=True)))


def _problems(
    codes: pd.Series,
    name: str,
    good: NDArray[np.bool_],
    digits: NDArray[np.bool_],
    lost: NDArray[np.bool_],
) -> list[Problem]:
    bad = np.flatnonzero(~good & codes.notna().to_numpy(bool))
    if not len(bad):
        return []
    shown = list(dict.fromkeys(codes.iloc[bad]))
    mixed = bool(good.any()) and bool(digits[bad].any())
    text = f"{name} has not six digits in {{where}}: {first_three(shown)}."
    if lost.any():
        text += (
            " If a spreadsheet dropped a zero in front, add `pad_codes: true` to the mapping; "
            "codes of GB/T 2260 begin with 11 to 65, so that another digit may be missing."
        )
    elif mixed:
        text += " Correct these codes: they would count as other counties."
    else:
        text += " They are kept as they are; other tables cannot be joined by them."
    severity = "error" if mixed else "warning"
    return [problem("E119", text, rows=bad, values=shown, column=name, severity=severity)]
