"""What a fit minimises: minus the log-likelihood of everything recorded, and minus the log-prior, in nats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.data.assays.assay import Assay, Experiment
from pajamo.models.assays.assembly import Assembly


@dataclass(frozen=True)
class Rows:
    """Rows of one experiment as tensors."""

    name: str
    codes: Tensor
    recorded: Mapping[str, Tensor]
    inputs: Mapping[str, Tensor]

    @classmethod
    def of(cls, experiment: Experiment, dtype: torch.dtype = torch.float64) -> Rows:
        """Convert an experiment; letters stay small integers."""
        recorded = {
            name: torch.as_tensor(values, dtype=dtype) for name, values in experiment.recorded.items()
        }
        inputs = {name: torch.as_tensor(values, dtype=dtype) for name, values in experiment.inputs.items()}
        return cls(experiment.name, torch.as_tensor(experiment.codes), recorded, inputs)

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, which: Tensor) -> Rows:
        """Some of the rows."""
        return Rows(
            self.name,
            self.codes[which],
            {name: values[which] for name, values in self.recorded.items()},
            {name: values[which] for name, values in self.inputs.items()},
        )


def rows_of(assay: Assay, dtype: torch.dtype = torch.float64) -> tuple[Rows, ...]:
    """Every experiment's rows as tensors; experiments without rows are left out."""
    return tuple(Rows.of(experiment, dtype) for experiment in assay.experiments if experiment.n)


def log_likelihood(assembly: Assembly, rows: Rows) -> Tensor:
    """ln p of what was recorded of each row, shape (rows,), in nats."""
    coordinate = assembly.coordinate(rows.codes, rows.name, rows.inputs)
    return assembly.measurement(rows.name).log_likelihood(coordinate, rows.recorded)


def objective(assembly: Assembly, parts: tuple[Rows, ...]) -> Tensor:
    """Minus ln posterior in nats, up to a constant: a sum over rows, so that it does not depend on batches."""
    total = assembly.penalty()
    for rows in parts:
        total = total - log_likelihood(assembly, rows).sum()
    return total
