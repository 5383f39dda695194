"""Comparisons that need no mechanism: what one knows without a model, and maps from letters to one number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pajamo.config.assays import LatentSettings, MechanismSettings
from pajamo.config.assays.reading import EncoderName, ReadingSettings
from pajamo.errors import StudyError, nearest

PAIR_SD = 10.0
"""Standard deviation of the prior on what a change of a target adds to ln of the rate: of 1, 3 and 10 the best on
pairs of either guide of NucleaSeq that were kept aside from the fit."""


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
    changes: how substitutions of guide-target pairs are told apart.
    """

    name: str
    title: str
    reference: str
    limits: str
    is_baseline: bool = False
    encoder: EncoderName | None = None
    sd: float = 0.5
    changes: Literal["to", "kind"] = "to"

    @property
    def mechanism(self) -> MechanismSettings:
        """The declaration that is fitted."""
        if self.encoder is None:
            return LatentSettings(sequence=False)
        return LatentSettings(reads=ReadingSettings(encoder=self.encoder, sd=self.sd, changes=self.changes))


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


_BY_NAME = {each.name: each for each in RUNGS}
PAIR_RUNGS = (
    replace(_BY_NAME["mean"], title="the same for every pair"),
    Rung(
        "additive",
        "each change at each position of a target changes ln of the rate (or the odds) on its own",
        "as the tables of Hsu et al. 2013, Nat Biotechnol 31, 827, and CFD (Doench et al. 2016, ibid. 34, 184)",
        "Two mismatches multiply, wherever they lie; what was never seen at a place has no weight there.",
        is_baseline=True,
        encoder="additive",
        sd=PAIR_SD,
    ),
    Rung(
        "shared",
        "the same, with weights that places and kinds of changes share",
        "weights that slide along the guide, as in Elektrum's rates, without its kinetics",
        "Two mismatches multiply; how a kind of change and its place go together is left out.",
        is_baseline=True,
        encoder="profile",
        sd=PAIR_SD,
        changes="kind",
    ),
    replace(
        _BY_NAME["network"],
        title="a multilayer network on all changes",
        reference="what differs at each position, into hidden layers (black box)",
        sd=PAIR_SD,
    ),
)
"""The same for guide-target pairs."""


def rung(name: str, rungs: tuple[Rung, ...] = RUNGS) -> Rung:
    """A comparison by its name.

    Raises
    ------
    StudyError: there is none of this name.
    """
    known = {each.name: each for each in rungs}
    if name in known:
        return known[name]
    if name in _BY_NAME:
        raise StudyError(
            f"the comparison {name!r} does not read guide-target pairs",
            where="models.ladder",
            why="neighbouring letters of a sequence are no neighbours once a target is laid beside its guide",
            fix=f"leave it out; of pairs there are: {', '.join(known)}",
        )
    raise StudyError(
        f"there is no comparison {name!r}",
        where="models.ladder",
        fix=f"{nearest(name, known)}there are: {', '.join(known)}",
    )


def ladder(names: tuple[str, ...] = (), *, pairs: bool = False) -> dict[str, Rung]:
    """The baselines, and the comparisons that a study asks for, from the simplest to the most flexible.

    Parameters
    ----------
    names: of the comparisons.
    pairs: whether guide-target pairs are read instead of sequences.

    Raises
    ------
    StudyError: there is no comparison of some name, or it does not read pairs.
    """
    rungs = PAIR_RUNGS if pairs else RUNGS
    asked = {rung(name, rungs).name for name in names}
    return {each.name: each for each in rungs if each.is_baseline or each.name in asked}
