"""Nucleases: where their PAM is, and so from which end a guide pairs with its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pajamo.config.assays import EnzymeSettings
from pajamo.errors import StudyError, nearest

MEANT = {
    "A": "A", "C": "C", "G": "G", "T": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
    "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip
"""Bases that a letter of a motif stands for (IUPAC)."""


@dataclass(frozen=True)
class Enzyme:
    """An RNA-guided nuclease.

    Attributes
    ----------
    name: as in a study.
    pam: motif beside the protospacer, as written 5' to 3' on the non-target strand.
    side: end of the protospacer at which it lies. The R-loop opens from there.
    """

    name: str
    pam: str
    side: Literal["3'", "5'"]

    def from_pam(self, sequence: str) -> str:
        """A guide or target with its PAM, read from the PAM's outer end outwards."""
        return sequence[::-1] if self.side == "3'" else sequence

    as_written = from_pam
    """The same turned back: 5' to 3'."""

    @property
    def asked(self) -> str:
        """The PAM from its outer end inwards, with N where it asks for no one base."""
        return "".join(letter if letter in "ACGT" else "N" for letter in self.from_pam(self.pam))

    def has_pam(self, sequence: str) -> bool:
        """Whether a sequence, read from the PAM's outer end, starts with a PAM of this enzyme.

        N in the sequence stands for any base, where the motif leaves a choice.
        """
        motif = self.from_pam(self.pam)
        if len(sequence) < len(motif):
            return False
        bases = (MEANT[letter] for letter in motif)
        return all(
            base in known or (base == "N" and len(known) > 1)
            for base, known in zip(sequence, bases, strict=False)
        )


ENZYMES = {
    enzyme.name: enzyme
    for enzyme in (
        Enzyme("Cas9", "NGG", "3'"),
        Enzyme("Cas9-NG", "NGN", "3'"),
        Enzyme("xCas9", "NGN", "3'"),
        Enzyme("SpG", "NGN", "3'"),
        Enzyme("SpRY", "NRN", "3'"),
        Enzyme("SaCas9", "NNGRRT", "3'"),
        Enzyme("Cas12a", "TTTV", "5'"),
    )
}
"""Nucleases by name. Variants of one (high-fidelity SpCas9, say) share its entry.

Those of SpCas9 with a wider PAM (Nishimasu et al. 2018, Science 361, 1259; Hu et al. 2018, Nature 556, 57; Walton et
al. 2020, Science 368, 290) have one of three bases too, so that a position of the protospacer is the same for all.
What some of them cut besides (GAA and GAT of xCas9, NYN of SpRY) takes a motif of its own.
"""


def enzyme_of(given: str | EnzymeSettings) -> Enzyme:
    """A nuclease by its name, in any case, or by its PAM.

    Raises
    ------
    StudyError: there is none of this name.
    """
    if isinstance(given, EnzymeSettings):
        return Enzyme(f"the enzyme with {given.pam or 'no PAM'}", given.pam, given.side)
    name = given
    known = {each.lower(): enzyme for each, enzyme in ENZYMES.items()}
    if name.lower() not in known:
        raise StudyError(
            f"there is no enzyme {name!r}",
            where="enzyme",
            fix=f"{nearest(name, ENZYMES)}there are: {', '.join(ENZYMES)}; for another one give its PAM, "
            """enzyme = { pam = "NNAGAAW", side = "3'" }""",
        )
    return known[name.lower()]
