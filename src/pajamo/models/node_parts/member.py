"""One member of a batch of networks as an ordinary drift, without copying its weights."""

from __future__ import annotations

import torch
from torch.func import functional_call

from pajamo.mechanisms.flows.intervention import Intervention


class Member:
    """dx/dt of one member, as losses and rest points want it: states without an axis of members.

    Parameters
    ----------
    drift: of several members, whose weights all begin with their axis.
    member: which of them; gradients flow to its weights.
    """

    def __init__(self, drift: torch.nn.Module, member: int) -> None:
        self.module, self.member = drift, member
        self.own = {name: p[member : member + 1] for name, p in drift.named_parameters()}

    def __call__(self, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
        """Change per unit of time, shape (rows, components)."""
        change: torch.Tensor = functional_call(self.module, self.own, (state[None], intervention))
        return change[0]


class DecayingMember(Member):
    """A member whose residuals can be divided by its decay."""

    @property
    def decay(self) -> torch.Tensor:
        """Rate of loss of each component, per unit of time, shape (components,)."""
        decay: torch.Tensor = self.module.decay[self.member, 0]  # type: ignore[index,assignment]
        return decay


def member_of(drift: torch.nn.Module, member: int) -> Member:
    """The member, with its decay where the drift has one."""
    return DecayingMember(drift, member) if hasattr(drift, "decay") else Member(drift, member)
