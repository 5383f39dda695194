"""How it was recorded: operations on cells in order, their controls, and what that costs in error."""

from pajamo.protocols.assumptions import ASSUMPTIONS
from pajamo.protocols.protocol import Protocol
from pajamo.protocols.steps import culture, deliver, differentiate, measure, perturb, transplant

__all__ = [
    "ASSUMPTIONS",
    "Protocol",
    "culture",
    "deliver",
    "differentiate",
    "measure",
    "perturb",
    "transplant",
]
