"""How much one node of a graph stands for another: the best product of what the steps between them are worth."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from pajamo.campaigns.predictive import Array, Rows

Worth = sparse.csr_array
"""What stands for what, by how much, none negative; rows stand for columns."""
HELD = 2**22
"""Paths that are looked at together; bounds memory."""


def along_paths(worth: Worth, hops: int) -> Worth:
    """Best product over paths of at most `hops` steps, 1 for a node itself; shape (M, M).

    Parameters
    ----------
    worth: of one step from each node to each other, 0 where there is none; shape (M, M).
    hops: most steps.
    """
    found = sparse.csr_array(sparse.eye_array(worth.shape[0]))
    for _ in range(hops):
        found = sparse.csr_array(found.maximum(best_products(found, worth)))
    return found


def best_products(left: Worth, right: Worth) -> Worth:
    """max_l left[i, l] right[l, j]: a matrix product with the largest term in place of the sum; shape (N, M)."""
    paths = np.diff(right.indptr)[left.indices]
    before = np.concatenate([[0], np.cumsum(paths)])[left.indptr]
    cuts = np.flatnonzero(np.diff(before[1:] // HELD)) + 1
    parts = np.split(np.arange(left.shape[0]), cuts)
    found = [_best_of_block(left[rows[0] : rows[-1] + 1], right) for rows in parts if len(rows)]
    return sparse.csr_array(sparse.vstack(found, format="csr")) if found else left[:0] @ right


def _best_of_block(left: Worth, right: Worth) -> Worth:
    """All paths written out, and the best of each pair of ends."""
    spans = np.diff(right.indptr)[left.indices]
    ends = np.cumsum(spans)
    step = np.arange(int(spans.sum())) + np.repeat(right.indptr[left.indices] - (ends - spans), spans)
    start = np.repeat(np.repeat(np.arange(left.shape[0]), np.diff(left.indptr)), spans)
    worth = np.repeat(left.data, spans) * right.data[step]
    return _largest(start, right.indices[step], worth, (left.shape[0], right.shape[1]))


def _largest(rows: Rows, columns: Rows, values: Array, shape: tuple[int, int]) -> Worth:
    """A matrix of the largest value of each place."""
    keys = rows.astype(np.int64) * shape[1] + columns
    order = np.argsort(keys, kind="stable")
    first = np.flatnonzero(np.diff(keys[order], prepend=-1))
    largest = np.maximum.reduceat(values[order], first) if len(first) else values[:0]
    places = keys[order][first]
    return sparse.csr_array((largest, (places // shape[1], places % shape[1])), shape=shape)
