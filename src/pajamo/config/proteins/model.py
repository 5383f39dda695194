"""The transformer: its family and its size."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from pajamo.config.strict import Config

Count = Annotated[int, Field(ge=1)]

SIZES: Final = {
    "8M": (6, 320, 20),
    "35M": (12, 480, 20),
    "150M": (30, 640, 20),
    "650M": (33, 1280, 20),
    "3B": (36, 2560, 40),
    "15B": (48, 5120, 40),
}
"""Layers, width and heads of the published ESM-2 models (Lin et al. 2023, Science 379, 1123, table S1)."""


class ProteinModelSettings(Config):
    """A transformer over residues: one of the published sizes, or layers, width and heads."""

    family: Literal["esm2", "modern"] = "esm2"
    """esm2: layer norm, GELU, biases, as the published weights; modern: RMS norm, SwiGLU, normalised queries and
    keys, no biases."""
    size: Literal["8M", "35M", "150M", "650M", "3B", "15B"] | None = None
    """One dial; sets layers, width and heads."""
    layers: Count | None = None
    """Blocks of attention and feed-forward; not with `size`."""
    width: Count | None = None
    """Numbers by which each residue is described; not with `size`."""
    heads: Count | None = None
    """Heads of attention; divides the width into an even number each; not with `size`."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        own = (self.layers, self.width, self.heads)
        if self.size is not None:
            if any(value is not None for value in own):
                raise ValueError("give `size`, or layers, width and heads, not both")
            return self
        if any(value is None for value in own):
            raise ValueError(f"give `size` ({', '.join(SIZES)}), or all of layers, width and heads")
        assert self.width is not None
        assert self.heads is not None
        if self.width % (2 * self.heads):
            raise ValueError("each head needs an even number of dimensions: width must divide by 2 x heads")
        return self

    @property
    def shape(self) -> tuple[int, int, int]:
        """Layers, width, heads."""
        if self.size is not None:
            return SIZES[self.size]
        assert self.layers is not None
        assert self.width is not None
        assert self.heads is not None
        return self.layers, self.width, self.heads
