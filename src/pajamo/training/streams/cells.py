"""Minibatches of perturbed cells beside matched controls: each a pure function of the seed and its step."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import SEPARATOR
from pajamo.errors import DataError, StudyError, shorten
from pajamo.training.streams.balance import Balance, Turns
from pajamo.training.streams.hashing import hashed
from pajamo.training.streams.labels import CONTROL, CellLabels, Members
from pajamo.training.streams.matching import ControlPools
from pajamo.training.streams.planning import Columns, Planner

Unmatched = Literal["error", "drop", "widen"]
BESIDE = 3


class CellSource(Protocol):
    """What a stream needs of a store of cells."""

    @property
    def obs(self) -> pd.DataFrame:
        """One row a cell."""
        ...

    def dense(self, index: NDArray[np.int64], out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Recorded values of these cells, shape (cells, genes)."""
        ...


@dataclass(frozen=True)
class CellBatch:
    """Perturbed cells and a control beside each.

    Attributes
    ----------
    step: number of the batch.
    rows: of the perturbed cells in their store; shape (batch,), int64.
    control_rows: of the control beside each; None from a stream without controls.
    perturbation: place of each cell's perturbation in `CellStream.perturbations`; shape (batch,), int32.
    values, controls: what was recorded, in the store's scale; shape (batch, genes), float32; None until read.
    """

    step: int
    rows: NDArray[np.int64]
    control_rows: NDArray[np.int64] | None
    perturbation: NDArray[np.int32]
    values: NDArray[np.float32] | None = None
    controls: NDArray[np.float32] | None = None


