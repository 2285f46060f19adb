"""Wild cluster bootstrap-t of one linear combination of least-squares coefficients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, DesignError
from ._blocks import ClusterBlocks, cluster_blocks
from ._signs import check_options, is_enumerated, share_above, sign_blocks, studentise

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WildBootstrap:
    """What a wild cluster bootstrap says about one number.

    Attributes
    ----------
    estimate, null : float
        The estimate and the value that is tested.
    std_error : float
        CRV1 without a small-sample factor; it studentises and cancels in the p-value.
    t_statistic, p_value : float
    conf_low, conf_high : float
        Values that are not rejected (null imposed), or the percentile-t interval; infinite where
        the interval has no end.
    t_draws : ndarray, shape (n_draws,)
        Bootstrap t statistics under the null; infinite where a draw has no variance between
        clusters.
    n_clusters : int
    enumerated : bool
        Whether all sign vectors were used in place of random ones.
    weights : str
    impose_null : bool
    """

    estimate: float
    null: float
    std_error: float
    t_statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    t_draws: Array
    n_clusters: int
    enumerated: bool
    weights: str
    impose_null: bool

    @property
    def note(self) -> str:
        """Why the interval has no end, or nothing."""
        if np.isfinite([self.conf_low, self.conf_high]).all():
            return ""
        if self.impose_null:
            return f"no end: values however far are not rejected with {self.n_clusters} clusters"
        lost = int(np.isinf(self.t_draws).sum())
        return (
            f"no end: {lost:,} of {len(self.t_draws):,} draws have no variance between the "
            f"{self.n_clusters} clusters"
        )


def wild_cluster_bootstrap(
    design: Array,
    residuals: Array,
    clusters: ArrayLike,
    contrast: Array,
    estimate: float,
    *,
    nuisance: Array | None = None,
    null: float = 0.0,
    impose_null: bool = True,
    weights: Literal["rademacher", "webb"] = "rademacher",
    n_draws: int = 9_999,
    level: float = 0.95,
    seed: int = 0,
) -> WildBootstrap:
    """Test a linear combination of coefficients with few clusters.

    The statistic is studentised in every draw (CRV1). Everything is computed from the cluster
    blocks, so a draw costs a few multiplications a cluster, and the statistic of a draw is a ratio
    whose parts are a line and a parabola in the tested value: inverting the test is nearly free.

    Parameters
    ----------
    design : ndarray, shape (n_obs, k)
        Regressors after the within transformation, times the root of the weights.
    residuals : ndarray, shape (n_obs,)
        Unrestricted residuals times the root of the weights.
    clusters : array_like, shape (n_obs,)
    contrast : ndarray, shape (k,)
        Weights of the coefficients in the tested number.
    estimate : float
        The combination at the estimate.
    nuisance : ndarray, shape (n_obs, q), optional
        Columns of the fixed effects that are not nested in clusters (year dummies with the unit
        effects taken out). Without them the bootstrap would wrongly hold those effects fixed.
    null : float
        Tested value.
    impose_null : bool
        True: restricted residuals (WCR); False: unrestricted (WCU).
    weights : {"rademacher", "webb"}
        Signs, or Webb's six points for few clusters. When there are no more sign vectors than
        ``n_draws``, all of them are used once each.
    n_draws : int
    level : float
        Confidence level of the interval.
    seed : int

    Returns
    -------
    WildBootstrap
        The p-value is the share of draws with ``|t*| > |t|``: ties do not count (the convention
        of fwildclusterboot), so the two sign vectors that reproduce the sample add nothing.
        Two clusters with the same regressors are fitted without a residual when their signs
        differ: ``|t*|`` of such a draw is infinite, and a percentile-t interval whose quantile it
        is has no end.

    Raises
    ------
    DesignError
        If options are not known, or the combination has no variance between clusters.
    DataError
        If lengths differ or numbers are not finite.

    References
    ----------
    Cameron, Gelbach, Miller (2008); Webb (2023); Roodman, Nielsen, MacKinnon, Webb (2019),
    sections 4-5; MacKinnon, Nielsen, Webb (2023), section 5.
    """
    check_options(weights, n_draws, level)
    blocks = cluster_blocks(design, residuals, clusters, nuisance)
    contrast = np.asarray(contrast, float)
    if contrast.shape != (blocks.n_slopes,):
        raise DataError(
            f"contrast {contrast.shape} for {blocks.n_slopes} coefficients.\n"
            "  Give one weight a coefficient."
        )
    parts = _Parts.of(blocks, contrast)
    law = _Law.of(parts, sign_blocks(blocks.n_clusters, n_draws, weights, seed))
    gap = estimate - null
    t = gap / parts.std_error
    t_draws = law.t(gap if impose_null else 0.0)
    low, high = _interval(estimate, parts.std_error, law, impose_null, 1 - level)
    return WildBootstrap(
        estimate=estimate,
        null=null,
        std_error=parts.std_error,
        t_statistic=t,
        p_value=share_above(t_draws, t),
        conf_low=low,
        conf_high=high,
        t_draws=t_draws,
        n_clusters=blocks.n_clusters,
        enumerated=is_enumerated(blocks.n_clusters, n_draws, weights),
        weights=weights,
        impose_null=impose_null,
    )


@dataclass(frozen=True, eq=False)
class _Parts:
    """Contributions of clusters, constant and linear in the gap between estimate and null."""

    own: tuple[Array, Array]
    shift: tuple[Array, Array]
    lever: Array
    std_error: float

    @classmethod
    def of(cls, blocks: ClusterBlocks, contrast: Array) -> _Parts:
        padded = np.zeros(blocks.scores.shape[1])
        padded[: blocks.n_slopes] = contrast
        direction = blocks.bread @ padded
        length = padded @ direction
        lever = blocks.grams @ direction
        moved = lever / length if length > 0 else lever
        own = (blocks.scores @ direction, moved @ direction)
        std_error = float(np.sqrt((own[0] ** 2).sum()))
        if not std_error > 1e-12 * np.sqrt(length * max((blocks.scores**2).sum(), 1e-300)):
            raise DesignError(
                "the tested number has no variance between clusters.\n"
                "  It may be identified by one cluster alone: see choose_inference."
            )
        shift = (blocks.scores @ blocks.bread, moved @ blocks.bread)
        return cls(own, shift, lever, std_error)


@dataclass(frozen=True, eq=False)
class _Law:
    """Bootstrap numerators (a line) and squared denominators (a parabola) in the gap."""

    line: tuple[Array, Array]
    parabola: tuple[Array, Array, Array]
    scale: tuple[Array, Array]

    @classmethod
    def of(cls, parts: _Parts, signs: Iterator[Array]) -> _Law:
        rows = []
        for v in signs:
            base = v * parts.own[0] - (v @ parts.shift[0]) @ parts.lever.T
            slope = v * parts.own[1] - (v @ parts.shift[1]) @ parts.lever.T
            squares = [
                np.einsum("rg,rg->r", a, b)
                for a, b in ((base, base), (base, slope), (slope, slope))
            ]
            sums = [v @ own for own in parts.own]
            scale = [v**2 @ own**2 for own in parts.own]
            rows.append(np.stack([*sums, *squares, *scale]))
        found = np.concatenate(rows, axis=1)
        return cls((found[0], found[1]), (found[2], found[3], found[4]), (found[5], found[6]))

    def t(self, gap: float) -> Array:
        """Return the t statistics of all draws when the null lies ``gap`` below the estimate."""
        top = self.line[0] + gap * self.line[1]
        bottom = self.parabola[0] + gap * (2 * self.parabola[1] + gap * self.parabola[2])
        return studentise(top, bottom, self.scale[0] + gap**2 * self.scale[1])


def _interval(
    estimate: float, std_error: float, law: _Law, impose_null: bool, alpha: float
) -> tuple[float, float]:
    """Return the values whose test is not rejected at ``alpha``."""
    if not impose_null:
        size = np.quantile(np.abs(law.t(0.0)), 1 - alpha, method="inverted_cdf") * std_error
        return float(estimate - size), float(estimate + size)

    def p_value(gap: float) -> float:
        return share_above(law.t(gap), gap / std_error)

    return (
        estimate - _last_kept(p_value, std_error, alpha),
        estimate + _last_kept(lambda gap: p_value(-gap), std_error, alpha),
    )


def _last_kept(p_value: Callable[[float], float], std_error: float, alpha: float) -> float:
    """Find by bisection the distance at which a test stops to keep its null; inf if it does not."""
    inside, outside = 0.0, std_error
    while p_value(outside) > alpha:
        inside, outside = outside, 2 * outside
        if outside > 1e6 * std_error:
            return float("inf")
    while outside - inside > 1e-10 * outside:
        middle = (inside + outside) / 2
        if p_value(middle) > alpha:
            inside = middle
        else:
            outside = middle
    return outside
