"""What was recorded of sequences, in one or several experiments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.alphabet import Alphabet, Codes

SETS = ("training", "validation", "test")


@dataclass(frozen=True)
class Experiment:
    """One table of sequences and what was recorded of each.

    Attributes
    ----------
    name: of the experiment.
    codes: letters of each sequence, shape (rows, length); shorter ones end in the alphabet's missing code.
    recorded: arrays whose first axis are the rows. Bins: `counts` (rows, bins) and, with an unsorted library,
        `library` (rows,). Continuous: `value` and, if measured, `error`. Barcodes: `rna` and `dna`. Rates: `value` in
        log10 of 1/s, `censored` (-1 no faster than the value, 1 no slower, 0 resolved), if measured `error`. Cuts:
        `label` (1 found, 0 not) and `guide`, the number of the row's guide in this experiment.
    set_of: 0 training, 1 validation, 2 test; shape (rows,).
    inputs: concentrations by name, shape (rows,).
    enzyme: of guide-target pairs, the nuclease as a study names it.
    """

    name: str
    codes: Codes
    recorded: Mapping[str, NDArray[np.float64]]
    set_of: NDArray[np.int8]
    inputs: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    enzyme: str = ""

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.codes)

    def rows(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> Experiment:
        """Some of the rows."""
        return replace(
            self,
            codes=self.codes[which],
            recorded={name: values[which] for name, values in self.recorded.items()},
            set_of=self.set_of[which],
            inputs={name: values[which] for name, values in self.inputs.items()},
        )

    def part(self, name: str) -> Experiment:
        """The rows of one set: training, validation or test."""
        return self.rows(self.set_of == SETS.index(name))


@dataclass(frozen=True)
class Assay:
    """Experiments on sequences of one alphabet.

    Attributes
    ----------
    alphabet: letters of the sequences.
    wild_type: codes of the unmutated sequence, shape (length,).
    experiments: at least one.
    """

    alphabet: Alphabet
    wild_type: Codes
    experiments: tuple[Experiment, ...]

    @property
    def length(self) -> int:
        """Length of the longest sequence."""
        return max(int(experiment.codes.shape[1]) for experiment in self.experiments)

    @property
    def varies(self) -> bool:
        """Whether sequences differ in length."""
        return any((e.codes == self.alphabet.missing).any() for e in self.experiments)

    def part(self, name: str) -> Assay:
        """The same experiments with the rows of one set."""
        return replace(self, experiments=tuple(e.part(name) for e in self.experiments))

    def experiment(self, name: str) -> Experiment:
        """An experiment by its name."""
        return next(e for e in self.experiments if e.name == name)
