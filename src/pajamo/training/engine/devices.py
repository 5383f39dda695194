"""On what a process computes."""

from __future__ import annotations

from typing import Literal

import torch

from pajamo.errors import ModelError

Choice = Literal["auto", "cpu", "cuda"]


def chosen_device(choice: Choice, local_rank: int = 0) -> torch.device:
    """The device of the process with this number on its machine; a GPU becomes the process's current one.

    Raises
    ------
    ModelError: a GPU is asked for where there is none, or fewer than there are processes on the machine.
    """
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if choice == "cpu" or (choice == "auto" and found == 0):
        return torch.device("cpu")
    if found == 0:
        raise ModelError(
            'device = "cuda" asks for a GPU, and this machine has none that torch can use',
            where="[training] device",
            why=f"torch {torch.__version__} sees no CUDA device",
            fix='set device = "auto" or "cpu", or install a torch built for CUDA on a machine with a GPU',
        )
    if local_rank >= found:
        raise ModelError(
            f"process {local_rank} of this machine has no GPU: there are {found}",
            where="[training] device",
            fix=f"start torchrun with --nproc-per-node {found}",
        )
    device = torch.device("cuda", local_rank)
    make_current(device)
    return device


def make_current(device: torch.device) -> None:
    """Make a GPU the current one of the calling thread."""
    if device.type == "cuda":
        torch.cuda.set_device(device)
