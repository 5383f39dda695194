"""Networks that say how fast expression changes, several members at once; every weight begins with their axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import TypeVar

import torch

from pajamo.mechanisms.flows.drift import ProductionDecay
from pajamo.mechanisms.flows.intervention import Intervention

Field = Callable[[torch.Tensor], torch.Tensor]
Network = TypeVar("Network", bound=torch.nn.Module)
SMALL = 0.1
"""Size of the weights that write, relative to those that keep the size of what they read."""
DECAYS = 0.5
"""How far decay rates are expected to lie apart: standard deviation of their logarithm."""


class BlackBox(torch.nn.Module):
    """dz/dt = W tanh(z R + dose E + medium) + constant: the neural ODE of the field, with nothing built in.

    The last dose is of targets that were never perturbed, and the last row of E is read with the sum of all doses:
    what any perturbation does.

    Parameters
    ----------
    members: networks that share nothing.
    sizes: components of the state, perturbed targets, media, hidden units.
    seed: of the weights; the same for each of `repeats` blocks of members.
    """

    def __init__(self, members: int, sizes: tuple[int, int, int, int], seed: int, repeats: int = 1) -> None:
        super().__init__()
        components, targets, media, hidden = sizes
        draw = _Draws(seed, members, repeats)
        self.read = draw(components, hidden, scale=components**-0.5)
        self.edit = draw(targets + 1, hidden, scale=SMALL)
        self.medium = draw(media, hidden, scale=SMALL)
        self.write = draw(hidden, components, scale=SMALL * hidden**-0.5)
        self.constant = draw(1, components, scale=0.0)
        self.widths = {"read": components**-0.5, "edit": 1.0, "medium": 1.0, "write": hidden**-0.5}

    def under(self, intervention: Intervention) -> Field:
        """The field of one batch of segments; what edits and media contribute is computed once."""
        dose = torch.cat([intervention.dose[:, :-1], intervention.dose.sum(1, keepdim=True)], dim=1)
        fixed = self.medium[:, intervention.medium] + dose @ self.edit
        return lambda state: torch.tanh(state @ self.read + fixed) @ self.write + self.constant

    def forward(self, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
        """Change per unit of time, shape (members, rows, components)."""
        return self.under(intervention)(state)


class ProductionNetwork(torch.nn.Module):
    """softplus(medium + W tanh((x - centre) / scale R + bias)): what is made of each gene per unit of time.

    Parameters
    ----------
    centre, scale: level of unperturbed cells and size of a change, ln(1 + CP10K), shapes (genes,) and ().
    media: number of media; `hidden`, `seed`, `repeats` as in `BlackBox`.
    """

    centre: torch.Tensor

    def __init__(
        self,
        members: int,
        centre: torch.Tensor,
        scale: float,
        sizes: tuple[int, int],
        seed: int,
        repeats: int,
    ) -> None:
        super().__init__()
        media, hidden = sizes
        genes, draw = len(centre), _Draws(seed, members, repeats)
        self.register_buffer("centre", centre, persistent=False)
        self.scale = scale
        self.read = draw(genes, hidden, scale=genes**-0.5)
        self.bias = draw(1, hidden, scale=SMALL)
        self.write = draw(hidden, genes, scale=SMALL * hidden**-0.5)
        self.medium = draw(media, genes, scale=0.0)
        self.widths = {"read": genes**-0.5, "bias": 1.0, "write": scale * hidden**-0.5}
        with torch.no_grad():
            # At a decay rate of one, production equals the level of unperturbed cells.
            self.medium += torch.special.expm1(centre.clamp(min=1e-3)).log()

    def forward(self, state: torch.Tensor, medium: torch.Tensor) -> torch.Tensor:
        """Production, shape (members, rows, genes)."""
        hidden = torch.tanh((state - self.centre) / self.scale @ self.read + self.bias)
        return torch.nn.functional.softplus(self.medium[:, medium] + hidden @ self.write)


class Projected(torch.nn.Module):
    """A drift whose changes are kept within the directions of a few components: dx/dt = f(x) encode decode."""

    encode: torch.Tensor
    decode: torch.Tensor

    def __init__(self, drift: ProductionDecay, encode: torch.Tensor, decode: torch.Tensor) -> None:
        super().__init__()
        self.drift = drift
        self.register_buffer("encode", encode, persistent=False)
        self.register_buffer("decode", decode, persistent=False)

    @property
    def decay(self) -> torch.Tensor:
        """Rate of loss of each gene, per unit of time."""
        return self.drift.decay

    def forward(self, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
        """Change per unit of time, shape (members, rows, genes)."""
        return self.drift(state, intervention) @ self.encode @ self.decode


class Single(torch.nn.Module):
    """One member as a drift of its own, of states without an axis of members."""

    def __init__(self, drift: torch.nn.Module, member: int) -> None:
        super().__init__()
        self.drift = of_members(drift, [member])

    def forward(self, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
        """Change per unit of time, shape (rows, components)."""
        return self.drift(state[None], intervention)[0]


def field_of(drift: torch.nn.Module, intervention: Intervention) -> Field:
    """The drift under an intervention, as a function of the state."""
    if isinstance(drift, BlackBox):
        return drift.under(intervention)
    return lambda state: drift(state, intervention)


def of_members(drift: Network, members: Sequence[int]) -> Network:
    """A copy with these members only."""
    chosen = deepcopy(drift)
    for parameter in chosen.parameters():
        parameter.data = parameter.data[list(members)].clone()
    return chosen


def ridge(drift: torch.nn.Module) -> torch.Tensor:
    """Squares of the weights in units of their widths, and of the logarithm of decay rates, shape (members,).

    Twice minus the logarithm of a prior under which a network's changes have size one and rates are near one.
    """
    total: torch.Tensor | float = 0.0
    for module in drift.modules():
        if isinstance(module, BlackBox | ProductionNetwork):
            for name, width in module.widths.items():
                total = total + (getattr(module, name) / width).square().sum(dim=(1, 2))
        elif isinstance(module, ProductionDecay):
            total = total + (module.log_decay / DECAYS).square().sum(dim=(1, 2))
    assert isinstance(total, torch.Tensor)
    return total


class _Draws:
    """Normal weights of all members; blocks of members repeat the same draws."""

    def __init__(self, seed: int, members: int, repeats: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.members, self.repeats = members, repeats

    def __call__(self, *shape: int, scale: float) -> torch.nn.Parameter:
        drawn = torch.randn(self.members, *shape, generator=self.generator)
        return torch.nn.Parameter(scale * drawn.repeat(self.repeats, *[1] * len(shape)))
