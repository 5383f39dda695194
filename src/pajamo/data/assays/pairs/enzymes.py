"""Nucleases: where their PAM is, and so from which end a guide pairs with its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pajamo.errors import StudyError, nearest


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


ENZYMES = {
    enzyme.name: enzyme
    for enzyme in (
        Enzyme("Cas9", "NGG", "3'"),
        Enzyme("SaCas9", "NNGRRT", "3'"),
        Enzyme("Cas12a", "TTTV", "5'"),
    )
}
"""Nucleases by name. Variants of one (high-fidelity SpCas9, say) share its entry."""


def enzyme_of(name: str) -> Enzyme:
    """A nuclease by its name, in any case.

    Raises
    ------
    StudyError: there is none of this name.
    """
    known = {each.lower(): enzyme for each, enzyme in ENZYMES.items()}
    if name.lower() not in known:
        raise StudyError(
            f"there is no enzyme {name!r}",
            where="enzyme",
            fix=f"{nearest(name, ENZYMES)}there are: {', '.join(ENZYMES)}",
        )
    return known[name.lower()]
