"""How an encoder is trained at scale: steps, batches, optimiser, precision, and what is kept."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pajamo.config.strict import Config

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class OptimiserSettings(Config):
    """How weights follow from gradients."""

    name: Literal["adamw", "muon"] = "adamw"
    """muon: matrices inside the blocks by Muon, all else by AdamW."""
    learning_rate: Positive = 4e-4
    """Of AdamW, at its highest."""
    matrix_rate: Positive = 0.02
    """Of Muon, at its highest."""
    betas: tuple[Share, Share] = (0.9, 0.98)
    """Decay of AdamW's first and second moments."""
    momentum: Share = 0.95
    """Of Muon."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Of matrices; vectors (norms, biases) and embeddings do not decay."""
    clip: Positive | None = 1.0
    """Largest norm of the gradient; None to leave it."""


class ScheduleSettings(Config):
    """How the rates change with steps."""

    shape: Literal["linear", "cosine", "trapezoid", "constant"] = "linear"
    """linear: ESM-2's, down to `final` at nine tenths of all steps, then constant; trapezoid: constant, then linear
    down over the last `decay` of steps."""
    warm_up: Annotated[int, Field(ge=0)] = 2000
    """Steps over which rates rise from zero."""
    final: Share = 0.1
    """Rate at the end, as a share of the highest."""
    decay: Share = 0.2
    """Of a trapezoid: share of all steps over which it falls."""


class GuardSettings(Config):
    """What happens when a step goes wrong."""

    skip: Annotated[int, Field(ge=0)] = 3
    """Steps in a row with a loss or gradient that is not finite, which are left out, before going back."""
    spike: Positive | None = 3.0
    """A loss this many times the running mean of the last hundred counts as gone wrong too; None to accept it."""
    roll_back: Annotated[int, Field(ge=0)] = 2
    """Times that training goes back to the last checkpoint and leaves out the batches at fault; then it stops."""


class TrainingSettings(Config):
    """The same file serves one processor and many: batches do not depend on how many there are."""

    steps: Count
    """Updates of the weights."""
    packs: Count = 8
    """Packs in a global batch; shared out over processes and, in each, one after the other."""
    tokens: Annotated[int, Field(ge=16)] = 8192
    """Tokens that one pack holds at most: as many as fit the memory of a processor."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16: computed so; weights, their gradients' sums, and losses stay in 32 bits."""
    compile: bool = False
    """Compile the blocks (torch.compile); packs then have a fixed size."""
    sharding: Literal["none", "full", "hybrid"] = "none"
    """none: every process has all weights; full: weights are shared out over all; hybrid: over the processes of a
    machine, repeated over machines."""
    recompute: bool = False
    """Keep only the blocks' inputs for the backward pass and compute the rest again: less memory, more work."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: a GPU where there is one."""
    save_every: Count = 500
    """Steps between checkpoints."""
    keep: Count = 2
    """Checkpoints that are kept."""
    validate_every: Count = 500
    """Steps between looks at the proteins kept aside."""
    minutes: Positive | None = None
    """Time after which training saves and stops, to be gone on with."""
    optimiser: OptimiserSettings = OptimiserSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    guard: GuardSettings = GuardSettings()

    @model_validator(mode="after")
    def _warm_up_fits(self) -> Self:
        if self.schedule.warm_up >= self.steps and self.schedule.warm_up > 0:
            raise ValueError("`schedule.warm_up` must end before the last of `steps`")
        return self
