"""A local polynomial in the dose."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError

Array = NDArray[np.float64]
N_AVERAGED = 25  # quantiles of the doses that an average slope is taken over


@dataclass(frozen=True, eq=False)
class Local:
    """Local polynomials at points.

    Attributes
    ----------
    points : ndarray, shape (m,)
        Doses shown first, then those that an average slope is taken over.
    average : ndarray, shape (m,)
        Weights of the points in that average.
    bandwidth : float
    degree : int
    slope : bool
        Whether values at points are derivatives.
    """

    points: Array
    average: Array
    bandwidth: float
    degree: int
    slope: bool

    @property
    def least(self) -> int:
        """Number of different doses that a cohort needs."""
        return self.degree + 1

    def smoother(self, dose: Array, weight: Array, change: Array) -> tuple[Array, Array]:
        """Return the weights of units in the value at each point, with residuals near it.

        Residuals are divided by the root of one less the leverage (HC2): few units are near.

        Parameters
        ----------
        dose, weight, change : ndarray, shape (n_units,)
            Weights are zero for units that are not compared.

        Returns
        -------
        smoother, residual : ndarray, shape (m, n_units)

        Raises
        ------
        DesignError
            If too few doses lie within the bandwidth of a point.
        """
        used = np.flatnonzero(weight > 0)
        smoother = np.zeros((len(self.points), len(dose)))
        residual = np.zeros_like(smoother)
        for place, point in enumerate(self.points):
            apart = (dose[used] - point) / self.bandwidth
            kernel = weight[used] * np.maximum(0.75 * (1 - apart**2), 0.0)
            powers = apart[:, None] ** np.arange(self.degree + 1)
            near = len(np.unique(dose[used][kernel > 0]))
            if near < self.least:
                raise DesignError(
                    f"{near} doses lie within {self.bandwidth:.4g} of dose {point:.4g} in a "
                    f"cohort, and the local polynomial needs {self.least}.\n"
                    "  Widen the bandwidth, ask for doses that more units have, or use a spline."
                )
            scale = np.sqrt(kernel @ powers**2)
            powers = powers / scale
            gram = powers.T @ (kernel[:, None] * powers)
            inverse = np.linalg.pinv(gram, rcond=1e-12, hermitian=True)
            rows = inverse @ (powers * kernel[:, None]).T
            leverage = np.einsum("ij,ji->i", powers, rows)
            fitted = powers @ (rows @ change[used])
            pulled = rows[int(self.slope)] / scale[int(self.slope)]
            smoother[place, used] = pulled / (self.bandwidth if self.slope else 1.0)
            left = np.sqrt(np.maximum(1 - leverage, 1e-8))
            residual[place, used] = (change[used] - fitted) / left
        return smoother, residual


def make_local(
    doses: Array, points: Array, degree: int, bandwidth: float | None, *, slope: bool
) -> Local:
    """Settle bandwidth and points.

    Parameters
    ----------
    doses : ndarray
        Of the treated.
    points : ndarray
        Doses shown.
    degree : int
    bandwidth : float or None
    slope : bool

    Raises
    ------
    DesignError
        If the bandwidth is not positive, or the degree lacks a slope.
    """
    if bandwidth is None:
        bandwidth = 2.34 * float(doses.std()) * len(doses) ** -0.25
    if not (math.isfinite(bandwidth) and bandwidth > 0):
        raise DesignError(f"bandwidth={bandwidth!r}.\n  Give a positive number in dose units.")
    weight = np.zeros(len(points))
    if slope:
        ends = (np.arange(N_AVERAGED) + 0.5) / N_AVERAGED
        points = np.r_[points, np.quantile(doses, ends)]
        weight = np.r_[weight, np.full(N_AVERAGED, 1 / N_AVERAGED)]
    return Local(points, weight, float(bandwidth), degree, slope)
