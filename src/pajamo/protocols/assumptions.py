"""What a model may assume of the operator F(perturbation, medium, time), each assumption by one name.

Every model's card names those that it makes; `pajamo protocol check` says which of them the protocol
contradicts and tests those that the data can test (arXiv 2501.19178 names the first three).
"""

from __future__ import annotations

from typing import Final

ASSUMPTIONS: Final[dict[str, str]] = {
    "stationary-baseline": "unperturbed cells do not change in their medium",
    "unique-attractor": "perturbed cells come to one state, whatever they were before",
    "at-rest": "perturbed cells were measured after they had stopped changing",
    "instantaneous-edit": "an edit acts at once and for good",
    "complete-editing": "every cell of a perturbation carries the edit",
    "no-medium-response": "a perturbation does the same in every medium",
    "order-free": "the order of operations does not matter",
    "additive": "the effects of several perturbations add",
    "linear": "a change twice as large has effects twice as large",
    "same-cells": "perturbed and control cells differ in nothing but the perturbation, batch included",
}
"""Name of each assumption and the sentence that it stands for."""
