"""Newton steps for quasi-likelihoods whose regressors are blocks by cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._families import Family

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

MAX_STEPS = 100
TOLERANCE = 1e-11
RANK_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of data, each in one cell.

    Attributes
    ----------
    y : ndarray, shape (n, r)
    z : ndarray, shape (n, q)
        A one, then covariates.
    weight : ndarray, shape (n,)
    cell : ndarray of intp, shape (n,)
    """

    y: Array
    z: Array
    weight: Array
    cell: Codes

    def take(self, keep: NDArray[np.bool_]) -> Rows:
        """Return the rows where a mask is true."""
        return Rows(self.y[keep], self.z[keep], self.weight[keep], self.cell[keep])


@dataclass(frozen=True, eq=False)
class QuasiFit:
    """A fitted quasi-likelihood.

    Attributes
    ----------
    theta : ndarray, shape (n_blocks, m, q)
    inverse : ndarray
        Generalised inverse of the information, (K, K) or, where every cell has one block of its
        own, (n_blocks, m q, m q).
    information : ndarray
        Of the same shape.
    converged : bool
    """

    theta: Array
    inverse: Array
    information: Array
    converged: bool


def cell_sums(values: Array, cell: Codes, n_cells: int) -> Array:
    """Sum rows by cell, shape (n, ...) -> (n_cells, ...)."""
    flat = values.reshape(len(values), -1)
    sums = np.stack([np.bincount(cell, column, n_cells) for column in flat.T], axis=1)
    return sums.reshape(n_cells, *values.shape[1:])  # type: ignore[return-value]


def fit_blocks(family: Family, rows: Rows, blocks: Codes, n_blocks: int) -> QuasiFit:
    """Maximise a quasi-likelihood in which a row's index is the sum of its cell's blocks.

    Parameters
    ----------
    family : Family
    rows : Rows
    blocks : ndarray of intp, shape (n_cells, n_loads)
        Blocks of parameters that a cell loads on: cohort and year, or one of its own.
    n_blocks : int

    Returns
    -------
    QuasiFit

    References
    ----------
    McCullagh, Nelder (1989), section 2.5: iterated weighted least squares, here with halved steps.
    """
    n_means, q = rows.y.shape[1], rows.z.shape[1]
    m = family.n_indices(n_means)
    theta = np.zeros((n_blocks, m, q))
    eta = family.start(rows.y)
    value = -np.inf
    for step in range(MAX_STEPS):
        information = family.information(eta)
        gram = _assemble(_gram(rows, information, len(blocks)), blocks, n_blocks)
        inverse = _invert(gram)
        working = np.einsum("nab,nb->na", information, eta) + family.score(rows.y, eta)
        target = _step(inverse, _gather(rows, working, blocks, n_blocks), theta.shape)
        if family.linear:
            return QuasiFit(target, inverse, gram, True)
        theta, eta, new = _halve(family, rows, blocks, theta, target, value)
        converged = step > 0 and abs(new - value) <= TOLERANCE * (abs(new) + TOLERANCE)
        value = new
        if converged:
            break
    gram = _assemble(_gram(rows, family.information(eta), len(blocks)), blocks, n_blocks)
    return QuasiFit(theta, _invert(gram), gram, converged)


def index_of(rows: Rows, theta: Array, blocks: Codes) -> Array:
    """Compute the indices of rows, shape (n, m)."""
    by_cell = theta[blocks].sum(axis=1)
    return np.einsum("naq,nq->na", by_cell[rows.cell], rows.z)


def _halve(
    family: Family, rows: Rows, blocks: Codes, old: Array, target: Array, value: float
) -> tuple[Array, Array, float]:
    """Go to the target, or part of the way, so that the likelihood does not fall."""
    share = 1.0
    for _ in range(30):
        theta = old + share * (target - old)
        eta = index_of(rows, theta, blocks)
        with np.errstate(over="ignore", invalid="ignore"):
            new = float(rows.weight @ family.likelihood(rows.y, eta))
        if np.isfinite(new) and new >= value - 1e-10 * abs(value):
            return theta, eta, new
        share /= 2
    eta = index_of(rows, old, blocks)
    return old, eta, value


def _gram(rows: Rows, information: Array, n_cells: int) -> Array:
    """Sum ``weight * information x z z'`` by cell, shape (n_cells, m q, m q)."""
    m, q = information.shape[1], rows.z.shape[1]
    gram = np.empty((n_cells, m, q, m, q))
    for a in range(m):
        for b in range(a, m):
            weighted = rows.weight * information[:, a, b]
            for j in range(q):
                for k in range(j, q):
                    total = np.bincount(rows.cell, weighted * rows.z[:, j] * rows.z[:, k], n_cells)
                    gram[:, a, j, b, k] = gram[:, a, k, b, j] = total
                    gram[:, b, j, a, k] = gram[:, b, k, a, j] = total
    return gram.reshape(n_cells, m * q, m * q)


def _assemble(gram: Array, blocks: Codes, n_blocks: int) -> Array:
    """Add cell Gram matrices up over the blocks that the cells load on."""
    size = gram.shape[1]
    if blocks.shape[1] == 1:
        total = np.zeros((n_blocks, size, size))
        np.add.at(total, blocks[:, 0], gram)
        return total
    full = np.zeros((n_blocks, n_blocks, size, size))
    for first in blocks.T:
        for second in blocks.T:
            np.add.at(full, (first, second), gram)
    return full.transpose(0, 2, 1, 3).reshape(n_blocks * size, n_blocks * size)


def _gather(rows: Rows, index_values: Array, blocks: Codes, n_blocks: int) -> Array:
    """Sum ``weight * values x z`` over the rows of each block, shape (n_blocks, m q)."""
    products = (rows.weight[:, None] * index_values)[:, :, None] * rows.z[:, None, :]
    by_cell = cell_sums(products.reshape(len(products), -1), rows.cell, len(blocks))
    total = np.zeros((n_blocks, by_cell.shape[1]))
    for load in blocks.T:
        np.add.at(total, load, by_cell)
    return total


def _step(inverse: Array, right: Array, shape: tuple[int, ...]) -> Array:
    if inverse.ndim == 3:
        return np.einsum("kab,kb->ka", inverse, right).reshape(shape)
    return (inverse @ right.ravel()).reshape(shape)


def _invert(gram: Array) -> Array:
    """Invert symmetric matrices after scaling; directions without information get zero."""
    diagonal = np.diagonal(gram, axis1=-2, axis2=-1)
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    outer = scale[..., :, None] * scale[..., None, :]
    return np.linalg.pinv(gram / outer, rcond=RANK_TOLERANCE, hermitian=True) / outer
