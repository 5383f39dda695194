"""Processors by name: how much they hold, how fast they are, and how they are joined."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pajamo.errors import StudyError, nearest
from pajamo.training.trainer.peaks import peak_of

GIB: Final = 2**30


@dataclass(frozen=True)
class Processor:
    """A kind of GPU, as its maker's data sheet describes it.

    Attributes
    ----------
    name: as in "64xH100".
    memory: bytes.
    bandwidth: bytes a second from its own memory.
    link: bytes a second, each way, to the others of its machine.
    network: bytes a second, each way, to other machines, for each GPU.
    price: assumed dollars an hour; a guess at a cloud's price, to be replaced by yours.
    """

    name: str
    memory: float
    bandwidth: float
    link: float
    network: float
    price: float

    @property
    def peak(self) -> float:
        """Operations a second in bfloat16, dense, added up in 32 bits."""
        found = peak_of(self.name, "bfloat16")
        assert found is not None, f"{self.name} is in one table and not in the other"
        return found


PROCESSORS: Final = {
    one.name: one
    for one in (
        Processor("A100-40GB", 40 * GIB, 1.56e12, 300e9, 25e9, 1.5),
        Processor("A100-80GB", 80 * GIB, 2.04e12, 300e9, 25e9, 1.8),
        Processor("H100", 80 * GIB, 3.35e12, 450e9, 50e9, 2.5),
        Processor("H200", 141e9, 4.8e12, 450e9, 50e9, 3.5),
        Processor("B200", 180e9, 8.0e12, 900e9, 50e9, 5.0),
        Processor("L40S", 48 * GIB, 0.86e12, 32e9, 12e9, 1.0),
        Processor("A10", 24 * GIB, 0.6e12, 32e9, 6e9, 0.8),
        Processor("RTX4090", 24 * GIB, 1.01e12, 25e9, 3e9, 0.5),
    )
}
"""Memory and bandwidths: NVIDIA's data sheets of each (SXM where there is one). Network: 200 or 400 Gb/s a GPU
as such machines usually have."""
ALIASES: Final = {"A100": "A100-80GB", "4090": "RTX4090"}
IN_MACHINE: Final = 8
"""GPUs of one machine, at most."""


@dataclass(frozen=True)
class Fleet:
    """Processors that train together.

    Attributes
    ----------
    number: of them.
    processor: all of one kind.
    """

    number: int
    processor: Processor

    @property
    def machines(self) -> int:
        """Machines that hold them."""
        return -(-self.number // IN_MACHINE)

    def bandwidth(self, number: int | None = None) -> float:
        """Bytes a second that each sends and receives when this many (all) exchange the same."""
        joined = self.number if number is None else number
        return self.processor.link if joined <= IN_MACHINE else self.processor.network


def parse_fleet(text: str) -> Fleet:
    """Read "64xH100" (or "H100" for one).

    Raises
    ------
    StudyError: no number, or a name that is not known; known ones are named.
    """
    found = re.fullmatch(r"\s*(?:(\d+)\s*[x×*]\s*)?([\w.-]+)\s*", text)
    if found is None or found[1] == "0":
        raise StudyError(
            f"{text!r} names no GPUs", where="--gpus", fix='write a number and a kind: "64xH100"'
        )
    names = {name.lower(): name for name in PROCESSORS} | {k.lower(): v for k, v in ALIASES.items()}
    name = names.get(found[2].lower())
    if name is None:
        raise StudyError(
            f"{found[2]!r} is a kind of GPU that is not known here",
            where="--gpus",
            fix=f"{nearest(found[2], PROCESSORS)}known: {', '.join(PROCESSORS)}",
        )
    return Fleet(int(found[1] or 1), PROCESSORS[name])