class CellStream:
    """An endless stream of batches from a store of cells; its state is the number of the next step.

    Batch k is the same whoever asks for it, before or after whatever other: several processes only share out the
    work (`share`), and a stopped training goes on with the step that it had reached.

    Parameters
    ----------
    store: of cells; only its obs is read until a batch is asked for.
    perturbation, control: column of obs that says what was done, and its value where nothing was. A+B is a
        combination, and equal to B+A.
    match: columns of obs in which a control must equal the cell beside which it stands, most important first; with
        none, any control will do.
    batch_size: perturbed cells of a batch over all processes together.
    balanced: True shows each perturbation equally often, "sqrt" by the square root of its cells, False each cell once
        a pass.
    held_out: perturbations that are never shown; their controls are.
    members: whether combinations that contain a held-out perturbation are left out ("drop") or shown ("keep").
    unmatched: what becomes of perturbed cells without any matching control: an error naming their perturbations,
        "drop" leaves those cells out, "widen" gives them controls that share fewer columns, the last dropped first.
    with_controls: False gives perturbed cells alone.
    only: rows of the cells (or a mask) that may be shown at all, controls included; all if not given.

    Raises
    ------
    DataError: columns or labels that are not there, no control, nothing left to show, or unmatched perturbations.
    StudyError: a batch of no cells.
    """

    def __init__(
        self,
        store: CellSource,
        *,
        perturbation: str,
        control: str,
        match: Sequence[str],
        batch_size: int,
        seed: int = 0,
        balanced: Balance = True,
        held_out: Sequence[str] = (),
        members: Members = "drop",
        unmatched: Unmatched = "error",
        with_controls: bool = True,
        only: NDArray[np.intp] | NDArray[np.bool_] | None = None,
    ) -> None:
        if batch_size < 1:
            raise StudyError(
                f"a batch of {batch_size} cells is none", where="batch_size", fix="give 1 or more"
            )
        self.store, self.batch_size, self.seed = store, batch_size, seed
        labels = CellLabels.read(store.obs, perturbation, control)
        labels = labels.holding_out(held_out, members)
        labels = labels if only is None else labels.only(only)
        self._pools = None
        if with_controls:
            controls = np.flatnonzero(labels.code == CONTROL)
            self._pools = ControlPools.make(store.obs, match, controls, widen=unmatched == "widen")
            labels = _matched(labels, self._pools, match, unmatched)
        _require_cells(labels)
        self.perturbations = labels.perturbations
        self._turns = Turns.make(labels.code, len(labels.perturbations), balanced)
        self._part = slice(None)
        self._planner = Planner(batch_size, self._looked_up)

    @property
    def names(self) -> tuple[str, ...]:
        """Each perturbation as it is written: A+B."""
        return tuple(SEPARATOR.join(genes) for genes in self.perturbations)

    @property
    def steps_per_pass(self) -> float:
        """Batches after which every perturbation had its turns; batches do not stop at the end of a pass."""
        return self._turns.per_pass / self.batch_size

    def share(self, rank: int, world: int) -> CellStream:
        """The part of every batch that is the work of one process out of several: each world-th cell.

        Raises
        ------
        StudyError: a rank outside of [0, world).
        """
        if not 0 <= rank < world:
            raise StudyError(
                f"there is no rank {rank} among {world}", where="share", fix="count ranks from 0"
            )
        part = copy.copy(self)
        part._part = slice(rank, None, world)
        return part

    def plan(self, step: int) -> CellBatch:
        """Which cells are in a batch, without reading them.

        Raises
        ------
        IndexError: a negative step.
        """
        perturbation, rows, *beside = (column[self._part] for column in self._planner.batch(step))
        return CellBatch(step, rows, beside[0] if beside else None, perturbation)

    def batch(self, step: int, out: NDArray[np.float32] | None = None) -> CellBatch:
        """Read a batch.

        Parameters
        ----------
        step: number of the batch, from 0.
        out: where to put the values, the cells before their controls; shape (2 x cells, genes), or (cells, genes) of
            a stream without controls.

        Raises
        ------
        IndexError: a negative step.
        """
        plan = self.plan(step)
        if plan.control_rows is None:
            return replace(plan, values=self.store.dense(plan.rows, out=out))
        # One call reads both: its fixed costs are paid once.
        both = self.store.dense(np.concatenate([plan.rows, plan.control_rows]), out=out)
        return replace(plan, values=both[: len(plan.rows)], controls=both[len(plan.rows) :])

    def batches(self, first: int = 0, steps: int | None = None) -> Iterator[CellBatch]:
        """Read batches from step `first` on, without end if `steps` is not given."""
        step = first
        while steps is None or step < first + steps:
            yield self.batch(step)
            step += 1

    def facts(self) -> dict[str, Any]:
        """What the order of cells follows from; a training that resumes must find the same."""
        digest = hashlib.blake2b(digest_size=16)
        arrays = [self._turns.cells, self._turns.starts, self._turns.quotas]
        if self._pools is not None:
            arrays += [self._pools.group_of, self._pools.members, self._pools.starts, self._pools.sizes]
        for array in arrays:
            digest.update(np.ascontiguousarray(array, dtype=np.int64).data)
        digest.update("\n".join(self.names).encode())
        return {"seed": self.seed, "batch_size": self.batch_size, "cells": digest.hexdigest()}

    def _looked_up(self, turns: NDArray[np.int64]) -> Columns:
        perturbation, rows = self._turns.at(turns, self.seed)
        if self._pools is None:
            return perturbation, rows
        return perturbation, rows, self._pools.draw(rows, hashed(self.seed, BESIDE, turns))


def _matched(
    labels: CellLabels, pools: ControlPools, match: Sequence[str], unmatched: Unmatched
) -> CellLabels:
    """Deal with perturbed cells that have no control beside them."""
    alone = (labels.code >= 0) & (pools.sizes[pools.group_of] == 0)
    if not alone.any():
        return labels
    if unmatched == "drop":
        return labels.without(alone)
    names = [labels.names[code] for code in np.unique(labels.code[alone])]
    raise DataError(
        f"{int(alone.sum()):,} cells of {len(names)} perturbations have no control to be matched with: "
        f"{shorten(names)}",
        where=f"obs columns {', '.join(match)}",
        why="no control cell shares their values in these columns" if match else "no control may be shown",
        fix='match by fewer columns, or choose unmatched="drop" (leave these cells out) or "widen" (controls that '
        "share fewer columns)",
    )


def _require_cells(labels: CellLabels) -> None:
    if not (labels.code >= 0).any():
        raise DataError(
            "no perturbed cell is left to show",
            where="held_out, only and unmatched cells",
            fix="hold out less, or match by fewer columns",
        )
