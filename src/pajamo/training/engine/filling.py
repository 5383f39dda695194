"""Weights that do not exist yet (meta device) are made where they are needed, with the bits that whole ones have."""

from __future__ import annotations

import torch
from torch import nn

from pajamo.errors import ModelError


def make(step: nn.Module, module: nn.Module, device: torch.device, seed: int) -> None:
    """Move the step's weights to the device; where they have no values yet, give them their first ones.

    Each process keeps its piece of what `module.initialise(seed)` assigns; only one weight at a time is whole.

    Parameters
    ----------
    step: what is spread over processes.
    module: the part of it that has `initialise`, which fills weights and tables alike.
    seed: of the first values.

    Raises
    ------
    ModelError: the module cannot say what its first weights are.
    """
    if not any(weight.is_meta for weight in step.parameters()):
        step.to(device)
        return
    if not hasattr(module, "initialise"):
        raise ModelError(
            f"{type(module).__name__} stands on the meta device but has no `initialise(seed)`",
            fix="give the task a module with weights, or one that can fill them",
        )
    step.to_empty(device=device)
    from torch.distributed.tensor.experimental import implicit_replication

    # Every process makes the whole weight and keeps its piece: the same bits however many there are.
    with torch.no_grad(), implicit_replication():
        module.initialise(seed)
