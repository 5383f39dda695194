"""Settings of Peper."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pajamo.config import Config


class PeperSettings(Config):
    """Settings of Peper."""

    noise: float = Field(default=0.1, gt=0)
    """As in Salt-LS with fixed shrinkage: variance of a typical single's mean, in units of main effects'."""
    combination_noise: float = Field(default=3.0, ge=1)
    """As in Salt-LS with fixed shrinkage: how many times noisier a combination is taken to be than a single."""
    members: int = Field(default=5, ge=2)
    """Folds of training doubles; each has a network that learns from the other folds."""
    network: bool = True
    """Whether a network corrects what the linear stack leaves."""
    hidden: int = Field(default=32, ge=1)
    """Hidden units of each network."""
    steps: int = Field(default=150, ge=1)
    """Steps of the training loop."""
    distribution: Literal["means", "energy", "mmd"] = "energy"
    """What else is trained on, if the training set holds cells: nothing, or the energy distance or
    maximum mean discrepancy between drawn and measured cells of training doubles."""
