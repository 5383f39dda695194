"""The canonical units in which pajamo stores and reports numbers."""

from __future__ import annotations

from typing import Final

LOG_NORMALISED: Final = "ln(1 + CP10K)"
"""Natural logarithm of one plus the counts per ten thousand of the cell's library."""

NORMALISATION_TARGET: Final = 1e4
"""Library size to which each cell is scaled before the logarithm."""
