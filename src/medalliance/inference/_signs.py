"""Bootstrap weights of clusters: random signs, Webb's six points, or every sign vector once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError

Array = NDArray[np.float64]
BLOCK_BYTES = 32_000_000
TIE = 1 + 1e-9
ROUNDING = 1e-14
_WEBB = np.array([-(1.5**0.5), -1.0, -(0.5**0.5), 0.5**0.5, 1.0, 1.5**0.5])


def check_options(weights: str, n_draws: int, level: float) -> None:
    """Refuse options that no bootstrap here knows."""
    if weights not in ("rademacher", "webb") or n_draws < 1 or not 0 < level < 1:
        raise DesignError(
            f"weights={weights!r}, n_draws={n_draws}, level={level}.\n"
            '  Use "rademacher" or "webb", one draw or more and a level between 0 and 1.'
        )


def is_enumerated(n_clusters: int, n_draws: int, weights: str) -> bool:
    """Say whether there are no more sign vectors than draws, so that all of them are used."""
    return weights == "rademacher" and 2**n_clusters <= n_draws


def sign_blocks(n_clusters: int, n_draws: int, weights: str, seed: int) -> Iterator[Array]:
    """Yield blocks of bootstrap weights, shape (block, n_clusters), about 32 MB each."""
    if is_enumerated(n_clusters, n_draws, weights):
        bits = np.arange(2**n_clusters)[:, None] >> np.arange(n_clusters) & 1
        yield 2 * bits.astype(np.float64) - 1
        return
    rng = np.random.default_rng(seed)
    size = max(1, BLOCK_BYTES // (8 * n_clusters))
    for start in range(0, n_draws, size):
        shape = (min(size, n_draws - start), n_clusters)
        if weights == "webb":
            yield _WEBB[rng.integers(0, 6, shape)]
        else:
            words = rng.integers(0, 2**64, (shape[0], -(-n_clusters // 64)), dtype=np.uint64)
            heads = np.unpackbits(words.view(np.uint8), axis=1, count=n_clusters)
            yield 2 * heads.astype(np.float64) - 1


def studentise(top: Array, squared: Array, scale: Array) -> Array:
    """Divide draws by their standard errors, telling none from one that rounding leaves.

    Parameters
    ----------
    top, squared : ndarray, shape (n_draws,)
        The sum of a draw and its squared standard error, which is a difference.
    scale : ndarray, shape (n_draws,)
        Size of what ``squared`` is a difference of.

    Returns
    -------
    ndarray, shape (n_draws,)
        Infinite where a draw has no standard error but a sum that is not zero: the limit, which
        exceeds every statistic. Zero where it has neither.
    """
    none = squared <= ROUNDING * scale
    limit = np.where(top**2 > ROUNDING * scale, np.copysign(np.inf, top), 0.0)
    return np.divide(top, np.sqrt(np.where(none, 1.0, squared)), out=limit, where=~none)


def share_above(t_draws: Array, t: float) -> float:
    """Compute the share of draws with ``|t*| > |t|``; ties, up to rounding, do not count."""
    return float(np.mean(np.abs(t_draws) > abs(t) * TIE))
