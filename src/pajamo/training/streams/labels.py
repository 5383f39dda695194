"""What was done to each cell of a store, and which perturbations a stream must not show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import SEPARATOR, parse_perturbation
from pajamo.errors import DataError, nearest, shorten

Members = Literal["drop", "keep"]
CONTROL, LEFT_OUT = -1, -2


@dataclass(frozen=True)
class CellLabels:
    """Perturbation of each cell.

    Attributes
    ----------
    perturbations: perturbed genes of each distinct perturbation, sorted; "B+A" and "A+B" are one.
    code: for each cell its place in `perturbations`, -1 for a control, -2 for a cell that is left out; int32.
    """

    perturbations: tuple[tuple[str, ...], ...]
    code: NDArray[np.int32]

    @classmethod
    def read(cls, obs: pd.DataFrame, column: str, control: str) -> CellLabels:
        """Read the column of perturbations.

        Raises
        ------
        DataError: the column is absent, a cell has no label, or no cell is a control or none is perturbed.
        """
        level_of, levels = column_codes(obs, column)
        genes = [parse_perturbation(str(level), control) for level in levels]
        perturbations = tuple(sorted({found for found in genes if found}))
        place = {found: number for number, found in enumerate(perturbations)}
        code_of_level = np.array([place.get(found, CONTROL) for found in genes], dtype=np.int32)
        labels = cls(perturbations, code_of_level[level_of])
        labels._require_both(column, control, [str(level) for level in levels])
        return labels

    @property
    def names(self) -> tuple[str, ...]:
        """Each perturbation as it is written: A+B."""
        return tuple(SEPARATOR.join(genes) for genes in self.perturbations)

    def holding_out(self, names: Sequence[str], members: Members) -> CellLabels:
        """Leave out the cells of these perturbations.

        Parameters
        ----------
        names: as "A" or "A+B", in any order of genes.
        members: "drop" leaves out larger combinations that contain one of them too; "keep" shows those.

        Raises
        ------
        DataError: a name that no cell has, neither alone nor inside a combination.
        """
        held = [frozenset(parse_perturbation(name, "")) for name in names]
        sets = [frozenset(genes) for genes in self.perturbations]
        for name, genes in zip(names, held, strict=True):
            if not any(genes <= one for one in sets):
                raise DataError(
                    f"no cell has the held-out perturbation {name!r}",
                    where="held_out",
                    why="a misspelt name would let what should be held out into the stream",
                    fix=f"{nearest(name, self.names)}leave it out of `held_out`",
                )
        hidden = [any(genes == one or (members == "drop" and genes <= one) for genes in held) for one in sets]
        return self._without(np.array(hidden, dtype=bool))

    def only(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> CellLabels:
        """Leave out every cell but these (row numbers or a mask), controls included."""
        shown = np.zeros(len(self.code), dtype=bool)
        shown[rows] = True
        return replace(self, code=np.where(shown, self.code, np.int32(LEFT_OUT)))

    def without(self, cells: NDArray[np.bool_]) -> CellLabels:
        """Leave out the cells of a mask."""
        return replace(self, code=np.where(cells, np.int32(LEFT_OUT), self.code))

    def _without(self, hidden: NDArray[np.bool_]) -> CellLabels:
        perturbed = self.code >= 0
        return self.without(perturbed & np.append(hidden, False)[np.where(perturbed, self.code, -1)])

    def _require_both(self, column: str, control: str, levels: Sequence[str]) -> None:
        if not (self.code >= 0).any():
            raise DataError(
                "no cell is perturbed", where=f"obs column {column!r}", fix="name the column of perturbations"
            )
        if not (self.code == CONTROL).any():
            raise DataError(
                f"no cell is a control: none is labelled {control!r}",
                where=f"obs column {column!r}",
                fix=f"{nearest(control, levels)}the column holds {shorten(levels)}",
            )


def column_codes(obs: pd.DataFrame, column: str) -> tuple[NDArray[np.int32], pd.Index]:
    """A column of obs as numbers, and what each number stands for.

    Raises
    ------
    DataError: the column is absent, or a cell has no value in it.
    """
    if column not in obs:
        raise DataError(
            f"the cells have no column {column!r}",
            where="obs",
            fix=f"{nearest(column, map(str, obs.columns))}there are {shorten(obs.columns)}",
        )
    values = obs[column]
    if not isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype("category")
    codes = values.cat.codes.to_numpy().astype(np.int32)
    if (codes < 0).any():
        first = int(np.flatnonzero(codes < 0)[0])
        raise DataError(
            f"{int((codes < 0).sum()):,} cells have no value in column {column!r}",
            where=f"obs, first at cell {first} ({obs.index[first]})",
            fix="fill them in, or leave these cells out when the store is built",
        )
    return codes, values.cat.categories
