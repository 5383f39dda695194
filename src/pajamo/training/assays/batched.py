"""Many random starts at once: one batched computation (vmap) takes a few Adam steps of every start."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.objective import Rows

BETAS = (0.9, 0.999)
SMALL = 1e-8


def descend(
    assembly: Assembly,
    starts: list[dict[str, Tensor]],
    parts: tuple[Rows, ...],
    *,
    steps: int,
    learning_rate: float,
    still: tuple[str, ...] = (),
) -> tuple[list[dict[str, Tensor]], Tensor]:
    """Take Adam steps of every start together.

    Parameters
    ----------
    assembly: gives the computation; its own parameters are not touched.
    starts: parameters of each start, by name.
    parts: rows of each experiment; all of them at each step.
    still: names of parameters that are kept as they were drawn.

    Returns
    -------
    The parameters that each start arrived at, and its objective before the last step, in nats, shape (starts,).
    """
    stacked = {name: torch.stack([start[name] for start in starts]) for name in starts[0]}
    buffers = {name: values.detach() for name, values in assembly.named_buffers()}

    def objective(parameters: dict[str, Tensor]) -> Tensor:
        return functional_call(assembly, (parameters, buffers), (parts,))

    objectives = vmap(objective, randomness="error")
    first = {name: torch.zeros_like(values) for name, values in stacked.items()}
    second = {name: torch.zeros_like(values) for name, values in stacked.items()}
    value = torch.full((len(starts),), torch.inf)
    for number in range(1, steps + 1):
        with warnings.catch_warnings():
            # Tables that black boxes look letters up in have no batched form in torch, and take turns instead.
            warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)
            slopes, value = _slopes(objectives, stacked)
        for name in stacked.keys() - set(still):
            slope = slopes[name]
            first[name].lerp_(slope, 1 - BETAS[0])
            second[name].lerp_(slope**2, 1 - BETAS[1])
            mean = first[name] / (1 - BETAS[0] ** number)
            spread = (second[name] / (1 - BETAS[1] ** number)).sqrt()
            stacked[name] = stacked[name] - learning_rate * mean / (spread + SMALL)
    arrived = [{name: values[i] for name, values in stacked.items()} for i in range(len(starts))]
    return arrived, value


def _slopes(
    objectives: Callable[[dict[str, Tensor]], Tensor], stacked: dict[str, Tensor]
) -> tuple[dict[str, Tensor], Tensor]:
    """Each start's own gradient, and its objective.

    No start's objective depends on another's parameters, so that their sum has the gradient of each; ordinary
    differentiation of it spares a second that the import of torch's compiler takes, which torch.func.grad asks for.
    """
    free = {name: values.detach().requires_grad_(True) for name, values in stacked.items()}
    value = objectives(free)
    found = torch.autograd.grad(value.sum(), list(free.values()), materialize_grads=True)
    return dict(zip(free, found, strict=True)), value.detach()
