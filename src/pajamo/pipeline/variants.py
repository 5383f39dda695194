"""One model with one of several embeddings of genes: a variant, and what the ladder calls it."""

from __future__ import annotations

from dataclasses import dataclass

from pajamo.config import Study
from pajamo.errors import ModelError, nearest
from pajamo.models.base import Model
from pajamo.models.registry import models


@dataclass(frozen=True)
class Variant:
    """A model, and the embedding of genes that it is fitted with.

    Attributes
    ----------
    model: name of the model.
    embedding: name of the embedding; "" for what the study gives to every model, a table or nothing.
    """

    model: str
    embedding: str = ""

    @property
    def name(self) -> str:
        """What tables and files call it: "peper", or "peper [protein]"."""
        return f"{self.model} [{self.embedding}]" if self.embedding else self.model

    @classmethod
    def named(cls, name: str) -> Variant:
        """The variant that has this name."""
        model, _, embedding = name.partition(" [")
        return cls(model, embedding.removesuffix("]"))

    @property
    def kind(self) -> type[Model]:
        """Class of its model.

        Raises
        ------
        ModelError: no model has this name.
        """
        known = models()
        if self.model not in known:
            fix = f"{nearest(self.model, known)}known: {', '.join(known)}"
            raise ModelError(f"there is no model called {self.model!r}", fix=fix)
        return known[self.model]


def variants_of(model: str, study: Study) -> tuple[Variant, ...]:
    """The model with each embedding of the study; once where it takes none, or where the study compares none."""
    variant = Variant(model)
    if study.priors is None or not variant.kind.takes_embedding:
        return (variant,)
    return tuple(Variant(model, embedding) for embedding in study.priors.names)


def chosen_variant(name: str, study: Study) -> Variant:
    """The variant that a user names.

    Raises
    ------
    ModelError: no model has this name, or the study leaves open which embedding is meant.
    """
    variant, known = Variant.named(name), variants_of(Variant.named(name).model, study)
    if variant in known:
        return variant
    names = [one.name for one in known]
    raise ModelError(
        f"the study does not say which model {name!r} is",
        why="a model that takes an embedding of genes is a model for each that the study names",
        fix=f"{nearest(name, names)}name one of: {', '.join(names)}",
    )
