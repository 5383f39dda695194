"""Profiles and networks as arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.encoders.pair import Profiles
from pajamo.models.base import Array
from pajamo.models.pair_correction.correction import PARAMETERS, Members
from pajamo.models.parts.main_effects import MainEffects


def profile_arrays(profiles: Sequence[Profiles]) -> dict[str, NDArray[np.generic]]:
    """What of the profiles the main effects do not tell."""
    first = profiles[0]
    filtered = np.stack([profile.filtered for profile in profiles])
    return {"filtered": filtered, "scale": first.scale, "error": first.error}


def restored_profiles(
    effects: MainEffects, control: Array, arrays: Mapping[str, Array]
) -> tuple[Profiles, ...]:
    """Profiles in every setting; `control` is the measured one, shape (settings, genes)."""
    return tuple(
        Profiles(
            effects.effects[s], arrays["filtered"][s], effects.level[s],
            control[s], arrays["scale"], arrays["error"],
        )
        for s in range(len(effects.settings))
    )  # fmt: skip


def member_arrays(members: Members) -> dict[str, NDArray[np.generic]]:
    """Parameters of all networks."""
    return {f"members.{name}": getattr(members, name).detach().numpy() for name in PARAMETERS}


def restored_members(arrays: Mapping[str, Array], seed: int) -> Members:
    """Networks with these parameters."""
    count, _, hidden = arrays["members.hidden_weight"].shape
    members = Members(count, hidden, seed)
    with torch.no_grad():
        for name in PARAMETERS:
            getattr(members, name).copy_(torch.from_numpy(np.array(arrays[f"members.{name}"])))
    return members
