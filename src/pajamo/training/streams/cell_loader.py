"""A stream of cells as PyTorch's loaders take it: any number of worker processes gives the same batches in order."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from pajamo.training.streams.cells import CellBatch, CellStream

Batch = dict[str, Tensor]


class CellBatches(IterableDataset[Batch]):
    """Batches of a stream as tensors, from one step to another; worker w of W reads every W-th step.

    A `DataLoader` asks its workers in turn, so it gives the steps in their order. Give it `batch_size=None`: the
    batches are whole already. `cell_loader` does that.

    Parameters
    ----------
    stream: of one process (`CellStream.share` first, if there are several).
    first: step to begin with; a resumed training gives the step that it had reached.
    steps: how many.
    """

    def __init__(self, stream: CellStream, first: int, steps: int) -> None:
        super().__init__()
        self.stream, self.first, self.steps = stream, first, steps

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        for step in range(self.first + number, self.first + self.steps, workers):
            yield tensors(self.stream.batch(step))


def cell_loader(stream: CellStream, *, first: int, steps: int, workers: int = 0) -> DataLoader[Batch]:
    """A loader of whole batches, read ahead by worker processes if there are any."""
    # A generator of its own: the loader would otherwise draw from the one that the model draws from.
    return DataLoader(
        CellBatches(stream, first, steps), batch_size=None, num_workers=workers, generator=torch.Generator()
    )


def tensors(batch: CellBatch) -> Batch:
    """A batch that was read, as tensors that share its memory: step, rows, perturbation, values and, where it has
    them, control_rows and controls."""
    found = {
        "step": torch.tensor(batch.step),
        "rows": torch.from_numpy(batch.rows),
        "perturbation": torch.from_numpy(batch.perturbation),
        "values": torch.from_numpy(batch.values),
    }
    if batch.control_rows is not None:
        found["control_rows"] = torch.from_numpy(batch.control_rows)
        found["controls"] = torch.from_numpy(batch.controls)
    return found
