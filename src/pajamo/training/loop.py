"""The one training loop: seeded steps, atomic checkpoints, exact resuming, a stop at the first bad loss."""

from __future__ import annotations

from pathlib import Path

import torch

from pajamo.errors import ModelError
from pajamo.models.base import Learned
from pajamo.training.checkpoints import optimiser_arrays, read_state, restore_optimiser, write_state

SAVE_EVERY = 100
"""Steps between checkpoints."""


def minimise(model: Learned, *, checkpoint: Path | None = None, stop_after: int | None = None) -> None:
    """Minimise a model's loss with AdamW and a cosine schedule, from where the checkpoint left off.

    The loss at a step depends only on the parameters and on (seed, step), so stopping and going on
    gives the same bits as never stopping.

    Parameters
    ----------
    model: a model whose closed forms are estimated.
    checkpoint: where to keep the state; nothing is kept if None.
    stop_after: leave after this many steps in total, as an interrupted run would (for tests).

    Raises
    ------
    ModelError: the loss is not finite; the last good checkpoint stays.
    """
    module = model.module()
    base_rate = model.learning_rate
    optimiser = torch.optim.AdamW(module.parameters(), lr=base_rate, weight_decay=model.weight_decay)
    first = _resume(checkpoint, module, optimiser) if checkpoint is not None and checkpoint.exists() else 0
    last = model.n_steps if stop_after is None else min(stop_after, model.n_steps)
    for step in range(first, last):
        for group in optimiser.param_groups:
            group["lr"] = base_rate * _cosine(step / model.n_steps)
        optimiser.zero_grad(set_to_none=True)
        loss = model.loss(step)
        if not torch.isfinite(loss):
            raise ModelError(
                f"the loss of {model.card.name} is {loss.item()} at step {step}",
                why="going on would destroy the weights",
                fix="lower the learning rate in [models.settings]; the last good checkpoint is kept",
            )
        loss.backward()
        optimiser.step()
        if checkpoint is not None and ((step + 1) % SAVE_EVERY == 0 or step + 1 == last):
            _save(checkpoint, step + 1, module, optimiser)
    if last == model.n_steps:
        model.finish()


def _cosine(progress: float) -> float:
    return 0.5 * (1.0 + float(torch.cos(torch.tensor(progress * torch.pi))))


def _save(checkpoint: Path, step: int, module: torch.nn.Module, optimiser: torch.optim.Optimizer) -> None:
    arrays = {f"module.{name}": value.detach().numpy() for name, value in module.state_dict().items()}
    write_state(checkpoint, arrays | optimiser_arrays(optimiser), {"step": step})


def _resume(checkpoint: Path, module: torch.nn.Module, optimiser: torch.optim.Optimizer) -> int:
    arrays, facts = read_state(checkpoint)
    weights = {
        name.removeprefix("module."): torch.from_numpy(value.copy())
        for name, value in arrays.items()
        if name.startswith("module.")
    }
    module.load_state_dict(weights)
    restore_optimiser(optimiser, arrays)
    return int(facts["step"])
