"""Compositions: parts that sum to one, their log-ratios and what moves them.

Arrays of parts have shape (n_obs, n_parts). Order of the visit composition: village, township or
community, county hospital, out of county.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, DesignError, first_three, raise_problems
from ..panel import Panel
from ._values import outcome_values

Array = NDArray[np.float64]

COMPOSITIONS = {
    "visits": ("visits_village", "visits_township", "visits_county", "visits_out"),
    "inpatient": ("admissions_township", "admissions_county", "admissions_out"),
    "fund": ("fund_village", "fund_township", "fund_county", "fund_out"),
}
CLOSURE = 1e-6


def composition_values(panel: Panel, parts: str | Sequence[str]) -> tuple[Array, tuple[str, ...]]:
    """Read the parts of a composition and close them.

    Parameters
    ----------
    panel : Panel
    parts : str or sequence of str
        ``"visits"``, ``"inpatient"``, ``"fund"``, or the columns of the parts. Columns that never
        exceed 1 are shares and must sum to 1; others are counts or money and are divided by
        their total.

    Returns
    -------
    shares : ndarray, shape (n_obs, n_parts)
        Rows sum to 1; NaN where a part is missing.
    names : tuple of str
        Column of each part.

    Raises
    ------
    DataError
        Shares that do not sum to one (which units, by how much), negative parts, rows of zeros,
        or a part that is always zero. All problems are listed at once.
    DesignError
        Fewer than two parts, or a part named twice.
    """
    if isinstance(parts, str):
        if parts not in COMPOSITIONS:
            raise DesignError(
                f"no composition {parts!r}.\n  Use one of {', '.join(COMPOSITIONS)}, "
                "or list the columns of its parts."
            )
        parts = COMPOSITIONS[parts]
    names = tuple(parts)
    if len(names) < 2 or len(set(names)) < len(names):
        raise DesignError(f"parts {first_three(names)}.\n  Name two different columns or more.")
    values = np.column_stack([outcome_values(panel, name) for name in names])
    complete = np.isfinite(values).all(axis=1)
    total = values.sum(axis=1)
    are_shares = bool(np.nanmax(values, initial=0.0) <= 1 + CLOSURE)
    raise_problems(
        _problems(panel, values, total, complete, names, are_shares),  # type: ignore[arg-type]
        where=f"composition {', '.join(names)}",
        advice="Parts are shares that sum to 1, or counts of the same whole.",
        error=DataError,
    )
    return values / np.where(complete, total, np.nan)[:, None], names


def _problems(
    panel: Panel,
    values: Array,
    total: Array,
    complete: NDArray[np.bool_],
    names: tuple[str, ...],
    are_shares: bool,
) -> list[str]:
    labels = panel.units.to_numpy()[panel.unit_codes]
    years = panel.years[panel.year_codes]

    def where(rows: NDArray[np.bool_], amounts: Array | None = None) -> str:
        index = np.flatnonzero(rows)
        shown = [
            f"{labels[i]} in {years[i]}" + (f" ({amounts[i]:+.4f})" if amounts is not None else "")
            for i in index
        ]
        return first_three(shown)

    problems = []
    negative = complete & (values < 0).any(axis=1)
    if negative.any():
        problems.append(f"a part is negative for {where(negative)}")
    empty = complete & (total == 0)
    if empty.any():
        problems.append(f"all parts are zero for {where(empty)}")
    off = complete & (np.abs(total - 1) > CLOSURE)
    if are_shares and (off & ~empty & ~negative).any():
        wrong = off & ~empty & ~negative
        problems.append(
            f"shares do not sum to one for {int(wrong.sum())} rows: {where(wrong, total - 1)}"
        )
    for j, name in enumerate(names):
        if complete.any() and not values[complete, j].any():
            problems.append(f"{name} is zero everywhere: drop this part")
    return problems


def count_share_identity(before: Array, after: Array) -> Array:
    """Split the change of each share into what each volume contributed, exactly.

    Between two dates ``ds_j = L(s_j) (d ln V_j - sum_k w_k d ln V_k)`` with logarithmic means
    ``L`` and weights ``w_k = L(V_k) / L(V)``; for small changes ``L(s_j) = s_j`` and
    ``w_k = s_k``.

    Parameters
    ----------
    before, after : ndarray, shape (n_parts,)
        Volumes at two dates, positive.

    Returns
    -------
    ndarray, shape (n_parts, n_parts)
        Entry (j, k): change of share j, 0-1, that the growth of volume k brought. Rows sum to
        the change of share j exactly; columns sum to 0 only in the limit of small changes.

    References
    ----------
    Ang (2015) for logarithmic-mean weights (LMDI).
    """
    if (before <= 0).any() or (after <= 0).any():
        raise DataError(
            "a volume is zero or negative, so its growth is not defined.\n"
            "  Merge the part with its neighbour, or leave these rows out."
        )
    growth = np.log(after / before)
    share_before, share_after = before / before.sum(), after / after.sum()
    level = logarithmic_mean(share_before, share_after)
    total = logarithmic_mean(before.sum(keepdims=True), after.sum(keepdims=True))
    weight = logarithmic_mean(before, after) / total
    parts: Array = level[:, None] * (np.eye(len(before)) - weight) * growth
    return parts


def logarithmic_mean(a: Array, b: Array) -> Array:
    """Return (b - a) / (ln b - ln a), and a where both are equal; shape of the arguments."""
    gap = np.log(b / a)
    small = np.abs(gap) < 1e-8
    return np.where(small, (a + b) / 2, (b - a) / np.where(small, 1.0, gap))


def share_change_table(before: Array, after: Array, names: Sequence[str]) -> pd.DataFrame:
    """Tabulate the count-share identity.

    Parameters
    ----------
    before, after : ndarray, shape (n_parts,)
        Positive volumes, as visits.
    names : sequence of str
        Names of the parts, in their order.

    Returns
    -------
    DataFrame, shape (n_parts, n_parts + 4)
        One row a part: ``share_before``, ``share_after``, ``change``, ``log_volume_growth``, and
        one column ``from <part>`` a volume; those sum to ``change``.

    Raises
    ------
    DataError
        If a volume is not above zero, or there is not one a name.
    """
    try:
        before, after = (np.asarray(volume, dtype=float) for volume in (before, after))
    except (TypeError, ValueError):
        raise DataError("a volume is not a number.\n  Give two arrays of volumes.") from None
    names = [] if names is None else list(names)
    if not (before.shape == after.shape == (len(names),)):
        raise DataError(
            f"volumes have shapes {before.shape} and {after.shape} for {len(names)} names.\n"
            "  Give one volume a part at each date."
        )
    parts = count_share_identity(before, after)
    table = pd.DataFrame(
        {
            "part": list(names),
            "share_before": before / before.sum(),
            "share_after": after / after.sum(),
            "change": parts.sum(axis=1),
            "log_volume_growth": np.log(after / before),
        }
    )
    return table.join(pd.DataFrame(parts, columns=[f"from {name}" for name in names]))


def replace_zeros(shares: Array, smallest: Array | float) -> Array:
    """Replace zero parts by a small value and scale the others down.

    ``r_j = delta`` where a part is zero, ``x_j (1 - sum delta)`` elsewhere, so that ratios among
    the parts seen are kept.

    Parameters
    ----------
    shares : ndarray, shape (n_obs, n_parts)
    smallest : float or ndarray, shape (n_obs,)
        Delta; with counts of V visits, 0.65 / V.

    References
    ----------
    Martín-Fernández, Barceló-Vidal and Pawlowsky-Glahn (2003), equation 4.
    """
    delta = np.broadcast_to(np.asarray(smallest, dtype=float), (len(shares),))
    zero = shares == 0
    lost = zero.sum(axis=1) * delta
    return np.where(zero, delta[:, None], shares * (1 - lost)[:, None])


def balances(signs: Sequence[Sequence[int]]) -> Array:
    """Build the contrast matrix of a sequential binary partition.

    Parameters
    ----------
    signs : sequence of sequence of int, shape (n_parts - 1, n_parts)
        +1 for parts above the line, -1 below, 0 for parts not in the balance.

    Returns
    -------
    ndarray, shape (n_parts - 1, n_parts)
        Rows are orthonormal and sum to 0; ``log(shares) @ matrix.T`` are the balances
        ``sqrt(rs/(r+s)) ln(gm(above)/gm(below))``.

    References
    ----------
    Egozcue et al. (2003); Egozcue and Pawlowsky-Glahn (2005), equation 6.
    """
    table = np.asarray(signs)
    matrix = np.zeros(table.shape)
    for row, sign in zip(matrix, table, strict=True):
        r, s = int((sign > 0).sum()), int((sign < 0).sum())
        if r == 0 or s == 0:
            raise DesignError(f"balance {sign.tolist()} has parts on one side only.")
        row[sign > 0] = np.sqrt(s / (r * (r + s)))
        row[sign < 0] = -np.sqrt(r / (s * (r + s)))
    if not np.allclose(matrix @ matrix.T, np.eye(len(matrix)), atol=1e-10):
        raise DesignError("the balances do not form a sequential binary partition.")
    return matrix


def visit_balances(n_parts: int = 4) -> Array:
    """Return the balances of visits: {village, township} | {county, out}, then within each.

    For other numbers of parts the first part is set against the rest, and so on.
    """
    if n_parts == 4:
        return balances([[1, 1, -1, -1], [1, -1, 0, 0], [0, 0, 1, -1]])
    signs = [[0] * j + [1] + [-1] * (n_parts - j - 1) for j in range(n_parts - 1)]
    return balances(signs)


def shares_from_centred(centred: Array) -> Array:
    """Return the closed shares of centred (or any) log-ratios, shape (..., n_parts)."""
    raised = np.exp(centred - centred.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)
