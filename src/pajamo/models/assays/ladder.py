"""Comparisons that need no mechanism: what one knows without a model, and maps from letters to one number."""

from __future__ import annotations

from dataclasses import dataclass

from pajamo.config.assays import LatentSettings, MechanismSettings
from pajamo.config.assays.mechanism import ReadingSettings, SequenceMap
from pajamo.errors import StudyError, nearest


@dataclass(frozen=True)
class Rung:
    """One comparison.

    Attributes
    ----------
    name: as in a study.
    title: what it is, in a few words.
    reference: where it was described.
    limits: what it cannot say.
    is_baseline: whether it is always fitted, and a mechanism that does not beat it explains nothing.
    encoder: how letters set the number; None if they do not.
    sd: standard deviation of the prior on its weights, chosen on the validation sets of MPSA and amyloid.
    """

    name: str
    title: str
    reference: str
    limits: str
    is_baseline: bool = False
    encoder: SequenceMap | None = None
    sd: float = 0.5

    @property
    def mechanism(self) -> MechanismSettings:
        """The declaration that is fitted."""
        if self.encoder is None:
            return LatentSettings(sequence=False)
        return LatentSettings(reads=ReadingSettings(encoder=self.encoder, sd=self.sd))


RUNGS = (
    Rung(
        "mean",
        "the same for every sequence",
        "the entropy of what was recorded",
        "Says what is known without any model; every model must beat it.",
        is_baseline=True,
    ),
    Rung(
        "additive",
        "each letter at each position contributes on its own",
        "Berg and von Hippel 1987, J Mol Biol 193, 723; Otwinowski et al. 2018, PNAS 115, E7550 (global epistasis)",
        "Letters do not depend on each other before the measurement's own curve; weights are in arbitrary units.",
        is_baseline=True,
        encoder="additive",
    ),
    Rung(
        "neighbour",
        "letters, and pairs of letters at neighbouring positions",
        "SantaLucia 1998, PNAS 95, 1460 (stacking of neighbours); Tareen et al. 2022, Genome Biology 23, 98",
        "Distant positions do not depend on each other; weights need a gauge before they are compared.",
        encoder="neighbour",
    ),
    Rung(
        "pairwise",
        "letters, and all pairs of letters",
        "Tareen et al. 2022, Genome Biology 23, 98",
        "Grows with the square of the length; with few sequences most pairs are set by the prior alone.",
        encoder="pairwise",
    ),
    Rung(
        "network",
        "a multilayer network on all letters",
        "Tareen et al. 2022, Genome Biology 23, 98 (black box)",
        "Nothing in it can be read as an energy; it estimates how much there is to explain.",
        encoder="network",
        sd=1.0,
    ),
    Rung(
        "convolution",
        "a convolutional network",
        "Alipanahi et al. 2015, Nature Biotechnology 33, 831",
        "Nothing in it can be read as an energy; it estimates how much there is to explain, wherever a motif lies.",
        encoder="convolution",
        sd=1.0,
    ),
)
"""From the simplest to the most flexible."""


def rung(name: str) -> Rung:
    """A comparison by its name.

    Raises
    ------
    StudyError: there is none of this name.
    """
    known = {each.name: each for each in RUNGS}
    if name not in known:
        raise StudyError(
            f"there is no comparison {name!r}",
            where="models.ladder",
            fix=f"{nearest(name, known)}there are: {', '.join(known)}",
        )
    return known[name]


def ladder(names: tuple[str, ...] = ()) -> dict[str, Rung]:
    """The baselines, and the comparisons that a study asks for, from the simplest to the most flexible.

    Raises
    ------
    StudyError: there is no comparison of some name.
    """
    asked = {rung(name).name for name in names}
    return {each.name: each for each in RUNGS if each.is_baseline or each.name in asked}
